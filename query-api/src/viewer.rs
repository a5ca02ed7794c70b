//! Who asks, and what they may do.

use async_graphql::{ComplexObject, Context, Enum, Object, Result, SimpleObject};
use domain::Permission;
use gate::{Caller, Reach, Role};
use uuid::Uuid;

use crate::patients::{Patient, patient};
use crate::providers::{Practitioner, READ};
use crate::reads::{caller, permitted};
use crate::scalars::DateTime;

/// The query of who asks.
#[derive(Default)]
pub struct ViewerQuery;

#[Object]
impl ViewerQuery {
    /// Who you are, what you may do, and where.
    async fn viewer(&self, context: &Context<'_>) -> Result<Viewer> {
        Ok(caller(context)?.clone().into())
    }
}

/// Whom the token names.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Viewer {
    /// The user.
    user: Uuid,
    /// The tenant whose data you see.
    tenant: Uuid,
    /// What you are to the tenant.
    roles: Vec<ViewerRole>,
    /// What you may do.
    permissions: Vec<ViewerPermission>,
    /// When the token ends.
    expires: DateTime,
    #[graphql(skip)]
    caller: Caller,
}

impl From<Caller> for Viewer {
    fn from(caller: Caller) -> Self {
        let permissions = caller.permissions().into_iter().map(|(permission, reach)| ViewerPermission { permission: permission.into(), reach: reach.into() });
        Self {
            user: caller.user.0,
            tenant: caller.tenant.0,
            roles: caller.roles.iter().copied().map(ViewerRole::from).collect(),
            permissions: permissions.collect(),
            expires: caller.expires.into(),
            caller,
        }
    }
}

#[ComplexObject]
impl Viewer {
    /// Your own record, where you are a patient.
    async fn patient(&self, context: &Context<'_>) -> Result<Option<Patient>> {
        let Some(own) = self.caller.patient else { return Ok(None) };
        Ok(patient(context, own).await?)
    }

    /// Your own directory entry and calendar, where you are a practitioner.
    async fn practitioner(&self, context: &Context<'_>) -> Result<Option<Practitioner>> {
        let Some(own) = self.caller.practitioner else { return Ok(None) };
        Ok(permitted(context, READ)?.load(own).await?)
    }
}

/// Something you may do.
#[derive(SimpleObject)]
pub struct ViewerPermission {
    /// What it is.
    permission: PermissionName,
    /// Over whose records.
    reach: PermissionReach,
}

/// What a person is to the tenant.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Role", remote = "Role")]
pub enum ViewerRole {
    /// Someone who is cared for, or whom they let act for them.
    Patient,
    /// Someone who gives care.
    Clinician,
    /// Someone who receives patients and keeps the calendar.
    FrontDesk,
    /// Someone who runs the organization and its records.
    Administrator,
    /// Someone who answers for how the records are used.
    ComplianceOfficer,
    /// Someone who works with streams without protected values.
    Analyst,
}

/// Over whose records a permission holds.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Reach", remote = "Reach")]
pub enum PermissionReach {
    /// Your own, and those of patients who granted you access.
    OwnPatients,
    /// What belongs to the facilities where you have a role that has it.
    Facilities,
    /// Everything of the tenant.
    Tenant,
}

/// One thing that a command or a read needs leave for.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "Permission", remote = "Permission")]
pub enum PermissionName {
    /// Read organizations, facilities and rooms.
    ReadOrganizations,
    /// Register and change organizations, facilities and rooms.
    ManageOrganizations,
    /// Read the practitioners' directory and their calendars.
    ReadPractitioners,
    /// Onboard, change and retire practitioners; set their availability.
    ManagePractitioners,
    /// Read patients, within your reach.
    ReadPatients,
    /// Register patients and change their demographics and contacts.
    ManagePatients,
    /// Merge two records of one person, and undo it.
    MergePatients,
    /// Let another person read and act for a patient.
    GrantPatientAccess,
    /// Read appointments, within your reach.
    ReadAppointments,
    /// Book, reschedule and cancel appointments.
    BookAppointments,
    /// Check in, fulfil, mark a no-show, and undo a mis-click of these.
    ConductAppointments,
    /// Book over another appointment or outside of availability, with a reason.
    Overbook,
    /// Record what already happened, with a reason.
    BackEnter,
    /// Read a patient's chart, within your reach.
    ReadChart,
    /// Record, amend and take back clinical facts.
    RecordFacts,
    /// Read documents, within your reach.
    ReadDocuments,
    /// Upload documents, supersede and remove them.
    UploadDocuments,
    /// Read the events of a patient as a history.
    ReadHistory,
    /// Read who saw what of whom: of everyone, or of yourself.
    ReadAccessRecords,
    /// Read consents, restrictions and grants of access, within your reach.
    ReadConsents,
    /// Record and revoke a patient's consent; ask for a restriction.
    ManageConsents,
    /// Agree to a restriction that a patient asked for, decline it, or end it.
    AnswerRestrictions,
    /// Break the glass: reach what the usual rules keep closed, in an emergency, with a reason and for minutes.
    BreakGlass,
    /// Read and review broken glass.
    ReviewBreakGlass,
    /// Read to whom outside something of a patient was disclosed.
    ReadDisclosures,
    /// Record that something of a patient was disclosed to somebody outside.
    RecordDisclosures,
    /// End every token of a person at once.
    EndSessions,
    /// Read the entries of the signed logs: what kind of event is where, without whose.
    VerifyLogs,
}
