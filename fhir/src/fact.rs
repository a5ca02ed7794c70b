//! Clinical facts, of any kind: the resource is read through the content's own type, and what did not survive that is noted.

use domain::records::{EnterFactInError, Fact, RecordFact};
use domain::{FactId, InvalidValue, Label};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::compare::compare;
use crate::element::{Element, legible};
use crate::map::{Imported, NotUnderstood};
use crate::references;
use crate::subject::whose;
use crate::taken_back;
use crate::values::imported_reason;

/// The code systems of `meta.security`.
const SECURITY: [&str; 2] = ["http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "http://terminology.hl7.org/CodeSystem/v3-ActCode"];

pub(crate) fn map<F: Fact>(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood>
where
    ImportCommand: From<RecordFact<F>> + From<EnterFactInError<F>>,
{
    let security = security(resource);
    let (patient, register) = whose(resource, id, imported)?;
    let (content, in_error) = content::<F>(resource, imported)?;
    let fact = FactId(id);
    // What a person would have been asked about is flagged.
    let acknowledged = if F::CONFLICTS_ARE_REFUSED { Some(imported_reason()?.into()) } else { None };
    let mut commands: Vec<ImportCommand> = register.into_iter().map(Into::into).collect();
    commands.push(RecordFact { fact, patient, content: content.into(), security, acknowledged, imported: false }.into());
    if in_error {
        commands.push(EnterFactInError::new(fact, patient, imported_reason()?.into()).into());
    }
    Ok(commands)
}

/// What the resource says, and whether it was entered in error.
fn content<F: Fact>(resource: &mut Element<'_>, imported: &Imported<'_>) -> Result<(F, bool), NotUnderstood> {
    let path = F::KIND.resource_type();
    let mut stated = resource.rest();
    references::rewrite(path, &mut stated, imported, &mut resource.notes().borrow_mut());
    let mut fields = stated.clone();
    let in_error = taken_back::take(F::KIND, &mut fields);
    let mut kept = shape(&parse::<F>(path, fields)?)?;
    // Of an element that says nothing in Carelog's terms only its place is left.
    kept.retain(|_, value| says_something(value));
    let content: F = parse(path, kept.clone())?;
    if in_error {
        taken_back::put(F::KIND, &mut kept);
    }
    compare(path, &stated, &kept, &mut resource.notes().borrow_mut());
    Ok((content, in_error))
}

fn shape<F: Fact>(content: &F) -> Result<Map<String, Value>, NotUnderstood> {
    match serde_json::to_value(content) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(InvalidValue("have the content's shape").into()),
    }
}

/// Whether there is anything in a value, once everything is taken out of it in which there is nothing.
fn says_something(value: &mut Value) -> bool {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| says_something(value));
            !fields.is_empty()
        }
        Value::Array(entries) => {
            entries.retain_mut(says_something);
            !entries.is_empty()
        }
        _ => true,
    }
}

/// Reads content. A fact with a broken value is not taken without it: it would say something else.
pub(crate) fn parse<F: DeserializeOwned>(path: &str, fields: Map<String, Value>) -> Result<F, NotUnderstood> {
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let inside = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Map { key } => Some(legible(key)),
            _ => None,
        });
        let path = std::iter::once(path).chain(inside).collect::<Vec<_>>().join(".");
        let said = error.inner().to_string();
        if let Some(field) = said.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
            return NotUnderstood::ValueMissing { path: format!("{path}.{}", legible(field)) };
        }
        // Our own rules begin with "must" and hold no value.
        let rule = if said.starts_with("must ") {
            said
        } else if said.starts_with("unknown variant") {
            "must be a code of its value set".to_owned()
        } else {
            "must have the type that FHIR gives it".to_owned()
        };
        NotUnderstood::ValueBroken { path, rule }
    })
}

