//! Patients who were known by reference only and were registered as unidentified, once their own resource comes.

use domain::Phi;
use domain::fhir_values::Identifier;
use domain::patients::{AssignIdentifier, ChangeContactDetails, Contact, CorrectDemographics, Correction, Demographics, RegisterPatient};
use uuid::Uuid;

use crate::NotUnderstood;
use crate::command::ImportCommand;
use crate::map::{Step, Turn};
use crate::namespace::Namespace;

/// What tells the command that registers an unidentified patient from the one that registers the same patient with an identity.
pub(crate) const UNIDENTIFIED: &str = "unidentified";

/// The unidentified patient in whose place somebody is registered.
pub struct StandIn {
    /// What registered them.
    pub register: RegisterPatient,
    /// Under one of these ids: the second one is that of versions that had none of its own for it.
    pub ids: [Uuid; 2],
    /// What says who they are: it holds as long as nobody has said so before. The first step is the one that depends on that.
    pub identify: Vec<Step>,
}

impl StandIn {
    /// Of a patient who is registered like this.
    pub(crate) fn of(register: &RegisterPatient, namespace: Namespace) -> Result<Self, NotUnderstood> {
        let patient = register.patient;
        let ids = [UNIDENTIFIED, ""].map(|part| namespace.command(patient.0, "register-patient", part));
        let identify = identifying(register).into_iter().map(|command| {
            let part = format!("{UNIDENTIFIED}/{}", command.part());
            Ok(Step { id: namespace.command(patient.0, command.name(), &part), command: command.checked()?, turn: Turn::Own })
        });
        Ok(Self { register: unidentified(patient), ids, identify: identify.collect::<Result<_, NotUnderstood>>()? })
    }
}

/// A patient of whom nothing is known.
pub(crate) fn unidentified(patient: domain::PatientId) -> RegisterPatient {
    RegisterPatient { patient, identifiers: Phi::default(), demographics: Phi::default(), contact: Phi::default(), accept_known_identifiers: None }
}

/// The same as the registration says, about a record that is there.
fn identifying(register: &RegisterPatient) -> Vec<ImportCommand> {
    let patient = register.patient;
    let correction = register.demographics.known().cloned().map(correction).filter(|correction| *correction != Correction::default());
    let correct = correction.map(|correction| CorrectDemographics { patient, correction: correction.into(), reason: None }.into());
    let assign = |identifier: Identifier| {
        AssignIdentifier { patient, identifier: Phi::Known(identifier), accept_known_identifiers: register.accept_known_identifiers.clone() }.into()
    };
    let identifiers = register.identifiers.known().into_iter().flat_map(|identifiers| identifiers.as_slice().iter().cloned()).map(assign);
    let change = register.contact.known().filter(|contact| **contact != Contact::default());
    let change = change.map(|contact| ChangeContactDetails { patient, contact: contact.clone().into() }.into());
    correct.into_iter().chain(change).chain(identifiers).collect()
}

fn correction(demographics: Demographics) -> Correction {
    let Demographics { name, gender, birth_date, marital_status, language } = demographics;
    Correction {
        name: Some(name).filter(|name| !name.is_empty()),
        gender,
        birth_date,
        marital_status,
        language: Some(language).filter(|language| !language.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::subject::Patients;
    use crate::testing::{identifier, read, read_with};
    use crate::{Mapped, Turn};

    #[test]
    fn who_was_registered_in_place_of_a_patient_is_known_by_a_command_of_its_own_and_told_who_they_are() {
        let patient = json!({ "resourceType": "Patient", "id": "p", "identifier": [identifier("1"), identifier("2")], "name": [{ "family": "A" }],
                              "telecom": [{ "system": "phone", "value": "1" }], "deceasedBoolean": true });
        let fact = json!({ "resourceType": "Observation", "id": "o", "status": "final", "code": { "text": "a" }, "subject": { "reference": "Patient/p" } });
        let Mapped { steps, .. } = read_with(&Patients { register_missing: true, ..Patients::default() }, &[], &fact).unwrap_or_else(|error| panic!("{error}"));
        let Mapped { steps: own, stand_in, .. } = read(&patient).unwrap_or_else(|error| panic!("{error}"));
        let stand_in = stand_in.unwrap();
        assert!(steps[0].turn == Turn::Before && steps[0].id == stand_in.ids[0] && own[0].id == stand_in.ids[1] && stand_in.ids[0] != stand_in.ids[1]);
        let names: Vec<_> = stand_in.identify.iter().map(|step| step.command.name()).collect();
        assert_eq!(names, ["correct-demographics", "change-contact-details", "assign-identifier", "assign-identifier"]);
        let ids: std::collections::BTreeSet<_> = stand_in.identify.iter().map(|step| step.id).collect();
        assert_eq!(ids.len(), names.len());
        let nameless = read(&json!({ "resourceType": "Patient", "id": "p" })).ok().and_then(|read| read.stand_in).unwrap();
        assert!(nameless.identify.is_empty());
    }
}
