//! Content looked through element by element, whatever it is made of: for what none may hold, and for what it refers to.

use schemars::JsonSchema;
use serde::Serialize;

use crate::fhir_values::{Code, PartialDate, SystemUri};
use crate::records::elements::{Comparator, Count, Decimal, FhirDateTime, Period, Quantity, Target, Text};

/// What is seen on the way through content.
pub enum Seen<'content> {
    /// An object, with the names of those fields of it that say something.
    Object(Vec<String>),
    /// A moment or a date.
    Time(&'content FhirDateTime),
    /// What a reference leads to.
    Target(&'content Target),
}

/// Takes what is seen, with its FHIR path: `Condition.code.coding[0]`.
pub type See<'see, 'content> = &'see mut dyn FnMut(&str, Seen<'content>);

/// A part of content.
pub trait Element {
    /// Whether it says anything.
    fn is_there(&self) -> bool {
        true
    }

    /// Shows itself and then what it is made of.
    fn look<'content>(&'content self, path: &str, see: See<'_, 'content>);
}

/// Shows an object and what is in its fields.
pub(crate) fn look_into<'content>(path: &str, fields: &[(&str, &'content dyn Element)], see: See<'_, 'content>) {
    let there: Vec<(String, &dyn Element)> = fields.iter().filter(|(_, field)| field.is_there()).map(|(name, field)| (camel_case(name), *field)).collect();
    see(path, Seen::Object(there.iter().map(|(name, _)| name.clone()).collect()));
    for (name, field) in there {
        field.look(&format!("{path}.{name}"), see);
    }
}

/// As FHIR names it: `onset_date_time` is `onsetDateTime`.
fn camel_case(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

impl<T: Element> Element for Option<T> {
    fn is_there(&self) -> bool {
        self.is_some()
    }
    fn look<'content>(&'content self, path: &str, see: See<'_, 'content>) {
        if let Some(element) = self {
            element.look(path, see);
        }
    }
}

impl<T: Element> Element for Vec<T> {
    fn is_there(&self) -> bool {
        !self.is_empty()
    }
    fn look<'content>(&'content self, path: &str, see: See<'_, 'content>) {
        for (place, element) in self.iter().enumerate() {
            element.look(&format!("{path}[{place}]"), see);
        }
    }
}

impl Element for FhirDateTime {
    fn look<'content>(&'content self, path: &str, see: See<'_, 'content>) {
        see(path, Seen::Time(self));
    }
}

impl Element for Target {
    fn look<'content>(&'content self, path: &str, see: See<'_, 'content>) {
        see(path, Seen::Target(self));
    }
}

/// Values with nothing in them to look at.
macro_rules! plain {
    ($($type:ty),*) => {$(
        impl $crate::records::element::Element for $type {
            fn look<'content>(&'content self, _: &str, _: $crate::records::element::See<'_, 'content>) {}
        }
    )*};
}

pub(crate) use plain;

plain!(bool, i32, Code, Comparator, Count, Decimal, PartialDate, SystemUri, Text);

/// Objects by their fields.
macro_rules! object {
    ($type:ty { $($field:ident)* }) => {
        impl $crate::records::element::Element for $type {
            fn look<'content>(&'content self, path: &str, see: $crate::records::element::See<'_, 'content>) {
                $crate::records::element::look_into(path, &[$((stringify!($field), &self.$field),)*], see);
            }
        }
    };
}

pub(crate) use object;

object!(Quantity { value comparator unit system code });
object!(Period { start end });

/// Elements of which FHIR allows one type at a time: `value[x]` and the like.
const CHOICES: [&str; 11] = ["value", "effective", "onset", "abatement", "performed", "occurrence", "asNeeded", "dose", "rate", "bounds", "deceased"];
/// The types that end their names.
const TYPES: [&str; 11] = ["DateTime", "Period", "String", "Quantity", "CodeableConcept", "Boolean", "Integer", "Range", "Age", "Ratio", "Time"];

/// Why content is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum ContentUnsound {
    /// An element of it breaks a rule, which its shape cannot say.
    #[error("an element of the content breaks a rule")]
    ContentInvalid {
        /// The element, by its FHIR path.
        field: String,
        /// The rule.
        rule: &'static str,
    },
}

