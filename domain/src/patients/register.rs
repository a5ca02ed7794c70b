//! Register a patient.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::fhir_values::Identifiers;
use crate::ids::PatientId;
use crate::patients::{Contact, Demographics, IdentifierClash, KnownIdentifiers, PatientRegistered, PatientStanding};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Opens a record for a person. Someone who cannot be identified yet has neither name nor identifier.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterPatient {
    /// The patient, named by the caller.
    pub patient: PatientId,
    /// Business identifiers.
    #[serde(default)]
    pub identifiers: Phi<Identifiers>,
    /// Who they are.
    #[serde(default)]
    pub demographics: Phi<Demographics>,
    /// How to reach them.
    #[serde(default)]
    pub contact: Phi<Contact>,
    /// Why to go on though another record has one of the identifiers; it never lets a medical record number be given twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_known_identifiers: Option<Phi<Reason>>,
}

/// Why the patient was not registered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RegisterPatientRejection {
    /// The record cannot be opened like this.
    #[error(transparent)]
    NotRegistrable(#[from] NotRegistrable),
    /// An identifier is another person's.
    #[error(transparent)]
    Identifier(#[from] IdentifierClash),
}

/// Why a record cannot be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NotRegistrable {
    /// The id is taken.
    #[error("a patient of this id exists")]
    PatientExists,
    /// Nobody is born yet who will be.
    #[error("the birth date lies in the future")]
    BirthDateInTheFuture,
}

/// Whether the id is free, and the identifiers.
pub struct Registering {
    standing: PatientStanding,
    identifiers: KnownIdentifiers,
}

impl Decision for RegisterPatient {
    type Model = Registering;
    type Event = PatientRegistered;
    type Rejection = RegisterPatientRejection;

    fn model(&self) -> (Registering, Query) {
        let wanted = self.identifiers.known().map(Identifiers::as_slice).unwrap_or_default();
        let model = Registering { standing: PatientStanding::of(self.patient), identifiers: KnownIdentifiers::of(wanted) };
        let query = model.standing.query().or(model.identifiers.query());
        (model, query)
    }

    fn apply(model: &mut Registering, event: &Event) {
        model.standing.apply(event);
        model.identifiers.apply(event);
    }

    fn decide(&self, model: &Registering, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<PatientRegistered>, RegisterPatientRejection> {
        if model.standing.is_registered() {
            return Err(NotRegistrable::PatientExists.into());
        }
        let birth_date = self.demographics.known().and_then(|demographics| demographics.birth_date);
        if birth_date.is_some_and(|date| date.lies_in_the_future(now)) {
            return Err(NotRegistrable::BirthDateInTheFuture.into());
        }
        let known_identifier_accepted = model.identifiers.admit(self.patient, &model.standing.linked, self.accept_known_identifiers.as_ref())?;
        Ok(vec![PatientRegistered {
            patient: self.patient,
            identifiers: self.identifiers.clone().map(Into::into),
            demographics: self.demographics.clone(),
            contact: self.contact.clone(),
            known_identifier_accepted,
        }])
    }
}

impl Command for RegisterPatient {
    const CONTEXT: &'static str = "patients";
    const NAME: &'static str = "register-patient";
    const PERMISSION: Permission = Permission::ManagePatients;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir_values::Identifier;
    use crate::patients::examples::*;
    use crate::testing::{assert_bounded, given};

    fn register(wanted: &[Identifier]) -> RegisterPatient {
        RegisterPatient {
            patient: ADA,
            identifiers: identifiers(wanted),
            demographics: born("1950-02").into(),
            contact: Phi::default(),
            accept_known_identifiers: None,
        }
    }

