//! Documents: what is said of the files in a patient's record. The bytes are downloaded over HTTP.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Enum, SimpleObject};
use chrono::Utc;
use domain::PatientId;
use sqlx::FromRow;
use uuid::Uuid;

use crate::errors::Failure;
use crate::paging::Page;
use crate::reads::{Loads, Permitted, by_arguments};
use crate::scalars::DateTime;

/// A file in a patient's record (FHIR `DocumentReference`).
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct Document {
    /// The id as commands have it.
    #[sqlx(rename = "document_id")]
    uuid: Uuid,
    #[graphql(skip)]
    patient_id: Uuid,
    /// What it is, as a person reads it.
    title: Option<String>,
    /// The media type that its bytes are of; null once erased.
    content_type: Option<String>,
    #[graphql(skip)]
    size: i64,
    #[graphql(skip)]
    status: String,
    #[graphql(skip)]
    occurred_at: Option<chrono::DateTime<Utc>>,
    /// How sensitive it is beyond normal, as HL7 codes.
    security: Vec<String>,
    #[graphql(skip)]
    superseded_by: Option<Uuid>,
    /// The same, where it is still this person's and was not removed.
    #[graphql(skip)]
    successor: Option<Uuid>,
    /// The status with which it arrived.
    #[graphql(skip)]
    arrived: Option<String>,
    /// Why it should not have been there.
    removal_reason: Option<String>,
}

/// FHIR `document-reference-status`.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum DocumentStatus {
    /// The one to read.
    Current,
    /// Another has taken its place.
    Superseded,
    /// It should not have been there, and is not handed out.
    EnteredInError,
}

impl Document {
    /// What a cursor names.
    pub fn key(&self) -> Uuid {
        self.uuid
    }

    /// Notes that it is shown.
    pub fn disclosed(&self, permitted: Permitted<'_>) {
        permitted.discloses(PatientId(self.patient_id));
    }
}

#[ComplexObject]
impl Document {
    /// Whether it is the one to read.
    async fn status(&self) -> DocumentStatus {
        let is_current_again = self.status == "superseded" && self.superseded_by.is_some() && self.successor.is_none();
        let status = if is_current_again { self.arrived.as_deref().unwrap_or("current") } else { self.status.as_str() };
        match status {
            "current" => DocumentStatus::Current,
            "superseded" => DocumentStatus::Superseded,
            _ => DocumentStatus::EnteredInError,
        }
    }

    /// The document that has taken its place; none where that was removed, or is not this person's any more.
    async fn superseded_by(&self) -> Option<Uuid> {
        self.successor
    }

    /// How many bytes it has.
    async fn size(&self) -> i64 {
        self.size
    }

    /// When it was made, where that is known.
    async fn created_at(&self) -> Option<DateTime> {
        self.occurred_at.map(DateTime::from)
    }

    /// The path that downloads it; none once it was removed.
    async fn download(&self) -> Option<String> {
        (self.status != "entered-in-error").then(|| format!("/v1/documents/{}", self.uuid))
    }
}

/// A page of a person's documents, under any record of theirs.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DocumentsOf {
    /// One of their records.
    pub patient: Uuid,
    /// The page.
    pub page: Page<Uuid>,
}

#[derive(FromRow)]
struct Row {
    of: Uuid,
    #[sqlx(flatten)]
    document: Document,
}

impl Loader<DocumentsOf> for Loads {
    type Value = Vec<Document>;
    type Error = Failure;
    async fn load(&self, keys: &[DocumentsOf]) -> Result<HashMap<DocumentsOf, Vec<Document>>, Failure> {
        let mut documents: HashMap<DocumentsOf, Vec<Document>> = HashMap::new();
        for (page, patients) in by_arguments(keys.iter().map(|key| (key.patient, key.page))) {
            let rows: Vec<Row> = sqlx::query_as(
                "select parent.id as of, document.* from unnest($1::uuid[]) as parent (id) cross join lateral ( \
                 select *, content ->> 'status' as arrived, \
                 (select other.document_id from document other where other.document_id = document.superseded_by and other.status <> 'entered-in-error' \
                 and other.patient_id in (select record_id from patient_link where patient_id = document.patient_id)) as successor from document \
                 where patient_id in (select record_id from patient_link where patient_id = parent.id) \
                 and ($2::uuid is null or document_id < $2) order by document_id desc limit $3) document order by document.document_id desc",
            )
            .bind(patients)
            .bind(page.after)
            .bind(page.limit())
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                documents.entry(DocumentsOf { patient: row.of, page }).or_default().push(row.document);
            }
        }
        Ok(documents)
    }
}
