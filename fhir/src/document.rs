//! <http://hl7.org/fhir/R4/documentreference.html>: each of its contents is a document, whose bytes come with it.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use domain::documents::{DocumentMetadata, DocumentReference, RemoveDocument, SupersedeDocument};
use domain::{DocumentId, InvalidValue, Label, PatientId};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::command::{ImportCommand, Upload};
use crate::compare::compare;
use crate::element::{Element, LeftOut, Notes};
use crate::fact::{label, parse, security};
use crate::map::{Imported, NotUnderstood};
use crate::references;
use crate::resource_type::ResourceType;
use crate::subject::whose;
use crate::taken_back::ENTERED_IN_ERROR;
use crate::values::imported_reason;

const PATH: &str = "DocumentReference";
const ATTACHMENT: &str = "DocumentReference.content.attachment";
/// Base64 as FHIR has it; padding is there or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    let security = labels(resource);
    let (patient, register) = whose(resource, id, imported)?;
    let mut stated = resource.rest();
    let notes = &mut resource.notes().borrow_mut();
    let contents = contents(&mut stated)?;
    references::rewrite(PATH, &mut stated, imported, notes);
    let in_error = stated.get("status").is_some_and(|status| status == ENTERED_IN_ERROR);
    let replaced = if in_error { Vec::new() } else { replaced(&mut stated) };
    let documents = (0..contents.len()).map(|place| named(id, place, imported)).collect::<Vec<_>>();
    let mut commands: Vec<ImportCommand> = register.into_iter().map(Into::into).collect();
    let mut head = Some(&stated);
    for (document, mut part) in documents.iter().zip(contents) {
        let content = bytes(&mut part, notes)?;
        let said = said(&stated, in_error, &part)?;
        note(head.take(), in_error, &part, &said, notes);
        let metadata = DocumentMetadata { document: *document, patient, content: said.into(), security: security.clone() };
        commands.push(Upload { metadata, content }.into());
        if in_error {
            commands.push(RemoveDocument { document: *document, patient, reason: imported_reason()?.into() }.into());
        }
    }
    commands.extend(replaced.into_iter().map(|document| supersede(document, patient, id)));
    Ok(commands)
}

/// What it is known by: the first content by the resource's own id, and others by ids of their own.
fn named(id: Uuid, place: usize, imported: &Imported<'_>) -> DocumentId {
    // No id of FHIR holds such a character.
    let other = || imported.index.namespace().resource(ResourceType::DocumentReference, &format!("{id}#{place}"));
    DocumentId(if place == 0 { id } else { other() })
}

fn supersede(document: Uuid, patient: PatientId, by: Uuid) -> ImportCommand {
    SupersedeDocument { document: DocumentId(document), patient, by: DocumentId(by) }.into()
}

/// `meta.security` and `securityLabel`: how sensitive it is, whichever of the two says so.
fn labels(resource: &mut Element<'_>) -> Vec<Label> {
    let mut labels = security(resource);
    for mut concept in resource.parts("securityLabel") {
        let codings = concept.parts("coding");
        if codings.is_empty() {
            concept.flag("coding", InvalidValue("be a security label that Carelog knows; it is kept as very restricted"));
            labels.push(Label::VeryRestricted);
        }
        labels.extend(codings.into_iter().map(label));
    }
    labels.retain(|label| !matches!(label, Label::Normal | Label::Unrestricted));
    let mut once = Vec::new();
    for label in labels {
        if !once.contains(&label) {
            once.push(label);
        }
    }
    once
}

/// `content`: at least one, each with an attachment.
fn contents(stated: &mut Map<String, Value>) -> Result<Vec<Map<String, Value>>, NotUnderstood> {
    let missing = |path: &str| NotUnderstood::ValueMissing { path: path.to_owned() };
    let Some(Value::Array(entries)) = stated.remove("content").filter(|content| content.get(0).is_some()) else {
        return Err(missing("DocumentReference.content"));
    };
    let attached = |entry: Value| match entry {
        Value::Object(content) if content.get("attachment").is_some_and(Value::is_object) => Ok(content),
        _ => Err(missing(ATTACHMENT)),
    };
    entries.into_iter().map(attached).collect()
}

/// Takes `attachment.data`, and `attachment.size` where it is what the bytes come to. What is only referred to by a URL is not fetched.
fn bytes(content: &mut Map<String, Value>, notes: &mut Notes) -> Result<Bytes, NotUnderstood> {
    let data = || format!("{ATTACHMENT}.data");
    let missing = || NotUnderstood::ValueMissing { path: data() };
    let attachment = content.get_mut("attachment").and_then(Value::as_object_mut).ok_or_else(missing)?;
    let Some(Value::String(mut text)) = attachment.remove("data") else { return Err(missing()) };
    text.retain(|character| !character.is_ascii_whitespace());
    let broken = || NotUnderstood::ValueBroken { path: data(), rule: "must be base64".to_owned() };
    let bytes = Bytes::from(BASE64.decode(text).map_err(|_| broken())?);
    if attachment.remove("size").is_some_and(|size| size != bytes.len()) {
        notes.left_out.push(LeftOut { path: format!("{ATTACHMENT}.size"), rule: InvalidValue("be the number of its bytes") });
    }
    Ok(bytes)
}

