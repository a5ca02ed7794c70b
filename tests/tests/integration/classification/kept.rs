//! What each class asks of what is built, and the best guess at the class of a field that has none yet.

use std::collections::BTreeMap;

use super::lines::Class;
use super::surfaces::{Field, Table};
use crate::graphql::authorization::{ROOT_FIELDS, TYPES};

type Kept = Result<(), String>;

fn unless(broken: bool, why: &str) -> Kept {
    if broken { Err(why.to_owned()) } else { Ok(()) }
}

/// In the log and on its way there: what is protected is sealed, and nothing else is.
pub fn sealed(field: &Field, class: &Class) -> Kept {
    match (class, field.sealed == Some(true)) {
        (Class::Phi(_) | Class::Personal(_), false) => Err("its schema does not say x-phi: wrap it in Phi".to_owned()),
        (Class::Phi(_) | Class::Personal(_), true) => Ok(()),
        (_, true) => Err("its schema says x-phi: it is sealed".to_owned()),
        (Class::LabelBearing, false) => unless(!field.labelled, "no security labels stand beside it"),
        (_, false) => Ok(()),
    }
}

/// In the read models: a row that says something of a person is of a person, and seen only by whom row-level security admits.
pub fn behind_row_level_security(field: &Field, class: &Class, tables: &BTreeMap<String, Table>) -> Kept {
    let table = &tables[&field.holder];
    match class {
        Class::Phi(_) => {
            unless(!table.secured, "its table is not under forced row-level security")?;
            unless(!table.has(&["patient_id"]), "its table does not say of which patient a row is")
        }
        Class::Personal(_) => {
            unless(!table.secured, "its table is not under forced row-level security")?;
            unless(!table.has(&["practitioner_id", "id", "patient_id"]), "its table does not say of whom a row is")
        }
        Class::LabelBearing => unless(!table.has(&["security"]), "no security labels stand beside it"),
        Class::Inherits => Err("a column is no value type".to_owned()),
        Class::Identifier | Class::Free => Ok(()),
    }
}

/// In GraphQL: what shows something of a patient needs a permission that leaves an access record.
pub fn recorded(field: &Field, class: &Class) -> Kept {
    let roots = ROOT_FIELDS.iter().find(|(name, _)| *name == field.path()).map(|(_, permission)| permission);
    let permission = roots.or_else(|| TYPES.iter().find(|(name, _)| *name == field.holder).map(|(_, permission)| permission));
    let permission = permission.ok_or("the table of authorization.rs does not know its type")?;
    match class {
        Class::Phi(_) => unless(permission.is_none_or(|needed| needed.data_kind().is_none()), "what its type needs leaves no access record"),
        Class::Personal(_) => unless(permission.is_none(), "anybody may see its type"),
        Class::Inherits => unless(permission.is_some(), "its type needs a permission of its own"),
        Class::Identifier | Class::LabelBearing | Class::Free => Ok(()),
    }
}

/// In a URL, which histories and logs on the way keep.
pub fn out_of_urls(field: &Field, class: &Class) -> Kept {
    let in_url = field.name.ends_with(" in path") || field.name.ends_with(" in query");
    unless(in_url && !matches!(class, Class::Identifier | Class::Free), "URLs are kept in histories and logs on the way")
}

/// The best guess: somebody looks at it before it becomes a line.
pub fn guess(field: &Field) -> &'static str {
    let name = field.name.to_lowercase();
    let about = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let clear = field.sealed == Some(false);
    match () {
        () if about(&["_id", "uuid", "tenant", "position"]) || name == "id" => "identifier",
        () if clear && about(&["patient", "practitioner", "facility", "user", "grantee", "fact", "document"]) => "identifier",
        () if clear => "free",
        () if about(&["name", "family", "given"]) => "phi name",
        () if about(&["date", "time", "_at", "start", "end", "occurred"]) => "phi date",
        () if about(&["address", "telecom", "contact"]) => "phi contact",
        () if about(&["content", "code"]) => "phi clinical",
        () if field.sealed == Some(true) || about(&["reason", "note", "text"]) => "phi text",
        () => "free",
    }
}
