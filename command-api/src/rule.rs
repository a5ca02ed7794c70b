//! How a broken rule of a schema is worded: the rule as the schema has it, where it is broken, and never the value that broke it, nor a name that is not the schema's.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::problem::FieldError;

/// The rules that a body breaks, as one error of the schema tells them.
pub(crate) fn broken(error: &ValidationError<'_>) -> Vec<FieldError> {
    let path = error.instance_path().as_str();
    match error.kind() {
        Kind::Required { property } => vec![at(&format!("{path}/{}", property.as_str().unwrap_or_default()), "must be given".to_owned())],
        // Their names are the client's: any of them could be a value in the wrong place.
        Kind::AdditionalProperties { .. } => vec![at(path, "must hold no fields but the schema's".to_owned())],
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => in_no_form(path, context),
        kind => vec![at(path, worded(kind))],
    }
}

fn at(field: &str, rule: String) -> FieldError {
    FieldError { field: field.to_owned(), rule }
}

/// What is said of a value that has none of the forms allowed: what the one form lacks that it was meant to have, as far as that can be told.
fn in_no_form(path: &str, forms: &[Vec<ValidationError<'static>>]) -> Vec<FieldError> {
    let no_form = || at(path, "must match one of the forms in the schema".to_owned());
    // Null is allowed beside another form; what is there was meant to be the other.
    let meant: Vec<_> = forms.iter().filter(|form| !form.iter().any(|error| is_about_null(path, error))).collect();
    if let [form] = meant.as_slice() {
        return form.iter().flat_map(broken).collect();
    }
    // Several forms are told apart by a constant, such as `kind`.
    let with_its_constant: Vec<_> = meant.iter().filter(|form| form.iter().all(|error| constant(error).is_none())).collect();
    match with_its_constant.as_slice() {
        [form] => form.iter().flat_map(broken).collect(),
        [] => vec![one_of_the_constants(&meant).unwrap_or_else(no_form)],
        _ => vec![no_form()],
    }
}

fn one_of_the_constants(forms: &[&Vec<ValidationError<'static>>]) -> Option<FieldError> {
    let constants: Vec<_> = forms.iter().filter_map(|form| form.iter().find_map(constant)).collect();
    let (field, _) = constants.first()?;
    let values: Vec<&String> = constants.iter().flat_map(|(_, values)| values).collect();
    constants.iter().all(|(other, _)| other == field).then(|| at(field, one_of(&values)))
}

fn is_about_null(path: &str, error: &ValidationError<'_>) -> bool {
    error.instance_path().as_str() == path && matches!(error.kind(), Kind::Type { kind: TypeKind::Single(JsonType::Null) })
}

/// Where a constant is asked for that is not there, and what it may be.
fn constant(error: &ValidationError<'_>) -> Option<(String, Vec<String>)> {
    let values = match error.kind() {
        Kind::Constant { expected_value } => vec![plain(expected_value)],
        Kind::Enum { options } => options.as_array()?.iter().map(plain).collect(),
        _ => return None,
    };
    Some((error.instance_path().as_str().to_owned(), values))
}

fn worded(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind: TypeKind::Single(json_type) } => format!("must be {}", noun(*json_type)),
        Kind::Type { kind: TypeKind::Multiple(types) } => format!("must be {}", types.iter().map(noun).collect::<Vec<_>>().join(" or ")),
        Kind::Constant { expected_value } => format!("must be {}", plain(expected_value)),
        Kind::Enum { options } => one_of(&options.as_array().into_iter().flatten().map(plain).collect::<Vec<_>>()),
        Kind::Format { format } => format!("must have the format {format}"),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::MinLength { limit } => format!("must have at least {}", counted(*limit, "character", "characters")),
        Kind::MaxLength { limit } => format!("must have at most {}", counted(*limit, "character", "characters")),
        Kind::MinItems { limit } => format!("must have at least {}", counted(*limit, "entry", "entries")),
        Kind::MaxItems { limit } => format!("must have at most {}", counted(*limit, "entry", "entries")),
        Kind::MinProperties { limit } => format!("must have at least {}", counted(*limit, "field", "fields")),
        kind => format!("must satisfy the schema's `{}`", kind.keyword()),
    }
}

fn noun(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "text",
        JsonType::Array => "a list",
        JsonType::Object => "an object",
    }
}

fn one_of(values: &[impl AsRef<str>]) -> String {
    format!("must be one of {}", values.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "))
}

/// A value of the schema's, as a person writes it.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
