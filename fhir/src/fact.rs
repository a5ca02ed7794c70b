//! Clinical facts, of any kind: the resource is read through the content's own type, and what did not survive that is noted.

use domain::records::{EnterFactInError, Fact, RecordFact};
use domain::{FactId, InvalidValue, Label};
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
    commands.push(RecordFact { fact, patient, content: content.into(), security, acknowledged }.into());
    if in_error {
        commands.push(EnterFactInError::new(fact, patient, imported_reason()?.into()).into());
    }
    Ok(commands)
}

/// What the resource says, and whether it was entered in error.
fn content<F: Fact>(resource: &mut Element<'_>, imported: &Imported<'_>) -> Result<(F, bool), NotUnderstood> {
    let path = F::KIND.resource_type();
    let mut stated = resource.rest();
    references::rewrite(path, &mut stated, imported.index, &mut resource.notes().borrow_mut());
    let mut fields = stated.clone();
    let in_error = taken_back::take(F::KIND, &mut fields);
    let content: F = parse(path, fields)?;
    let Ok(Value::Object(mut kept)) = serde_json::to_value(&content) else { return Err(InvalidValue("have the content's shape").into()) };
    if in_error {
        taken_back::put(F::KIND, &mut kept);
    }
    compare(path, &stated, &kept, &mut resource.notes().borrow_mut());
    Ok((content, in_error))
}

/// Reads content. A fact with a broken value is not taken without it: it would say something else.
fn parse<F: Fact>(path: &str, fields: Map<String, Value>) -> Result<F, NotUnderstood> {
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

/// `meta.security`, as far as it is a label of Carelog; one that is not makes the fact a restricted one, so that nothing is shown to more people than before.
fn security(resource: &mut Element<'_>) -> Vec<Label> {
    let Some(mut meta) = resource.part("meta") else { return Vec::new() };
    if !meta.has("security") {
        return Vec::new();
    }
    let mut labels = Vec::new();
    for mut coding in meta.parts("security") {
        let known = SECURITY.into_iter().find(|system| coding.says("system", system)).and_then(|system| {
            coding.granted("system", system);
            coding.text("code").and_then(|code| Label::from_code(&code))
        });
        let label = known.unwrap_or_else(|| {
            coding.flag("code", InvalidValue("be a security label that Carelog knows; it is kept as restricted"));
            Label::Restricted
        });
        if !matches!(label, Label::Normal | Label::Unrestricted) && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}
