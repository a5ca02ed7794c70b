//! <http://hl7.org/fhir/R4/location.html>: a room of another location, or else a facility.

use domain::organizations::{AddRoom, OpenFacility};
use domain::{FacilityId, RoomId};
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::{Imported, NotUnderstood};
use crate::values::{address, code_of, identifiers, reference, telecom};

/// The code system of `Location.physicalType`.
const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `Location.status`, `Location.mode`: what is opened is taken for active, and for a place rather than a kind of place.
    resource.granted("status", "active");
    resource.granted("mode", "instance");
    // `Location.name`
    let name = resource.value("name").ok_or_else(|| resource.missing("name"))?;
    // `Location.physicalType`: `ro` is a room, `si` a site
    let physical_type = resource.part("physicalType").and_then(|concept| code_of(concept, PHYSICAL_TYPE));
    match physical_type.as_ref().map(|code| code.as_str()) {
        Some("ro") => {
            // `Location.partOf`
            let facility: Option<FacilityId> = resource.part("partOf").and_then(|part| reference(part, imported.index));
            let facility = facility.ok_or_else(|| NotUnderstood::ReferenceUnresolved { path: resource.path_of("partOf") })?;
            return Ok(vec![AddRoom { room: RoomId(id), facility, name }.into()]);
        }
        Some("si") | None => {}
        Some(_) => resource.not_kept("physicalType"),
    }
    let open = OpenFacility {
        facility: FacilityId(id),
        // `Location.managingOrganization`
        organization: resource.part("managingOrganization").and_then(|part| reference(part, imported.index)),
        name,
        time_zone: imported.zone,
        // `Location.identifier`
        identifiers: identifiers(resource)?,
        // `Location.telecom`
        telecom: telecom(resource),
        // `Location.address`
        address: resource.part("address").and_then(address),
    };
    Ok(vec![open.into()])
}
