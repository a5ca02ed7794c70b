//! The commands that resources become.

use bytes::Bytes;
use domain::documents::{DocumentMetadata, RemoveDocument, SupersedeDocument, UploadDocument};
use domain::organizations::{AddRoom, OpenFacility, RegisterOrganization};
use domain::patients::{AssignIdentifier, ChangeContactDetails, CorrectDemographics, DeactivatePatient, RecordDeath, RegisterPatient};
use domain::providers::{AddQualification, AssignRole, OnboardPractitioner};
use domain::{Boundary, Command, Tag, phi};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::NotUnderstood;
use crate::facts::FactCommand;

/// Something that is done with any command, whatever its type.
pub trait Visitor {
    /// What comes of it.
    type Output;
    /// Does it.
    fn visit<C: Command + Clone + Into<ImportCommand>>(self, command: &C) -> Self::Output;
    /// Does it with an upload.
    fn upload(self, upload: &Upload) -> Self::Output;
}

/// A document to be uploaded. It is no command yet: where its sealed bytes are is known only once they are sealed.
#[derive(Clone)]
pub struct Upload {
    /// What is said of it.
    pub metadata: DocumentMetadata,
    /// Its clear bytes.
    pub content: Bytes,
}

macro_rules! import_commands {
    ($($name:ident,)*) => {
        /// A command that an import gives.
        #[derive(Clone)]
        pub enum ImportCommand {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
            /// About a clinical fact, of whatever kind.
            Fact(FactCommand),
            /// See [`Upload`].
            Upload(Box<Upload>),
        }

        impl From<Upload> for ImportCommand {
            fn from(upload: Upload) -> Self {
                Self::Upload(Box::new(upload))
            }
        }

        $(impl From<$name> for ImportCommand {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })*

        impl ImportCommand {
            /// Gives the command to whoever does something with it.
            pub fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
                match self {
                    $(Self::$name(command) => visitor.visit(command),)*
                    Self::Fact(command) => command.visit(visitor),
                    Self::Upload(upload) => visitor.upload(upload),
                }
            }
        }
    };
}

import_commands! {
    RegisterOrganization,
    OpenFacility,
    AddRoom,
    OnboardPractitioner,
    AddQualification,
    AssignRole,
    RegisterPatient,
    CorrectDemographics,
    AssignIdentifier,
    ChangeContactDetails,
    RecordDeath,
    DeactivatePatient,
    RemoveDocument,
    SupersedeDocument,
}

impl ImportCommand {
    /// The command in kebab case.
    pub fn name(&self) -> &'static str {
        struct Name;
        impl Visitor for Name {
            type Output = &'static str;
            fn visit<C: Command + Clone + Into<ImportCommand>>(self, _command: &C) -> &'static str {
                C::NAME
            }
            fn upload(self, _upload: &Upload) -> &'static str {
                UploadDocument::NAME
            }
        }
        self.visit(Name)
    }

    /// What it depends on and others like it may change: two commands that share nothing of it can be carried out in any order.
    pub fn depends_on(&self) -> Vec<Tag> {
        struct DependsOn;
        impl Visitor for DependsOn {
            type Output = Vec<Tag>;
            fn visit<C: Command + Clone + Into<ImportCommand>>(self, command: &C) -> Vec<Tag> {
                let boundary = Boundary::of(command);
                let own = boundary.query().items.iter().filter(|item| item.types.iter().any(|event| event.context == C::CONTEXT));
                own.flat_map(|item| item.tags.iter().cloned()).collect()
            }
            fn upload(self, upload: &Upload) -> Vec<Tag> {
                vec![Tag::document(upload.metadata.document)]
            }
        }
        self.visit(DependsOn)
    }

    /// Through the edge that anyone's command goes through, so that the log never holds what could not have been sent, but for
    /// references to facts that are elsewhere in the source.
    pub(crate) fn checked(&self) -> Result<Self, NotUnderstood> {
        struct ThroughTheEdge;
        impl Visitor for ThroughTheEdge {
            type Output = Result<ImportCommand, NotUnderstood>;
            fn visit<C: Command + Clone + Into<ImportCommand>>(self, command: &C) -> Self::Output {
                through_the_edge(command).map(Into::into)
            }
            fn upload(self, upload: &Upload) -> Self::Output {
                let metadata = through_the_edge(&upload.metadata)?;
                Ok(Upload { metadata, content: upload.content.clone() }.into())
            }
        }
        self.visit(ThroughTheEdge)
    }

    /// What tells it from another command of the same name about the same resource.
    pub(crate) fn part(&self) -> String {
        match self {
            Self::SupersedeDocument(command) => command.document.to_string(),
            Self::AddQualification(command) => format!("{}|{}", command.code.system.as_str(), command.code.code.as_str()),
            Self::AssignIdentifier(command) => {
                command.identifier.known().map(|known| format!("{}|{}", known.system.as_str(), known.value.as_str())).unwrap_or_default()
            }
            _ => String::new(),
        }
    }
}

fn through_the_edge<C: Serialize + DeserializeOwned>(command: &C) -> Result<C, NotUnderstood> {
    let checked = phi::split(command).and_then(|(clear, protected)| phi::join(clear, protected));
    checked.map_err(|error| {
        // Our own rules begin with "must" and hold no value.
        let rule = error.to_string();
        NotUnderstood::RuleBroken { rule: if rule.starts_with("must ") { rule } else { "must have the command's shape".to_owned() } }
    })
}
