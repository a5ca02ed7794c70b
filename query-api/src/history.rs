//! A patient's events, as a person reads them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, SimpleObject};
use chrono::Utc;
use domain::{DocumentId, FacilityId, Label, PatientId, Permission, UserId};
use gate::{OfPatient, Reach};
use serde::Deserialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::documents::is_known;
use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, Permitted, by_arguments};
use crate::scalars::{DateTime, Position};
use crate::values::Masked;

/// Something that happened. Those who may not read the thing itself (`READ_CHART`, `READ_DOCUMENTS`, `READ_CONSENTS`, `REVIEW_BREAK_GLASS`,
/// `READ_DISCLOSURES`), or to whom it is masked, learn that something happened, and no more: the summary is in general words, and there are neither details nor
/// the time of occurrence.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct HistoryEntry {
    #[graphql(skip)]
    position: i64,
    #[graphql(skip)]
    patient_id: Uuid,
    /// The event.
    event_id: Uuid,
    /// What kind of event it is: `scheduling.AppointmentBooked`.
    event_type: String,
    #[graphql(skip)]
    occurred: Option<chrono::DateTime<Utc>>,
    #[graphql(skip)]
    recorded: chrono::DateTime<Utc>,
    /// The user who did it.
    #[graphql(name = "user")]
    actor_user: Uuid,
    /// The role in which they did it.
    #[graphql(name = "role")]
    actor_role: String,
    /// What happened, in one sentence.
    summary: String,
    /// What there is to know of it.
    #[sqlx(json)]
    details: Vec<HistoryDetail>,
    #[graphql(skip)]
    security: Vec<String>,
    #[graphql(skip)]
    place: Option<Uuid>,
    /// Why only that it happened is told, where that is so.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// One thing to know of an event.
#[derive(Clone, Deserialize, SimpleObject)]
pub struct HistoryDetail {
    /// What it is.
    label: String,
    /// The value as a person reads it.
    value: String,
}

impl HistoryEntry {
    /// What a cursor names.
    pub fn key(&self) -> i64 {
        self.position
    }
}

/// Details that tell a field which not everybody sees.
const FIELDS: [(&str, &str, &str); 5] = [
    ("scheduling.", "For", "Appointment.reason"),
    ("scheduling.", "Reason", "Appointment.statusReason"),
    ("patients.", "Marital status", "Patient.maritalStatus"),
    ("patients.", "Telecom", "Patient.contact"),
    ("patients.", "Address", "Patient.contact"),
];

impl HistoryEntry {
    /// Without the details that tell a field which the caller does not see.
    #[must_use]
    pub fn with_fields(mut self, sees: impl Fn(&str) -> bool) -> Self {
        let of = |context: &str| self.event_type.starts_with(context);
        let hidden: Vec<&str> = FIELDS.into_iter().filter(|(context, _, field)| of(context) && !sees(field)).map(|(_, label, _)| label).collect();
        self.details.retain(|detail| !hidden.contains(&detail.label.as_str()));
        self
    }
}

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

