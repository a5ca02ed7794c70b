//! An access as its patient reads it.

use super::events::{AccessOutcome, AccessRecorded, DataKind};
use super::purpose::PurposeOfUse;

impl DataKind {
    /// What it is of a patient: "… saw ‹their chart›".
    fn words(self) -> &'static str {
        match self {
            Self::Demographics => "who they are and how to reach them",
            Self::Appointments => "their appointments",
            Self::Chart => "their chart",
            Self::Documents => "their documents",
            Self::History => "the history of their record",
            Self::AccessRecords => "who had looked at their record",
            Self::Consents => "their consents and restrictions",
            Self::Disclosures => "to whom their record had been disclosed",
        }
    }
}

impl PurposeOfUse {
    /// What for: "… saw their chart ‹to treat them›".
    pub fn words(self) -> &'static str {
        match self {
            Self::Treatment => "to treat them",
            Self::EmergencyTreatment => "to treat them in an emergency",
            Self::CareManagement => "to coordinate their care",
            Self::Payment => "to be paid for care",
            Self::Operations => "to run the organization",
            Self::RecordManagement => "to keep records in order",
            Self::Compliance => "to see that the rules are kept",
            Self::SystemAdministration => "to operate the system",
            Self::PatientRequest => "at the patient's own request",
            Self::FamilyRequest => "at the request of the patient's family",
            Self::PublicHealth => "for public health",
            Self::Research => "for research",
            Self::Legal => "because the law asks for it",
            Self::BreakTheGlass => "in an emergency, against the usual rules",
        }
    }
}

impl AccessRecorded {
    /// The access in one sentence; `role` is what the one who looked is to the tenant.
    pub fn in_words(&self, role: &str) -> String {
        let who = match role {
            "patient" => "The patient, or someone they let in,".to_owned(),
            "" => "Somebody without a valid token".to_owned(),
            role => format!("Someone ({})", role.replace('-', " ").replace(',', ", ")),
        };
        let what = match self.kinds.as_slice() {
            [] => "something".to_owned(),
            [kind] => kind.words().to_owned(),
            [kinds @ .., last] => format!("{} and {}", kinds.iter().map(|kind| kind.words()).collect::<Vec<_>>().join(", "), last.words()),
        };
        let did = match self.outcome {
            AccessOutcome::Shown => "saw",
            AccessOutcome::NothingFound => "looked for, and did not find,",
            AccessOutcome::Refused => "was refused",
            AccessOutcome::CarriedOut => "acted on",
        };
        format!("{who} {did} {what}, {}.", self.purpose.words())
    }
}
