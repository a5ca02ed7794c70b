//! What an event is found by, and what a decision must have seen.
//!
//! A tag is structured here and opaque in the log: the vault turns a [`TagValue::Day`] into a keyed hash and an
//! [`TagValue::Identifier`] into a random surrogate, because either would say something about a person.

use chrono::NaiveDate;
use uuid::Uuid;

use crate::event::EventType;
use crate::fhir_values::Identifier;
use crate::ids::{
    AppointmentId, BlockId, BreakGlassId, ConsentId, DisclosureId, DocumentId, FacilityId, FactId, OrganizationId, PatientId, PractitionerId,
    PractitionerRoleId, RestrictionId, RoomId, ServerId, UserId,
};
use crate::phi::Phi;

/// One thing that an event is about.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    kind: TagKind,
    value: TagValue,
}

/// What sort of thing a tag names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TagKind {
    /// Everything of the tenant; the log adds it to every event.
    Tenant,
    /// An organization.
    Organization,
    /// A facility.
    Facility,
    /// A room.
    Room,
    /// A patient. Decisions that name one see what every record merged with it knows.
    Patient,
    /// A practitioner.
    Practitioner,
    /// A practitioner's role.
    PractitionerRole,
    /// A stretch of a practitioner's calendar that is closed to booking.
    Block,
    /// An appointment.
    Appointment,
    /// A clinical fact.
    Fact,
    /// A document.
    Document,
    /// A consent.
    Consent,
    /// A restriction.
    Restriction,
    /// A business identifier, unique by its system within the tenant.
    Identifier,
    /// Someone who acts.
    User,
    /// A request, as traces and answers name it.
    Request,
    /// A time for which somebody broke the glass.
    BreakGlass,
    /// A disclosure to somebody outside.
    Disclosure,
    /// A process of Carelog.
    Server,
}

impl TagKind {
    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Organization => "organization",
            Self::Facility => "facility",
            Self::Room => "room",
            Self::Patient => "patient",
            Self::Practitioner => "practitioner",
            Self::PractitionerRole => "practitioner-role",
            Self::Block => "block",
            Self::Appointment => "appointment",
            Self::Fact => "fact",
            Self::Document => "document",
            Self::Consent => "consent",
            Self::Restriction => "restriction",
            Self::Identifier => "identifier",
            Self::User => "user",
            Self::Request => "request",
            Self::BreakGlass => "break-glass",
            Self::Disclosure => "disclosure",
            Self::Server => "server",
        }
    }
}

/// What a tag names it by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum TagValue {
    /// The tenant that the event belongs to.
    OwnTenant,
    /// A random id, stored as it is.
    Id(Uuid),
    /// A thing's day on the local calendar that was meant, which no change of a time zone's rules moves. A day beside a patient is a service date, so it is stored as a keyed hash.
    Day(Uuid, NaiveDate),
    /// An identifier, stored as a random surrogate.
    Identifier(Phi<(String, String)>),
}

impl Tag {
    /// Every event of the tenant.
    pub const TENANT: Self = Self { kind: TagKind::Tenant, value: TagValue::OwnTenant };

    fn id(kind: TagKind, id: Uuid) -> Self {
        Self { kind, value: TagValue::Id(id) }
    }

    /// An organization.
    pub fn organization(id: OrganizationId) -> Self {
        Self::id(TagKind::Organization, id.0)
    }

    /// A facility.
    pub fn facility(id: FacilityId) -> Self {
        Self::id(TagKind::Facility, id.0)
    }

    /// A room.
    pub fn room(id: RoomId) -> Self {
        Self::id(TagKind::Room, id.0)
    }

    /// A patient.
    pub fn patient(id: PatientId) -> Self {
        Self::id(TagKind::Patient, id.0)
    }

    /// A practitioner.
    pub fn practitioner(id: PractitionerId) -> Self {
        Self::id(TagKind::Practitioner, id.0)
    }

    /// A practitioner's role.
    pub fn practitioner_role(id: PractitionerRoleId) -> Self {
        Self::id(TagKind::PractitionerRole, id.0)
    }

    /// A stretch of a practitioner's calendar that is closed to booking.
    pub fn block(id: BlockId) -> Self {
        Self::id(TagKind::Block, id.0)
    }

    /// An appointment.
    pub fn appointment(id: AppointmentId) -> Self {
        Self::id(TagKind::Appointment, id.0)
    }