impl OfPatient for HistoryEntry {
    /// What must be allowed for the whole entry: what shows the thing itself.
    fn permission(&self) -> Permission {
        match self.event_type.split_once('.') {
            Some(("records", _)) => Permission::ReadChart,
            Some(("documents", _)) => Permission::ReadDocuments,
            Some(("consents", _) | ("patients", "PatientAccessGranted" | "PatientAccessRevoked")) => Permission::ReadConsents,
            Some(("emergency", _)) => Permission::ReviewBreakGlass,
            Some(("disclosures", _)) => Permission::ReadDisclosures,
            Some(("scheduling", _)) => Permission::ReadAppointments,
            Some(("patients", _)) => Permission::ReadPatients,
            _ => Permission::ReadHistory,
        }
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn labels(&self) -> Vec<Label> {
        Label::from_codes(&self.security)
    }
    fn is_by(&self, user: UserId) -> bool {
        self.actor_user == user.0
    }
    fn facility(&self) -> Option<FacilityId> {
        self.place.map(FacilityId)
    }
    /// That it happened, when it was learned, and who did it.
    fn mask(self, why: gate::Masked) -> Self {
        let summary = match self.event_type.as_str() {
            "documents.DocumentUploaded" => "A document was uploaded",
            "documents.DocumentSuperseded" => "A document was superseded",
            "documents.DocumentRemoved" => "A document was removed",
            "patients.PatientAccessGranted" => "Access was granted",
            "patients.PatientAccessRevoked" => "Access was revoked",
            consent if consent.starts_with("consents.Consent") => "A consent was changed",
            restriction if restriction.starts_with("consents.Restriction") => "A restriction was changed",
            "emergency.GlassBroken" => "The glass was broken in an emergency",
            "emergency.BreakGlassReviewed" => "Broken glass was reviewed",
            "emergency.BreakGlassEscalated" => "Broken glass was not reviewed in time",
            "disclosures.DisclosureMade" => "A disclosure was recorded",
            "disclosures.DisclosureRetracted" => "A disclosure was retracted",
            fact if fact.starts_with("records.") && fact.ends_with("Recorded") => "A clinical fact was recorded",
            fact if fact.starts_with("records.") && fact.ends_with("Amended") => "A clinical fact was amended",
            fact if fact.starts_with("records.") && fact.ends_with("EnteredInError") => "A clinical fact was entered in error",
            appointment if appointment.starts_with("scheduling.") => "Something happened to an appointment",
            patient if patient.starts_with("patients.") => "The record was changed",
            _ => "Something happened",
        };
        Self { summary: summary.to_owned(), details: Vec::new(), occurred: None, masked: Some(why.into()), ..self }
    }
}

#[ComplexObject]
impl HistoryEntry {
    /// Where it is in the log.
    async fn position(&self) -> Position {
        Position(self.position)
    }

    /// When it happened; null once erased, and where only that it happened is told.
    async fn occurred(&self) -> Option<DateTime> {
        self.occurred.map(DateTime::from)
    }

    /// When Carelog learned of it.
    async fn recorded(&self) -> DateTime {
        self.recorded.into()
    }
}

/// A page of what happened to a person, under any record of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HistoryOf {
    /// One of their records.
    pub patient: Uuid,
    /// The page.
    pub page: Page<i64>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    entry: HistoryEntry,
}

impl Loader<HistoryOf> for Loads {
    type Value = Vec<HistoryEntry>;
    type Error = Failure;
    async fn load(&self, keys: &[HistoryOf]) -> Result<HashMap<HistoryOf, Vec<HistoryEntry>>, Failure> {
        let mut histories: HashMap<HistoryOf, Vec<HistoryEntry>> = HashMap::new();
        for (page, patients) in by_arguments(keys.iter().map(|key| (key.patient, key.page))) {
            // An event about two records of one person is one entry: that of the record asked for. Disclosures, some of which are kept from their patient for a time,
            // are told to patients where it is known which.
            let rows: Vec<Row> = sqlx::query_as(
                "select parent.id as of, entry.position, entry.patient_id, entry.event_id, entry.event_type, entry.occurred, entry.recorded, \
                 entry.actor_user, entry.actor_role, entry.summary, entry.details, entry.place, entry.security \
                    || coalesce((select security from chart_fact where fact_id = entry.about), '{}') \
                    || coalesce((select security from document where document_id = entry.about), '{}') as security from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select distinct on (position) * from history_entry \
                 where patient_id in (select record_id from patient_link where patient_id = parent.id) and ($2::bigint is null or position < $2) \
                 and ($4 and patient_id is distinct from $5 or event_type not like 'disclosures.%') \
                 order by position desc, (patient_id = parent.id) desc limit $3) entry order by entry.position desc",
            )
            .bind(patients)
            .bind(page.after)
            .bind(page.limit())
            .bind(self.caller().reach(Permission::ReadHistory) == Some(Reach::Tenant))
            .bind(self.caller().patient.map(|own| own.0))
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                histories.entry(HistoryOf { patient: row.of, page }).or_default().push(row.entry);
            }
        }
        Ok(histories)
    }
}
