//! Assign a further identifier.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::fhir_values::Identifier;
use crate::ids::PatientId;
use crate::patients::{IdentifierAssigned, IdentifierClash, KnownIdentifiers, PatientStanding, PatientUnusable};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Adds an identifier to a patient's record. One that a record of the same person has already changes nothing.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignIdentifier {
    /// The patient.
    pub patient: PatientId,
    /// The identifier.
    pub identifier: Phi<Identifier>,
    /// Why to go on though another person's record has the identifier; it never lets a medical record number be given twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_known_identifiers: Option<Phi<Reason>>,
}

/// Why the identifier was not assigned.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum AssignIdentifierRejection {
    /// The record cannot be used.
    #[error(transparent)]
    Patient(#[from] PatientUnusable),
    /// It is another person's.
    #[error(transparent)]
    Identifier(#[from] IdentifierClash),
}

/// The record, and the identifier.
pub struct Assigning {
    standing: PatientStanding,
    identifiers: KnownIdentifiers,
}

impl Decision for AssignIdentifier {
    type Model = Assigning;
    type Event = IdentifierAssigned;
    type Rejection = AssignIdentifierRejection;

    fn model(&self) -> (Assigning, Query) {
        let wanted = self.identifier.known().map(std::slice::from_ref).unwrap_or_default();
        let model = Assigning { standing: PatientStanding::of(self.patient), identifiers: KnownIdentifiers::of(wanted) };
        let query = model.standing.query().or(model.identifiers.query());
        (model, query)
    }

    fn apply(model: &mut Assigning, event: &Event) {
        model.standing.apply(event);
        model.identifiers.apply(event);
    }

    fn decide(&self, model: &Assigning, _circumstances: &Circumstances) -> Result<Vec<IdentifierAssigned>, AssignIdentifierRejection> {
        model.standing.usable()?;
        let linked = &model.standing.linked;
        if self.identifier.known().is_some_and(|identifier| model.identifiers.is_known_of(self.patient, linked, identifier)) {
            return Ok(vec![]);
        }
        let known_identifier_accepted = model.identifiers.admit(self.patient, linked, self.accept_known_identifiers.as_ref())?;
        Ok(vec![IdentifierAssigned { patient: self.patient, identifier: self.identifier.clone(), known_identifier_accepted }])
    }
}

impl Command for AssignIdentifier {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "assign-identifier";
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

    fn assign(identifier: Identifier) -> AssignIdentifier {
        AssignIdentifier { patient: ADA, identifier: identifier.into(), accept_known_identifiers: None }
    }

    #[test]
    fn an_identifier_becomes_known() {
        given([registered(ADA)]).when(&assign(passport("A1"))).then([assigned(ADA, passport("A1"))]);
    }

    #[test]
    fn what_the_record_has_already_changes_nothing() {
        given([registered_with(ADA, &[passport("A1")], born("1950"))]).when(&assign(passport("A1"))).then([]);
        given([registered(ADA), assigned(ADA, mrn("1"))]).when(&assign(mrn("1"))).then([]);
    }

    #[test]
    fn it_can_be_given_another_type() {
        let untyped = Identifier { r#type: None, ..mrn("1") };
        given([registered_with(ADA, &[untyped], born("1950"))]).when(&assign(mrn("1"))).then([assigned(ADA, mrn("1"))]);
    }

    #[test]
    fn a_medical_record_number_stays_with_its_person() {
        let insisting = AssignIdentifier { accept_known_identifiers: Some(reason("hers")), ..assign(mrn("1")) };
        given([registered(ADA), registered_with(BOB, &[mrn("1")], born("1950"))]).when(&insisting).then_rejected(IdentifierClash::MedicalRecordNumberTaken);
    }

    #[test]
    fn another_known_identifier_takes_a_reason() {
        let events = || given([registered(ADA), registered(BOB), assigned(BOB, passport("A1"))]);
        let systems = ["urn:passport".to_owned()].into();
        events().when(&assign(passport("A1"))).then_rejected(IdentifierClash::IdentifierAlreadyKnown { systems });
        let insisting = AssignIdentifier { accept_known_identifiers: Some(reason("a family passport")), ..assign(passport("A1")) };
        let accepted = Some(reason("a family passport"));
        let expected = IdentifierAssigned { patient: ADA, identifier: passport("A1").into(), known_identifier_accepted: accepted };
        events().when(&insisting).then([expected.into()]);
    }

    #[test]
    fn what_a_merged_record_has_is_no_clash_and_stays_there_until_the_merge_is_undone() {
        let mut events = vec![registered(ADA), registered_with(BOB, &[mrn("1")], born("1950")), registered(CYD), merged(CYD, BOB), merged(ADA, CYD)];
        given(events.clone()).when(&assign(mrn("1"))).then([]);
        events.push(merge_undone(CYD, BOB));
        given(events).when(&assign(mrn("1"))).then_rejected(IdentifierClash::MedicalRecordNumberTaken);
    }

    #[test]
    fn what_a_merged_record_has_under_another_type_is_no_clash() {
        let untyped = Identifier { r#type: None, ..mrn("1") };
        let events = [registered(ADA), registered_with(BOB, &[untyped], born("1950")), merged(ADA, BOB)];
        given(events).when(&assign(mrn("1"))).then([assigned(ADA, mrn("1"))]);
    }

    #[test]
    fn the_record_must_be_in_use() {
        given([]).when(&assign(mrn("1"))).then_rejected(PatientUnusable::PatientUnknown);
        given([registered(ADA), deactivated(ADA)]).when(&assign(mrn("1"))).then_rejected(PatientUnusable::PatientInactive);
        let survivor = PatientUnusable::PatientMerged { survivor: BOB };
        given([registered(ADA), registered(BOB), merged(BOB, ADA)]).when(&assign(mrn("1"))).then_rejected(survivor);
        assert_bounded::<AssignIdentifier>();
    }
}
