//! The facts. Each context has an enum of its own; [`Event`] is all of them, for the log, the relay and the projections.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::AccessEvent;
use crate::consents::ConsentsEvent;
use crate::disclosures::DisclosuresEvent;
use crate::documents::DocumentsEvent;
use crate::emergency::EmergencyEvent;
use crate::identity::IdentityEvent;
use crate::ids::{FacilityId, OrganizationId, PatientId, PractitionerId, UserId};
use crate::organizations::OrganizationsEvent;
use crate::patients::PatientsEvent;
use crate::phi::{self, Protected};
use crate::providers::ProvidersEvent;
use crate::query::Tag;
use crate::records::RecordsEvent;
use crate::scheduling::SchedulingEvent;

pub use crate::label::Label;

/// An event's stored name and the version of its shape that is written today.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EventType {
    /// The context, such as `scheduling`.
    pub context: &'static str,
    /// The fact, such as `AppointmentBooked`.
    pub name: &'static str,
    /// 1 at first; an older stored shape is lifted by [`EventData::upcast`].
    pub version: u16,
}

impl std::fmt::Display for EventType {
    /// `scheduling.AppointmentBooked`, as it is stored.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}", self.context, self.name)
    }
}

/// Whose key seals an event. Everything known of a person becomes unreadable with that person's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "camelCase")]
pub enum Subject {
    /// A patient.
    Patient(PatientId),
    /// A practitioner.
    Practitioner(PractitionerId),
    /// An organization.
    Organization(OrganizationId),
    /// A facility and its rooms.
    Facility(FacilityId),
    /// Someone who acts: a member of staff, a caregiver, a patient at their own record, an operator's task.
    User(UserId),
}

impl std::fmt::Display for Subject {
    /// `patient/0190…`, as it is stored.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Patient(id) => write!(formatter, "patient/{id}"),
            Self::Practitioner(id) => write!(formatter, "practitioner/{id}"),
            Self::Organization(id) => write!(formatter, "organization/{id}"),
            Self::Facility(id) => write!(formatter, "facility/{id}"),
            Self::User(id) => write!(formatter, "user/{id}"),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = DecodeError;
    fn from_str(text: &str) -> Result<Self, DecodeError> {
        let (kind, id) = text.split_once('/').ok_or(DecodeError::Subject)?;
        let id = id.parse().map_err(|_| DecodeError::Subject)?;
        match kind {
            "patient" => Ok(Self::Patient(PatientId(id))),
            "practitioner" => Ok(Self::Practitioner(PractitionerId(id))),
            "organization" => Ok(Self::Organization(OrganizationId(id))),
            "facility" => Ok(Self::Facility(FacilityId(id))),
            "user" => Ok(Self::User(UserId(id))),
            _ => Err(DecodeError::Subject),
        }
    }
}

/// An event's name, given by the list of its context's events.
pub trait Named {
    /// The stored name and version.
    const TYPE: EventType;
}

/// What every event says about itself.
pub trait EventData: Named + Serialize + DeserializeOwned + JsonSchema {
    /// Whose key seals it.
    fn subject(&self) -> Subject;
    /// What it is found by, besides its tenant.
    fn tags(&self) -> Vec<Tag>;
    /// How confidential it is.
    fn labels(&self) -> Vec<Label> {
        vec![Label::Normal]
    }
    /// When it happened, where that is not the moment it is recorded (a death, a back-entry).
    fn occurred(&self) -> Option<DateTime<Utc>> {
        None
    }
    /// Lifts a stored shape of an older `version` to today's. Old events are read for ever.
    fn upcast(version: u16, payload: Value) -> Value {
        let _ = version;
        payload
    }
}

/// A stored event that does not read. The texts hold nothing of the event's content.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// No event of this name is known to this build.
    #[error("no event type `{0}` is known")]
    UnknownType(String),
    /// The version is newer than this build writes.
    #[error("{event_type} is stored in version {version}, newer than this build knows")]
    Newer {
        /// The stored name.
        event_type: EventType,
        /// The stored version.
        version: u16,
    },
    /// The payload does not have the type's shape.
    #[error("the stored payload does not read as {0}")]
    Shape(EventType),
    /// The subject is not `kind/uuid`.
    #[error("the stored subject does not read")]
    Subject,
}

#[doc(hidden)]
pub fn decode<T: EventData>(version: u16, clear: Value, protected: Protected) -> Result<T, DecodeError> {
    if version > T::TYPE.version {
        return Err(DecodeError::Newer { event_type: T::TYPE, version });
    }
    let clear = if version < T::TYPE.version { T::upcast(version, clear) } else { clear };
    phi::join(clear, protected).map_err(|_| DecodeError::Shape(T::TYPE))
}

/// The JSON Schema of one event's stored shape.
pub struct EventSchema {
    /// Which event.
    pub event_type: EventType,
    /// Draft 2020-12; a field that is sealed carries `x-phi: true`.
    pub schema: schemars::Schema,
}

