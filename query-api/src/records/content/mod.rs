//! What facts say: an object for each kind, with the fields and the names of its FHIR R4 resource, read straight from what is stored.

mod allergy_intolerance;
mod condition;
mod device;
mod elements;
mod encounter;
mod family_member_history;
mod immunization;
mod medication_request;
mod observation;
mod procedure;

use async_graphql::{Enum, Union};
use domain::records::FactKind;
use serde_json::Value;

use allergy_intolerance::AllergyIntolerance;
use condition::Condition;
use device::Device;
use encounter::Encounter;
use family_member_history::FamilyMemberHistory;
use immunization::Immunization;
use medication_request::MedicationRequest;
use observation::Observation;
use procedure::Procedure;

macro_rules! kinds {
    ($($(#[$documentation:meta])* $kind:ident,)*) => {
        /// The kinds of clinical facts, named as FHIR R4 names their resources.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enum)]
        #[graphql(name = "FactKind", remote = "FactKind")]
        pub enum ChartKind {
            $($(#[$documentation])* $kind,)*
        }

        /// What a fact says, in the shape of its FHIR R4 resource without `id`, `subject` and `meta`.
        #[derive(Clone, Union)]
        #[expect(clippy::large_enum_variant, reason = "one at a time is made and answered")]
        pub enum FactContent {
            $($(#[$documentation])* $kind($kind),)*
        }

        impl FactContent {
            /// Content of a kind from its stored JSON.
            pub fn read(kind: FactKind, content: Value) -> Result<Self, serde_json::Error> {
                match kind { $(FactKind::$kind => serde_json::from_value(content).map(Self::$kind),)* }
            }
        }
    };
}

kinds! {
    /// An allergy or intolerance, or that none is known.
    AllergyIntolerance,
    /// A problem, a diagnosis.
    Condition,
    /// A device that the patient has or uses.
    Device,
    /// An encounter.
    Encounter,
    /// What a relative had.
    FamilyMemberHistory,
    /// An immunization.
    Immunization,
    /// What was prescribed.
    MedicationRequest,
    /// What was measured, seen or asked.
    Observation,
    /// What was done.
    Procedure,
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use async_graphql::parser::parse_schema;
    use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
    use domain::records::{self as stored, Fact};
    use serde_json::Value;

    /// The schema's object types with the names of their fields.
    fn objects() -> BTreeMap<String, BTreeSet<String>> {
        let definitions = parse_schema(crate::sdl()).unwrap().definitions.into_iter();
        let objects = definitions.filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => match definition.node.kind {
                TypeKind::Object(object) => Some((definition.node.name.to_string(), object.fields.iter().map(|field| field.node.name.to_string()).collect())),
                _ => None,
            },
            _ => None,
        });
        objects.collect()
    }

    fn names(schema: &Value) -> BTreeSet<String> {
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn every_field_that_is_kept_can_be_asked_for() {
        fn schema<F: Fact>() -> Value {
            schemars::schema_for!(F).to_value()
        }
        let objects = objects();
        for (kind, schema) in [
            ("AllergyIntolerance", schema::<stored::AllergyIntolerance>()),
            ("Condition", schema::<stored::Condition>()),
            ("Device", schema::<stored::Device>()),
            ("Encounter", schema::<stored::Encounter>()),
            ("FamilyMemberHistory", schema::<stored::FamilyMemberHistory>()),
            ("Immunization", schema::<stored::Immunization>()),
            ("MedicationRequest", schema::<stored::MedicationRequest>()),
            ("Observation", schema::<stored::Observation>()),
            ("Procedure", schema::<stored::Procedure>()),
        ] {
            assert_eq!(objects[kind], names(&schema), "{kind}");
            for (name, part) in schema["$defs"].as_object().into_iter().flatten().filter(|(_, part)| part.get("properties").is_some()) {
                let name = if name == "Coding" { "FactCoding" } else { name };
                assert_eq!(objects[name], names(part), "{name}");
            }
        }
    }
}
