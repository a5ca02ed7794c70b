//! Documents: what is said of the files in a patient's record. The bytes are downloaded over HTTP.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{ComplexObject, Context, Enum, ID, SimpleObject};
use chrono::Utc;
use domain::documents::{self, DocumentReference};
use domain::records;
use domain::{DocumentId, Label, PatientId, Permission, Phi, UserId};
use gate::OfPatient;
use sqlx::FromRow;
use uuid::Uuid;

use crate::errors::Failure;
use crate::ids::global;
use crate::paging::Page;
use crate::reads::{Loads, Permitted, by_arguments, by_id, permitted};
use crate::records::Provenance;
use crate::scalars::DateTime;
use crate::values::Masked;

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
    /// How many bytes it has; null where it is masked.
    size: Option<i64>,
    #[graphql(skip)]
    status: String,
    #[graphql(skip)]
    occurred_at: Option<chrono::DateTime<Utc>>,
    /// How sensitive it is beyond normal, as HL7 codes.
    security: Vec<String>,
    #[graphql(skip)]
    superseded_by: Option<Uuid>,
    /// Why it should not have been there.
    removal_reason: Option<String>,
    #[graphql(skip)]
    #[sqlx(json)]
    recorded: records::Provenance,
    #[graphql(skip)]
    #[sqlx(json)]
    changed: records::Provenance,
    /// Why what it is is not shown, where it is not; it cannot be downloaded then.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

impl OfPatient for Document {
    fn type_name(&self) -> &'static str {
        "Document"
    }
    fn permission(&self) -> Permission {
        Permission::ReadDocuments
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn labels(&self) -> Vec<Label> {
        Label::from_codes(&self.security)
    }
    fn is_by(&self, user: UserId) -> bool {
        self.recorded.user == user
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            title: None,
            content_type: None,
            size: None,
            occurred_at: None,
            security: Vec::new(),
            removal_reason: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            patient_id: self.patient_id,
            status: self.status,
            superseded_by: self.superseded_by,
            recorded: self.recorded,
            changed: self.changed,
        }
    }
}

/// FHIR `document-reference-status`.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "documents::DocumentStatus")]
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

    /// A document as it was. Its bytes never change.
    pub fn of_the_past(document: &documents::Document) -> Result<Self, Failure> {
        let content = document.content.known();
        let (recorded, changed) = document.recorded.clone().zip(document.changed.clone()).ok_or(Failure::Internal)?;
        let reason = document.removed.as_ref().and_then(Phi::known);
        Ok(Self {
            uuid: document.document.0,
            patient_id: document.patient.0,
            title: content.and_then(DocumentReference::title).map(str::to_owned),
            content_type: content.map(|content| content.attachment.content_type.as_str().to_owned()),
            size: Some(i64::try_from(document.size).map_err(|_| Failure::Internal)?),
            status: document.status().code().to_owned(),
            occurred_at: content.and_then(DocumentReference::occurred),
            security: document.security.iter().copied().map(Label::code).map(str::to_owned).collect(),
            superseded_by: document.superseded_by.map(|by| by.0),
            removal_reason: reason.map(|reason| reason.as_str().to_owned()),
            recorded,
            changed,
            masked: None,
        })
    }
}

/// A document as it is now; null when there is none that the caller may see.
pub async fn document(context: &Context<'_>, document: DocumentId) -> Result<Option<Document>, Failure> {
    let permitted = permitted(context, Permission::ReadDocuments)?;
    permitted.show_one(permitted.load(document).await?).await
}

/// Whether the caller may know of a document.
pub async fn is_known(permitted: Permitted<'_>, document: DocumentId) -> Result<bool, Failure> {
    match permitted.load(document).await? {
        Some(document) => permitted.may_know_of(document).await,
        None => Ok(false),
    }
}

#[ComplexObject]
impl Document {
    /// The global id, which is the same at every moment.
    pub async fn id(&self) -> ID {
        global(DocumentId(self.uuid))
    }

    /// Whether it is the one to read.
    async fn status(&self) -> async_graphql::Result<DocumentStatus> {
        let status: documents::DocumentStatus = serde_json::from_value(self.status.as_str().into()).map_err(Failure::from)?;
        Ok(status.into())
    }

    /// The document that has taken its place; none where that was removed, and where you may not know of it now.
    async fn superseded_by(&self, context: &Context<'_>) -> async_graphql::Result<Option<Uuid>> {
        let Some(successor) = self.superseded_by else { return Ok(None) };
        let known = is_known(permitted(context, Permission::ReadDocuments)?, DocumentId(successor)).await?;
        Ok(known.then_some(successor))
    }

    /// When it was made, where that is known.
    async fn created_at(&self) -> Option<DateTime> {
        self.occurred_at.map(DateTime::from)
    }

    /// The event that uploaded it.
    async fn recorded(&self) -> Provenance {
        (&self.recorded).into()
    }

    /// The event that changed it last; the same where none did.
    async fn changed(&self) -> Provenance {
        (&self.changed).into()
    }

    /// The path that downloads it; none once it was removed.
    async fn download(&self) -> Option<String> {
        (self.status != "entered-in-error" && self.masked.is_none()).then(|| format!("/v1/documents/{}", self.uuid))
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
                 select * from document \
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

impl Loader<DocumentId> for Loads {
    type Value = Document;
    type Error = Failure;
    async fn load(&self, ids: &[DocumentId]) -> Result<HashMap<DocumentId, Document>, Failure> {
        let found: Vec<Document> = self.rows("select * from document where document_id = any($1)", ids).await?;
        Ok(by_id(found, |document| DocumentId(document.uuid)))
    }
}
