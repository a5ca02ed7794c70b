//! What someone who looks at a patient is to them: what the clinical log says, beside the access records of that patient.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::events::{AccessRecorded, DataKind};
use super::purpose::PurposeOfUse;
use crate::documents::DocumentsEvent;
use crate::event::{Event, EventType, Named};
use crate::ids::{AppointmentId, PatientId, PractitionerId, UserId};
use crate::patients::{PatientAccessGranted, PatientAccessRevoked, PatientsEvent};
use crate::query::{Query, Tag};
use crate::records::RecordsEvent;
use crate::scheduling::{Placement, SchedulingEvent};
use crate::value::InvalidValue;

/// What someone is to a patient.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CareRelation {
    /// The patient.
    Themself,
    /// Someone whom the patient had let in at that time.
    Grantee,
    /// A practitioner with whom the patient had an appointment that was not cancelled.
    Appointment,
    /// Someone who recorded or changed facts or documents in the patient's chart.
    Author,
}

/// How far from an access an appointment, or an entry in the chart, may lie and explain it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CareWindow {
    before: TimeDelta,
    after: TimeDelta,
}

impl CareWindow {
    /// How many days before an access, unless it is said.
    pub const DAYS_BEFORE: u16 = 365;
    /// How many days after it, unless it is said.
    pub const DAYS_AFTER: u16 = 30;

    /// So many days before an access, and so many after it; of each ten years at most.
    pub fn days(before: u16, after: u16) -> Result<Self, InvalidValue> {
        if before > 3660 || after > 3660 {
            return Err(InvalidValue("be at most 3660 days"));
        }
        Ok(Self { before: TimeDelta::days(before.into()), after: TimeDelta::days(after.into()) })
    }

    fn holds(self, access: DateTime<Utc>, other: DateTime<Utc>) -> bool {
        other >= access - self.before && other <= access + self.after
    }
}

/// From when on someone was let in, and up to when.
type Grant = (DateTime<Utc>, Option<DateTime<Utc>>);

/// What relates others to one person, under whichever of their records.
#[derive(Default)]
pub struct CareRelations {
    /// When each user was let in, and up to when.
    grants: BTreeMap<(PatientId, UserId), Vec<Grant>>,
    appointments: BTreeMap<AppointmentId, (PractitionerId, DateTime<Utc>)>,
    entries: BTreeMap<UserId, Vec<DateTime<Utc>>>,
}

impl CareRelations {
    /// The events of a patient that it is folded from.
    pub fn query(patient: PatientId) -> Query {
        let grants: &[EventType] = &[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE];
        let types = [grants, SchedulingEvent::TYPES, RecordsEvent::TYPES, DocumentsEvent::TYPES];
        types.into_iter().fold(Query::new(), |query, types| query.and(types, Tag::patient(patient)))
    }

    /// Folds an event: who did it, and when it was recorded.
    pub fn apply(&mut self, event: &Event, by: UserId, recorded: DateTime<Utc>) {
        match event {
            Event::Patients(PatientsEvent::PatientAccessGranted(event)) => {
                self.grants.entry((event.patient, event.grantee)).or_default().push((recorded, None));
            }
            Event::Patients(PatientsEvent::PatientAccessRevoked(event)) => {
                for (_, until) in self.grants.entry((event.patient, event.grantee)).or_default() {
                    until.get_or_insert(recorded);
                }
            }
            Event::Scheduling(event) => self.schedule(event),
            Event::Records(_) | Event::Documents(_) => self.entries.entry(by).or_default().push(recorded),
            _ => {}
        }
    }

    fn schedule(&mut self, event: &SchedulingEvent) {
        match event {
            SchedulingEvent::AppointmentBooked(event) => self.place(event.appointment, &event.placement),
            SchedulingEvent::AppointmentRescheduled(event) => self.place(event.appointment, &event.to),
            SchedulingEvent::AppointmentCancelled(event) => {
                self.appointments.remove(&event.appointment);
            }
            _ => {}
        }
    }

    /// One whose time was erased explains nothing any more.
    fn place(&mut self, appointment: AppointmentId, placement: &Placement) {
        if let Some(interval) = placement.interval() {
            self.appointments.insert(appointment, (placement.practitioner, interval.start));
        }
    }

