//! Record that a patient died.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::PatientId;
use crate::patients::{DeathRecorded, DeathReversed, DeathTime, DemographicsCorrected, PatientRecord, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;

/// Records a death, as far as it is known when. The chart stays open.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordDeath {
    /// The patient.
    pub patient: PatientId,
    /// When.
    pub deceased: Phi<DeathTime>,
}

/// Why the death was not recorded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RecordDeathRejection {
    /// The record cannot be used.
    #[error(transparent)]
    Patient(#[from] PatientUnusable),
    /// It cannot be true.
    #[error(transparent)]
    Implausible(#[from] DeathImplausible),
}

/// Why nobody died then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DeathImplausible {
    /// A record of the person says so already; a wrong one is reversed first.
    #[error("the patient's death is recorded already")]
    DeathAlreadyRecorded,
    /// It has not come.
    #[error("the death lies in the future")]
    DeathInTheFuture,
    /// The person was born later.
    #[error("the death is before the birth")]
    DeathBeforeBirth,
}

impl Decision for RecordDeath {
    type Model = PersonRecords;
    type Event = DeathRecorded;
    type Rejection = RecordDeathRejection;

    fn model(&self) -> (PersonRecords, Query) {
        let model = PersonRecords::of(self.patient);
        let query = model.query(&[DemographicsCorrected::TYPE, DeathRecorded::TYPE, DeathReversed::TYPE]);
        (model, query)
    }

    fn apply(model: &mut PersonRecords, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PersonRecords, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<DeathRecorded>, RecordDeathRejection> {
        model.usable()?;
        if model.all().any(|record| record.deceased.is_some()) {
            return Err(DeathImplausible::DeathAlreadyRecorded.into());
        }
        if self.deceased.known().is_some_and(|time| time.lies_in_the_future(now)) {
            return Err(DeathImplausible::DeathInTheFuture.into());
        }
        // The survivor's birth date is the one that can be corrected, so another record's counts only where it has none.
        let birth = model.all().find_map(PatientRecord::birth_date);
        if birth.zip(self.deceased.into_known()).is_some_and(|(birth, time)| time.precedes(birth)) {
            return Err(DeathImplausible::DeathBeforeBirth.into());
        }
        Ok(vec![DeathRecorded { patient: self.patient, deceased: self.deceased }])
    }
}

impl Command for RecordDeath {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "record-death";
    const PERMISSION: Permission = Permission::ManagePatients;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patients::examples::*;
    use crate::testing::{assert_bounded, given};

    fn record(deceased: DeathTime) -> RecordDeath {
        RecordDeath { patient: ADA, deceased: deceased.into() }
    }

    #[test]
    fn a_death_is_recorded_and_keeps_its_own_date() {
        let events = given([registered(ADA)]).when(&record(death_on("2026-12"))).accepted();
        assert!(events == [died(ADA, "2026-12")]);
        assert_eq!(events[0].occurred(), Some("2026-12-01T00:00:00Z".parse().unwrap()));
        let to_the_second = record(DeathTime::At("2027-01-04T06:00:00-06:00".parse().unwrap()));
        assert_eq!(given([registered(ADA)]).when(&to_the_second).accepted()[0].occurred(), Some("2027-01-04T12:00:00Z".parse().unwrap()));
        assert_eq!(given([registered(ADA)]).when(&record(DeathTime::Unknown)).accepted()[0].occurred(), None);
    }

    #[test]
    fn nobody_dies_twice() {
        given([registered(ADA), died(ADA, "2026")]).when(&record(death_on("2026-12-24"))).then_rejected(DeathImplausible::DeathAlreadyRecorded);
        let reversed = DeathReversed { patient: ADA, reason: reason("another person") };
        given([registered(ADA), died(ADA, "2026"), reversed.into()]).when(&record(death_on("2026-12-24"))).accepted();
    }

    #[test]
    fn after_a_merge_the_death_that_either_record_knew_counts() {
        let events = vec![registered(ADA), registered(BOB), registered(CYD), died(CYD, "2026"), merged(BOB, CYD), merged(ADA, BOB)];
        given(events.clone()).when(&record(death_on("2026-12-24"))).then_rejected(DeathImplausible::DeathAlreadyRecorded);
        given([events, vec![merge_undone(BOB, CYD)]].concat()).when(&record(death_on("2026-12-24"))).accepted();
    }

    #[test]
    fn a_death_lies_neither_in_the_future_nor_before_the_birth() {
        let early = DeathTime::At("2027-01-04T12:00:01Z".parse().unwrap());
        given([registered(ADA)]).when(&record(early)).then_rejected(DeathImplausible::DeathInTheFuture);
        given([registered(ADA)]).when(&record(death_on("2027-02"))).then_rejected(DeathImplausible::DeathInTheFuture);
        let born_then = || given([registered(ADA), corrected(ADA, born_correction("1950-02-09"))]);
        born_then().when(&record(death_on("1950-02-08"))).then_rejected(DeathImplausible::DeathBeforeBirth);
        born_then().when(&record(death_on("1950-02-09"))).accepted();
        born_then().when(&record(death_on("1950"))).accepted();
    }

    #[test]
    fn after_a_merge_the_survivors_birth_date_counts_and_the_others_where_it_has_none() {
        let survivor = |birth| [registered_with(ADA, &[], birth), registered_with(BOB, &[], born("1950-02-09")), merged(ADA, BOB)];
        let command = record(death_on("1940"));
        given(survivor(crate::patients::Demographics::default())).when(&command).then_rejected(DeathImplausible::DeathBeforeBirth);
        given(survivor(born("1930"))).when(&command).accepted();
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&record(DeathTime::Unknown)).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&record(DeathTime::Unknown)).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&record(DeathTime::Unknown)).then_rejected(survivor);
        assert_bounded::<RecordDeath>();
    }
}
