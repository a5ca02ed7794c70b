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
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 19] = [
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
    ];

    /// The kind of what is known of a patient that this permission is about: what a read under it shows, and what the rejection of a command under it
    /// tells of; `None` where it is about no patient.
    pub fn data_kind(self) -> Option<DataKind> {
        match self {
            Self::ReadPatients | Self::ManagePatients | Self::MergePatients | Self::GrantPatientAccess => Some(DataKind::Demographics),
            Self::ReadAppointments | Self::BookAppointments | Self::ConductAppointments | Self::Overbook | Self::BackEnter => Some(DataKind::Appointments),
            Self::ReadChart | Self::RecordFacts => Some(DataKind::Chart),
            Self::ReadDocuments | Self::UploadDocuments => Some(DataKind::Documents),
            Self::ReadHistory => Some(DataKind::History),
            Self::ReadAccessRecords => Some(DataKind::AccessRecords),
            Self::ReadOrganizations | Self::ManageOrganizations | Self::ReadPractitioners | Self::ManagePractitioners => None,
        }
    }
}
