//! What the GraphQL library says of a document, in no words but its own and the schema's: every other word is the client's, and may be a value.

use std::collections::HashSet;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

/// In what the library says, in lower case.
const OWN_WORDS: &str = "a aliases allowed and are argument arguments as be because both but by can cannot complex composite condition configured conflict contain \
    deep default defined depth did different differing directive directives does duplicate enumeration expected expecting fetch field fields fit for fragment \
    greater has have here if input intentional invalid is it mean must mutation mutations named nested never no non not number objects of on one only operation \
    or position provided query recursion required schema selection since spread subfields subscription subscriptions than the there they this to too type \
    unknown upload use used value variable was you";
/// What every schema has.
const OF_GRAPHQL: &str = "Int Float String Boolean ID __typename __schema __type include skip if";

static KNOWN: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut known: HashSet<String> = OF_GRAPHQL.split_whitespace().map(str::to_owned).collect();
    for definition in parse_schema(crate::sdl()).map(|document| document.definitions).unwrap_or_default() {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        known.insert(definition.node.name.to_string());
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            TypeKind::Enum(choices) => {
                known.extend(choices.values.iter().map(|choice| choice.node.value.to_string()));
                continue;
            }
            TypeKind::InputObject(input) => {
                known.extend(input.fields.iter().map(|field| field.node.name.to_string()));
                continue;
            }
            TypeKind::Scalar | TypeKind::Union(_) => continue,
        };
        for field in fields {
            known.insert(field.node.name.to_string());
            known.extend(field.node.arguments.iter().map(|argument| argument.node.name.to_string()));
        }
    }
    known
});

/// The message with an ellipsis for every word that is neither the library's nor the schema's.
pub(crate) fn of_ours(message: &str) -> String {
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let word = |next: char| next.is_ascii_alphanumeric() || next == '_' || !next.is_ascii();
        let length = if word(first) { rest.find(|next| !word(next)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (next, after) = rest.split_at(length);
        let ours = !word(first) || KNOWN.contains(next) || OWN_WORDS.split_whitespace().any(|own| own.eq_ignore_ascii_case(next));
        told.push_str(if ours { next } else { "…" });
        rest = after;
    }
    told
}

#[cfg(test)]
mod tests {
    use super::of_ours;

    #[test]
    fn names_of_the_schema_are_said_and_no_others() {
        let cases = [
            (r#"Unknown field "nmae" on type "Patient". Did you mean "names"?"#, r#"Unknown field "…" on type "Patient". Did you mean "names"?"#),
            (r#"Unknown argument "Quxblatt" on field "patients" of type "Query"."#, r#"Unknown argument "…" on field "patients" of type "Query"."#),
            (r#"Variable "$Müller" is not defined by operation "Q1907""#, r#"Variable "$…" is not defined by operation "…""#),
            (
                r#"Invalid value for argument "search.Ada", unknown field "Ada" of type "PatientSearch""#,
                r#"Invalid value for argument "search.…", unknown field "…" of type "PatientSearch""#,
            ),
            ("Query is nested too deep.", "Query is nested too deep."),
            ("whatever 1907-03-29 and 555", "… …-…-… and …"),
        ];
        for (said, told) in cases {
            assert_eq!(of_ours(said), told);
        }
    }
}
