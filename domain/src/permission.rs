//! What a caller may do. Which roles may do it is the gate's policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::DataKind;

/// One thing that a command or a read needs leave for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Read organizations, facilities and rooms.
    ReadOrganizations,
    /// Register and change organizations, facilities and rooms.
    ManageOrganizations,
    /// Read the practitioners' directory and their calendars.
    ReadPractitioners,
    /// Onboard, change and retire practitioners; set their availability.
    ManagePractitioners,
    /// Read patients, within what the caller's relation to them allows.
    ReadPatients,
    /// Register patients and change their demographics and contacts.
    ManagePatients,
    /// Merge two records of one person, and undo it.
    MergePatients,
    /// Let another person read and act for a patient.
    GrantPatientAccess,
    /// Read appointments, within what the caller's relation to their patients allows.
    ReadAppointments,
    /// Book, reschedule and cancel appointments.
    BookAppointments,
    /// Check in, fulfil, mark a no-show, and undo a mis-click of these.
    ConductAppointments,
    /// Book over another appointment or outside of availability, with a reason.
    Overbook,
    /// Record what already happened (a walk-in, a downtime slip), with a reason.
    BackEnter,
    /// Read a patient's chart, within what the caller's relation to them allows.
    ReadChart,
    /// Record, amend and take back clinical facts.
    RecordFacts,
    /// Read documents, within what the caller's relation to their patients allows.
    ReadDocuments,
    /// Upload documents, supersede and remove them.
    UploadDocuments,
    /// Read the events of a patient as a history.
    ReadHistory,
    /// Read who saw what of whom: of everyone, or of oneself.
    ReadAccessRecords,
    /// Read consents, restrictions and the grants of access to others, within what the caller's relation to their patients allows.
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
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 27] = [
        Self::ReadOrganizations,
        Self::ManageOrganizations,
        Self::ReadPractitioners,
        Self::ManagePractitioners,
        Self::ReadPatients,
        Self::ManagePatients,
        Self::MergePatients,
        Self::GrantPatientAccess,
        Self::ReadAppointments,
        Self::BookAppointments,
        Self::ConductAppointments,
        Self::Overbook,
        Self::BackEnter,
        Self::ReadChart,
        Self::RecordFacts,
        Self::ReadDocuments,
        Self::UploadDocuments,
        Self::ReadHistory,
        Self::ReadAccessRecords,
        Self::ReadConsents,
        Self::ManageConsents,
        Self::AnswerRestrictions,
        Self::BreakGlass,
        Self::ReviewBreakGlass,
        Self::ReadDisclosures,
        Self::RecordDisclosures,
        Self::EndSessions,
    ];

    /// Its name in policies and records: `read-chart`.
    pub fn name(self) -> String {
        let named = serde_json::to_value(self).ok();
        named.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }

    /// The kind of what is known of a patient that this permission is about: what a read under it shows, and what the rejection of a command under it
    /// tells of; `None` where it is about no patient.
    pub fn data_kind(self) -> Option<DataKind> {
        match self {
            Self::ReadPatients | Self::ManagePatients | Self::MergePatients | Self::GrantPatientAccess => Some(DataKind::Demographics),
            Self::ReadAppointments | Self::BookAppointments | Self::ConductAppointments | Self::Overbook | Self::BackEnter => Some(DataKind::Appointments),
            Self::ReadChart | Self::RecordFacts => Some(DataKind::Chart),
            Self::ReadDocuments | Self::UploadDocuments => Some(DataKind::Documents),
            Self::ReadHistory => Some(DataKind::History),
            Self::ReadAccessRecords | Self::BreakGlass | Self::ReviewBreakGlass => Some(DataKind::AccessRecords),
            Self::ReadConsents | Self::ManageConsents | Self::AnswerRestrictions => Some(DataKind::Consents),
            Self::ReadDisclosures | Self::RecordDisclosures => Some(DataKind::Disclosures),
            Self::ReadOrganizations | Self::ManageOrganizations | Self::ReadPractitioners | Self::ManagePractitioners | Self::EndSessions => None,
        }
    }
}