    /// What whoever looked was to the person, whose records these are; `None` where nothing relates them.
    pub fn of(&self, access: &AccessRecorded, at: DateTime<Utc>, records: &BTreeSet<PatientId>, window: CareWindow) -> Option<CareRelation> {
        let near = |time: &DateTime<Utc>| window.holds(at, *time);
        let granted = |(from, until): &Grant| *from <= at && until.is_none_or(|until| at < until);
        let let_in = || records.iter().filter_map(|record| self.grants.get(&(*record, access.user))).flatten().any(granted);
        let met = |practitioner| self.appointments.values().any(|(with, start)| *with == practitioner && near(start));
        if access.own_patient.is_some_and(|own| records.contains(&own)) {
            Some(CareRelation::Themself)
        } else if let_in() {
            Some(CareRelation::Grantee)
        } else if access.practitioner.is_some_and(met) {
            Some(CareRelation::Appointment)
        } else if self.entries.get(&access.user).is_some_and(|entries| entries.iter().any(near)) {
            Some(CareRelation::Author)
        } else {
            None
        }
    }
}

/// Someone who saw something of a patient, and what they were to them.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Onlooker {
    /// Who.
    pub user: UserId,
    /// What they were to the tenant; each is a record's list, separated by commas.
    pub roles: BTreeSet<String>,
    /// Their own calendars, where they are a practitioner.
    pub practitioners: BTreeSet<PractitionerId>,
    /// How often they saw something of the patient.
    pub accesses: u64,
    /// How often, of these, nothing related them to the patient.
    pub unrelated: u64,
    /// What related them in the other cases.
    pub relations: BTreeSet<CareRelation>,
    /// The kinds of data that they sought.
    pub kinds: BTreeSet<DataKind>,
    /// Why.
    pub purposes: BTreeSet<PurposeOfUse>,
    /// When first.
    pub first: DateTime<Utc>,
    /// When last.
    pub last: DateTime<Utc>,
}

/// Everyone who saw something of one patient.
#[derive(Default)]
pub struct Onlookers(BTreeMap<UserId, Onlooker>);

impl Onlookers {
    /// Adds an access that showed something of the patient, in any order of time.
    pub fn add(&mut self, access: &AccessRecorded, role: &str, at: DateTime<Utc>, relation: Option<CareRelation>) {
        let onlooker = self.0.entry(access.user).or_insert_with(|| Onlooker {
            user: access.user,
            roles: BTreeSet::new(),
            practitioners: BTreeSet::new(),
            accesses: 0,
            unrelated: 0,
            relations: BTreeSet::new(),
            kinds: BTreeSet::new(),
            purposes: BTreeSet::new(),
            first: at,
            last: at,
        });
        onlooker.roles.insert(role.to_owned());
        onlooker.practitioners.extend(access.practitioner);
        onlooker.accesses += 1;
        onlooker.unrelated += u64::from(relation.is_none());
        onlooker.relations.extend(relation);
        onlooker.kinds.extend(&access.kinds);
        onlooker.purposes.insert(access.purpose);
        onlooker.first = onlooker.first.min(at);
        onlooker.last = onlooker.last.max(at);
    }

