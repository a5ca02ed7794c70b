//! Goes through the schema definition, so that a test can ask for every field there is.

use std::collections::{BTreeMap, VecDeque};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};

/// A field of an object type.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    /// The arguments that cannot be left out.
    pub required: Vec<String>,
    /// The type it comes to, without lists and nulls.
    pub comes_to: String,
}

/// The object types of the schema.
pub struct Objects(pub BTreeMap<String, Vec<Field>>, Unions);

/// The objects that a union can be.
type Unions = BTreeMap<String, Vec<String>>;

/// How to come to a type.
#[derive(Clone, Debug)]
pub struct Path {
    /// `{ patient(id: "…") { names`.
    pub opening: String,
    /// Every type on the way, the last one included.
    pub through: Vec<String>,
}

impl Path {
    /// A query of something at the end.
    pub fn ask(&self, selection: &str) -> String {
        format!("{} {{ {selection} {}", self.opening, "}".repeat(self.opening.matches('{').count() - self.opening.matches('}').count() + 1))
    }
}

fn base(type_: &Type) -> String {
    match &type_.base {
        BaseType::Named(name) => name.to_string(),
        BaseType::List(inner) => base(inner),
    }
}

impl Objects {
    pub fn of_the_schema() -> Self {
        let document = parse_schema(query_api::sdl()).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        });
        let types: Vec<_> = types.collect();
        let unions = types.iter().filter_map(|definition| match &definition.kind {
            TypeKind::Union(union) => Some((definition.name.to_string(), union.members.iter().map(|member| member.node.to_string()).collect())),
            _ => None,
        });
        let unions = unions.collect();
        let objects = types.into_iter().filter_map(|definition| match definition.kind {
            TypeKind::Object(object) => {
                let fields = object.fields.into_iter().map(|field| Field {
                    name: field.node.name.to_string(),
                    required: field
                        .node
                        .arguments
                        .iter()
                        .filter(|argument| !argument.node.ty.node.nullable)
                        .map(|argument| argument.node.name.to_string())
                        .collect(),
                    comes_to: base(&field.node.ty.node),
                });
                Some((definition.name.to_string(), fields.collect()))
            }
            _ => None,
        });
        Self(objects.collect(), unions)
    }

    /// Whether a type has fields of its own to ask for.
    pub fn is_composite(&self, name: &str) -> bool {
        self.0.contains_key(name) || self.1.contains_key(name)
    }

    /// Every field of a type, and of what they come to.
    pub fn whole(&self, name: &str) -> String {
        let field = |field: &Field| {
            if self.0.contains_key(&field.comes_to) { format!("{} {{ {} }}", field.name, self.whole(&field.comes_to)) } else { field.name.clone() }
        };
        self.0[name].iter().map(field).collect::<Vec<_>>().join(" ")
    }

    /// The shortest way to every type that queries come to; `call` writes a field with its arguments.
    pub fn paths(&self, call: impl Fn(&str, &Field) -> String) -> BTreeMap<String, Path> {
        let mut paths = BTreeMap::from([("Query".to_owned(), Path { opening: String::new(), through: Vec::new() })]);
        let mut ahead = VecDeque::from(["Query".to_owned()]);
        while let Some(from) = ahead.pop_front() {
            let path = paths[&from].clone();
            for field in &self.0[&from] {
                let opening = || format!("{} {{ {}", path.opening, call(&from, field));
                let members = self.1.get(&field.comes_to).into_iter().flatten().map(|member| (member, format!(" {{ ... on {member}")));
                let object = self.0.contains_key(&field.comes_to).then(|| (&field.comes_to, String::new()));
                for (name, fragment) in object.into_iter().chain(members).collect::<Vec<_>>() {
                    if !paths.contains_key(name) {
                        let through = path.through.iter().cloned().chain([name.clone()]).collect();
                        paths.insert(name.clone(), Path { opening: opening() + &fragment, through });
                        ahead.push_back(name.clone());
                    }
                }
            }
        }
        paths
    }
}
