//! <http://hl7.org/fhir/R4/organization.html>

use domain::OrganizationId;
use domain::organizations::RegisterOrganization;
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::{Imported, NotUnderstood};
use crate::values::{addresses, codings, identifiers, reference, telecom};

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `Organization.active`: what is registered is taken for active.
    resource.granted("active", true);
    let register = RegisterOrganization {
        organization: OrganizationId(id),
        // `Organization.name`
        name: resource.value("name").ok_or_else(|| resource.missing("name"))?,
        // `Organization.partOf`
        part_of: resource.part("partOf").and_then(|part| reference(part, imported.index)),
        // `Organization.type`
        r#type: codings(resource, "type"),
        // `Organization.identifier`
        identifiers: identifiers(resource)?,
        // `Organization.telecom`
        telecom: telecom(resource),
        // `Organization.address`
        address: addresses(resource),
    };
    Ok(vec![register.into()])
}
