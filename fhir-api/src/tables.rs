//! From which tables the resources of a type come, and how. Row-level security confines every statement to the tenant and to the patients within reach.

use domain::{PatientId, Permission};
use fhir::ResourceType;
use fhir::export::{DocumentRow, FacilityRow, FactRow, OrganizationRow, PatientRow, PractitionerRow, RoleRow, RoomRow};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A table whose rows are resources of one type.
pub struct Table {
    /// The ids and rows of some ids, `$1`; of facts those of the kind `$2`.
    pub some: &'static str,
    /// The ids and rows after an id, `$1`, in the order of ids, `$3` of them; of facts those of the kind `$2`.
    pub page: &'static str,
    /// What a row comes to.
    pub resource: fn(Value) -> Result<Found, serde_json::Error>,
}

/// A resource, and whose it is.
pub struct Found {
    /// The patient of whom it says something.
    pub patient: Option<PatientId>,
    /// The resource; `None` where everything in it was erased.
    pub resource: Option<Value>,
}

macro_rules! table {
    ($id:literal, $row:literal, $from:literal, $kind:literal, $resource:expr) => {
        Table {
            some: concat!("select ", $id, ", ", $row, " from ", $from, " where ", $id, " = any($1) and ", $kind, " $2"),
            page: concat!("select ", $id, ", ", $row, " from ", $from, " where ", $id, " > $1 and ", $kind, " $2 order by ", $id, " limit $3"),
            resource: $resource,
        }
    };
}

/// Rows of which one table holds one type only: they have no kind.
macro_rules! plain_table {
    ($id:literal, $row:literal, $from:literal, $resource:expr) => {
        table!($id, $row, $from, "'' <>", $resource)
    };
}

const PATIENT: Table = plain_table!(
    "patient_id",
    "to_jsonb(patient) || jsonb_build_object('replaces', array(select merged_id from patient_merge \
     where patient_merge.patient_id = patient.patient_id order by merged_id))",
    "patient",
    |row| read(row, |row: PatientRow| Found { patient: Some(PatientId(row.patient_id)), resource: Some(row.resource()) })
);
/// The facts, of any kind.
const FACT: Table = table!("fact_id", "to_json(chart_fact)", "chart_fact", "kind =", |row| {
    read(row, |row: FactRow| Found { patient: Some(PatientId(row.patient_id)), resource: row.resource() })
});
/// The documents, each with those whose place it has taken.
const DOCUMENT: Table = plain_table!(
    "document_id",
    "to_jsonb(document) || jsonb_build_object('replaces', array(select replaced.document_id from document replaced \
     where replaced.superseded_by = document.document_id order by replaced.document_id))",
    "document",
    |row| read(row, |row: DocumentRow| Found { patient: Some(PatientId(row.patient_id)), resource: row.resource() })
);
const PRACTITIONER: Table = plain_table!(
    "practitioner_id",
    "to_jsonb(practitioner) || jsonb_build_object('active', retired_from is null or retired_from > current_date, 'qualifications', \
     array(select to_jsonb(qualification) from practitioner_qualification as qualification \
     where qualification.practitioner_id = practitioner.practitioner_id order by position))",
    "practitioner",
    |row| public(row, PractitionerRow::resource)
);
const ROLE: Table = plain_table!("role_id", "to_jsonb(practitioner_role)", "practitioner_role", |row| public(row, RoleRow::resource));
const ORGANIZATION: Table = plain_table!("organization_id", "to_jsonb(organization)", "organization", |row| public(row, OrganizationRow::resource));
const FACILITY: Table = plain_table!("facility_id", "to_jsonb(facility)", "facility", |row| public(row, FacilityRow::resource));
const ROOM: Table = plain_table!("room_id", "to_jsonb(room)", "room", |row| public(row, RoomRow::resource));

fn read<R: DeserializeOwned>(row: Value, found: impl FnOnce(R) -> Found) -> Result<Found, serde_json::Error> {
    serde_json::from_value(row).map(found)
}

fn public<R: DeserializeOwned>(row: Value, resource: impl FnOnce(R) -> Value) -> Result<Found, serde_json::Error> {
    read(row, |row| Found { patient: None, resource: Some(resource(row)) })
}

/// The tables of a type.
pub fn tables(resource_type: ResourceType) -> &'static [Table] {
    match resource_type {
        ResourceType::Organization => &[ORGANIZATION],
        ResourceType::Location => &[FACILITY, ROOM],
        ResourceType::Practitioner => &[PRACTITIONER],
        ResourceType::PractitionerRole => &[ROLE],
        ResourceType::Patient => &[PATIENT],
        ResourceType::Fact(_) => &[FACT],
        ResourceType::DocumentReference => &[DOCUMENT],
    }
}

/// What a caller must be allowed to do to read a type.
pub fn permissions(resource_type: ResourceType) -> &'static [Permission] {
    match resource_type {
        ResourceType::Organization | ResourceType::Location => &[Permission::ReadOrganizations],
        ResourceType::Practitioner | ResourceType::PractitionerRole => &[Permission::ReadPractitioners],
        ResourceType::Patient => &[Permission::ReadPatients],
        ResourceType::Fact(_) => &[Permission::ReadPatients, Permission::ReadChart],
        ResourceType::DocumentReference => &[Permission::ReadPatients, Permission::ReadDocuments],
    }
}
