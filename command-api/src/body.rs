//! A body becomes a command, or a list of the fields that break a rule. No answer repeats a value: it may be protected.

use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{FieldError, Problem};

/// The schema that a body is checked against before it is read.
pub struct BodySchema(Validator);

/// How many broken rules an answer names.
const ERRORS_AT_MOST: usize = 50;

impl BodySchema {
    /// The schema of what a body says.
    ///
    /// # Panics
    /// When the type's own schema is not valid; every one is built when the server starts.
    pub fn of<C: JsonSchema>() -> Self {
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<C>();
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(schema.as_value());
        Self(validator.expect("a derived schema is valid"))
    }

    /// Reads it from JSON.
    pub fn read<C: DeserializeOwned>(&self, body: &[u8]) -> Result<C, Problem> {
        let value: Value = serde_json::from_slice(body).map_err(|error| {
            let error = FieldError { field: String::new(), rule: format!("must be JSON; it breaks off at line {}, column {}", error.line(), error.column()) };
            Problem::invalid_body(vec![error])
        })?;
        let mut broken: Vec<FieldError> = self
            .0
            .iter_errors(&value)
            .take(ERRORS_AT_MOST)
            .map(|error| FieldError { field: field_of(error.instance_path().as_str(), &error), rule: rule_of(&error) })
            .collect();
        broken.dedup();
        if !broken.is_empty() {
            return Err(Problem::invalid_body(broken));
        }
        serde_path_to_error::deserialize(value).map_err(|error| {
            let field = format!("/{}", error.path().to_string().replace(['.', '['], "/").replace(']', ""));
            Problem::invalid_body(vec![FieldError { field, rule: own_rule(&error.inner().to_string()) }])
        })
    }
}

/// A JSON pointer (RFC 6901) to the field; for a missing one, to where it should be.
fn field_of(path: &str, error: &jsonschema::ValidationError<'_>) -> String {
    match error.kind() {
        jsonschema::error::ValidationErrorKind::Required { property } => format!("{path}/{}", property.as_str().unwrap_or_default()),
        _ => path.to_owned(),
    }
}

/// The rule as the schema words it, without the value that broke it.
fn rule_of(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Required { .. } => "must be given".to_owned(),
        Kind::AdditionalProperties { .. } => "must hold no fields but the schema's".to_owned(),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => "must match one of the forms in the schema".to_owned(),
        kind => format!("must satisfy the schema's `{}`", kind.keyword()),
    }
}

/// Our own rules begin with "must" and hold no value; what serde says may repeat one.
fn own_rule(message: &str) -> String {
    if message.starts_with("must ") { message.to_owned() } else { "must have the schema's shape".to_owned() }
}
