//! Change how a patient is reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::PatientId;
use crate::patients::{Contact, ContactDetailsChanged, PatientUnusable, PersonRecords};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;

/// Puts new contact details in place of all that were there. The same again change nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeContactDetails {
    /// The patient.
    pub patient: PatientId,
    /// All contact details.
    pub contact: Phi<Contact>,
}

impl Decision for ChangeContactDetails {
    type Model = PersonRecords;
    type Event = ContactDetailsChanged;
    type Rejection = PatientUnusable;

    fn model(&self) -> (PersonRecords, Query) {
        let model = PersonRecords::of(self.patient);
        let query = model.query(&[ContactDetailsChanged::TYPE]);
        (model, query)
    }

    fn apply(model: &mut PersonRecords, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &PersonRecords, _circumstances: &Circumstances) -> Result<Vec<ContactDetailsChanged>, PatientUnusable> {
        if model.usable()?.contact == self.contact {
            return Ok(vec![]);
        }
        Ok(vec![ContactDetailsChanged { patient: self.patient, contact: self.contact.clone() }])
    }
}

impl Command for ChangeContactDetails {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "change-contact-details";
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

    fn change(phone: &str) -> ChangeContactDetails {
        ChangeContactDetails { patient: ADA, contact: contact(phone).into() }
    }

    #[test]
    fn a_patient_is_reached_differently() {
        given([registered(ADA), contact_changed(ADA, contact("555-0100"))]).when(&change("555-0199")).then([contact_changed(ADA, contact("555-0199"))]);
    }

    #[test]
    fn the_same_details_change_nothing() {
        given([registered(ADA), contact_changed(ADA, contact("555-0100"))]).when(&change("555-0100")).then([]);
    }

    #[test]
    fn all_details_can_be_withdrawn() {
        let none: ChangeContactDetails = read(serde_json::json!({ "patient": ADA, "contact": {} }));
        given([registered(ADA), contact_changed(ADA, contact("555-0100"))]).when(&none).then([contact_changed(ADA, Contact::default())]);
        given([registered(ADA)]).when(&none).then([]);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&change("555-0199")).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&change("555-0199")).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&change("555-0199")).then_rejected(survivor);
        assert_bounded::<ChangeContactDetails>();
    }
}
