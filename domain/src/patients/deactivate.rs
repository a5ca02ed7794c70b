//! Deactivate a patient's record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::PatientId;
use crate::patients::{PatientDeactivated, PatientStanding, PatientUnusable};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Takes a record out of use; what it says stays readable.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeactivatePatient {
    /// The patient.
    pub patient: PatientId,
    /// Why.
    pub reason: Phi<Reason>,
}

impl Decision for DeactivatePatient {
    type Model = PatientStanding;
    type Event = PatientDeactivated;
    type Rejection = PatientUnusable;

    fn model(&self) -> (PatientStanding, Query) {
        let model = PatientStanding::of(self.patient);
        let query = model.query();
        (model, query)
    }

    fn apply(model: &mut PatientStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PatientStanding, _circumstances: &Circumstances) -> Result<Vec<PatientDeactivated>, PatientUnusable> {
        model.usable()?;
        Ok(vec![PatientDeactivated { patient: self.patient, reason: self.reason.clone() }])
    }
}

impl Command for DeactivatePatient {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "deactivate-patient";
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

    fn deactivate() -> DeactivatePatient {
        DeactivatePatient { patient: ADA, reason: reason("a test record") }
    }

    #[test]
    fn a_record_is_taken_out_of_use() {
        given([registered(ADA)]).when(&deactivate()).then([deactivated(ADA)]);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&deactivate()).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&deactivate()).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&deactivate()).then_rejected(survivor);
        assert_bounded::<DeactivatePatient>();
    }
}
