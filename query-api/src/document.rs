//! A request's document, parsed once and measured before anything walks it: a small text can nest or spread itself without end.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Request, Variables};
use event_store::Position;
use serde::Deserialize;

use crate::errors::{Code, Failure};

/// The most bytes of a request that are read, its variables included.
pub const MOST_BYTES: usize = 128 * 1024;
/// The most brackets that a document may open without closing one.
const MOST_NESTING: usize = 64;
/// The most fields and fragments that a document may come to once its fragments are spread.
const MOST_SELECTIONS: u64 = 4_000;

/// A request as GraphQL over HTTP and the WebSocket protocol have it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphqlRequest {
    query: String,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

impl GraphqlRequest {
    /// A request in the parameters of a URL, where variables and extensions are JSON texts.
    pub fn from_parameters(parameters: &HashMap<String, String>) -> Result<Self, Failure> {
        let object = |name: &str| {
            let Some(text) = parameters.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
            serde_json::from_str(text).map_err(|_| Failure::Refused(Code::BadRequest, "variables and extensions must be JSON objects"))
        };
        let query = parameters.get("query").cloned().ok_or(Failure::Refused(Code::BadRequest, "the parameter query is missing"))?;
        let operation_name = parameters.get("operationName").filter(|name| !name.is_empty()).cloned();
        Ok(Self { query, operation_name, variables: object("variables")?, extensions: object("extensions")? })
    }

    /// `extensions.carelog.waitFor`: the position that the answer must reflect.
    pub fn wait_for(&self) -> Result<Option<Position>, Failure> {
        let wanted = self.extensions.as_ref().and_then(|extensions| extensions.get("carelog")).and_then(|carelog| carelog.get("waitFor"));
        match wanted {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(position) => match position.as_i64() {
                Some(position) if position >= 0 => Ok(Some(Position(position))),
                _ => Err(Failure::Refused(Code::BadUserInput, "extensions.carelog.waitFor must be a position, as a command returned it")),
            },
        }
    }
}

/// One operation of a document, to be executed once or, for a subscription, at each change.
#[derive(Clone)]
pub struct Document {
    parsed: ExecutableDocument,
    operation_name: Option<String>,
    variables: Variables,
    /// A query, a mutation or a subscription.
    pub operation_type: OperationType,
    /// What is read, in the schema's own terms and without values: `query patients practitioner`.
    pub title: String,
}

impl Document {
    /// Parses the document and finds the operation that is meant.
    pub fn parse(request: GraphqlRequest) -> Result<Self, Failure> {
        if nesting(&request.query) > MOST_NESTING {
            return Err(Failure::Refused(Code::TooComplex, "the document is nested too deep"));
        }
        let document = async_graphql::parser::parse_query(&request.query).map_err(|error| Failure::Parse(error.positions().collect()))?;
        measure(&document)?;
        let operation = match (&document.operations, request.operation_name.as_deref()) {
            (DocumentOperations::Single(operation), None) => operation,
            (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
                operations.values().next().ok_or(Failure::Refused(Code::ValidationFailed, "the document has no operation"))?
            }
            (DocumentOperations::Multiple(operations), Some(name)) if operations.contains_key(name) => &operations[name],
            (_, Some(_)) => return Err(Failure::Refused(Code::ValidationFailed, "operationName names no operation of the document")),
            (_, None) => return Err(Failure::Refused(Code::ValidationFailed, "operationName must say which operation is meant")),
        };
        let operation_type = operation.node.ty;
        let root = &operation.node.selection_set.node;
        let only_field = matches!(root.items.as_slice(), [Positioned { node: Selection::Field(_), .. }]);
        if operation_type == OperationType::Subscription && !only_field {
            return Err(Failure::Refused(Code::ValidationFailed, "a subscription selects exactly one field at its root"));
        }
        let title = title(operation_type, root, &document);
        let variables = Variables::from_json(serde_json::Value::Object(request.variables.unwrap_or_default()));
        Ok(Self { operation_name: request.operation_name, variables, operation_type, title, parsed: document })
    }

