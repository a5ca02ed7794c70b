//! Where there are fields, and which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::graphql::authorization::TYPES;
use crate::graphql::crawl::Objects;
use crate::harness::{Databases, Kind};

/// A field of something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Field {
    /// The event, command, table, type or path that has it.
    pub holder: String,
    /// Its own name.
    pub name: String,
    /// Whether its holder is a value type, which one line may classify as a whole.
    pub whole: bool,
    /// Whether its schema says that it is sealed, where there is one.
    pub sealed: Option<bool>,
    /// Whether security labels stand beside it.
    pub labelled: bool,
}

impl Field {
    pub fn of(holder: &str, name: &str) -> Self {
        Self { holder: holder.to_owned(), name: name.to_owned(), whole: false, sealed: None, labelled: false }
    }

    pub fn path(&self) -> String {
        format!("{}.{}", self.holder, self.name)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Of every version of every event.
pub fn events() -> Vec<Field> {
    schemas("event-schemas/events", |file| file.rsplit_once(".v").expect("an event has a version").0.to_owned())
}

/// Of every command's body, and of the metadata of an upload.
pub fn commands() -> Vec<Field> {
    schemas("event-schemas/commands", str::to_owned)
}

fn schemas(folder: &str, holder: impl Fn(&str) -> String) -> Vec<Field> {
    let mut fields = BTreeSet::new();
    for entry in std::fs::read_dir(root().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let document = json(&path);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Walk { document: &document, fields: &mut fields }.schema(&holder(&name), false, &document);
    }
    fields.into_iter().collect()
}

/// Goes through a schema down to what is sealed; what is in there is sealed with it.
struct Walk<'walk> {
    document: &'walk Value,
    fields: &'walk mut BTreeSet<Field>,
}

impl Walk<'_> {
    fn schema(&mut self, holder: &str, whole: bool, schema: &Value) {
        if let Some(place) = schema["$ref"].as_str() {
            let target = self.document.pointer(place.trim_start_matches('#')).expect("a reference leads somewhere");
            self.schema(place.rsplit('/').next().unwrap_or_default(), true, target);
        }
        for forms in ["anyOf", "oneOf", "allOf", "prefixItems"] {
            for form in schema[forms].as_array().into_iter().flatten() {
                self.schema(holder, whole, form);
            }
        }
        for inner in ["items", "additionalProperties"] {
            if schema[inner].is_object() {
                self.schema(holder, whole, &schema[inner]);
            }
        }
        let Some(properties) = schema["properties"].as_object() else { return };
        for (name, property) in properties {
            let sealed = sealed(property);
            let labelled = name == "security" || properties.contains_key("security");
            let field = Field { whole, sealed: Some(sealed), labelled, ..Field::of(holder, name) };
            if self.fields.insert(field) && !sealed {
                self.schema(&format!("{holder}.{name}"), false, property);
            }
        }
    }
}

/// Whether it is sealed wherever it is not null.
fn sealed(schema: &Value) -> bool {
    let forms = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    let not_null = |form: &&Value| form["type"] != "null";
    let every = |forms: &Vec<Value>| forms.iter().filter(not_null).all(sealed) && forms.iter().any(|form| not_null(&form));
    schema["x-phi"] == true || forms.is_some_and(every)
}

/// A table of the read models.
pub struct Table {
    /// Whether row-level security is forced on it and a policy admits.
    pub secured: bool,
    columns: BTreeSet<String>,
}

impl Table {
    pub fn has(&self, any_of: &[&str]) -> bool {
        any_of.iter().any(|column| self.columns.contains(*column))
    }
}

/// Every column of a read database that was prepared for the projections of this build.
pub async fn columns() -> (Vec<Field>, BTreeMap<String, Table>) {
    let databases = Databases::of(&[Kind::Read]).await;
    let pool = databases.pool(Kind::Read);
    projections::prepare(&pool, &projections::all()).await.unwrap();
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "select case when schema_name is null then nspname || '.' || relname else relname end, attname::text, nspname::text, \
         relrowsecurity and relforcerowsecurity and exists (select from pg_policy where polrelid = pg_class.oid) \
         from pg_class join pg_namespace on pg_namespace.oid = relnamespace join pg_attribute on attrelid = pg_class.oid \
         left join projection.version on schema_name = nspname \
         where relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped and nspname not in ('pg_catalog', 'information_schema') \
         and not relname = 'migration' order by 1, attnum",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let (mut fields, mut tables) = (Vec::new(), BTreeMap::new());
    for (table, column, _, secured) in rows {
        fields.push(Field::of(&table, &column));
        tables.entry(table).or_insert(Table { secured, columns: BTreeSet::new() }).columns.insert(column);
    }
    (fields, tables)
}

/// Every field of every object of the GraphQL schema that says something itself: one that comes to objects with a permission of their own says what their
/// fields do. Any type may be classified as a whole.
pub fn objects() -> Vec<Field> {
    let objects = Objects::of_the_schema();
    let classified = |name: &str| name == "Node" || objects.is_composite(name) && TYPES.iter().all(|(known, needed)| *known != name || needed.is_some());
    let own = objects.0.iter().flat_map(|(holder, fields)| fields.iter().map(move |field| (holder, field))).filter(|(_, field)| !classified(&field.comes_to));
    own.map(|(holder, field)| Field { whole: true, ..Field::of(holder, &field.name) }).collect()
}

/// Every parameter of every path that the OpenAPI document describes, and of those of FHIR.
pub fn parameters() -> Vec<Field> {
    let document = json(&root().join("docs/reference/openapi.json"));
    let mut fields = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let shared = methods["parameters"].as_array().into_iter().flatten();
        for (method, operation) in methods.as_object().unwrap().iter().filter(|(_, operation)| operation.is_object()) {
            for parameter in operation["parameters"].as_array().into_iter().flatten().chain(shared.clone()) {
                let target = parameter["$ref"].as_str().and_then(|place| document.pointer(place.trim_start_matches('#'))).unwrap_or(parameter);
                let name = format!("{} in {}", target["name"].as_str().unwrap(), target["in"].as_str().unwrap());
                // A command's are those of every command.
                let command = method == "post" && command_api::endpoints().iter().any(|endpoint| endpoint.path() == *path);
                let holder = if command { "POST /v1/{context}/{command}".to_owned() } else { format!("{} {path}", method.to_uppercase()) };
                fields.insert(Field::of(&holder, &name));
            }
        }
    }
    fields.into_iter().collect()
}
