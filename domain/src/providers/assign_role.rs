//! Assign a role.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::{Coding, ContactPoint};
use crate::ids::{FacilityId, OrganizationId, PractitionerId, PractitionerRoleId};
use crate::organizations::{FacilityStanding, OrganizationRegistered, OrganizationsEvent};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::providers::{PractitionerStanding, ProvidersEvent, RoleAssigned};
use crate::query::{Query, Tag};
use crate::value::at_most;

/// Says that a practitioner works for an organization in a role (FHIR `PractitionerRole`).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AssignRole {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The role, named by the caller.
    pub role: PractitionerRoleId,
    /// The organization.
    pub organization: OrganizationId,
    /// Where.
    #[serde(default, deserialize_with = "at_most::<50, _, _>")]
    #[schemars(length(max = 50))]
    pub facilities: Vec<FacilityId>,
    /// As what.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub code: Vec<Coding>,
    /// In which specialties.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub specialty: Vec<Coding>,
    /// How to reach them in this role.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub telecom: Phi<Vec<ContactPoint>>,
}

/// Why it was not assigned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AssignRoleRejection {
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
    /// The practitioner has retired.
    #[error("the practitioner has retired")]
    PractitionerRetired,
    /// Another role has the id.
    #[error("a role of this id exists")]
    RoleExists,
    /// No such organization.
    #[error("the organization is not known")]
    OrganizationUnknown,
    /// One of the facilities is not known.
    #[error("a facility is not known")]
    FacilityUnknown,
}

/// Whether everything that the role connects is there.
pub struct Assigning {
    practitioner: PractitionerStanding,
    role_exists: bool,
    organization_known: bool,
    facilities: Vec<FacilityStanding>,
}

impl Decision for AssignRole {
    type Model = Assigning;
    type Event = RoleAssigned;
    type Rejection = AssignRoleRejection;

    fn model(&self) -> (Assigning, Query) {
        let practitioner = PractitionerStanding::of(self.practitioner);
        let facilities: Vec<_> = self.facilities.iter().copied().map(FacilityStanding::of).collect();
        let query = practitioner
            .query(&[])
            .and(&[RoleAssigned::TYPE], Tag::practitioner_role(self.role))
            .and(&[OrganizationRegistered::TYPE], Tag::organization(self.organization));
        let query = facilities.iter().fold(query, |query, facility| query.or(facility.query()));
        (Assigning { practitioner, role_exists: false, organization_known: false, facilities }, query)
    }

    fn apply(model: &mut Assigning, event: &Event) {
        model.practitioner.apply(event);
        model.facilities.iter_mut().for_each(|facility| facility.apply(event));
        match event {
            Event::Providers(ProvidersEvent::RoleAssigned(_)) => model.role_exists = true,
            Event::Organizations(OrganizationsEvent::OrganizationRegistered(_)) => model.organization_known = true,
            _ => {}
        }
    }

    fn decide(&self, model: &Assigning, &Circumstances { now, .. }: &Circumstances) -> Result<Vec<RoleAssigned>, AssignRoleRejection> {
        if !model.practitioner.is_onboarded() {
            return Err(AssignRoleRejection::PractitionerUnknown);
        }
        if model.practitioner.calendar.retired_from().is_some_and(|from| from <= now.date_naive()) {
            return Err(AssignRoleRejection::PractitionerRetired);
        }
        if model.role_exists {
            return Err(AssignRoleRejection::RoleExists);
        }
        if !model.organization_known {
            return Err(AssignRoleRejection::OrganizationUnknown);
        }
        if model.facilities.iter().any(|facility| facility.time_zone.is_none()) {
            return Err(AssignRoleRejection::FacilityUnknown);
        }
        let Self { practitioner, role, organization, facilities, code, specialty, telecom } = self.clone();
        Ok(vec![RoleAssigned { practitioner, role, organization, facilities, code, specialty, telecom }])
    }
}

impl Command for AssignRole {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "assign-role";
    const PERMISSION: Permission = Permission::ManagePractitioners;

    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::providers::examples::*;
    use crate::testing::given;

    const ROLE: PractitionerRoleId = PractitionerRoleId(Uuid::from_u128(10));
    const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(11));
    const OTHER_FACILITY: FacilityId = FacilityId(Uuid::from_u128(12));

    fn registered(organization: OrganizationId) -> Event {
        let (name, identifiers, telecom, address) = ("Group".try_into().unwrap(), vec![], vec![], vec![]);
        OrganizationRegistered { organization, name, part_of: None, r#type: vec![], identifiers, telecom, address }.into()
    }

    fn group() -> impl Iterator<Item = Event> {
        [onboarded(PRACTITIONER), onboarded(OTHER_PRACTITIONER), registered(ORGANIZATION), opened(FACILITY, CHICAGO), opened(OTHER_FACILITY, CHICAGO)]
            .into_iter()
    }

    fn assign() -> AssignRole {
        let facilities = vec![FACILITY, OTHER_FACILITY];
        AssignRole { practitioner: PRACTITIONER, role: ROLE, organization: ORGANIZATION, facilities, code: vec![], specialty: vec![], telecom: vec![].into() }
    }

    fn assigned(practitioner: PractitionerId) -> Event {
        let AssignRole { role, organization, facilities, code, specialty, telecom, .. } = assign();
        RoleAssigned { practitioner, role, organization, facilities, code, specialty, telecom }.into()
    }

    #[test]
    fn a_role_connects_a_practitioner_an_organization_and_its_facilities() {
        given(group()).when(&assign()).then([assigned(PRACTITIONER)]);
    }

    #[test]
    fn an_id_names_one_role_of_one_practitioner() {
        for practitioner in [PRACTITIONER, OTHER_PRACTITIONER] {
            given(group().chain([assigned(practitioner)])).when(&assign()).then_rejected(AssignRoleRejection::RoleExists);
        }
        let another = AssignRole { role: PractitionerRoleId(Uuid::from_u128(13)), ..assign() };
        given(group().chain([assigned(PRACTITIONER)])).when(&another).accepted();
    }

    #[test]
    fn everything_it_connects_must_be_there() {
        let of_nobody = AssignRole { practitioner: UNKNOWN_PRACTITIONER, ..assign() };
        given(group()).when(&of_nobody).then_rejected(AssignRoleRejection::PractitionerUnknown);
        let for_nobody = AssignRole { organization: OrganizationId(Uuid::from_u128(14)), ..assign() };
        given(group()).when(&for_nobody).then_rejected(AssignRoleRejection::OrganizationUnknown);
        let nowhere = AssignRole { facilities: vec![FACILITY, UNKNOWN_FACILITY], ..assign() };
        given(group()).when(&nowhere).then_rejected(AssignRoleRejection::FacilityUnknown);
    }

    #[test]
    fn who_has_retired_takes_no_role() {
        given(group().chain([retired("2027-01-04")])).when(&assign()).then_rejected(AssignRoleRejection::PractitionerRetired);
        given(group().chain([retired("2027-01-05")])).when(&assign()).accepted();
    }
}