    /// A clinical fact.
    pub fn fact(id: FactId) -> Self {
        Self::id(TagKind::Fact, id.0)
    }

    /// A document.
    pub fn document(id: DocumentId) -> Self {
        Self::id(TagKind::Document, id.0)
    }

    /// A consent.
    pub fn consent(id: ConsentId) -> Self {
        Self::id(TagKind::Consent, id.0)
    }

    /// A restriction.
    pub fn restriction(id: RestrictionId) -> Self {
        Self::id(TagKind::Restriction, id.0)
    }

    /// Someone who acts.
    pub fn user(id: UserId) -> Self {
        Self::id(TagKind::User, id.0)
    }

    /// A request, as traces and answers name it.
    pub fn request(id: Uuid) -> Self {
        Self::id(TagKind::Request, id)
    }

    /// A time for which somebody broke the glass.
    pub fn break_glass(id: BreakGlassId) -> Self {
        Self::id(TagKind::BreakGlass, id.0)
    }

    /// A disclosure to somebody outside.
    pub fn disclosure(id: DisclosureId) -> Self {
        Self::id(TagKind::Disclosure, id.0)
    }

    /// A process of Carelog.
    pub fn server(id: ServerId) -> Self {
        Self::id(TagKind::Server, id.0)
    }

    /// A business identifier of anybody or anything.
    pub fn identifier(identifier: &Identifier) -> Self {
        let pair = (identifier.system.as_str().to_owned(), identifier.value.as_str().to_owned());
        Self { kind: TagKind::Identifier, value: TagValue::Identifier(Phi::Known(pair)) }
    }

    /// The same thing on one local day, so that what is read does not grow with history.
    ///
    /// # Panics
    /// On a tag that is not a plain id: only things have days.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Self {
        let TagValue::Id(id) = self.value else { panic!("only a tag by id has days") };
        Self { kind: self.kind, value: TagValue::Day(id, day) }
    }

    /// What sort of thing this names.
    pub fn kind(&self) -> TagKind {
        self.kind
    }

    /// What it names it by.
    pub fn value(&self) -> &TagValue {
        &self.value
    }

    /// The patient named here, if it is one.
    pub fn names_patient(&self) -> Option<PatientId> {
        match (self.kind, &self.value) {
            (TagKind::Patient, TagValue::Id(id) | TagValue::Day(id, _)) => Some(PatientId(*id)),
            _ => None,
        }
    }

    /// The same tag for another record of the same person.
    #[must_use]
    pub fn for_patient(&self, patient: PatientId) -> Self {
        let value = match &self.value {
            TagValue::Day(_, day) => TagValue::Day(patient.0, *day),
            _ => TagValue::Id(patient.0),
        };
        Self { kind: self.kind, value }
    }
}

/// Events of any of these types that carry all of these tags.
#[derive(Clone, PartialEq, Eq)]
pub struct QueryItem {
    /// Always named, never "any".
    pub types: Vec<EventType>,
    /// At least one.
    pub tags: Vec<Tag>,
}

/// The events that a decision depends on: those that match any item.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Alternatives.
    pub items: Vec<QueryItem>,
}

impl Query {
    /// Depends on nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also depends on events of any of `types` that carry `tag`.
    #[must_use]
    pub fn and(self, types: &[EventType], tag: Tag) -> Self {
        self.and_all(types, vec![tag])
    }

    /// Also depends on events of any of `types` that carry all of `tags`.
    #[must_use]
    pub fn and_all(mut self, types: &[EventType], tags: Vec<Tag>) -> Self {
        self.items.push(QueryItem { types: types.to_vec(), tags });
        self
    }

    /// Also depends on events of any of `types` that carry `tag` on any of `days`.
    #[must_use]
    pub fn and_days(mut self, types: &[EventType], tag: &Tag, days: &[NaiveDate]) -> Self {
        for day in days {
            self = self.and(types, tag.on(*day));
        }
        self
    }

    /// Also depends on what `other` depends on.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.items.extend(other.items);
        self
    }

    /// Whether an event of this type with these tags belongs to what the decision must see.
    pub fn matches(&self, event_type: EventType, tags: &[Tag]) -> bool {
        self.items.iter().any(|item| item.types.contains(&event_type) && item.tags.iter().all(|tag| *tag == Tag::TENANT || tags.contains(tag)))
    }
}
