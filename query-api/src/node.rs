//! Relay's `node`: any object by its global id.

use async_graphql::{Context, ID, Interface, Object, Result};
use domain::{
    AppointmentId, ConsentId, DocumentId, FacilityId, FactId, InvalidValue, OrganizationId, PatientId, Permission, PractitionerId, RestrictionId, RoomId,
};

use crate::consents::{Consent, Restriction, consent, restriction};
use crate::documents::{Document, document};
use crate::errors::Failure;
use crate::ids::{Global, argument};
use crate::organizations::{Facility, Organization, Room};
use crate::patients::{Patient, patient};
use crate::providers::Practitioner;
use crate::reads::permitted;
use crate::records::{ChartEntry, chart_entry};
use crate::scheduling::{Appointment, appointment};

/// An object with a global id.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The global id."))]
pub enum Node {
    /// A patient.
    Patient(Patient),
    /// A practitioner.
    Practitioner(Practitioner),
    /// An organization.
    Organization(Organization),
    /// A facility.
    Facility(Facility),
    /// A room.
    Room(Room),
    /// An appointment.
    Appointment(Appointment),
    /// A clinical fact.
    ChartEntry(ChartEntry),
    /// A document.
    Document(Document),
    /// A consent.
    Consent(Consent),
    /// A restriction.
    Restriction(Restriction),
}

/// The query of any object.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Any object by its global id; null when there is none that you may see. Each type needs what its own query needs.
    async fn node(&self, context: &Context<'_>, id: ID) -> Result<Option<Node>> {
        let kind = id.split_once('/').map(|(kind, _)| kind);
        let id = &id;
        Ok(match kind {
            Some(PatientId::TYPE) => patient(context, argument("id", id)?).await?.map(Node::from),
            Some(AppointmentId::TYPE) => appointment(context, argument("id", id)?).await?.map(Node::from),
            Some(FactId::TYPE) => chart_entry(context, argument("id", id)?).await?.map(Node::from),
            Some(DocumentId::TYPE) => document(context, argument("id", id)?).await?.map(Node::from),
            Some(ConsentId::TYPE) => consent(context, argument("id", id)?).await?.map(Node::from),
            Some(RestrictionId::TYPE) => restriction(context, argument("id", id)?).await?.map(Node::from),
            Some(PractitionerId::TYPE) => permitted(context, Permission::ReadPractitioners)?.load(argument::<PractitionerId>("id", id)?).await?.map(Node::from),
            Some(OrganizationId::TYPE) => permitted(context, Permission::ReadOrganizations)?.load(argument::<OrganizationId>("id", id)?).await?.map(Node::from),
            Some(FacilityId::TYPE) => permitted(context, Permission::ReadOrganizations)?.load(argument::<FacilityId>("id", id)?).await?.map(Node::from),
            Some(RoomId::TYPE) => permitted(context, Permission::ReadOrganizations)?.load(argument::<RoomId>("id", id)?).await?.map(Node::from),
            _ => return Err(Failure::Argument("id", InvalidValue("be a global id, as the field `id` of an object has it")).into()),
        })
    }
}
