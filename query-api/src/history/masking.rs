//! What of an entry goes to whom: it takes the permission that the thing itself takes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use domain::patients::{PatientAccessGranted, PatientAccessRevoked};
use domain::{Context, DocumentId, Event, EventType, FacilityId, Label, Named, PatientId, Permission, UserId};
use gate::OfPatient;

use super::HistoryEntry;
use crate::documents::is_known;
use crate::errors::Failure;
use crate::reads::Permitted;

/// The events of this build, by their stored names.
static KNOWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| Event::types().iter().map(EventType::to_string).collect());

/// What says which document took another's place.
const SUCCESSOR: &str = "By";

/// Without the document that took another's place, where the caller may not know of it.
pub async fn without_unknown_successor(permitted: Permitted<'_>, mut entry: HistoryEntry) -> Result<HistoryEntry, Failure> {
    if entry.event_type != "documents.DocumentSuperseded" {
        return Ok(entry);
    }
    let successor = entry.details.iter().find(|detail| detail.label == SUCCESSOR).and_then(|detail| detail.value.split_once('/')?.1.parse().ok());
    let known = match successor {
        Some(successor) => is_known(permitted, DocumentId(successor)).await?,
        None => false,
    };
    entry.details.retain(|detail| known || detail.label != SUCCESSOR);
    Ok(entry)
}

impl HistoryEntry {
    /// Without the details that say what the caller does not see.
    #[must_use]
    pub fn with_details(mut self, sees: impl Fn(Context, &str) -> bool) -> Self {
        let context = Context::of(&self.event_type);
        self.details.retain(|detail| context.is_none_or(|context| sees(context, &detail.label)));
        self
    }

    /// Whether it tells whom the patient lets in.
    fn tells_of_grants(&self) -> bool {
        let named = |event_type: EventType| self.event_type == event_type.to_string();
        named(PatientAccessGranted::TYPE) || named(PatientAccessRevoked::TYPE)
    }

    /// That something happened, in general words.
    fn in_general(&self) -> &'static str {
        let name = self.event_type.split_once('.').map_or("", |(_, name)| name);
        match Context::of(&self.event_type) {
            Some(Context::Patients) => match name {
                "PatientAccessGranted" => "Access was granted",
                "PatientAccessRevoked" => "Access was revoked",
                _ => "The record was changed",
            },
            Some(Context::Scheduling) => "Something happened to an appointment",
            Some(Context::Records) if name.ends_with("Recorded") => "A clinical fact was recorded",
            Some(Context::Records) if name.ends_with("Amended") => "A clinical fact was amended",
            Some(Context::Records) if name.ends_with("EnteredInError") => "A clinical fact was entered in error",
            Some(Context::Records) => "Something happened to a clinical fact",
            Some(Context::Documents) => match name {
                "DocumentUploaded" => "A document was uploaded",
                "DocumentSuperseded" => "A document was superseded",
                "DocumentRemoved" => "A document was removed",
                _ => "Something happened to a document",
            },
            Some(Context::Consents) if name.starts_with("Restriction") => "A restriction was changed",
            Some(Context::Consents) => "A consent was changed",
            Some(Context::Emergency) => match name {
                "GlassBroken" => "The glass was broken in an emergency",
                "BreakGlassReviewed" => "Broken glass was reviewed",
                "BreakGlassEscalated" => "Broken glass was not reviewed in time",
                _ => "Something happened to broken glass",
            },
            Some(Context::Disclosures) => match name {
                "DisclosureMade" => "A disclosure was recorded",
                "DisclosureRetracted" => "A disclosure was retracted",
                _ => "Something happened to a disclosure",
            },
            Some(Context::Organizations | Context::Providers | Context::Access | Context::Identity) | None => "Something happened",
        }
    }
}

impl OfPatient for HistoryEntry {
    fn type_name(&self) -> &'static str {
        "HistoryEntry"
    }
    /// What must be allowed for the whole entry: what shows the thing itself.
    fn permission(&self) -> Permission {
        match Context::of(&self.event_type) {
            Some(Context::Patients) if self.tells_of_grants() => Permission::ReadConsents,
            Some(Context::Patients) => Permission::ReadPatients,
            Some(Context::Scheduling) => Permission::ReadAppointments,
            Some(Context::Records) => Permission::ReadChart,
            Some(Context::Documents) => Permission::ReadDocuments,
            Some(Context::Consents) => Permission::ReadConsents,
            Some(Context::Emergency) => Permission::ReviewBreakGlass,
            Some(Context::Disclosures) => Permission::ReadDisclosures,
            Some(Context::Access) => Permission::ReadAccessRecords,
            Some(Context::Organizations) => Permission::ReadOrganizations,
            Some(Context::Providers) => Permission::ReadPractitioners,
            Some(Context::Identity) => Permission::EndSessions,
            // Of a later build: its label closes it.
            None => Permission::ReadHistory,
        }
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    /// An event of a later build is as one that bears a label of a later build.
    fn labels(&self) -> Vec<Label> {
        let unknown = (!KNOWN.contains(&self.event_type)).then_some(Label::Unknown);
        Label::from_codes(&self.security).into_iter().chain(unknown).collect()
    }
    fn is_by(&self, user: UserId) -> bool {
        self.actor_user == user.0
    }
    fn facility(&self) -> Option<FacilityId> {
        self.place.map(FacilityId)
    }
    /// That it happened, when it was learned, and who did it.
    fn mask(self, why: gate::Masked) -> Self {
        let summary = self.in_general().to_owned();
        Self {
            summary,
            details: Vec::new(),
            occurred: None,
            masked: Some(why.into()),
            position: self.position,
            patient_id: self.patient_id,
            event_id: self.event_id,
            event_type: self.event_type,
            recorded: self.recorded,
            actor_user: self.actor_user,
            actor_role: self.actor_role,
            security: self.security,
            place: self.place,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::Context;
    use uuid::Uuid;

    use super::*;

    fn entry(event_type: &str) -> HistoryEntry {
        HistoryEntry {
            position: 1,
            patient_id: Uuid::nil(),
            event_id: Uuid::nil(),
            event_type: event_type.to_owned(),
            occurred: None,
            recorded: DateTime::UNIX_EPOCH,
            actor_user: Uuid::nil(),
            actor_role: String::new(),
            summary: String::new(),
            details: Vec::new(),
            security: Vec::new(),
            place: None,
            masked: None,
        }
    }

    #[test]
    fn no_context_is_open_to_whoever_reads_histories_alone() {
        for context in Context::ALL {
            let permission = entry(&format!("{}.Whatever", context.name())).permission();
            assert_ne!(permission, Permission::ReadHistory, "{}", context.name());
        }
        for event_type in Event::types() {
            assert!(entry(&event_type.to_string()).labels().is_empty(), "{event_type}");
        }
    }

    #[test]
    fn an_event_of_a_later_build_is_closed_by_its_label() {
        for later in ["billing.ClaimSubmitted", "patients.SomethingNew", "nonsense"] {
            assert_eq!(entry(later).labels(), [Label::Unknown], "{later}");
        }
    }
}