/// `meta.security`, as far as it is a label of Carelog; one that is not makes the fact a very restricted one, so that nothing is shown to more people than before.
pub(crate) fn security(resource: &mut Element<'_>) -> Vec<Label> {
    let Some(mut meta) = resource.part("meta") else { return Vec::new() };
    if !meta.has("security") {
        return Vec::new();
    }
    let mut labels = Vec::new();
    for label in meta.parts("security").into_iter().map(label) {
        if !matches!(label, Label::Normal | Label::Unrestricted) && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

pub(crate) fn label(mut coding: Element<'_>) -> Label {
    let known = SECURITY.into_iter().find(|system| coding.says("system", system)).and_then(|system| {
        coding.granted("system", system);
        coding.text("code").and_then(|code| Label::from_code(&code))
    });
    known.unwrap_or_else(|| {
        coding.flag("code", InvalidValue("be a security label that Carelog knows; it is kept as very restricted"));
        Label::VeryRestricted
    })
}

#[cfg(test)]
mod tests {
    use domain::PatientId;
    use domain::records::FactKind;
    use serde_json::{Value, json};

    use crate::resource_type::ResourceType;
    use crate::subject::Patients;
    use crate::testing::{bodies, id, identifier, left_out, not_kept, only, read, read_among, read_with};
    use crate::{NotUnderstood, Turn};

    fn patient() -> Value {
        json!({ "resourceType": "Patient", "id": "p", "identifier": [identifier("9")] })
    }

    #[test]
    fn two_resources_of_one_id_that_differ_are_not_taken_and_neither_is_what_refers_to_them() {
        let other = json!({ "resourceType": "Patient", "id": "p", "identifier": [identifier("8")] });
        let known_before = Patients { register_missing: true, ..Patients::default() };
        for patients in [Patients::default(), known_before] {
            let fact = read_with(&patients, &[patient(), other.clone()], &observation(&json!({})));
            assert_eq!(fact.err(), Some(NotUnderstood::ReferenceUnresolved { path: "Observation.subject".into() }));
        }
        assert_eq!(read_among(&[patient()], &other).err(), Some(NotUnderstood::IdNotUnique { path: "Patient.id".into() }));
        assert!(read_among(&[patient()], &patient()).is_ok(), "a line that is repeated says the same");
    }

    #[test]
    fn a_patient_of_another_server_is_somebody_else() {
        let fact = || observation(&json!({ "subject": { "reference": "https://b.example/fhir/Patient/p" } }));
        assert_eq!(read_among(&[patient()], &fact()).err(), Some(NotUnderstood::ReferenceUnresolved { path: "Observation.subject".into() }));
        let register = Patients { register_missing: true, ..Patients::default() };
        let (bodies, _) = bodies(read_with(&register, &[patient()], &fact()));
        assert!(bodies.iter().all(|(_, body)| body["patient"] != json!(id(ResourceType::Patient, "p"))));
    }

    fn observation(fields: &Value) -> Value {
        let mut resource =
            json!({ "resourceType": "Observation", "id": "o", "status": "final", "code": { "text": "pulse" }, "subject": { "reference": "Patient/p" } });
        resource.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        resource
    }

    #[test]
    fn a_fact_is_recorded_as_it_stands_less_its_header() {
        let encounter = json!({ "resourceType": "Encounter", "id": "e", "identifier": [identifier("7")] });
        let resource = observation(&json!({
            "meta": { "profile": [] }, "text": { "div": "x" }, "subject": { "reference": "Patient/p", "display": "A" },
            "encounter": { "reference": "Encounter?identifier=urn:source|7" }, "valueQuantity": { "value": 1.0, "unit": "kg" },
            "code": { "coding": [{ "code": "1", "userSelected": true }], "text": "weight" }, "bodySite": { "coding": [{ "extension": [] }] },
        }));
        let (body, notes) = only(read_among(&[patient(), encounter], &resource));
        let expected = json!({
            "fact": id(ResourceType::Fact(FactKind::Observation), "o"), "patient": id(ResourceType::Patient, "p"), "content": {
                "status": "final", "code": { "coding": [{ "code": "1" }], "text": "weight" }, "valueQuantity": { "value": 1.0, "unit": "kg" },
                "encounter": { "reference": format!("Encounter/{}", id(ResourceType::Fact(FactKind::Encounter), "e")) },
            },
        });
        assert_eq!(body, expected);
        let mut paths = not_kept(&notes);
        paths.sort_unstable();
        assert_eq!(
            paths,
            ["Observation.bodySite", "Observation.code.coding.userSelected", "Observation.meta", "Observation.subject.display", "Observation.text"]
        );
    }

    #[test]
    fn a_reference_that_leads_nowhere_keeps_what_it_says_and_goes_where_it_says_nothing() {
        let encounter = json!({
            "resourceType": "Encounter", "id": "e", "status": "finished", "class": { "code": "AMB" }, "subject": { "reference": "Patient/p" },
            "participant": [{ "individual": { "reference": "Practitioner/x", "display": "Dr. A" } }, { "individual": { "reference": "Practitioner/x" } }],
            "location": [{ "location": { "reference": "Location/x", "type": "Location" }, "period": { "start": "2020" } }],
            "serviceProvider": { "reference": "Organization/x", "identifier": { "value": "7" } },
        });
        let (body, notes) = only(read_among(&[patient()], &encounter));
        let content = &body["content"];
        assert_eq!((&content["participant"], content.get("location")), (&json!([{ "individual": { "display": "Dr. A" } }]), None));
        assert_eq!(content["serviceProvider"], json!({ "identifier": { "value": "7" } }));
        let mut paths: Vec<&str> = left_out(&notes).into_iter().map(|(path, _)| path).collect();
        paths.sort_unstable();
        let individual = "Encounter.participant.individual.reference";
        assert_eq!(paths, ["Encounter.location.location.reference", individual, individual, "Encounter.serviceProvider.reference"]);
    }

    #[test]
    fn a_broken_value_is_named_and_takes_the_fact_with_it() {
        let reason = |fields: Value| read_among(&[patient()], &observation(&fields)).err().unwrap();
        let broken = reason(json!({ "valueQuantity": { "value": 5, "comparator": "under" } }));
        let rule = "must be a code of its value set".to_owned();
        assert_eq!(broken, NotUnderstood::ValueBroken { path: "Observation.valueQuantity.comparator".into(), rule });
        assert_eq!(reason(json!({ "component": [{}] })), NotUnderstood::ValueMissing { path: "Observation.component.code".into() });
        assert_eq!(reason(json!({ "implicitRules": "urn:r" })), NotUnderstood::ModifierNotUnderstood { path: "Observation.implicitRules".into() });
    }

    #[test]
    fn who_is_not_there_is_given_or_registered_first_and_always_the_same() {
        let nobody = observation(&json!({ "subject": { "reference": "#baby" }, "contained": [{ "resourceType": "Patient", "id": "baby" }] }));
        assert_eq!(read(&nobody).err(), Some(NotUnderstood::ReferenceUnresolved { path: "Observation.subject".into() }));
        let given = Patients { given: [("#baby".to_owned(), PatientId(uuid::Uuid::from_u128(7)))].into(), register_missing: true };
        assert_eq!(only(read_with(&given, &[], &nobody)).0["patient"], json!(uuid::Uuid::from_u128(7)));
        let register = Patients { register_missing: true, ..Patients::default() };
        let mapped = read_with(&register, &[], &nobody).unwrap();
        assert_eq!(mapped.steps.iter().map(|step| step.turn).collect::<Vec<_>>(), [Turn::Before, Turn::Own]);
        let again = read_with(&register, &[], &nobody).unwrap();
        assert!(mapped.steps.iter().zip(&again.steps).all(|(one, other)| one.id == other.id));
    }

    #[test]
    fn what_was_entered_in_error_is_recorded_and_taken_back() {
        let status =
            |code: &str| json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": code, "display": "x" }] });
        let condition = json!({
            "resourceType": "Condition", "id": "c", "subject": { "reference": "Patient/p" }, "code": { "text": "a" }, "clinicalStatus": { "text": "active" },
            "verificationStatus": status("entered-in-error"),
        });
        let (bodies, notes) = bodies(read_among(&[patient()], &condition));
        assert_eq!(bodies.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["record-condition", "enter-condition-in-error"]);
        assert!(bodies[0].1["content"].get("verificationStatus").is_none());
        // FHIR allows no clinical status beside it, so it does not come back.
        assert_eq!(not_kept(&notes), ["Condition.clinicalStatus", "Condition.verificationStatus.coding.display"]);
    }

    #[test]
    fn labels_are_kept_and_one_that_is_not_known_restricts() {
        let security = |code: &str| json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code });
        let (body, notes) = only(read_among(&[patient()], &observation(&json!({ "meta": { "security": [security("HIV"), security("SECRET")] } }))));
        assert_eq!((&body["security"], notes.flagged.len(), notes.not_kept.len()), (&json!(["HIV", "V"]), 1, 0));
    }
}
