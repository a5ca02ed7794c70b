//! The commands that resources become.

use domain::organizations::{AddRoom, OpenFacility, RegisterOrganization};
use domain::patients::{DeactivatePatient, RecordDeath, RegisterPatient};
use domain::providers::{AddQualification, AssignRole, OnboardPractitioner};
use domain::{Boundary, Command, Tag, phi};

use crate::NotUnderstood;

macro_rules! import_commands {
    ($($name:ident,)*) => {
        /// A command that an import gives.
        #[derive(Clone)]
        pub enum ImportCommand {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
        }

        $(impl From<$name> for ImportCommand {
            fn from(command: $name) -> Self {
                Self::$name(command)
            }
        })*

        impl ImportCommand {
            /// The command in kebab case.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME,)* }
            }

            /// What it depends on: two commands that share nothing of it can be carried out in any order.
            pub fn depends_on(&self) -> Vec<Tag> {
                match self { $(Self::$name(command) => tags(&Boundary::of(command)),)* }
            }

            /// Through the edge that anyone's command goes through, so that the log never holds what could not have been sent.
            pub(crate) fn checked(self) -> Result<Self, NotUnderstood> {
                Ok(match self { $(Self::$name(command) => Self::$name(through_the_edge(&command)?),)* })
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
    RecordDeath,
    DeactivatePatient,
}

impl ImportCommand {
    /// What tells it from another command of the same name about the same resource.
    pub(crate) fn part(&self) -> String {
        match self {
            Self::AddQualification(command) => format!("{}|{}", command.code.system.as_str(), command.code.code.as_str()),
            _ => String::new(),
        }
    }
}

fn tags(boundary: &Boundary) -> Vec<Tag> {
    boundary.query().items.iter().flat_map(|item| item.tags.iter().cloned()).collect()
}

fn through_the_edge<C: Command>(command: &C) -> Result<C, NotUnderstood> {
    let checked = phi::split(command).and_then(|(clear, protected)| phi::join(clear, protected));
    checked.map_err(|error| {
        // Our own rules begin with "must" and hold no value.
        let rule = error.to_string();
        NotUnderstood::RuleBroken { rule: if rule.starts_with("must ") { rule } else { "must have the command's shape".to_owned() } }
    })
}
