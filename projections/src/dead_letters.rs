//! Events that could not be applied, told to whoever watches.

use std::sync::Arc;

use domain::TenantId;
use event_store::Position;
use futures::future::BoxFuture;
use sqlx::PgPool;
use uuid::Uuid;

/// An event that a projection could not apply. Its content is in the log alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// Who could not.
    pub projection: String,
    /// Which build of it.
    pub schema: String,
    /// Whose event it is.
    pub tenant: TenantId,
    /// The subject that is parked by it, `patient/0190…`.
    pub subject: String,
    /// Where it is in the log.
    pub position: Position,
    /// Its stored type.
    pub event_type: String,
    /// Why, without any value of the event.
    pub reason: String,
}

/// Takes dead letters. Each comes at least once, and again if this fails.
pub type DeadLetters = Arc<dyn Fn(DeadLetter) -> BoxFuture<'static, Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + Sync>;

/// Why a dead letter was not handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error("the read database failed")]
    Database(#[from] sqlx::Error),
    #[error("the dead letter was not taken")]
    NotTaken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Hands over what is not yet. It comes from the registry and not from the fold, so that no letter is lost with a process, nor the fold held up by
/// whoever takes them.
pub(crate) async fn report(pool: &PgPool, dead_letters: &DeadLetters) -> Result<(), ReportError> {
    type Unreported = (String, String, Uuid, String, i64, String, String);
    let statement = "select name, schema_name, tenant, subject, position, event_type, reason \
                     from projection.parked join projection.version using (schema_name) \
                     where reported_at is null and retired_at is null order by parked_at limit 100";
    let unreported: Vec<Unreported> = sqlx::query_as(statement).fetch_all(pool).await?;
    for (projection, schema, tenant, subject, position, event_type, reason) in unreported {
        let tenant = TenantId(tenant);
        let letter = DeadLetter { projection, schema: schema.clone(), tenant, subject: subject.clone(), position: Position(position), event_type, reason };
        dead_letters(letter).await.map_err(ReportError::NotTaken)?;
        sqlx::query("update projection.parked set reported_at = now() where schema_name = $1 and tenant = $2 and subject = $3")
            .bind(schema)
            .bind(tenant.0)
            .bind(subject)
            .execute(pool)
            .await?;
    }
    Ok(())
}