/// Lists a context's events: `"scheduling" SchedulingEvent { AppointmentBooked 1, … }`. Each is a struct of the same name that implements [`EventData`].
macro_rules! events {
    ($(#[$documentation:meta])* $context:literal $enum:ident { $($name:ident $version:literal,)* }) => {
        $(#[$documentation])*
        #[derive(Clone, PartialEq)]
        pub enum $enum {
            $(#[doc = concat!("See [`", stringify!($name), "`].")] $name($name),)*
        }

        $(
            impl $crate::event::Named for $name {
                const TYPE: $crate::EventType = $crate::EventType { context: $context, name: stringify!($name), version: $version };
            }
            impl From<$name> for $enum {
                fn from(event: $name) -> Self {
                    Self::$name(event)
                }
            }
            impl From<$name> for $crate::Event {
                fn from(event: $name) -> Self {
                    $enum::$name(event).into()
                }
            }
        )*

        impl $enum {
            /// Every event of this context.
            pub const TYPES: &'static [$crate::EventType] = &[$(<$name as $crate::event::Named>::TYPE,)*];

            pub(crate) fn event_type(&self) -> $crate::EventType {
                match self { $(Self::$name(_) => <$name as $crate::event::Named>::TYPE,)* }
            }
            pub(crate) fn subject(&self) -> $crate::Subject {
                match self { $(Self::$name(event) => $crate::EventData::subject(event),)* }
            }
            pub(crate) fn tags(&self) -> Vec<$crate::Tag> {
                match self { $(Self::$name(event) => $crate::EventData::tags(event),)* }
            }
            pub(crate) fn labels(&self) -> Vec<$crate::Label> {
                match self { $(Self::$name(event) => $crate::EventData::labels(event),)* }
            }
            pub(crate) fn occurred(&self) -> Option<chrono::DateTime<chrono::Utc>> {
                match self { $(Self::$name(event) => $crate::EventData::occurred(event),)* }
            }
            pub(crate) fn split(&self) -> Result<(serde_json::Value, $crate::Protected), serde_json::Error> {
                match self { $(Self::$name(event) => $crate::phi::split(event),)* }
            }
            pub(crate) fn decode(name: &str, version: u16, clear: serde_json::Value, protected: $crate::Protected) -> Result<Self, $crate::DecodeError> {
                match name {
                    $(stringify!($name) => $crate::event::decode(version, clear, protected).map(Self::$name),)*
                    _ => Err($crate::DecodeError::UnknownType(format!("{}.{name}", $context))),
                }
            }
            pub(crate) fn schemas() -> Vec<$crate::event::EventSchema> {
                vec![$($crate::event::EventSchema {
                    event_type: <$name as $crate::event::Named>::TYPE,
                    schema: schemars::generate::SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<$name>(),
                },)*]
            }
        }
    };
}

macro_rules! contexts {
    ($($name:literal $variant:ident $events:ident,)*) => {
        named! {
            /// A part of the domain with words, events and commands of its own.
            Context name from_name {
                $(#[doc = concat!("The context `", $name, "`.")] $variant $name,)*
            }
        }

        /// Any event of any context.
        #[derive(Clone, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "events are folded or sealed as they come; few are held at once")]
        pub enum Event {
            $(#[doc = concat!("Of the context `", $name, "`.")] $variant($events),)*
        }

        $(impl From<$events> for Event {
            fn from(event: $events) -> Self {
                Self::$variant(event)
            }
        })*

        impl Event {
            /// The stored name and version.
            pub fn event_type(&self) -> EventType {
                match self { $(Self::$variant(event) => event.event_type(),)* }
            }
            /// Whose key seals it.
            pub fn subject(&self) -> Subject {
                match self { $(Self::$variant(event) => event.subject(),)* }
            }
            /// What it is found by, besides its tenant.
            pub fn tags(&self) -> Vec<Tag> {
                match self { $(Self::$variant(event) => event.tags(),)* }
            }
            /// How confidential it is.
            pub fn labels(&self) -> Vec<Label> {
                match self { $(Self::$variant(event) => event.labels(),)* }
            }
            /// When it happened, where that is not the moment it is recorded.
            pub fn occurred(&self) -> Option<DateTime<Utc>> {
                match self { $(Self::$variant(event) => event.occurred(),)* }
            }
            /// The clear payload, and the protected values taken out of it.
            pub fn split(&self) -> Result<(Value, Protected), serde_json::Error> {
                match self { $(Self::$variant(event) => event.split(),)* }
            }
            /// Reads a stored event of any version ever written.
            pub fn decode(event_type: &str, version: u16, clear: Value, protected: impl Into<Protected>) -> Result<Self, DecodeError> {
                match event_type.split_once('.') {
                    $(Some(($name, name)) => $events::decode(name, version, clear, protected.into()).map(Self::$variant),)*
                    _ => Err(DecodeError::UnknownType(event_type.to_owned())),
                }
            }
            /// The same event with nothing in it that is protected, as if its subject's key were gone.
            pub fn erased(&self) -> Result<Self, DecodeError> {
                let event_type = self.event_type();
                let (clear, _) = self.split().map_err(|_| DecodeError::Shape(event_type))?;
                Self::decode(&event_type.to_string(), event_type.version, clear, Protected::from(phi::Phi::Erased))
            }
            /// Every event type there is.
            pub fn types() -> Vec<EventType> {
                [$($events::TYPES,)*].concat()
            }
            /// The JSON Schema of every event's stored shape.
            pub fn schemas() -> Vec<EventSchema> {
                let mut schemas = Vec::new();
                $(schemas.extend($events::schemas());)*
                schemas
            }
        }
    };
}

impl Context {
    /// Whose event a stored type is: of `scheduling.AppointmentBooked`, that of scheduling.
    pub fn of(event_type: &str) -> Option<Self> {
        Self::from_name(event_type.split_once('.')?.0)
    }
}

contexts! {
    "organizations" Organizations OrganizationsEvent,
    "patients" Patients PatientsEvent,
    "providers" Providers ProvidersEvent,
    "scheduling" Scheduling SchedulingEvent,
    "records" Records RecordsEvent,
    "documents" Documents DocumentsEvent,
    "consents" Consents ConsentsEvent,
    "access" Access AccessEvent,
    "emergency" Emergency EmergencyEvent,
    "disclosures" Disclosures DisclosuresEvent,
    "identity" Identity IdentityEvent,
}