    /// What is looked for: the arguments of every field that has some, as JSON, with the values of variables in their place.
    pub fn criteria(&self) -> Option<String> {
        let operation = match &self.parsed.operations {
            DocumentOperations::Single(operation) => Some(operation),
            DocumentOperations::Multiple(operations) => match &self.operation_name {
                Some(name) => operations.get(name.as_str()),
                None => operations.values().next(),
            },
        };
        let mut found = Vec::new();
        let mut ahead: Vec<&SelectionSet> = operation.map(|operation| &operation.node.selection_set.node).into_iter().collect();
        ahead.extend(self.parsed.fragments.values().map(|fragment| &fragment.node.selection_set.node));
        while let Some(set) = ahead.pop() {
            for item in &set.items {
                match &item.node {
                    Selection::Field(field) => {
                        ahead.push(&field.node.selection_set.node);
                        found.extend(self.arguments(&field.node));
                    }
                    Selection::InlineFragment(fragment) => ahead.push(&fragment.node.selection_set.node),
                    Selection::FragmentSpread(_) => {}
                }
            }
        }
        (!found.is_empty()).then(|| serde_json::Value::Array(found).to_string())
    }

    fn arguments(&self, field: &Field) -> Option<serde_json::Value> {
        let value = |value: &async_graphql_value::Value| {
            value.clone().into_const_with(|name| Ok::<_, Infallible>(self.variables.get(&name).cloned().unwrap_or_default()))
        };
        let arguments: serde_json::Map<String, serde_json::Value> =
            field.arguments.iter().filter_map(|(name, given)| Some((name.node.to_string(), value(&given.node).ok()?.into_json().ok()?))).collect();
        (!arguments.is_empty()).then(|| serde_json::json!({ field.name.node.as_str(): arguments }))
    }

    /// A request that executes it.
    pub fn request(&self) -> Request {
        let mut request = Request::new(String::new()).variables(self.variables.clone());
        request.operation_name.clone_from(&self.operation_name);
        request.set_parsed_query(self.parsed.clone());
        request
    }
}

/// The names of the root fields, in order and without doubles; as they are in the document, so only those that the schema may know.
fn title(operation_type: OperationType, root: &SelectionSet, document: &ExecutableDocument) -> String {
    fn collect<'document>(set: &'document SelectionSet, document: &'document ExecutableDocument, names: &mut Vec<&'document str>) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) if names.contains(&field.node.name.node.as_str()) => {}
                Selection::Field(field) => names.push(&field.node.name.node),
                Selection::InlineFragment(fragment) => collect(&fragment.node.selection_set.node, document, names),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        collect(&fragment.node.selection_set.node, document, names);
                    }
                }
            }
        }
    }
    let mut names = Vec::new();
    collect(root, document, &mut names);
    format!("{operation_type} {}", names.join(" "))
}

/// How deep the brackets of a text nest, outside of its strings and comments.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let read = match next {
            '"' if rest.starts_with("\"\"\"") => block_string(rest),
            '"' => string(rest),
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '{' | '[' | '(' => {
                depth += 1;
                deepest = deepest.max(depth);
                1
            }
            '}' | ']' | ')' => {
                depth = depth.saturating_sub(1);
                1
            }
            other => other.len_utf8(),
        };
        rest = &rest[read..];
    }
    deepest
}

/// The length of the block string that `text` begins with.
fn block_string(text: &str) -> usize {
    let mut at = 3;
    loop {
        match text[at..].find("\"\"\"") {
            None => return text.len(),
            Some(quotes) if text[at..at + quotes].ends_with('\\') => at += quotes + 3,
            Some(quotes) => return at + quotes + 3,
        }
    }
}

/// The length of the string that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, next) in text.char_indices().skip(1) {
        match next {
            '"' if !escaped => return at + 1,
            '\n' | '\r' => return at,
            _ => escaped = next == '\\' && !escaped,
        }
    }
    text.len()
}

/// Refuses a document that spreads a fragment inside of itself, or that comes to too much once everything is spread. Each fragment is
/// measured once, so that the measuring itself is bounded by the text.
fn measure(document: &ExecutableDocument) -> Result<(), Failure> {
    let mut fragments = HashMap::new();
    for (_, operation) in document.operations.iter() {
        let selections = selections(&operation.node.selection_set.node, document, &mut fragments)?;
        if selections > MOST_SELECTIONS {
            return Err(Failure::Refused(Code::TooComplex, "the document selects too much"));
        }
    }
    Ok(())
}