    fn already_known(systems: &[&str]) -> IdentifierClash {
        IdentifierClash::IdentifierAlreadyKnown { systems: systems.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_person_is_registered_with_what_is_known() {
        given([]).when(&register(&[mrn("1"), passport("A1")])).then([registered_with(ADA, &[mrn("1"), passport("A1")], born("1950-02"))]);
    }

    #[test]
    fn an_unidentified_patient_is_registered_by_id_alone() {
        let command: RegisterPatient = read(serde_json::json!({ "patient": ADA }));
        given([]).when(&command).then([registered(ADA)]);
    }

    #[test]
    fn an_id_is_used_once() {
        given([registered(ADA)]).when(&register(&[])).then_rejected(NotRegistrable::PatientExists);
    }

    #[test]
    fn nobody_is_born_in_the_future() {
        let register = RegisterPatient { demographics: born("2027-01-06").into(), ..register(&[]) };
        given([]).when(&register).then_rejected(NotRegistrable::BirthDateInTheFuture);
        given([]).when_at("2027-01-05T10:00:00Z", &register).accepted();
    }

    #[test]
    fn a_medical_record_number_is_given_once_whatever_the_reason() {
        let insisting = RegisterPatient { accept_known_identifiers: Some(reason("it is hers")), ..register(&[mrn("1")]) };
        given([registered_with(BOB, &[mrn("1")], born("1950"))]).when(&insisting).then_rejected(IdentifierClash::MedicalRecordNumberTaken);
        given([registered(BOB), assigned(BOB, mrn("1"))]).when(&insisting).then_rejected(IdentifierClash::MedicalRecordNumberTaken);
        let untyped = Identifier { r#type: None, ..mrn("1") };
        given([registered_with(BOB, std::slice::from_ref(&untyped), born("1950"))]).when(&insisting).then_rejected(IdentifierClash::MedicalRecordNumberTaken);
        given([registered_with(BOB, &[mrn("1")], born("1950"))]).when(&register(&[untyped])).then_rejected(IdentifierClash::MedicalRecordNumberTaken);
        given([registered_with(BOB, &[mrn("2")], born("1950"))]).when(&insisting).accepted();
    }

    #[test]
    fn another_known_identifier_is_accepted_with_a_reason_and_the_event_says_so() {
        let given = || given([registered_with(BOB, &[mrn("1"), passport("A1")], born("1950")), registered(CYD), assigned(CYD, passport("A1"))]);
        given().when(&register(&[mrn("2"), passport("A1")])).then_rejected(already_known(&["urn:passport"]));
        let insisting = RegisterPatient { accept_known_identifiers: Some(reason("a family passport")), ..register(&[passport("A1")]) };
        let expected = PatientRegistered {
            patient: ADA,
            identifiers: vec![passport("A1")].into(),
            demographics: born("1950-02").into(),
            contact: Phi::default(),
            known_identifier_accepted: Some(reason("a family passport")),
        };
        given().when(&insisting).then([expected.into()]);
    }

    #[test]
    fn a_reason_that_was_not_needed_is_not_recorded() {
        let insisting = RegisterPatient { accept_known_identifiers: Some(reason("in case")), ..register(&[passport("A1")]) };
        given([registered(BOB)]).when(&insisting).then([registered_with(ADA, &[passport("A1")], born("1950-02"))]);
    }

    #[test]
    fn for_a_new_patient_every_record_is_another_even_a_merged_one() {
        let events = [registered_with(BOB, &[passport("A1")], born("1950")), registered(CYD), merged(CYD, BOB)];
        given(events).when(&register(&[passport("A1")])).then_rejected(already_known(&["urn:passport"]));
    }

    #[test]
    fn an_erased_person_is_known_by_nothing() {
        given([erased(&registered_with(BOB, &[mrn("1")], born("1950")))]).when(&register(&[mrn("1")])).accepted();
    }

    #[test]
    fn a_rejection_tells_systems_and_never_values() {
        let json = |rejection: RegisterPatientRejection| serde_json::to_value(rejection).unwrap();
        let known = json(already_known(&["urn:passport"]).into());
        assert_eq!(known, serde_json::json!({ "code": "identifier-already-known", "parameters": { "systems": ["urn:passport"] } }));
        assert_eq!(json(IdentifierClash::MedicalRecordNumberTaken.into()), serde_json::json!({ "code": "medical-record-number-taken" }));
        assert_eq!(json(NotRegistrable::PatientExists.into()), serde_json::json!({ "code": "patient-exists" }));
    }

    #[test]
    fn malformed_bodies_are_refused_where_they_are_read() {
        let refused = |identifiers, demographics| {
            let body = serde_json::json!({ "patient": ADA, "identifiers": identifiers, "demographics": demographics });
            serde_json::from_value::<RegisterPatient>(body).err().map(|error| error.to_string())
        };
        let nobody = serde_json::json!({});
        assert_eq!(refused(serde_json::json!([mrn("1"), mrn("1")]), nobody.clone()).as_deref(), Some("must name each identifier once"));
        assert!(refused(serde_json::json!([{ "system": "urn:a b", "value": "1" }]), nobody).is_some());
        assert!(refused(serde_json::json!([]), serde_json::json!({ "name": [{}] })).is_some());
        assert!(refused(serde_json::json!([]), serde_json::json!({ "shoeSize": 38 })).is_some());
        assert_bounded::<RegisterPatient>();
    }
}