/// What is said of one content: what is said of all, and its own.
fn said(stated: &Map<String, Value>, in_error: bool, content: &Map<String, Value>) -> Result<DocumentReference, NotUnderstood> {
    let mut fields = stated.clone();
    if in_error {
        fields.insert("status".to_owned(), "current".into());
    }
    for field in ["attachment", "format"] {
        fields.extend(content.get(field).map(|value| (field.to_owned(), value.clone())));
    }
    if let Some(kind) = fields.get_mut("attachment").and_then(|attachment| attachment.get_mut("contentType"))
        && let Some(text) = kind.as_str()
    {
        *kind = media_type(text).into();
    }
    parse(PATH, fields).map_err(NotUnderstood::in_content)
}

/// A media type as Carelog writes it: case, spaces and quotes say nothing (RFC 9110, section 8.3.1).
fn media_type(text: &str) -> String {
    let parts: Vec<String> = text.split(';').map(|part| part.trim().replace('"', "").to_ascii_lowercase()).collect();
    parts.join("; ")
}

/// Notes what did not survive: of what is said of all contents once.
fn note(head: Option<&Map<String, Value>>, in_error: bool, content: &Map<String, Value>, said: &DocumentReference, notes: &mut Notes) {
    let Some(mut kept) = said.resource() else { return };
    let own = kept.remove("content").and_then(|content| content.get(0).and_then(Value::as_object).cloned()).unwrap_or_default();
    if in_error {
        kept.insert("status".to_owned(), ENTERED_IN_ERROR.into());
    }
    if let Some(head) = head {
        compare(PATH, head, &kept, notes);
    }
    compare("DocumentReference.content", content, &own, notes);
}

/// Takes the documents of the input whose place it has taken out of `relatesTo`.
fn replaced(stated: &mut Map<String, Value>) -> Vec<Uuid> {
    let Some(Value::Array(mut relations)) = stated.remove("relatesTo") else { return Vec::new() };
    let target = |relation: &Value| {
        let plain = relation["code"] == "replaces" && relation.as_object()?.len() == 2 && relation["target"].as_object()?.len() == 1;
        relation["target"]["reference"].as_str()?.strip_prefix("DocumentReference/").filter(|_| plain)?.parse().ok()
    };
    let replaced = relations.iter().filter_map(target).collect();
    relations.retain(|relation| target(relation).is_none());
    if !relations.is_empty() {
        stated.insert("relatesTo".to_owned(), relations.into());
    }
    replaced
}

#[cfg(test)]
mod tests {
    use domain::records::FactKind;
    use serde_json::json;

    use super::*;
    use crate::Turn;
    use crate::testing::{bodies, id, identifier, left_out, not_kept, only, read_among};

    fn others() -> Vec<Value> {
        vec![
            json!({ "resourceType": "Patient", "id": "p", "identifier": [identifier("9")] }),
            json!({ "resourceType": "Encounter", "id": "e", "identifier": [identifier("7")] }),
            json!({ "resourceType": "DocumentReference", "id": "old" }),
        ]
    }

    fn attachment(data: &str) -> Value {
        json!({ "attachment": { "contentType": "text/plain; charset=utf-8", "data": data } })
    }

    fn document(fields: &Value) -> Value {
        let mut resource = json!({
            "resourceType": "DocumentReference", "id": "d", "status": "current", "subject": { "reference": "Patient/p" }, "content": [attachment("SGVsbG8=")],
        });
        resource.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        resource
    }

    fn why(fields: &Value) -> NotUnderstood {
        read_among(&others(), &document(fields)).err().unwrap()
    }

    #[test]
    fn a_document_is_uploaded_with_what_is_said_of_it() {
        let own = id(ResourceType::DocumentReference, "d");
        let (body, notes) = only(read_among(
            &others(),
            &document(&json!({
                "meta": { "profile": [] }, "context": { "encounter": [{ "reference": "Encounter?identifier=urn:source|7" }], "event": [{ "text": "a" }] },
                "content": [{ "attachment": { "contentType": "text/plain", "data": "SGVs\nbG8", "size": 5, "hash": "x" }, "format": { "code": "f" } }],
            })),
        ));
        let encounter = format!("Encounter/{}", id(ResourceType::Fact(FactKind::Encounter), "e"));
        let content = json!({
            "status": "current", "attachment": { "contentType": "text/plain" }, "format": { "code": "f" },
            "context": { "encounter": [{ "reference": encounter }], "event": [{ "text": "a" }] },
        });
        assert_eq!(body, json!({ "document": own, "patient": id(ResourceType::Patient, "p"), "content": content, "bytes": "Hello" }));
        assert_eq!(not_kept(&notes), ["DocumentReference.meta", "DocumentReference.content.attachment.hash"]);
    }