/// `None` stands for a fragment that is being measured.
fn selections<'document>(
    set: &'document SelectionSet,
    document: &'document ExecutableDocument,
    fragments: &mut HashMap<&'document Name, Option<u64>>,
) -> Result<u64, Failure> {
    let mut sum = 0_u64;
    for item in &set.items {
        let inner = match &item.node {
            Selection::Field(field) => selections(&field.node.selection_set.node, document, fragments)?,
            Selection::InlineFragment(fragment) => selections(&fragment.node.selection_set.node, document, fragments)?,
            Selection::FragmentSpread(spread) => {
                let name = &spread.node.fragment_name.node;
                match (fragments.get(name), document.fragments.get(name)) {
                    (Some(None), _) => return Err(Failure::Refused(Code::ValidationFailed, "a fragment is spread inside of itself")),
                    (Some(Some(known)), _) => *known,
                    // An unknown fragment is left to validation, which says where it is.
                    (None, None) => 0,
                    (None, Some(fragment)) => {
                        fragments.insert(name, None);
                        let inner = selections(&fragment.node.selection_set.node, document, fragments)?;
                        fragments.insert(name, Some(inner));
                        inner
                    }
                }
            }
        };
        sum = sum.saturating_add(1).saturating_add(inner);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Document, Failure> {
        Document::parse(GraphqlRequest { query: query.into(), operation_name: None, variables: None, extensions: None })
    }

    fn refused_as(query: &str) -> Code {
        parse(query).err().map(|failure| failure.code()).unwrap()
    }

    #[test]
    fn brackets_are_counted_outside_of_strings_and_comments() {
        assert_eq!(nesting("{ a(b: [1, 2]) { c } }"), 3);
        assert_eq!(nesting(r#"{ a(b: "}}}}") { c(d: """ } \""" } """) { e } } } # }}} {{{"#), 3);
        assert_eq!(nesting("{ a(b: \"\\\"}\\\\\") { c } }"), 2);
    }

    #[test]
    fn a_document_that_would_overflow_the_parser_is_refused_before_it() {
        let deep = 100_000;
        assert_eq!(refused_as(&format!("{}a{}", "{a".repeat(deep), "}".repeat(deep))), Code::TooComplex);
        assert_eq!(refused_as(&format!("{{ a(b: {}1{}) }}", "[".repeat(deep), "]".repeat(deep))), Code::TooComplex);
    }

    #[test]
    fn a_document_that_doubles_itself_is_refused_without_being_spread() {
        let doubling: Vec<String> = (0..60).map(|n| format!("fragment F{n} on Query {{ ...F{m} ...F{m} }} ", m = n + 1)).collect();
        let doubling = doubling.concat();
        assert_eq!(refused_as(&format!("{{ ...F0 }} {doubling} fragment F60 on Query {{ viewer {{ user }} }}")), Code::TooComplex);
        assert_eq!(refused_as("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"), Code::ValidationFailed);
    }

    #[test]
    fn a_text_that_is_no_document_is_refused_without_being_repeated() {
        let failure = parse("{ patients(search: { name: \"Needle\" ").err().unwrap();
        assert_eq!(failure.code(), Code::ParseFailed);
        assert!(!failure.to_string().contains("Needle"));
    }

    #[test]
    fn the_title_names_the_root_fields_and_no_values() {
        assert_eq!(
            parse("{ a: patients(search: {name: \"Needle\"}) { nodes { id } } ...F } fragment F on Query { viewer { user } patients { nodes { id } } }")
                .ok()
                .unwrap()
                .title,
            "query patients viewer"
        );
    }

    #[test]
    fn a_subscription_has_one_root_field() {
        assert_eq!(refused_as("subscription { a b }"), Code::ValidationFailed);
        assert_eq!(refused_as("subscription { ... { a } }"), Code::ValidationFailed);
    }
}
