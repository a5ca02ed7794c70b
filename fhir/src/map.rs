//! One resource, from JSON text to commands.

use std::cell::RefCell;

use domain::InvalidValue;
use domain::time::Zone;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::{Element, Notes};
use crate::index::Index;
use crate::resource_type::ResourceType;
use crate::stand_in::{StandIn, UNIDENTIFIED};
use crate::subject::Patients;
use crate::{document, facts, location, organization, patient, practitioner, practitioner_role};

/// What a resource is read against.
pub struct Imported<'index> {
    /// The resources of the input.
    pub index: &'index Index,
    /// The zone in which the clocks of the facilities are read; FHIR R4 has no place for it.
    pub zone: Zone,
    /// What to do about patients who are not in the input.
    pub patients: &'index Patients,
    /// The server that the resource is on, where its full URL says one.
    pub(crate) server: Option<&'index str>,
}

impl<'index> Imported<'index> {
    /// What the resources of an input are read against.
    pub fn new(index: &'index Index, zone: Zone, patients: &'index Patients) -> Self {
        Self { index, zone, patients, server: None }
    }
}

/// A resource that was read.
pub struct Mapped {
    /// What is to be done, in order.
    pub steps: Vec<Step>,
    /// Of a patient: the unidentified one who may have been registered in their place.
    pub stand_in: Option<StandIn>,
    /// What was not taken.
    pub notes: Notes,
}

/// A command, and the id under which a repetition is known for one.
pub struct Step {
    /// The idempotency key.
    pub id: Uuid,
    /// The command.
    pub command: ImportCommand,
    /// When it is to be carried out.
    pub turn: Turn,
}

/// When a command is carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// Before the resource, which needs what it brings about; it does not matter who has brought that about.
    Before,
    /// As the resource itself.
    Own,
    /// When everything else is in: nothing can be added after it.
    Last,
}

/// Why an item is not imported. It names places and rules, and never a value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NotUnderstood {
    /// It is not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// It is JSON, but no object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// It does not say what it is.
    #[error("it has no resourceType")]
    NoResourceType,
    /// FHIR R4 has no such resource.
    #[error("its resourceType is none of FHIR R4")]
    UnknownResourceType,
    /// It lacks something that Carelog cannot do without, or that is broken.
    #[error("{path} is missing or broken")]
    ValueMissing {
        /// Its FHIR path.
        path: String,
    },
    /// It says something that Carelog has a place for, in a way that breaks a rule; without it, it would say something else.
    #[error("{path} {rule}")]
    ValueBroken {
        /// Its FHIR path.
        path: String,
        /// The rule.
        rule: String,
    },
    /// It refers to something that Carelog cannot do without and that is not in the input.
    #[error("{path} does not lead to a resource")]
    ReferenceUnresolved {
        /// Its FHIR path.
        path: String,
    },
    /// Another resource of the input has its type and id and says something else: nobody knows which of the two is meant.
    #[error("another resource has the same {path} and says something else")]
    IdNotUnique {
        /// Its FHIR path.
        path: String,
    },
    /// It carries a modifier that is not understood, so that nothing else in it can be relied on.
    #[error("{path} changes the meaning of the resource in a way that is not understood")]
    ModifierNotUnderstood {
        /// Its FHIR path.
        path: String,
    },
    /// The command that it would become breaks a rule.
    #[error("the resource {rule}")]
    RuleBroken {
        /// The rule.
        rule: String,
    },
}

impl From<InvalidValue> for NotUnderstood {
    fn from(rule: InvalidValue) -> Self {
        Self::RuleBroken { rule: rule.to_string() }
    }
}

impl NotUnderstood {
    /// About a document's attachment or format, which stand in its one content.
    pub(crate) fn in_content(self) -> Self {
        let moved = |path: String| match path.strip_prefix("DocumentReference.").filter(|rest| rest.starts_with("attachment") || rest.starts_with("format")) {
            Some(rest) => format!("DocumentReference.content.{rest}"),
            None => path,
        };
        match self {
            Self::ValueMissing { path } => Self::ValueMissing { path: moved(path) },
            Self::ValueBroken { path, rule } => Self::ValueBroken { path: moved(path), rule },
            other => other,
        }
    }

    /// The stable code.
    pub fn code(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("code").and_then(Value::as_str).unwrap_or("not-understood").to_owned()
    }

    /// The FHIR path, where it is about one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::ValueMissing { path }
            | Self::ValueBroken { path, .. }
            | Self::ReferenceUnresolved { path }
            | Self::IdNotUnique { path }
            | Self::ModifierNotUnderstood { path } => Some(path),
            _ => None,
        }
    }

    /// The rule, where it is about one.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Self::ValueBroken { rule, .. } | Self::RuleBroken { rule } => Some(rule),
            _ => None,
        }
    }
}

/// Reads a resource of a type that is imported; `id` is what [`Index::glance`] calls it.
pub fn map(json: &[u8], id: Uuid, resource_type: ResourceType, imported: &Imported<'_>) -> Result<Mapped, NotUnderstood> {
    if imported.index.is_contradicted(id) {
        return Err(NotUnderstood::IdNotUnique { path: format!("{}.id", resource_type.name()) });
    }
    let imported = &Imported { server: imported.index.server_of(id), ..*imported };
    let fields: Map<String, Value> = serde_json::from_slice(json).map_err(|_| NotUnderstood::NotJson)?;
    let notes = RefCell::<Notes>::default();
    let mut resource = Element::new(resource_type.name().to_owned(), fields, &notes);
    resource.granted("resourceType", resource_type.name());
    // What it is called was read by the index.
    let _ = resource.text("id");
    let commands = match resource_type {
        ResourceType::Organization => organization::map(&mut resource, id, imported)?,
        ResourceType::Location => location::map(&mut resource, id, imported)?,
        ResourceType::Practitioner => practitioner::map(&mut resource, id)?,
        ResourceType::PractitionerRole => practitioner_role::map(&mut resource, id, imported)?,
        ResourceType::Patient => patient::map(&mut resource, id)?,
        ResourceType::Fact(kind) => facts::map(kind, &mut resource, id, imported)?,
        ResourceType::DocumentReference => document::map(&mut resource, id, imported)?,
    };
    drop(resource);
    let notes = notes.into_inner();
    if let Some(path) = notes.modifier {
        return Err(NotUnderstood::ModifierNotUnderstood { path });
    }
    let namespace = imported.index.namespace();
    let stand_in = commands.iter().find_map(|command| match command {
        ImportCommand::RegisterPatient(register) if register.patient.0 == id => Some(StandIn::of(register, namespace)),
        _ => None,
    });
    let steps = commands.into_iter().map(|command| {
        let (about, turn) = match &command {
            ImportCommand::RegisterPatient(register) if register.patient.0 != id => (register.patient.0, Turn::Before),
            ImportCommand::DeactivatePatient(_) | ImportCommand::SupersedeDocument(_) => (id, Turn::Last),
            ImportCommand::Upload(upload) => (upload.metadata.document.0, Turn::Own),
            ImportCommand::RemoveDocument(remove) => (remove.document.0, Turn::Own),
            _ => (id, Turn::Own),
        };
        let part = if turn == Turn::Before { UNIDENTIFIED.to_owned() } else { command.part() };
        Ok(Step { id: namespace.command(about, command.name(), &part), command: command.checked()?, turn })
    });
    let steps = steps.collect::<Result<_, NotUnderstood>>()?;
    Ok(Mapped { steps, stand_in: stand_in.transpose()?, notes })
}
