//! Correct who a patient is.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::PartialDate;
use crate::ids::PatientId;
use crate::patients::{Correction, DeathRecorded, DeathReversed, DemographicsCorrected, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::{InvalidValue, Reason};

/// Corrects or completes what a patient's record says of the person. What says so already changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CorrectDemographics {
    /// The patient.
    pub patient: PatientId,
    /// The corrected fields, at least one.
    #[serde(deserialize_with = "with_a_field")]
    #[schemars(extend("minProperties" = 1))]
    pub correction: Phi<Correction>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<Reason>>,
}

fn with_a_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Phi<Correction>, D::Error> {
    let correction = Phi::<Correction>::deserialize(deserializer)?;
    if correction == Phi::default() { Err(D::Error::custom(InvalidValue("correct at least one field"))) } else { Ok(correction) }
}

/// Why nothing was corrected.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CorrectDemographicsRejection {
    /// The record cannot be used.
    #[error(transparent)]
    Patient(#[from] PatientUnusable),
    /// It cannot be true.
    #[error(transparent)]
    Implausible(#[from] BirthImplausible),
}

/// Why nobody was born then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BirthImplausible {
    /// Nobody is born yet who will be.
    #[error("the birth date lies in the future")]
    BirthDateInTheFuture,
    /// A record of the person says that they died before.
    #[error("the birth date is after the recorded death")]
    BirthDateAfterDeath,
}

impl CorrectDemographics {
    fn plausible(birth: PartialDate, person: &PersonRecords, now: DateTime<Utc>) -> Result<(), BirthImplausible> {
        if birth.lies_in_the_future(now) {
            return Err(BirthImplausible::BirthDateInTheFuture);
        }
        let mut deaths = person.all().filter_map(|record| record.deceased?.into_known());
        if deaths.any(|death| death.precedes(birth)) { Err(BirthImplausible::BirthDateAfterDeath) } else { Ok(()) }
    }
}

impl Decision for CorrectDemographics {
    type Model = PersonRecords;
    type Event = DemographicsCorrected;
    type Rejection = CorrectDemographicsRejection;

    fn model(&self) -> (PersonRecords, Query) {
        let model = PersonRecords::of(self.patient);
        let query = model.query(&[DemographicsCorrected::TYPE, DeathRecorded::TYPE, DeathReversed::TYPE]);
        (model, query)
    }

    fn apply(model: &mut PersonRecords, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PersonRecords, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<DemographicsCorrected>, CorrectDemographicsRejection> {
        let before = model.usable()?.demographics.known();
        let unchanged = before.zip(self.correction.known()).is_some_and(|(before, correction)| before.clone().corrected(correction.clone()) == *before);
        if unchanged {
            return Ok(vec![]);
        }
        if let Some(birth) = self.correction.known().and_then(|correction| correction.birth_date) {
            Self::plausible(birth, model, now)?;
        }
        Ok(vec![DemographicsCorrected { patient: self.patient, correction: self.correction.clone(), reason: self.reason.clone() }])
    }
}

impl Command for CorrectDemographics {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "correct-demographics";
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

    fn correct(correction: Correction) -> CorrectDemographics {
        CorrectDemographics { patient: ADA, correction: correction.into(), reason: None }
    }

    #[test]
    fn a_field_is_corrected() {
        let events = || given([registered_with(ADA, &[], born("1950"))]);
        events().when(&correct(born_correction("1950-02-09"))).then([corrected(ADA, born_correction("1950-02-09"))]);
        let because = CorrectDemographics { reason: Some(reason("saw the certificate")), ..correct(born_correction("1951")) };
        let expected = DemographicsCorrected { patient: ADA, correction: born_correction("1951").into(), reason: Some(reason("saw the certificate")) };
        events().when(&because).then([expected.into()]);
    }

    #[test]
    fn what_the_record_says_already_is_not_corrected() {
        given([registered_with(ADA, &[], born("1950"))]).when(&correct(born_correction("1950"))).then([]);
        let events = [registered_with(ADA, &[], born("1950")), corrected(ADA, born_correction("1951"))];
        given(events.clone()).when(&correct(born_correction("1951"))).then([]);
        given(events).when(&correct(born_correction("1950"))).accepted();
    }

    #[test]
    fn a_merged_record_that_says_so_does_not_speak_for_the_survivor() {
        let events = [registered(ADA), registered_with(BOB, &[], born("1950")), merged(ADA, BOB)];
        given(events).when(&correct(born_correction("1950"))).then([corrected(ADA, born_correction("1950"))]);
    }

    #[test]
    fn nobody_is_born_in_the_future_or_after_their_death() {
        given([registered(ADA)]).when(&correct(born_correction("2028"))).then_rejected(BirthImplausible::BirthDateInTheFuture);
        given([registered(ADA), died(ADA, "2020-05")]).when(&correct(born_correction("2020-06-01"))).then_rejected(BirthImplausible::BirthDateAfterDeath);
        given([registered(ADA), died(ADA, "2020-05")]).when(&correct(born_correction("2020-05-31"))).accepted();
    }

    #[test]
    fn a_reversed_death_does_not_count() {
        let reversed = DeathReversed { patient: ADA, reason: reason("another person") };
        given([registered(ADA), died(ADA, "2020-05"), reversed.into()]).when(&correct(born_correction("2020-06-01"))).accepted();
    }

    #[test]
    fn after_a_merge_the_death_that_either_record_knew_counts() {
        let events = vec![registered(ADA), registered(BOB), died(BOB, "2020-05-01"), merged(ADA, BOB)];
        given(events.clone()).when(&correct(born_correction("2020-06-01"))).then_rejected(BirthImplausible::BirthDateAfterDeath);
        given([events, vec![merge_undone(ADA, BOB)]].concat()).when(&correct(born_correction("2020-06-01"))).accepted();
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&correct(born_correction("1950"))).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&correct(born_correction("1950"))).then_rejected(PatientUnusable::PatientInactive);
        let chain = [registered(ADA), registered(BOB), registered(CYD), merged(BOB, ADA), merged(CYD, BOB)];
        given(chain).when(&correct(born_correction("1950"))).then_rejected(PatientUnusable::PatientMerged { survivor: CYD });
    }

    #[test]
    fn a_correction_of_nothing_does_not_read() {
        let body = serde_json::json!({ "patient": ADA, "correction": {} });
        assert_eq!(
            serde_json::from_value::<CorrectDemographics>(body).err().map(|error| error.to_string()).as_deref(),
            Some("must correct at least one field")
        );
        assert_bounded::<CorrectDemographics>();
    }
}
