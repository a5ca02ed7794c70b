//! What a caller may do. Which roles may do it is the gate's policy.

use crate::access::DataKind;

named! {
    /// One thing that a command or a read needs leave for.
    Permission name from_name {
        /// Read organizations, facilities and rooms.
        ReadOrganizations "read-organizations",
        /// Register and change organizations, facilities and rooms.
        ManageOrganizations "manage-organizations",
        /// Read the practitioners' directory and their calendars.
        ReadPractitioners "read-practitioners",
        /// Onboard, change and retire practitioners; set their availability.
        ManagePractitioners "manage-practitioners",
        /// Read patients, within what the caller's relation to them allows.
        ReadPatients "read-patients",
        /// Register patients and change their demographics and contacts.
        ManagePatients "manage-patients",
        /// Merge two records of one person, and undo it.
        MergePatients "merge-patients",
        /// Let another person read and act for a patient.
        GrantPatientAccess "grant-patient-access",
        /// Read appointments, within what the caller's relation to their patients allows.
        ReadAppointments "read-appointments",
        /// Book, reschedule and cancel appointments.
        BookAppointments "book-appointments",
        /// Check in, fulfil, mark a no-show, and undo a mis-click of these.
        ConductAppointments "conduct-appointments",
        /// Book over another appointment or outside of availability, with a reason.
        Overbook "overbook",
        /// Record what already happened (a walk-in, a downtime slip), with a reason.
        BackEnter "back-enter",
        /// Read a patient's chart, within what the caller's relation to them allows.
        ReadChart "read-chart",
        /// Record, amend and take back clinical facts.
        RecordFacts "record-facts",
        /// Read documents, within what the caller's relation to their patients allows.
        ReadDocuments "read-documents",
        /// Upload documents, supersede and remove them.
        UploadDocuments "upload-documents",
        /// Read the events of a patient as a history.
        ReadHistory "read-history",
        /// Read who saw what of whom: of everyone, or of oneself.
        ReadAccessRecords "read-access-records",
        /// Read consents, restrictions and the grants of access to others, within what the caller's relation to their patients allows.
        ReadConsents "read-consents",
        /// Record and revoke a patient's consent; ask for a restriction.
        ManageConsents "manage-consents",
        /// Agree to a restriction that a patient asked for, decline it, or end it.
        AnswerRestrictions "answer-restrictions",
        /// Break the glass: reach what the usual rules keep closed, in an emergency, with a reason and for minutes.
        BreakGlass "break-glass",
        /// Read and review broken glass.
        ReviewBreakGlass "review-break-glass",
        /// Read to whom outside something of a patient was disclosed.
        ReadDisclosures "read-disclosures",
        /// Record that something of a patient was disclosed to somebody outside.
        RecordDisclosures "record-disclosures",
        /// End every token of a person at once.
        EndSessions "end-sessions",
        /// Read the entries of the signed logs: what kind of event is where, without whose.
        VerifyLogs "verify-logs",
    }
}

impl Permission {
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
            Self::ReadOrganizations
            | Self::ManageOrganizations
            | Self::ReadPractitioners
            | Self::ManagePractitioners
            | Self::EndSessions
            | Self::VerifyLogs => None,
        }
    }
}
