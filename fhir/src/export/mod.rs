//! Rows of the read models as FHIR R4 resources: the other way round. Pure; a row is what `to_json` makes of it.

mod audit_event;
mod document;
mod fact;
mod people;
mod places;

pub use audit_event::AuditRow;
pub use document::DocumentRow;
pub use fact::FactRow;
pub use people::{PatientRow, PractitionerRow, RoleRow};
pub use places::{FacilityRow, OrganizationRow, RoomRow};

use domain::Label;
use domain::fhir_values::{Code, Coding, Identifier};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::resource_type::ResourceType;

/// The code system of `Identifier.type`.
const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// A resource that is being written: a field that holds nothing is not there.
pub(crate) struct Resource(Map<String, Value>);

impl Resource {
    fn new(resource_type: ResourceType, id: Uuid, position: i64, last_updated: Option<&str>) -> Self {
        Self::of(Map::new(), resource_type, id, position, last_updated)
    }

    /// Around what a fact says.
    fn of(content: Map<String, Value>, resource_type: ResourceType, id: Uuid, position: i64, last_updated: Option<&str>) -> Self {
        let mut meta = Self(Map::new());
        meta.set("versionId", position.to_string());
        meta.set("lastUpdated", last_updated);
        Self(content).with("resourceType", resource_type.name()).with("id", id.to_string()).with("meta", meta.0)
    }

    fn set(&mut self, field: &str, value: impl Into<Value>) {
        let value = value.into();
        let nothing = match &value {
            Value::Null => true,
            Value::Array(entries) => entries.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !nothing {
            self.0.insert(field.to_owned(), value);
        }
    }

    fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    /// With how sensitive it is, beyond normal.
    fn labelled(mut self, labels: &[Label]) -> Self {
        if let (false, Some(Value::Object(meta))) = (labels.is_empty(), self.0.get_mut("meta")) {
            meta.insert("security".to_owned(), labels.iter().map(|label| fact::security(*label)).collect());
        }
        self
    }

    fn finish(self) -> Value {
        Value::Object(self.0)
    }
}

/// A reference to a resource of Carelog.
fn reference(resource_type: ResourceType, id: Uuid) -> Value {
    json!({ "reference": format!("{}/{id}", resource_type.name()) })
}

/// A concept of one code.
fn concept(coding: &Coding) -> Value {
    json!({ "coding": [coding] })
}

fn concepts(codings: &[Coding]) -> Vec<Value> {
    codings.iter().map(concept).collect()
}

fn coded(system: &str, code: Option<&str>) -> Value {
    code.map_or(Value::Null, |code| json!({ "coding": [{ "system": system, "code": code }] }))
}

fn identifiers(identifiers: &[Identifier]) -> Vec<Value> {
    let one = |identifier: &Identifier| {
        let kind = coded(IDENTIFIER_TYPE, identifier.r#type.as_ref().map(Code::as_str));
        Resource(Map::new()).with("system", identifier.system.as_str()).with("value", identifier.value.as_str()).with("type", kind).finish()
    };
    identifiers.iter().map(one).collect()
}