/// Refuses what no content may hold. Stored content is read without: a rule may be younger than it.
pub(crate) fn sound(resource_type: &str, content: &dyn Element) -> Result<(), ContentUnsound> {
    let mut found = None;
    content.look(resource_type, &mut |path, seen| {
        let broken = match seen {
            // FHIR's ele-1. A resource always has its type.
            Seen::Object(fields) if fields.is_empty() && path != resource_type => Some("say something: no field of it is given"),
            Seen::Object(fields) if CHOICES.iter().any(|choice| fields.iter().filter(|field| is_one_of(choice, field)).count() > 1) => {
                Some("be given in one type only")
            }
            Seen::Time(time) if time.is_beyond_time() => Some("lie before the year 10000 of UTC"),
            _ => None,
        };
        if let (Some(rule), None) = (broken, &found) {
            found = Some(ContentUnsound::ContentInvalid { field: path.to_owned(), rule });
        }
    });
    found.map_or(Ok(()), Err)
}

fn is_one_of(choice: &str, field: &str) -> bool {
    field.strip_prefix(choice).is_some_and(|of_type| TYPES.contains(&of_type))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::patients::examples::read;
    use crate::records::{Condition, Fact, MedicationRequest, Observation};

    fn broken<F: Fact>(content: Value) -> Option<String> {
        sound(F::KIND.resource_type(), &read::<F>(content)).err().map(|ContentUnsound::ContentInvalid { field, .. }| field)
    }

    #[test]
    fn an_element_says_something() {
        for (content, field) in [
            (json!({ "code": {} }), "Condition.code"),
            (json!({ "code": { "coding": [{ "code": "1" }, {}] } }), "Condition.code.coding[1]"),
            (json!({ "bodySite": [{}] }), "Condition.bodySite[0]"),
            (json!({ "onsetPeriod": {} }), "Condition.onsetPeriod"),
            (json!({ "encounter": {} }), "Condition.encounter"),
        ] {
            assert_eq!(broken::<Condition>(content).as_deref(), Some(field));
        }
        assert_eq!(broken::<Condition>(json!({ "code": { "text": "Asthma" } })), None);
        let quantity = json!({ "status": "final", "code": { "text": "Glucose" }, "valueQuantity": {} });
        assert_eq!(broken::<Observation>(quantity).as_deref(), Some("Observation.valueQuantity"));
    }

    #[test]
    fn a_choice_is_made_once() {
        assert_eq!(broken::<Condition>(json!({ "onsetDateTime": "2001", "onsetString": "as a child" })).as_deref(), Some("Condition"));
        let part = json!({ "code": { "text": "systolic" }, "valueString": "high", "valueBoolean": true });
        let observation = json!({ "status": "final", "code": { "text": "pressure" }, "valueInteger": 1, "component": [part] });
        assert_eq!(broken::<Observation>(observation).as_deref(), Some("Observation.component[0]"));
        let both = json!({ "status": "active", "intent": "order", "medicationCodeableConcept": { "text": "x" },
            "dosageInstruction": [{ "asNeededBoolean": true, "doseAndRate": [{ "doseQuantity": { "value": 1 }, "rateQuantity": { "value": 1 } }] }] });
        assert_eq!(broken::<MedicationRequest>(both), None, "a dose and a rate are two things");
    }

    #[test]
    fn a_moment_beyond_what_calendars_hold_is_refused_and_still_read() {
        let content = json!({ "onsetDateTime": "9999-12-31T23:59:59-12:00" });
        assert_eq!(broken::<Condition>(content.clone()).as_deref(), Some("Condition.onsetDateTime"));
        let stored: Condition = read(content);
        assert_eq!(stored.occurred().unwrap().to_rfc3339(), "9999-12-31T23:59:59.999999+00:00");
        assert_eq!(broken::<Condition>(json!({ "onsetDateTime": "9999-12-31T23:59:59Z" })), None);
    }

    #[test]
    fn a_moment_and_a_number_are_what_a_database_makes_of_them() {
        let moment = |text: &str| read::<FhirDateTime>(json!(text)).earliest().to_rfc3339();
        assert_eq!(moment("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00+00:00");
        assert_eq!(moment("2026-01-01T00:00:00.123456789Z"), "2026-01-01T00:00:00.123456+00:00");
        assert_eq!(serde_json::to_value(read::<Decimal>(json!(-0.0))).unwrap(), json!(0));
        assert_eq!(serde_json::to_value(read::<Decimal>(json!(-0.5))).unwrap(), json!(-0.5));
    }
}
