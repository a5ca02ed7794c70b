//! The kinds of clinical facts that are imported. Each is one line here.

use domain::records::{
    AllergyIntolerance, Condition, Device, Encounter, EnterFactInError, Fact, FactKind, FamilyMemberHistory, Immunization, MedicationRequest, Observation,
    Procedure, RecordFact,
};
use uuid::Uuid;

use crate::command::{ImportCommand, Visitor};
use crate::element::Element;
use crate::fact;
use crate::map::{Imported, NotUnderstood};

/// What is done about a fact of one kind.
#[derive(Clone)]
pub enum OfFact<F: Fact> {
    /// See [`RecordFact`].
    Record(Box<RecordFact<F>>),
    /// See [`EnterFactInError`].
    EnterInError(EnterFactInError<F>),
}

macro_rules! facts {
    ($($kind:ident,)*) => {
        /// Every kind, in the order in which the references between them need it: encounters first.
        pub const FACTS: &[FactKind] = &[$(FactKind::$kind,)*];

        /// What is done about a fact.
        #[derive(Clone)]
        pub enum FactCommand {
            $(#[doc = concat!("See [`", stringify!($kind), "`].")] $kind(OfFact<$kind>),)*
        }

        $(
            impl From<RecordFact<$kind>> for ImportCommand {
                fn from(command: RecordFact<$kind>) -> Self {
                    // Said here, because the edge that every command goes through takes it from nobody.
                    Self::Fact(FactCommand::$kind(OfFact::Record(Box::new(RecordFact { imported: true, ..command }))))
                }
            }

            impl From<EnterFactInError<$kind>> for ImportCommand {
                fn from(command: EnterFactInError<$kind>) -> Self {
                    Self::Fact(FactCommand::$kind(OfFact::EnterInError(command)))
                }
            }
        )*

        impl FactCommand {
            pub(crate) fn visit<V: Visitor>(&self, visitor: V) -> V::Output {
                match self {$(
                    Self::$kind(OfFact::Record(command)) => visitor.visit(command.as_ref()),
                    Self::$kind(OfFact::EnterInError(command)) => visitor.visit(command),
                )*}
            }
        }

        /// Reads a fact of this kind.
        pub(crate) fn map(kind: FactKind, resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
            match kind { $(FactKind::$kind => fact::map::<$kind>(resource, id, imported),)* }
        }
    };
}

facts! {
    Encounter,
    Condition,
    AllergyIntolerance,
    Device,
    Procedure,
    MedicationRequest,
    Immunization,
    FamilyMemberHistory,
    Observation,
}
