//! Open a facility.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::{Address, ContactPoint, Identifiers};
use crate::ids::{FacilityId, OrganizationId};
use crate::organizations::{FacilityOpened, OrganizationRegistered, OrganizationsEvent};
use crate::permission::Permission;
use crate::query::{Query, Tag};
use crate::time::Zone;
use crate::value::{Line, at_most};

/// Opens a place where care is given, with the zone that its clocks are read in.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenFacility {
    /// The facility, named by the caller.
    pub facility: FacilityId,
    /// Who runs it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// Its name.
    pub name: Line,
    /// The zone in which its clocks are read.
    pub time_zone: Zone,
    /// Its business identifiers.
    #[serde(default)]
    pub identifiers: Identifiers,
    /// How to reach it.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub telecom: Vec<ContactPoint>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// Why the facility was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum OpenFacilityRejection {
    /// The id is taken.
    #[error("a facility of this id exists")]
    FacilityExists,
    /// No such organization.
    #[error("the organization is not known")]
    OrganizationUnknown,
}

/// Whether the facility and its organization are known.
#[derive(Default)]
pub struct Opening {
    opened: bool,
    organization_known: bool,
}

impl Decision for OpenFacility {
    type Model = Opening;
    type Event = FacilityOpened;
    type Rejection = OpenFacilityRejection;

    fn model(&self) -> (Opening, Query) {
        let query = Query::new().and(&[FacilityOpened::TYPE], Tag::facility(self.facility));
        let organizations = self.organization.map(|organization| Query::new().and(&[OrganizationRegistered::TYPE], Tag::organization(organization)));
        (Opening::default(), query.or(organizations.unwrap_or_default()))
    }

    fn apply(model: &mut Opening, event: &Event) {
        match event {
            Event::Organizations(OrganizationsEvent::FacilityOpened(_)) => model.opened = true,
            Event::Organizations(OrganizationsEvent::OrganizationRegistered(_)) => model.organization_known = true,
            _ => {}
        }
    }

    fn decide(&self, model: &Opening, _circumstances: &Circumstances) -> Result<Vec<FacilityOpened>, OpenFacilityRejection> {
        if model.opened {
            return Err(OpenFacilityRejection::FacilityExists);
        }
        if self.organization.is_some() && !model.organization_known {
            return Err(OpenFacilityRejection::OrganizationUnknown);
        }
        Ok(vec![FacilityOpened {
            facility: self.facility,
            organization: self.organization,
            name: self.name.clone(),
            time_zone: self.time_zone,
            identifiers: self.identifiers.clone().into(),
            telecom: self.telecom.clone(),
            address: self.address.clone(),
        }])
    }
}

impl Command for OpenFacility {
    const CONTEXT: &'static str = "organizations";
    const NAME: &'static str = "open-facility";
    const PERMISSION: Permission = Permission::ManageOrganizations;

    fn subject(&self) -> Subject {
        Subject::Facility(self.facility)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::organizations::examples::*;
    use crate::testing::{assert_bounded, given};

    fn open(organization: Option<OrganizationId>) -> OpenFacility {
        read(json!({ "facility": FACILITY, "organization": organization, "name": "Main", "timeZone": "America/Chicago" }))
    }

    #[test]
    fn a_facility_opens() {
        given([]).when(&open(None)).then([opened(FACILITY)]);
        let command =
            OpenFacility { identifiers: vec![identifier("1")].try_into().unwrap(), telecom: telecom(), address: Some(address()), ..open(Some(CLINIC)) };
        let expected = FacilityOpened {
            facility: FACILITY,
            organization: Some(CLINIC),
            name: name("Main"),
            time_zone: CHICAGO,
            identifiers: vec![identifier("1")],
            telecom: telecom(),
            address: Some(address()),
        };
        given([registered(CLINIC)]).when(&command).then([expected.into()]);
    }

    #[test]
    fn an_organization_opens_several() {
        let first = FacilityOpened {
            facility: OTHER_FACILITY,
            organization: Some(CLINIC),
            name: name("Main"),
            time_zone: CHICAGO,
            identifiers: vec![],
            telecom: vec![],
            address: None,
        };
        given([registered(CLINIC), first.into()]).when(&open(Some(CLINIC))).accepted();
    }

    #[test]
    fn an_id_is_used_once() {
        given([opened(FACILITY)]).when(&open(None)).then_rejected(OpenFacilityRejection::FacilityExists);
    }

    #[test]
    fn the_organization_must_be_known_where_it_is_given() {
        given([registered(GROUP)]).when(&open(Some(CLINIC))).then_rejected(OpenFacilityRejection::OrganizationUnknown);
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused_where_it_is_read() {
        let body = json!({ "facility": FACILITY, "name": "Main", "timeZone": "Middle-earth/Shire" });
        assert_eq!(serde_json::from_value::<OpenFacility>(body).err().map(|error| error.to_string()).as_deref(), Some("must be the name of an IANA time zone"));
        assert_bounded::<OpenFacility>();
    }
}