    #[test]
    fn each_content_is_a_document_and_what_is_said_of_all_is_noted_once() {
        let contents = json!([attachment("SGVsbG8="), { "attachment": { "contentType": "text/plain", "data": "SGk=", "url": "http://e" } }]);
        let (bodies, notes) = bodies(read_among(&others(), &document(&json!({ "content": contents, "text": {} }))));
        let said: Vec<_> = bodies.iter().map(|(name, body)| (*name, body["bytes"].as_str().unwrap())).collect();
        assert_eq!(said, [("upload", "Hello"), ("upload", "Hi")]);
        assert!(bodies[0].1["document"] != bodies[1].1["document"]);
        assert_eq!(not_kept(&notes), ["DocumentReference.text", "DocumentReference.content.attachment.url"]);
    }

    #[test]
    fn without_its_bytes_or_with_broken_ones_it_is_not_taken() {
        let data = || "DocumentReference.content.attachment.data".to_owned();
        assert_eq!(why(&json!({ "content": [] })), NotUnderstood::ValueMissing { path: "DocumentReference.content".into() });
        let elsewhere = json!([{ "attachment": { "contentType": "text/plain", "url": "http://e" } }]);
        assert_eq!(why(&json!({ "content": elsewhere })), NotUnderstood::ValueMissing { path: data() });
        assert_eq!(why(&json!({ "content": [attachment("Needle!")] })), NotUnderstood::ValueBroken { path: data(), rule: "must be base64".into() });
        let undeclared = json!([{ "attachment": { "data": "" } }]);
        assert_eq!(why(&json!({ "content": undeclared })), NotUnderstood::ValueMissing { path: "DocumentReference.content.attachment.contentType".into() });
        let latin = json!([{ "attachment": { "contentType": "text/plain; charset=iso-8859-1", "data": "" } }]);
        let rule = "must be a media type in lower case, with no parameters but `; charset=utf-8`".to_owned();
        let path = "DocumentReference.content.attachment.contentType".to_owned();
        assert_eq!(why(&json!({ "content": latin })), NotUnderstood::ValueBroken { path, rule });
    }

    #[test]
    fn a_size_that_is_another_is_left_out_and_a_media_type_is_written_as_carelog_does() {
        let content = json!([{ "attachment": { "contentType": "Text/Plain;charset=\"UTF-8\"", "data": "SGk=", "size": 3 } }]);
        let (body, notes) = only(read_among(&others(), &document(&json!({ "content": content }))));
        assert_eq!(body["content"]["attachment"]["contentType"], "text/plain; charset=utf-8");
        assert_eq!(left_out(&notes), [("DocumentReference.content.attachment.size", "be the number of its bytes")]);
        assert_eq!(not_kept(&notes), ["DocumentReference.content.attachment.contentType"]);
    }

    #[test]
    fn one_entered_in_error_is_removed_and_one_that_replaces_supersedes_at_last() {
        let (in_error, notes) = bodies(read_among(&others(), &document(&json!({ "status": "entered-in-error" }))));
        assert_eq!(in_error.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["upload", "remove-document"]);
        assert!(not_kept(&notes).is_empty());

        let relation = |code: &str, target: &str| json!({ "code": code, "target": { "reference": target } });
        let relations = json!([relation("replaces", "DocumentReference/old"), relation("signs", "DocumentReference/old"), relation("replaces", "Basic/1")]);
        let mapped = read_among(&others(), &document(&json!({ "relatesTo": relations }))).unwrap();
        assert_eq!(mapped.steps.iter().map(|step| step.turn).collect::<Vec<_>>(), [Turn::Own, Turn::Last]);
        assert_eq!(mapped.steps[1].command.name(), "supersede-document");
        assert_eq!((not_kept(&mapped.notes), left_out(&mapped.notes).len()), (vec!["DocumentReference.relatesTo"; 2], 1));
    }

    #[test]
    fn a_label_restricts_wherever_it_stands() {
        let coding = |code: &str| json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code });
        let fields = json!({ "meta": { "security": [coding("PSY")] }, "securityLabel": [{ "coding": [coding("PSY"), coding("HIV")] }, { "text": "secret" }] });
        let (body, notes) = only(read_among(&others(), &document(&fields)));
        assert_eq!((&body["security"], notes.flagged.len()), (&json!(["PSY", "HIV", "V"]), 1));
    }
}
