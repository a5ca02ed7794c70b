//! Register an organization.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::{Address, Coding, ContactPoint, Identifiers};
use crate::ids::OrganizationId;
use crate::organizations::{OrganizationRegistered, OrganizationsEvent};
use crate::permission::Permission;
use crate::query::{Query, Tag};
use crate::value::{Line, at_most};

/// Makes an organization known to the tenant, perhaps as a part of another.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterOrganization {
    /// The organization, named by the caller.
    pub organization: OrganizationId,
    /// Its name.
    pub name: Line,
    /// The organization that it is part of; it must be known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_of: Option<OrganizationId>,
    /// What kind it is.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub r#type: Vec<Coding>,
    /// Its business identifiers.
    #[serde(default)]
    pub identifiers: Identifiers,
    /// How to reach it.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub telecom: Vec<ContactPoint>,
    /// Where it is.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub address: Vec<Address>,
}

/// Why the organization was not registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RegisterOrganizationRejection {
    /// The id is taken.
    #[error("an organization of this id exists")]
    OrganizationExists,
    /// It would be part of nothing. A new organization is not known yet, so that it cannot be part of itself either.
    #[error("the organization that it is part of is not known")]
    PartOfUnknown,
}

/// Whether the organization and the one it is part of are known.
#[derive(Default)]
pub struct Registering {
    known: Vec<OrganizationId>,
}

impl Decision for RegisterOrganization {
    type Model = Registering;
    type Event = OrganizationRegistered;
    type Rejection = RegisterOrganizationRejection;

    fn model(&self) -> (Registering, Query) {
        let organizations = [self.organization].into_iter().chain(self.part_of);
        let query = organizations.fold(Query::new(), |query, organization| query.and(&[OrganizationRegistered::TYPE], Tag::organization(organization)));
        (Registering::default(), query)
    }

    fn apply(model: &mut Registering, event: &Event) {
        if let Event::Organizations(OrganizationsEvent::OrganizationRegistered(registered)) = event {
            model.known.push(registered.organization);
        }
    }

    fn decide(&self, model: &Registering, _circumstances: &Circumstances) -> Result<Vec<OrganizationRegistered>, RegisterOrganizationRejection> {
        if model.known.contains(&self.organization) {
            return Err(RegisterOrganizationRejection::OrganizationExists);
        }
        if self.part_of.is_some_and(|whole| !model.known.contains(&whole)) {
            return Err(RegisterOrganizationRejection::PartOfUnknown);
        }
        Ok(vec![OrganizationRegistered {
            organization: self.organization,
            name: self.name.clone(),
            part_of: self.part_of,
            r#type: self.r#type.clone(),
            identifiers: self.identifiers.clone().into(),
            telecom: self.telecom.clone(),
            address: self.address.clone(),
        }])
    }
}

impl Command for RegisterOrganization {
    const CONTEXT: &'static str = "organizations";
    const NAME: &'static str = "register-organization";
    const PERMISSION: Permission = Permission::ManageOrganizations;

    fn subject(&self) -> Subject {
        Subject::Organization(self.organization)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::organizations::examples::*;
    use crate::testing::{assert_bounded, given};

    fn register(part_of: Option<OrganizationId>) -> RegisterOrganization {
        read(json!({ "organization": CLINIC, "name": "Clinic", "partOf": part_of }))
    }

    #[test]
    fn an_organization_becomes_known() {
        given([]).when(&register(None)).then([registered(CLINIC)]);
        let command = RegisterOrganization {
            r#type: vec![provider()],
            identifiers: vec![identifier("1")].try_into().unwrap(),
            telecom: telecom(),
            address: vec![address()],
            ..register(Some(GROUP))
        };
        let expected = OrganizationRegistered {
            organization: CLINIC,
            name: name("Clinic"),
            part_of: Some(GROUP),
            r#type: vec![provider()],
            identifiers: vec![identifier("1")],
            telecom: telecom(),
            address: vec![address()],
        };
        given([registered(GROUP)]).when(&command).then([expected.into()]);
    }

    #[test]
    fn an_id_is_used_once() {
        given([registered(CLINIC)]).when(&register(None)).then_rejected(RegisterOrganizationRejection::OrganizationExists);
    }

    #[test]
    fn it_is_part_of_a_known_organization_or_of_none() {
        given([]).when(&register(Some(GROUP))).then_rejected(RegisterOrganizationRejection::PartOfUnknown);
        given([]).when(&register(Some(CLINIC))).then_rejected(RegisterOrganizationRejection::PartOfUnknown);
    }

    #[test]
    fn malformed_bodies_are_refused_where_they_are_read() {
        let reads = |body| serde_json::from_value::<RegisterOrganization>(body).is_ok();
        assert!(reads(json!({ "organization": CLINIC, "name": "Clinic", "type": vec![provider(); 20] })));
        assert!(!reads(json!({ "organization": CLINIC, "name": "Clinic", "type": vec![provider(); 21] })));
        assert!(!reads(json!({ "organization": CLINIC, "name": "Clinic", "identifiers": [identifier("1"), identifier("1")] })));
        assert!(!reads(json!({ "organization": CLINIC, "name": " " })));
        assert!(!reads(json!({ "organization": CLINIC, "name": "Clinic", "founded": 1900 })));
        assert_bounded::<RegisterOrganization>();
    }
}
