//! How many patients each person sees in a day, compared with what is usual: for them, and for their role.
//!
//! A day's number is *unusual* when it is above `factor` times a usual number, and above `threshold` whatever is usual. The usual number is the median over the
//! days of the 28 before on which something was seen: of that person, and of everyone in the same role. Where neither is known the threshold alone decides.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::events::AccessRecorded;
use crate::ids::{PatientId, UserId};
use crate::value::InvalidValue;

/// How many days before a day say what is usual on it.
pub const USUAL_DAYS: u64 = 28;

/// From when on a number is unusual.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unusual {
    threshold: u32,
    factor: f64,
}

impl Default for Unusual {
    fn default() -> Self {
        Self { threshold: Self::THRESHOLD, factor: Self::FACTOR }
    }
}

impl Unusual {
    /// So many patients in a day are nothing unusual for anyone, unless it is said.
    pub const THRESHOLD: u32 = 50;
    /// So many times the usual number is usual yet, unless it is said.
    pub const FACTOR: f64 = 3.0;

    /// Above `factor` times the usual number, and above `threshold`.
    pub fn above(threshold: u32, factor: f64) -> Result<Self, InvalidValue> {
        if !(1.0..=1000.0).contains(&factor) {
            return Err(InvalidValue("be 1 to 1000"));
        }
        Ok(Self { threshold, factor })
    }

    fn limit(self, usual: &Usual) -> f64 {
        (self.factor * usual.median).max(f64::from(self.threshold))
    }
}

/// What is usual.
#[derive(Clone, Copy, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usual {
    /// The median of the numbers of patients.
    pub median: f64,
    /// Of how many days of the 28 before; for a role, the days of all who have it together.
    pub days: usize,
}

impl Usual {
    fn of(mut numbers: Vec<u32>) -> Option<Self> {
        numbers.sort_unstable();
        let middle = numbers.len() / 2;
        let upper = f64::from(*numbers.get(middle)?);
        let median = if numbers.len() % 2 == 1 { upper } else { f64::midpoint(f64::from(numbers[middle - 1]), upper) };
        Some(Self { median, days: numbers.len() })
    }
}

/// What a number is above.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Above {
    /// What is usual for the person.
    OwnUsual,
    /// What is usual for their role.
    RoleUsual,
    /// The threshold; nothing is known of what is usual.
    Threshold,
}

/// How many patients a person saw in a day.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Who.
    pub user: UserId,
    /// As what; several roles are separated by commas.
    pub role: String,
    /// On which day.
    pub day: NaiveDate,
    /// How many patients they saw something of.
    pub patients: u32,
    /// What is usual for them.
    pub own: Option<Usual>,
    /// What is usual for their role.
    pub of_role: Option<Usual>,
    /// What the number is above; of one that is not unusual, nothing.
    pub above: Vec<Above>,
    /// The number and what it was compared with, in one sentence.
    pub explanation: String,
}

/// The patients seen in a day by each person, as what they looked last.
type OfADay = BTreeMap<UserId, (String, BTreeSet<PatientId>)>;

/// Counts days: records are added day by day, from the last day to the first. Only the day that is being counted is held patient by patient.
#[derive(Default)]
pub struct Volumes {
    counting: Option<(NaiveDate, OfADay)>,
    days: BTreeMap<NaiveDate, BTreeMap<UserId, (String, u32)>>,
}

impl Volumes {
    /// Adds an access of a day. A day that is not the one before has been counted.
    pub fn add(&mut self, day: NaiveDate, access: &AccessRecorded, role: &str) {
        if access.patients.is_empty() {
            return;
        }
        if self.counting.as_ref().is_some_and(|(counting, _)| *counting != day) {
            self.close();
        }
        let (_, of_day) = self.counting.get_or_insert_with(|| (day, OfADay::new()));
        let (_, seen) = of_day.entry(access.user).or_insert_with(|| (role.to_owned(), BTreeSet::new()));
        seen.extend(&access.patients);
    }

    fn close(&mut self) {
        let Some((day, of_day)) = self.counting.take() else { return };
        let count = |seen: &BTreeSet<PatientId>| u32::try_from(seen.len()).unwrap_or(u32::MAX);
        self.days.entry(day).or_default().extend(of_day.into_iter().map(|(user, (role, seen))| (user, (role, count(&seen)))));
    }

    /// The numbers of the days from `first` to `last`, in order, each with what is usual; those that are not unusual too, where `all` are asked for.
    pub fn unusual(mut self, first: NaiveDate, last: NaiveDate, unusual: Unusual, all: bool) -> Vec<Volume> {
        self.close();
        let mut found = Vec::new();
        for (day, of_day) in self.days.range(first..=last) {
            let (own, of_roles) = self.usual(*day);
            for (user, (role, patients)) in of_day {
                let numbers = |of: Option<&Vec<u32>>| of.cloned().and_then(Usual::of);
                let volume = Volume::of((*user, role, *day, *patients), numbers(own.get(user)), of_roles.get(role.as_str()).copied(), unusual);
                if all || !volume.above.is_empty() {
                    found.push(volume);
                }
            }
        }
        found
    }

