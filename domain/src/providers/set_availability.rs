//! Set the weekly hours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{FacilityId, PractitionerId};
use crate::organizations::FacilityStanding;
use crate::permission::Permission;
use crate::providers::{AvailabilitySet, PractitionerStanding, SlotLength, WeeklyHours};
use crate::query::Query;
use crate::time::LocalDate;
use crate::value::at_most;

/// Sets the weekly hours of a practitioner at a facility from a date on, in place of what was set before for that facility and those dates.
/// Appointments that are booked already stay.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetAvailability {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Where; the hours are what its clocks show.
    pub facility: FacilityId,
    /// From this local date on.
    pub from: LocalDate,
    /// Up to and including this local date, if it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<LocalDate>,
    /// The hours; none means not available.
    #[serde(deserialize_with = "at_most::<84, _, _>")]
    #[schemars(length(max = 84))]
    pub weekly: Vec<WeeklyHours>,
    /// The length of a slot offered for booking, in minutes.
    pub slot: SlotLength,
}

/// Why they were not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum SetAvailabilityRejection {
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
    /// The practitioner has retired by then.
    #[error("the practitioner has retired by then")]
    PractitionerRetired,
    /// No such facility.
    #[error("the facility is not known")]
    FacilityUnknown,
    /// They would end before they begin.
    #[error("the last day comes before the first")]
    UntilBeforeFrom,
    /// Hours on one day of the week overlap each other.
    #[error("hours on one day overlap")]
    HoursOverlap,
}

/// The practitioner, and the facility whose clocks count.
pub struct SettingHours {
    pub(super) practitioner: PractitionerStanding,
    pub(super) facility: FacilityStanding,
}

impl SettingHours {
    /// Before any event, and the events it is folded from.
    pub fn model(practitioner: PractitionerId, facility: FacilityId) -> (Self, Query) {
        let model = Self { practitioner: PractitionerStanding::of(practitioner), facility: FacilityStanding::of(facility) };
        let query = model.practitioner.query(&[]).or(model.facility.query());
        (model, query)
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        self.practitioner.apply(event);
        self.facility.apply(event);
    }
}

impl Decision for SetAvailability {
    type Model = SettingHours;
    type Event = AvailabilitySet;
    type Rejection = SetAvailabilityRejection;

    fn model(&self) -> (SettingHours, Query) {
        SettingHours::model(self.practitioner, self.facility)
    }

    fn apply(model: &mut SettingHours, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &SettingHours, _circumstances: &Circumstances) -> Result<Vec<AvailabilitySet>, SetAvailabilityRejection> {
        let Self { practitioner, facility, weekly, .. } = self.clone();
        let (from, until) = (self.from.into(), self.until.map(Into::into));
        if !model.practitioner.is_onboarded() {
            return Err(SetAvailabilityRejection::PractitionerUnknown);
        }
        if model.practitioner.calendar.retired_from().is_some_and(|retired| retired <= from) {
            return Err(SetAvailabilityRejection::PractitionerRetired);
        }
        let zone = model.facility.time_zone.ok_or(SetAvailabilityRejection::FacilityUnknown)?;
        if until.is_some_and(|until| until < from) {
            return Err(SetAvailabilityRejection::UntilBeforeFrom);
        }
        let overlaps = |one: &WeeklyHours, other: &WeeklyHours| one.day == other.day && one.hours.overlaps(other.hours);
        if weekly.iter().enumerate().any(|(index, one)| weekly[index + 1..].iter().any(|other| overlaps(one, other))) {
            return Err(SetAvailabilityRejection::HoursOverlap);
        }
        Ok(vec![AvailabilitySet { practitioner, facility, zone, from, until, weekly, slot: self.slot.into() }])
    }
}

impl Command for SetAvailability {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "set-availability";
    const PERMISSION: Permission = Permission::ManagePractitioners;

    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Weekday;
    use crate::providers::examples::*;
    use crate::testing::given;

    fn on(day: Weekday, start: &str, end: &str) -> WeeklyHours {
        WeeklyHours { day, hours: hours(start, end) }
    }

    fn set(weekly: &[WeeklyHours]) -> SetAvailability {
        let (from, slot) = ("2027-02-01".parse().unwrap(), 20.try_into().unwrap());
        SetAvailability { practitioner: PRACTITIONER, facility: FACILITY, from, until: None, weekly: weekly.to_vec(), slot }
    }

    fn staff() -> impl Iterator<Item = Event> {
        [onboarded(PRACTITIONER), opened(FACILITY, CHICAGO)].into_iter()
    }

    #[test]
    fn the_hours_are_what_the_facilitys_clocks_show() {
        let weekly = vec![on(Weekday::Mon, "08:00:00", "12:00:00"), on(Weekday::Mon, "13:00:00", "00:00:00")];
        let (from, slot) = ("2027-02-01".parse().unwrap(), minutes(20));
        let command = set(&weekly);
        let expected = AvailabilitySet { practitioner: PRACTITIONER, facility: FACILITY, zone: CHICAGO, from, until: None, weekly, slot };
        given(staff()).when(&command).then([expected.into()]);
    }

    #[test]
    fn no_hours_at_all_are_set_too() {
        given(staff()).when(&set(&[])).accepted();
    }

    #[test]
    fn hours_of_one_day_do_not_overlap() {
        let overlapping = [on(Weekday::Mon, "13:00:00", "17:00:00"), on(Weekday::Tue, "08:00:00", "09:00:00"), on(Weekday::Mon, "08:00:00", "13:01:00")];
        given(staff()).when(&set(&overlapping)).then_rejected(SetAvailabilityRejection::HoursOverlap);
        let to_midnight = [on(Weekday::Mon, "13:00:00", "00:00:00"), on(Weekday::Mon, "23:00:00", "00:00:00")];
        given(staff()).when(&set(&to_midnight)).then_rejected(SetAvailabilityRejection::HoursOverlap);
        let apart = [on(Weekday::Mon, "13:00:00", "17:00:00"), on(Weekday::Tue, "08:00:00", "17:00:00"), on(Weekday::Mon, "08:00:00", "13:00:00")];
        given(staff()).when(&set(&apart)).accepted();
    }

    #[test]
    fn they_do_not_end_before_they_begin() {
        let until = |until: &str| SetAvailability { until: Some(until.parse().unwrap()), ..set(&[]) };
        given(staff()).when(&until("2027-01-31")).then_rejected(SetAvailabilityRejection::UntilBeforeFrom);
        given(staff()).when(&until("2027-02-01")).accepted();
    }

    #[test]
    fn who_and_where_must_be_known() {
        let of_nobody = SetAvailability { practitioner: UNKNOWN_PRACTITIONER, ..set(&[]) };
        given(staff()).when(&of_nobody).then_rejected(SetAvailabilityRejection::PractitionerUnknown);
        let nowhere = SetAvailability { facility: UNKNOWN_FACILITY, ..set(&[]) };
        given(staff()).when(&nowhere).then_rejected(SetAvailabilityRejection::FacilityUnknown);
    }

    #[test]
    fn who_retires_has_hours_until_then() {
        given(staff().chain([retired("2027-02-01")])).when(&set(&[])).then_rejected(SetAvailabilityRejection::PractitionerRetired);
        given(staff().chain([retired("2027-02-02")])).when(&set(&[])).accepted();
    }
}
