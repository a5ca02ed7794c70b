//! What someone who looks at a patient is to them: what the clinical log says, beside the access records of that patient.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::events::{AccessRecorded, DataKind};
use super::purpose::PurposeOfUse;
use crate::documents::DocumentsEvent;
use crate::event::{Event, EventType, Named};
use crate::fhir_values::PartialDate;
use crate::ids::{AppointmentId, PatientId, PractitionerId, UserId};
use crate::patients::{AccessScope, DemographicsCorrected, PatientAccessGranted, PatientAccessRevoked, PatientRecord, PatientRegistered, PatientsEvent};
use crate::phi::Phi;
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

/// Access that a patient granted.
struct Grant {
    from: DateTime<Utc>,
    /// When it was taken back, or another took its place.
    until: Option<DateTime<Utc>>,
    scope: Phi<AccessScope>,
}

/// A record of the person, as far as a grant depends on it.
struct Birth {
    record: PatientRecord,
    /// What was known of the date of birth from when on: its first day.
    known: Vec<(DateTime<Utc>, Option<NaiveDate>)>,
}

impl Birth {
    fn at(&self, time: DateTime<Utc>) -> Option<NaiveDate> {
        self.known.iter().rev().find(|(from, _)| *from <= time).and_then(|(_, born)| *born)
    }
}

/// What relates others to one person, under whichever of their records.
#[derive(Default)]
pub struct CareRelations {
    /// How each user was let in.
    grants: BTreeMap<(PatientId, UserId), Vec<Grant>>,
    births: BTreeMap<PatientId, Birth>,
    appointments: BTreeMap<AppointmentId, (PractitionerId, DateTime<Utc>)>,
    entries: BTreeMap<UserId, Vec<DateTime<Utc>>>,
}

impl CareRelations {
    /// The events of a patient that it is folded from.
    pub fn query(patient: PatientId) -> Query {
        let grants: &[EventType] = &[PatientAccessGranted::TYPE, PatientAccessRevoked::TYPE, PatientRegistered::TYPE, DemographicsCorrected::TYPE];
        let types = [grants, SchedulingEvent::TYPES, RecordsEvent::TYPES, DocumentsEvent::TYPES];
        types.into_iter().fold(Query::new(), |query, types| query.and(types, Tag::patient(patient)))
    }

    /// Folds an event: who did it, and when it was recorded.
    pub fn apply(&mut self, event: &Event, by: UserId, recorded: DateTime<Utc>) {
        match event {
            Event::Patients(PatientsEvent::PatientAccessGranted(event)) => {
                // With another scope it takes the place of the one before.
                self.end_grants((event.patient, event.grantee), recorded);
                let grant = Grant { from: recorded, until: None, scope: event.scope.clone() };
                self.grants.entry((event.patient, event.grantee)).or_default().push(grant);
            }
            Event::Patients(PatientsEvent::PatientAccessRevoked(event)) => self.end_grants((event.patient, event.grantee), recorded),
            Event::Patients(changed @ (PatientsEvent::PatientRegistered(_) | PatientsEvent::DemographicsCorrected(_))) => {
                let patient = changed.record();
                let birth = self.births.entry(patient).or_insert_with(|| Birth { record: PatientRecord::of(patient), known: Vec::new() });
                birth.record.apply(event);
                birth.known.push((recorded, birth.record.birth_date().map(PartialDate::earliest)));
            }
            Event::Scheduling(event) => self.schedule(event),
            Event::Records(_) | Event::Documents(_) => self.entries.entry(by).or_default().push(recorded),
            _ => {}
        }
    }

    fn end_grants(&mut self, of: (PatientId, UserId), recorded: DateTime<Utc>) {
        for grant in self.grants.entry(of).or_default() {
            grant.until.get_or_insert(recorded);
        }
    }

    /// Whether somebody was let in at a moment. Whether a grant whose scope was erased had ended nobody can say any more: it explains nothing.
    fn let_in(&self, patient: PatientId, user: UserId, at: DateTime<Utc>) -> bool {
        let born = self.births.get(&patient).and_then(|birth| birth.at(at));
        let holds = |grant: &Grant| {
            let stands = grant.from <= at && grant.until.is_none_or(|until| at < until);
            stands && grant.scope.known().is_some_and(|scope| scope.term().holds(born, at))
        };
        self.grants.get(&(patient, user)).is_some_and(|grants| grants.iter().any(holds))
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
        let let_in = || records.iter().any(|record| self.let_in(*record, access.user, at));
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
    use serde_json::{Value, json};

    use super::*;
    use crate::access::examples::{OTHER_USER, USER, at, saw};
    use crate::patients::examples::{access_granted, access_granted_within, access_revoked, born, born_correction, corrected, registered_with};
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
    fn a_grant_that_has_ended_explains_nothing_though_nobody_took_it_back() {
        let until = |scope: Value| relations(&[("2027-01-01T00:00:00Z", access_granted_within(ADA, USER, &scope))]);
        let ends = until(json!({ "ends": "2027-02-01T00:00:00Z" }));
        assert_eq!(of(&ends, &saw(USER, &[ADA]), "2027-01-31T23:59:59Z"), Some(CareRelation::Grantee));
        assert_eq!(of(&ends, &saw(USER, &[ADA]), "2027-02-01T00:00:00Z"), None);

        let parents = || access_granted_within(ADA, USER, &json!({ "relationship": "PRN", "untilMajority": true }));
        let registered = |date: &str| registered_with(ADA, &[], born(date));
        let of_a_minor = relations(&[("2026-01-01T00:00:00Z", registered("2009-01-05")), ("2026-01-02T00:00:00Z", parents())]);
        assert_eq!(of(&of_a_minor, &saw(USER, &[ADA]), "2027-01-04T09:59:59Z"), Some(CareRelation::Grantee));
        assert_eq!(of(&of_a_minor, &saw(USER, &[ADA]), "2027-01-04T10:00:00Z"), None, "of age");
        let older = corrected(ADA, born_correction("1999-01-05"));
        let corrected = relations(&[("2026-01-01T00:00:00Z", registered("2009-01-05")), ("2026-01-02T00:00:00Z", parents()), ("2026-03-01T00:00:00Z", older)]);
        assert_eq!(of(&corrected, &saw(USER, &[ADA]), "2026-02-28T00:00:00Z"), Some(CareRelation::Grantee), "as it was known then");
        assert_eq!(of(&corrected, &saw(USER, &[ADA]), "2026-03-01T00:00:00Z"), None);
        let of_whom_nothing_is_known = relations(&[("2026-01-02T00:00:00Z", parents())]);
        assert_eq!(of(&of_whom_nothing_is_known, &saw(USER, &[ADA]), "2026-02-01T00:00:00Z"), None);
    }

    #[test]
    fn a_grant_takes_the_place_of_the_one_before() {
        let shorter = access_granted_within(ADA, USER, &json!({ "ends": "2027-02-01T00:00:00Z" }));
        let granted = relations(&[("2027-01-01T00:00:00Z", access_granted(ADA, USER)), ("2027-01-15T00:00:00Z", shorter)]);
        assert_eq!(of(&granted, &saw(USER, &[ADA]), "2027-01-31T00:00:00Z"), Some(CareRelation::Grantee));
        assert_eq!(of(&granted, &saw(USER, &[ADA]), "2027-02-01T00:00:00Z"), None);
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
