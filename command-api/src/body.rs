//! A body becomes a command, or a list of the fields that break a rule. No answer repeats a value: it may be protected.

use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::problem::{FieldError, Problem};
use crate::{number, rule};

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
        if !number::are_kept(body) {
            let rule = "must hold no number that cannot be kept as it is written".to_owned();
            return Err(Problem::invalid_body(vec![FieldError { field: String::new(), rule }]));
        }
        let mut broken: Vec<FieldError> = self.0.iter_errors(&value).flat_map(|error| rule::broken(&error)).take(ERRORS_AT_MOST).collect();
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

/// Our own rules begin with "must" and hold no value; what serde says may repeat one.
fn own_rule(message: &str) -> String {
    if message.starts_with("must ") { message.to_owned() } else { "must have the schema's shape".to_owned() }
}

#[cfg(test)]
mod tests {
    use domain::patients::RegisterPatient;
    use domain::scheduling::BookAppointment;
    use serde_json::json;

    use super::*;

    const ID: &str = "0190b6a0-0000-7000-8000-000000000001";

    /// A booking that is as it should be, but for one field.
    fn booking(pointer: &str, value: Value) -> Value {
        let mut body = json!({
            "appointment": ID, "patient": ID, "reason": "cough", "exception": { "kind": "overbooked", "reason": "urgent" },
            "placement": { "practitioner": ID, "facility": ID, "room": ID, "start": "2031-03-03T09:00:00", "minutes": 30, "repeated": "later" },
        });
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    }

    fn refused<C: JsonSchema + DeserializeOwned>(body: &Value) -> Vec<(String, String)> {
        let problem = BodySchema::of::<C>().read::<C>(body.to_string().as_bytes()).err().expect("the body breaks a rule");
        problem.errors.into_iter().map(|error| (error.field, error.rule)).collect()
    }

    #[test]
    fn the_rule_is_said_as_the_schema_has_it() {
        let cases = [
            ("/placement/minutes", json!(0), "must be at least 1"),
            ("/placement/minutes", json!(1441), "must be at most 1440"),
            ("/placement/minutes", json!("Needle"), "must be a whole number"),
            ("/placement/repeated", json!("Needle"), "must be one of earlier, later"),
            ("/placement/room", json!("Needle"), "must have the format uuid"),
            ("/placement/room", json!([]), "must be text"),
            ("/placement", json!("Needle"), "must be an object"),
            ("/patient", json!("Needle"), "must have the format uuid"),
            ("/reason", json!(""), "must have at least 1 character"),
            ("/reason", json!("x".repeat(1001)), "must have at most 1000 characters"),
            ("/exception/kind", json!("Needle"), "must be one of overbooked, back-entered"),
            ("/exception/reason", json!(7), "must be text"),
        ];
        for (field, value, rule) in cases {
            assert_eq!(refused::<BookAppointment>(&booking(field, value)), [(field.to_owned(), rule.to_owned())]);
        }
        let patient = |field: &str, value: Value| refused::<RegisterPatient>(&json!({ "patient": ID, field: value }));
        let names = vec![json!({ "family": "Needle" }); 21];
        assert_eq!(patient("demographics", json!({ "name": names })), [("/demographics/name".to_owned(), "must have at most 20 entries".to_owned())]);
        let spaced = patient("identifiers", json!([{ "system": "with space", "value": "1" }]));
        assert_eq!(spaced, [("/identifiers/0/system".to_owned(), r"must match the pattern ^\S+$".to_owned())]);
    }

    #[test]
    fn an_unknown_field_is_never_named() {
        for name in ["Needle", "Ada Lovelace", "1815/12", "ä", "", &"x".repeat(65)] {
            let error = ("/placement".to_owned(), "must hold no fields but the schema's".to_owned());
            let mut body = booking("/placement/minutes", json!(30));
            body["placement"][name] = json!(1);
            assert_eq!(refused::<BookAppointment>(&body), [error], "{name}");
        }
    }

    #[test]
    fn a_rule_of_our_own_comes_through_and_what_else_is_said_does_not() {
        let own = refused::<BookAppointment>(&booking("/placement/start", json!("Needle")));
        assert_eq!(own[0].0, "/placement/start");
        assert!(own[0].1.starts_with("must ") && !own[0].1.contains("Needle"), "{own:?}");
        assert_eq!(own_rule("invalid type: Needle"), "must have the schema's shape");
    }
}
