//! Every field of every event, command, read model and GraphQL object, and every parameter of a path, is classified by hand in `docs/reference/classification`,
//! and is kept as its class asks. A new field fails until it has its line; a line of a field that is gone fails too.

mod kept;
mod lines;
mod surfaces;

use std::sync::LazyLock;

use lines::{Class, Lines};
use surfaces::Field;

/// Fails with every line that is missing, ready to paste, and every one that is in the wrong place.
fn compare(surface: &str, fields: &[Field], kept: impl Fn(&Field, &Class) -> Result<(), String>) {
    let lines = Lines::of(surface);
    let mut wrong = Vec::new();
    for field in fields {
        match lines.class(field) {
            None => wrong.push(format!("{:<60} {} ?", field.path(), kept::guess(field))),
            Some(class) => wrong.extend(kept(field, class).err().map(|why| format!("# {} is {class}, but {why}", field.path()))),
        }
    }
    wrong.extend(lines.unused(fields).map(|pattern| format!("# {pattern} stands for nothing any more")));
    assert!(wrong.is_empty(), "docs/reference/classification/{surface}.txt:\n{}", wrong.join("\n"));
}

/// Whether a field of a GraphQL object says something of a patient.
pub fn is_protected(of: &str, field: &str) -> bool {
    static LINES: LazyLock<Lines> = LazyLock::new(|| Lines::of("graphql"));
    matches!(LINES.class(&Field { whole: true, ..Field::of(of, field) }), Some(Class::Phi(_)))
}

#[test]
fn every_field_of_every_event_is_classified_and_sealed_where_it_is_protected() {
    let fields = surfaces::events();
    assert!(fields.len() > 100, "the fields are not found");
    compare("events", &fields, kept::sealed);
}

#[test]
fn every_field_of_every_command_is_classified_and_protected_where_it_says_something_of_a_person() {
    let fields = surfaces::commands();
    assert!(fields.len() > 100, "the fields are not found");
    compare("commands", &fields, kept::sealed);
}

#[tokio::test]
async fn every_column_of_every_read_model_is_classified_and_behind_row_level_security_where_it_is_protected() {
    let (fields, tables) = surfaces::columns().await;
    assert!(tables.len() > 15, "the tables are not found");
    compare("read-models", &fields, |field, class| kept::behind_row_level_security(field, class, &tables));
}

#[test]
fn every_field_of_every_graphql_object_is_classified_and_its_reading_recorded_where_it_is_protected() {
    let fields = surfaces::objects();
    assert!(fields.len() > 200, "the fields are not found");
    compare("graphql", &fields, kept::recorded);
}

#[test]
fn every_parameter_of_every_path_is_classified_and_none_in_a_url_says_anything_of_a_person() {
    let fields = surfaces::parameters();
    assert!(fields.len() > 3, "the parameters are not found");
    compare("parameters", &fields, kept::out_of_urls);
}

#[test]
fn a_class_that_is_not_kept_is_found() {
    let field = |sealed| Field { sealed: Some(sealed), ..Field::of("patients.PatientMoved", "city") };
    let class = |text: &str| text.parse::<Class>().unwrap();
    assert!(kept::sealed(&field(true), &class("phi contact")).is_ok() && kept::sealed(&field(false), &class("free")).is_ok());
    assert!(kept::sealed(&field(false), &class("phi contact")).is_err(), "protected, and not sealed");
    assert!(kept::sealed(&field(true), &class("free")).is_err(), "sealed, and not protected");
    assert!(kept::recorded(&Field::of("Patient", "names"), &class("phi name")).is_ok());
    assert!(kept::recorded(&Field::of("Facility", "name"), &class("phi name")).is_err(), "no access record would tell of it");
    assert!(kept::out_of_urls(&Field::of("GET /v1/patients", "name in query"), &class("phi name")).is_err());
    for unknown in ["phi", "phi secret", "free text", "public", ""] {
        assert!(unknown.parse::<Class>().is_err(), "{unknown} is no class");
    }
}

#[test]
fn the_nearest_line_counts_and_one_that_stands_for_nothing_is_told() {
    let lines = Lines::read("Address inherits\nrecords.*.fact identifier\nAddress.city phi contact # a comment\nAddress.street free\n");
    let class = |holder: &str, name: &str| lines.class(&Field { whole: holder == "Address", ..Field::of(holder, name) }).map(Class::to_string);
    assert_eq!(class("Address", "city").as_deref(), Some("phi contact"));
    assert_eq!(class("Address", "line").as_deref(), Some("inherits"));
    assert_eq!(class("records.DeviceRecorded", "fact").as_deref(), Some("identifier"));
    assert_eq!(class("records.DeviceRecorded", "patient"), None);
    let fields = [Field { whole: true, ..Field::of("Address", "line") }, Field::of("records.DeviceRecorded", "fact")];
    assert_eq!(lines.unused(&fields).collect::<Vec<_>>(), ["Address.city", "Address.street"]);
}
