//! <http://hl7.org/fhir/R4/practitionerrole.html>

use domain::ids::PractitionerRoleId;
use domain::providers::AssignRole;
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::{Imported, NotUnderstood};
use crate::namespace::ImportedId;
use crate::values::{codings, reference, telecom};

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid, imported: &Imported<'_>) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `PractitionerRole.active`: a role that is assigned is taken for active.
    resource.granted("active", true);
    let assign = AssignRole {
        // `PractitionerRole.practitioner`
        practitioner: required(resource, "practitioner", imported)?,
        role: PractitionerRoleId(id),
        // `PractitionerRole.organization`
        organization: required(resource, "organization", imported)?,
        // `PractitionerRole.location`
        facilities: resource.parts("location").into_iter().filter_map(|part| reference(part, imported.index)).collect(),
        // `PractitionerRole.code`
        code: codings(resource, "code"),
        // `PractitionerRole.specialty`
        specialty: codings(resource, "specialty"),
        // `PractitionerRole.telecom`
        telecom: telecom(resource).into(),
    };
    Ok(vec![assign.into()])
}

fn required<T: ImportedId>(resource: &mut Element<'_>, field: &str, imported: &Imported<'_>) -> Result<T, NotUnderstood> {
    let found = resource.part(field).and_then(|part| reference(part, imported.index));
    found.ok_or_else(|| NotUnderstood::ReferenceUnresolved { path: resource.path_of(field) })
}