    /// All of them, those whom least relates to the patient first.
    pub fn into_all(self) -> Vec<Onlooker> {
        let mut all: Vec<Onlooker> = self.0.into_values().collect();
        all.sort_by_key(|onlooker| (std::cmp::Reverse(onlooker.unrelated), onlooker.user));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::examples::{OTHER_USER, USER, at, saw};
    use crate::patients::examples::{access_granted, access_revoked};
    use crate::providers::examples::{OTHER_PRACTITIONER, PRACTITIONER};
    use crate::records::examples::allergic;
    use crate::scheduling::examples::{ADA, BOB, ada_booked, cancelled, moved};

    const BOOKED: &str = "2026-12-01T08:00:00Z";

    fn relations(events: &[(&str, Event)]) -> CareRelations {
        let mut relations = CareRelations::default();
        for (recorded, event) in events {
            relations.apply(event, OTHER_USER, at(recorded));
        }
        relations
    }

    fn usual() -> CareWindow {
        CareWindow::days(CareWindow::DAYS_BEFORE, CareWindow::DAYS_AFTER).unwrap()
    }

    fn of(relations: &CareRelations, access: &AccessRecorded, time: &str) -> Option<CareRelation> {
        relations.of(access, at(time), &BTreeSet::from([ADA]), usual())
    }

    #[test]
    fn an_appointment_explains_what_its_practitioner_saw_around_it() {
        let relations = relations(&[(BOOKED, ada_booked())]);
        let practitioner = AccessRecorded { practitioner: Some(PRACTITIONER), ..saw(USER, &[ADA]) };
        for (time, expected) in [
            ("2026-12-06T14:59:59Z", None),
            ("2026-12-06T15:00:00Z", Some(CareRelation::Appointment)),
            ("2028-01-05T15:00:00Z", Some(CareRelation::Appointment)),
            ("2028-01-05T15:00:01Z", None),
        ] {
            assert_eq!(of(&relations, &practitioner, time), expected, "{time}");
        }
        let other = AccessRecorded { practitioner: Some(OTHER_PRACTITIONER), ..saw(USER, &[ADA]) };
        assert_eq!(of(&relations, &other, "2027-01-05T15:00:00Z"), None);
        assert_eq!(of(&relations, &saw(USER, &[ADA]), "2027-01-05T15:00:00Z"), None, "a record that does not know of a practitioner");
    }

    #[test]
    fn one_that_was_cancelled_explains_nothing_and_one_that_was_moved_is_where_it_went() {
        let practitioner = AccessRecorded { practitioner: Some(PRACTITIONER), ..saw(USER, &[ADA]) };
        let gone = relations(&[(BOOKED, ada_booked()), (BOOKED, cancelled())]);
        assert_eq!(of(&gone, &practitioner, "2027-01-05T15:00:00Z"), None);
        let later = relations(&[(BOOKED, ada_booked()), (BOOKED, moved("2027-01-05T09:00:00", "2027-03-05T09:00:00"))]);
        assert_eq!(of(&later, &practitioner, "2027-01-05T15:00:00Z"), None);
        assert_eq!(of(&later, &practitioner, "2027-03-05T15:00:00Z"), Some(CareRelation::Appointment));
    }

    #[test]
    fn a_grant_explains_from_when_it_was_given_until_it_was_taken_back() {
        let granted = relations(&[("2027-01-01T00:00:00Z", access_granted(ADA, USER)), ("2027-02-01T00:00:00Z", access_revoked(ADA, USER))]);
        for (time, expected) in [
            ("2026-12-31T23:59:59Z", None),
            ("2027-01-01T00:00:00Z", Some(CareRelation::Grantee)),
            ("2027-01-31T23:59:59Z", Some(CareRelation::Grantee)),
            ("2027-02-01T00:00:00Z", None),
        ] {
            assert_eq!(of(&granted, &saw(USER, &[ADA]), time), expected, "{time}");
        }
        assert_eq!(of(&granted, &saw(OTHER_USER, &[ADA]), "2027-01-15T00:00:00Z"), None);
    }

    #[test]
    fn whoever_wrote_in_the_chart_is_explained_by_it_and_the_patient_by_themself() {
        let wrote = relations(&[("2027-01-01T00:00:00Z", allergic(ADA))]);
        assert_eq!(of(&wrote, &saw(OTHER_USER, &[ADA]), "2027-01-01T00:00:00Z"), Some(CareRelation::Author));
        assert_eq!(of(&wrote, &saw(OTHER_USER, &[ADA]), "2028-02-01T00:00:00Z"), None, "too long ago");
        assert_eq!(of(&wrote, &saw(USER, &[ADA]), "2027-01-01T00:00:00Z"), None);
        let own = |own| AccessRecorded { own_patient: Some(own), ..saw(USER, &[ADA]) };
        assert_eq!(of(&wrote, &own(ADA), "2027-01-01T00:00:00Z"), Some(CareRelation::Themself));
        assert_eq!(of(&wrote, &own(BOB), "2027-01-01T00:00:00Z"), None);
    }

    #[test]
    fn those_whom_nothing_relates_come_first() {
        let mut onlookers = Onlookers::default();
        onlookers.add(&saw(USER, &[ADA]), "clinician", at("2027-01-02T00:00:00Z"), Some(CareRelation::Author));
        onlookers.add(&saw(OTHER_USER, &[ADA]), "front-desk", at("2027-01-03T00:00:00Z"), None);
        onlookers.add(&saw(OTHER_USER, &[ADA]), "front-desk", at("2027-01-01T00:00:00Z"), Some(CareRelation::Grantee));
        let all = onlookers.into_all();
        let told: Vec<_> = all.iter().map(|one| (one.user, one.accesses, one.unrelated, one.first <= one.last)).collect();
        assert_eq!(told, [(OTHER_USER, 2, 1, true), (USER, 1, 0, true)]);
        assert_eq!((all[0].first, all[0].last), (at("2027-01-01T00:00:00Z"), at("2027-01-03T00:00:00Z")));
    }

    #[test]
    fn a_window_is_ten_years_at_most() {
        assert!(CareWindow::days(3660, 0).is_ok() && CareWindow::days(3661, 0).is_err() && CareWindow::days(0, 3661).is_err());
    }
}
