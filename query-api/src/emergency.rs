//! Broken glass, for those who review it.

use async_graphql::{ComplexObject, Context, Enum, ID, Object, Result, SimpleObject};
use chrono::Utc;
use domain::emergency::{BreakGlassStatus, Finding};
use domain::{PatientId, Permission};
use gate::{MaskedRows, OfPatient};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::optional;
use crate::paging::{Page, cost_at_root};
use crate::patients::{Patient, patient};
use crate::reads::permitted;
use crate::scalars::{DateTime, Position};
use crate::values::Masked;

/// What it takes to read of broken glass.
pub const READ: Permission = Permission::ReviewBreakGlass;

/// The queries of this context.
#[derive(Default)]
pub struct EmergencyQueries;

#[Object]
impl EmergencyQueries {
    /// Who broke the glass, for whom and why, the newest first; everything asked for must match.
    #[graphql(complexity = "cost_at_root(first, child_complexity)")]
    async fn broken_glass(
        &self,
        context: &Context<'_>,
        status: Option<ReviewStatus>,
        patient: Option<ID>,
        user: Option<Uuid>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Uuid, BrokenGlass>> {
        let page = Page::of(first, after.as_deref())?;
        let patient: Option<PatientId> = optional("patient", patient.as_ref())?;
        let permitted = permitted(context, READ)?;
        let rows = |page| async move {
            let mut statement = statement(status, patient, user, &page)?;
            Ok(statement.build_query_as().fetch_all(&mut *permitted.connection().await).await?)
        };
        Ok(permitted.show_page(page, MaskedRows::Kept, |glass: &BrokenGlass| glass.uuid, rows).await?)
    }
}

fn statement(status: Option<ReviewStatus>, patient: Option<PatientId>, user: Option<Uuid>, page: &Page<Uuid>) -> Result<QueryBuilder<Postgres>, Failure> {
    let mut statement = QueryBuilder::new("select g.* from break_glass g where true");
    if let Some(status) = status {
        let code = serde_json::to_value(BreakGlassStatus::from(status))?;
        statement.push(" and g.status = ").push_bind(code.as_str().unwrap_or_default().to_owned());
    }
    if let Some(patient) = patient {
        statement.push(" and g.patient_id in (select record_id from patient_link where patient_id = ").push_bind(patient.0).push(")");
    }
    if let Some(user) = user {
        statement.push(" and g.user_id = ").push_bind(user);
    }
    if let Some(after) = page.after {
        statement.push(" and (g.starts_at, g.break_glass_id) < (select starts_at, break_glass_id from break_glass where break_glass_id = ");
        statement.push_bind(after).push(")");
    }
    statement.push(" order by g.starts_at desc, g.break_glass_id desc limit ").push_bind(page.limit());
    Ok(statement)
}

/// A time for which somebody reached, in an emergency, what the usual rules keep closed.
#[derive(Clone, FromRow, SimpleObject)]
#[graphql(complex)]
pub struct BrokenGlass {
    /// The id as commands have it.
    #[sqlx(rename = "break_glass_id")]
    uuid: Uuid,
    #[graphql(skip)]
    patient_id: Uuid,
    /// The user who broke it.
    #[graphql(name = "user")]
    user_id: Uuid,
    /// Why; null once erased.
    reason: Option<String>,
    #[graphql(skip)]
    starts_at: chrono::DateTime<Utc>,
    #[graphql(skip)]
    ends_at: chrono::DateTime<Utc>,
    #[graphql(skip)]
    review_due_at: chrono::DateTime<Utc>,
    #[graphql(skip)]
    status: String,
    #[graphql(skip)]
    finding: Option<String>,
    /// The user who reviewed it.
    #[graphql(name = "reviewer")]
    reviewed_by: Option<Uuid>,
    #[graphql(skip)]
    reviewed_at: Option<chrono::DateTime<Utc>>,
    /// What the reviewer had to say.
    review_note: Option<String>,
    /// Why what was said of it is not shown, where it is not.
    #[sqlx(skip)]
    masked: Option<Masked>,
}

/// How far the review of broken glass has come.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "BreakGlassStatus", remote = "BreakGlassStatus")]
pub enum ReviewStatus {
    /// Nobody has reviewed it yet.
    AwaitingReview,
    /// Nobody has reviewed it in time.
    Escalated,
    /// Somebody has reviewed it.
    Reviewed,
}

/// What the review of broken glass found.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "BreakGlassFinding", remote = "Finding")]
pub enum ReviewFinding {
    /// It was an emergency.
    Justified,
    /// It was none, or more was reached than it took.
    NotJustified,
}

impl OfPatient for BrokenGlass {
    fn type_name(&self) -> &'static str {
        "BrokenGlass"
    }
    fn permission(&self) -> Permission {
        READ
    }
    fn patient(&self) -> PatientId {
        PatientId(self.patient_id)
    }
    fn mask(self, why: gate::Masked) -> Self {
        Self {
            reason: None,
            review_note: None,
            masked: Some(why.into()),
            uuid: self.uuid,
            patient_id: self.patient_id,
            user_id: self.user_id,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            review_due_at: self.review_due_at,
            status: self.status,
            finding: self.finding,
            reviewed_by: self.reviewed_by,
            reviewed_at: self.reviewed_at,
        }
    }
}

#[ComplexObject]
impl BrokenGlass {
    /// Whose record it opened.
    async fn patient(&self, context: &Context<'_>) -> Result<Option<Patient>> {
        Ok(patient(context, PatientId(self.patient_id)).await?)
    }

    /// From when.
    async fn starts(&self) -> DateTime {
        self.starts_at.into()
    }

    /// Until when.
    async fn ends(&self) -> DateTime {
        self.ends_at.into()
    }

    /// When it is escalated unless somebody has reviewed it.
    async fn review_due(&self) -> DateTime {
        self.review_due_at.into()
    }

    /// How far its review has come.
    async fn status(&self) -> Result<ReviewStatus> {
        let status: BreakGlassStatus = serde_json::from_value(self.status.as_str().into()).map_err(Failure::from)?;
        Ok(status.into())
    }

    /// What the review found.
    async fn finding(&self) -> Result<Option<ReviewFinding>> {
        let finding: Option<Finding> = self.finding.as_deref().map(|code| serde_json::from_value(code.into())).transpose().map_err(Failure::from)?;
        Ok(finding.map(ReviewFinding::from))
    }

    /// When it was reviewed.
    async fn reviewed_at(&self) -> Option<DateTime> {
        self.reviewed_at.map(DateTime::from)
    }
}

/// Glass that was broken, or was not reviewed in time, since the message before.
#[derive(SimpleObject)]
pub struct BrokenGlassAlerts {
    /// Every alert up to this position has been sent with this message.
    pub position: Position,
    /// The broken glass as it is now.
    pub broken_glass: Vec<BrokenGlass>,
}
