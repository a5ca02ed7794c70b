//! What happens to organizations, facilities and rooms. None of it is about a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventData, Label, Subject};
use crate::fhir_values::{Address, Coding, ContactPoint, Identifier};
use crate::ids::{FacilityId, OrganizationId, RoomId};
use crate::query::Tag;
use crate::time::Zone;
use crate::value::Line;

events! {
    /// The events of this context.
    "organizations" OrganizationsEvent {
        OrganizationRegistered 1,
        FacilityOpened 1,
        RoomAdded 1,
    }
}

/// An organization became known to the tenant.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationRegistered {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub name: Line,
    /// The organization that it is part of.
    pub part_of: Option<OrganizationId>,
    /// What kind it is.
    pub r#type: Vec<Coding>,
    /// Its business identifiers.
    pub identifiers: Vec<Identifier>,
    /// How to reach it.
    pub telecom: Vec<ContactPoint>,
    /// Where it is.
    pub address: Vec<Address>,
}

impl EventData for OrganizationRegistered {
    fn subject(&self) -> Subject {
        Subject::Organization(self.organization)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::organization(self.organization)]
    }
    fn labels(&self) -> Vec<Label> {
        vec![Label::Unrestricted]
    }
}

/// A facility opened: a place with a time zone where care is given.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FacilityOpened {
    /// The facility.
    pub facility: FacilityId,
    /// Who runs it, where that is known.
    pub organization: Option<OrganizationId>,
    /// Its name.
    pub name: Line,
    /// The zone in which its clocks are read.
    pub time_zone: Zone,
    /// Its business identifiers.
    pub identifiers: Vec<Identifier>,
    /// How to reach it.
    pub telecom: Vec<ContactPoint>,
    /// Where it is.
    pub address: Option<Address>,
}

impl EventData for FacilityOpened {
    fn subject(&self) -> Subject {
        Subject::Facility(self.facility)
    }
    fn tags(&self) -> Vec<Tag> {
        let organization = self.organization.map(Tag::organization);
        [Tag::facility(self.facility)].into_iter().chain(organization).collect()
    }
    fn labels(&self) -> Vec<Label> {
        vec![Label::Unrestricted]
    }
}

/// A room in a facility can be booked.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoomAdded {
    /// The room.
    pub room: RoomId,
    /// The facility that it is in.
    pub facility: FacilityId,
    /// What it is called there.
    pub name: Line,
}

impl EventData for RoomAdded {
    fn subject(&self) -> Subject {
        Subject::Facility(self.facility)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::room(self.room), Tag::facility(self.facility)]
    }
    fn labels(&self) -> Vec<Label> {
        vec![Label::Unrestricted]
    }
}