    /// The numbers of each person, and what is usual for each role, in the days before a day.
    fn usual(&self, day: NaiveDate) -> (BTreeMap<UserId, Vec<u32>>, BTreeMap<&str, Usual>) {
        let mut own: BTreeMap<UserId, Vec<u32>> = BTreeMap::new();
        let mut of_roles: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (user, (role, patients)) in self.days.range(day - Days::new(USUAL_DAYS)..day).flat_map(|(_, of_day)| of_day) {
            own.entry(*user).or_default().push(*patients);
            of_roles.entry(role).or_default().push(*patients);
        }
        (own, of_roles.into_iter().filter_map(|(role, numbers)| Some((role, Usual::of(numbers)?))).collect())
    }
}

impl Volume {
    fn of((user, role, day, patients): (UserId, &str, NaiveDate, u32), own: Option<Usual>, of_role: Option<Usual>, unusual: Unusual) -> Self {
        let exceeds = |usual: &Option<Usual>| usual.as_ref().is_some_and(|usual| f64::from(patients) > unusual.limit(usual));
        let unknown = own.is_none() && of_role.is_none() && patients > unusual.threshold;
        let above = [(exceeds(&own), Above::OwnUsual), (exceeds(&of_role), Above::RoleUsual), (unknown, Above::Threshold)];
        let above = above.into_iter().filter_map(|(is, above)| is.then_some(above)).collect();
        let said = |whose: &str, usual: Option<Usual>| match usual {
            Some(usual) => {
                let limit = unusual.limit(&usual);
                format!(
                    "the median of {whose} was {} ({} days with accesses among the {USUAL_DAYS} before), which makes {limit} the most that is usual",
                    usual.median, usual.days
                )
            }
            None => format!("nothing is known of what is usual for {whose}"),
        };
        let explanation = format!(
            "{patients} patients on {day}; {}; {}; {} or fewer are never unusual.",
            said("this person", own),
            said("this role", of_role),
            unusual.threshold
        );
        Self { user, role: role.to_owned(), day, patients, own, of_role, above, explanation }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::access::examples::{OTHER_USER, USER, saw};

    /// Days of March 2027.
    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 3, day).unwrap()
    }

    fn patients(many: u128) -> Vec<PatientId> {
        (0..many).map(|number| PatientId(Uuid::from_u128(number))).collect()
    }

    /// Of each person so many patients on each day, from the last day to the first.
    fn volumes(of: &[(UserId, &str, u32, u128)]) -> Volumes {
        let mut volumes = Volumes::default();
        for (user, role, on, many) in of {
            // In two operations, one of which shows them all again.
            volumes.add(day(*on), &saw(*user, &patients(*many)), role);
            volumes.add(day(*on), &saw(*user, &patients(1)), role);
        }
        volumes
    }

    #[test]
    fn a_day_is_compared_with_the_median_of_those_before() {
        let of =
            [(USER, "clinician", 31, 31), (USER, "clinician", 30, 12), (USER, "clinician", 29, 8), (USER, "clinician", 28, 10), (USER, "clinician", 2, 900)];
        let found = volumes(&of).unusual(day(31), day(31), Unusual::above(5, 3.0).unwrap(), false);
        let [volume] = &found[..] else { panic!("{found:?}") };
        assert_eq!((volume.patients, volume.own), (31, Some(Usual { median: 10.0, days: 3 })), "the 2nd is 29 days before");
        assert_eq!(volume.above, [Above::OwnUsual, Above::RoleUsual]);
        assert_eq!(
            volume.explanation,
            "31 patients on 2027-03-31; the median of this person was 10 (3 days with accesses among the 28 before), which makes 30 the most that is usual; \
             the median of this role was 10 (3 days with accesses among the 28 before), which makes 30 the most that is usual; 5 or fewer are never unusual."
        );
        for (threshold, factor) in [(31, 3.0), (5, 3.1)] {
            assert!(volumes(&of).unusual(day(31), day(31), Unusual::above(threshold, factor).unwrap(), false).is_empty(), "{threshold} {factor}");
        }
        assert_eq!(volumes(&of).unusual(day(1), day(31), Unusual::default(), true).len(), 5, "all of them, where all are asked for");
    }

    #[test]
    fn whoever_always_sees_many_is_compared_with_their_role() {
        let much = [31, 30, 29].map(|day| (USER, "clinician", day, 90));
        let others = [(OTHER_USER, "clinician", 28, 10), (OTHER_USER, "clinician", 27, 10), (OTHER_USER, "clinician", 26, 10)];
        let found = volumes(&[much.as_slice(), &others].concat()).unusual(day(31), day(31), Unusual::default(), false);
        assert_eq!(found.iter().map(|volume| (volume.user, volume.above.clone())).collect::<Vec<_>>(), [(USER, vec![Above::RoleUsual])]);
        assert_eq!(found[0].of_role, Some(Usual { median: 10.0, days: 5 }));
    }

    #[test]
    fn where_nothing_is_known_the_threshold_decides() {
        let found = volumes(&[(USER, "clinician", 31, 51), (OTHER_USER, "front-desk", 31, 50)]).unusual(day(1), day(31), Unusual::default(), false);
        assert_eq!(found.iter().map(|volume| (volume.user, volume.above.clone())).collect::<Vec<_>>(), [(USER, vec![Above::Threshold])]);
    }

    #[test]
    fn an_even_number_of_days_has_the_middle_of_two() {
        assert_eq!(Usual::of(vec![4, 1, 2, 9]), Some(Usual { median: 3.0, days: 4 }));
        assert_eq!(Usual::of(vec![]), None);
        assert!(Unusual::above(1, 0.5).is_err() && Unusual::above(1, f64::NAN).is_err() && Unusual::above(1, 1.0).is_ok());
    }
}
