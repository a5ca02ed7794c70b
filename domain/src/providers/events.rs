//! What happens to practitioners and their calendars. Who they are is protected with their own key; when they work is not.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventData, Label, Subject};
use crate::fhir_values::{Address, AdministrativeGender, Coding, ContactPoint, HumanName, Identifier};
use crate::ids::{BlockId, FacilityId, OrganizationId, PractitionerId, PractitionerRoleId};
use crate::phi::Phi;
use crate::providers::{Hours, WeeklyHours};
use crate::query::Tag;
use crate::time::{LocalStretch, Zone};
use crate::value::{Line, Minutes, Reason};

events! {
    /// The events of this context.
    "providers" ProvidersEvent {
        PractitionerOnboarded 1,
        QualificationAdded 1,
        RoleAssigned 1,
        AvailabilitySet 1,
        AvailabilityExceptionSet 1,
        TimeBlocked 1,
        TimeUnblocked 1,
        PractitionerRetired 1,
    }
}

/// A person began to give care here.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PractitionerOnboarded {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Their names, the official one first.
    pub name: Phi<Vec<HumanName>>,
    /// The gender they are considered to have for administration.
    pub gender: Option<Phi<AdministrativeGender>>,
    /// Business identifiers, such as an NPI.
    pub identifiers: Phi<Vec<Identifier>>,
    /// How to reach them.
    pub telecom: Phi<Vec<ContactPoint>>,
    /// Where to reach them.
    pub address: Phi<Vec<Address>>,
    /// Why an NPI was accepted whose check digit is wrong.
    pub unverified_npi_accepted: Option<Phi<Reason>>,
}

impl EventData for PractitionerOnboarded {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        let identifiers = self.identifiers.known().into_iter().flatten().map(Tag::identifier);
        [Tag::practitioner(self.practitioner)].into_iter().chain(identifiers).collect()
    }
}

/// The practitioner holds a qualification (FHIR `Practitioner.qualification`).
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QualificationAdded {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// What it is.
    pub code: Coding,
    /// Who issued it.
    pub issuer: Option<Line>,
    /// From when on, as far as it is known.
    pub valid_from: Option<NaiveDate>,
    /// Until and including when, if it ends.
    pub valid_until: Option<NaiveDate>,
}

impl EventData for QualificationAdded {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::practitioner(self.practitioner)]
    }
}

/// The practitioner works for an organization in a role (FHIR `PractitionerRole`).
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssigned {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The role.
    pub role: PractitionerRoleId,
    /// The organization.
    pub organization: OrganizationId,
    /// Where.
    pub facilities: Vec<FacilityId>,
    /// As what.
    pub code: Vec<Coding>,
    /// In which specialties.
    pub specialty: Vec<Coding>,
    /// How to reach them in this role.
    pub telecom: Phi<Vec<ContactPoint>>,
}

impl EventData for RoleAssigned {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::practitioner(self.practitioner), Tag::practitioner_role(self.role), Tag::organization(self.organization)]
    }
}

/// The weekly hours at a facility from a date on, in place of what was set before for that facility and those dates.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilitySet {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Where.
    pub facility: FacilityId,
    /// In which zone the hours are meant: the facility's.
    pub zone: Zone,
    /// From this local date on.
    pub from: NaiveDate,
    /// Up to and including this local date, if it ends.
    pub until: Option<NaiveDate>,
    /// The hours; none means not available.
    pub weekly: Vec<WeeklyHours>,
    /// The length of a slot offered for booking.
    pub slot: Minutes,
}

impl EventData for AvailabilitySet {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::practitioner(self.practitioner), Tag::facility(self.facility)]
    }
    fn labels(&self) -> Vec<Label> {
        vec![Label::Unrestricted]
    }
}

/// The hours on one local date, in place of the weekly ones at that facility.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityExceptionSet {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Where.
    pub facility: FacilityId,
    /// The local date.
    pub date: NaiveDate,
    /// The hours; none means not available that day.
    pub hours: Vec<Hours>,
}

impl EventData for AvailabilityExceptionSet {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        let practitioner = Tag::practitioner(self.practitioner);
        vec![practitioner.on(self.date), practitioner]
    }
    fn labels(&self) -> Vec<Label> {
        vec![Label::Unrestricted]
    }
}

fn block_tags(practitioner: PractitionerId, block: BlockId, time: LocalStretch) -> Vec<Tag> {
    let practitioner = Tag::practitioner(practitioner);
    time.days().into_iter().map(|day| practitioner.on(day)).chain([practitioner.clone(), Tag::block(block)]).collect()
}

/// A stretch of the calendar was closed to booking at every facility.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeBlocked {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The block.
    pub block: BlockId,
    /// The stretch, as the clocks show it where it was set; they win when the zone's rules change.
    pub time: LocalStretch,
    /// Why; it may be a private matter.
    pub reason: Option<Phi<Reason>>,
}

impl EventData for TimeBlocked {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        block_tags(self.practitioner, self.block, self.time)
    }
}

/// The stretch is open again.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimeUnblocked {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The block.
    pub block: BlockId,
    /// The stretch, as the clocks show it where it was set; they win when the zone's rules change.
    pub time: LocalStretch,
}

impl EventData for TimeUnblocked {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        block_tags(self.practitioner, self.block, self.time)
    }
}

/// The practitioner takes no more appointments.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PractitionerRetired {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// From this local date on.
    pub from: NaiveDate,
    /// Why; it may be a private matter.
    pub reason: Option<Phi<Reason>>,
}

impl EventData for PractitionerRetired {
    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::practitioner(self.practitioner)]
    }
}
