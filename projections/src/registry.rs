//! The registry of the read models: versions, cursors and parked subjects, in the schema `projection` of the read database.

use domain::{EventType, TenantId};
use event_store::{PARTITIONS, Position};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::Projection;
use crate::source::Cursors;

/// One build of a projection.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub(crate) struct Version {
    /// Where its rows are.
    #[sqlx(rename = "schema_name")]
    pub(crate) schema: String,
    /// The projection's version that it was built by.
    #[sqlx(rename = "version")]
    pub(crate) number: i32,
    /// What it was built of.
    pub(crate) fingerprint: String,
    /// The epoch of the log that it is folded from, once it has begun.
    pub(crate) epoch: Option<i64>,
    /// Whether it is the one that is read.
    pub(crate) active: bool,
}

impl Version {
    /// Whether this build of Carelog can go on with it.
    pub(crate) fn is_of(&self, projection: &dyn Projection) -> bool {
        self.number == i32::from(projection.version()) && self.fingerprint == fingerprint(projection)
    }
}

/// Tells builds apart whose rows, or who sees them, may differ though their version does not: their tables, types, edition or row-level security were changed.
pub(crate) fn fingerprint(projection: &dyn Projection) -> String {
    let mut types: Vec<String> = projection.types().iter().map(EventType::to_string).collect();
    types.sort();
    let row_security = crate::prepare::policies("schema", "table", true, true);
    let text = format!("{}\n{}\n{}\n{row_security}", projection.sql(), types.join(" "), projection.edition());
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()).to_string()
}

/// The builds of a projection that are not retired, the active one first.
pub(crate) async fn versions(connection: &mut PgConnection, name: &str) -> Result<Vec<Version>, sqlx::Error> {
    let statement = "select schema_name, version, fingerprint, epoch, active from projection.version where name = $1 and retired_at is null \
                     order by active desc, schema_name";
    sqlx::query_as(statement).bind(name).fetch_all(connection).await
}

/// Enters a build, at the beginning of the log.
pub(crate) async fn register(connection: &mut PgConnection, projection: &dyn Projection, schema: &str, active: bool) -> Result<(), sqlx::Error> {
    sqlx::query("insert into projection.version (schema_name, name, version, fingerprint, active) values ($1, $2, $3, $4, $5)")
        .bind(schema)
        .bind(projection.name())
        .bind(i32::from(projection.version()))
        .bind(fingerprint(projection))
        .bind(active)
        .execute(&mut *connection)
        .await?;
    sqlx::query("insert into projection.cursor (schema_name, partition, position) select $1, partition, 0 from generate_series(0, $2 - 1) as partition")
        .bind(schema)
        .bind(i32::from(PARTITIONS))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether the log is still the one that a build is folded from: a restore from a backup begins another epoch. A build that has not begun yet takes this one.
pub(crate) async fn belongs_to(connection: &mut PgConnection, schema: &str, epoch: i64) -> Result<bool, sqlx::Error> {
    sqlx::query("update projection.version set epoch = $2 where schema_name = $1 and epoch is null").bind(schema).bind(epoch).execute(&mut *connection).await?;
    let same: Option<bool> =
        sqlx::query_scalar("select epoch = $2 from projection.version where schema_name = $1").bind(schema).bind(epoch).fetch_optional(connection).await?;
    Ok(same.unwrap_or(true))
}

/// Takes a build out of use. Its rows stay for those who are reading them; its cursors go, so that whoever still writes to it is fenced.
pub(crate) async fn retire(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query("update projection.version set active = false, retired_at = now() where schema_name = $1").bind(schema).execute(&mut *connection).await?;
    sqlx::query("delete from projection.cursor where schema_name = $1").bind(schema).execute(connection).await?;
    Ok(())
}

/// How far a build has come.
pub(crate) async fn cursors(connection: &mut PgConnection, schema: &str) -> Result<Cursors, sqlx::Error> {
    let rows: Vec<(i16, i64)> = sqlx::query_as("select partition, position from projection.cursor where schema_name = $1 order by partition")
        .bind(schema)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|(partition, position)| (partition.cast_unsigned(), Position(position))).collect())
}

/// Moves cursors, each as `(partition, from, to)`. False when one of them is not where it was thought to be: another runner has moved it.
pub(crate) async fn advance(connection: &mut PgConnection, schema: &str, moves: &[(u16, Position, Position)]) -> Result<bool, sqlx::Error> {
    let partitions: Vec<i16> = moves.iter().map(|(partition, _, _)| partition.cast_signed()).collect();
    let from: Vec<i64> = moves.iter().map(|(_, from, _)| from.0).collect();
    let to: Vec<i64> = moves.iter().map(|(_, _, to)| to.0).collect();
    let statement = "update projection.cursor set position = move.destination \
                     from unnest($2::smallint[], $3::bigint[], $4::bigint[]) as move (partition, origin, destination) \
                     where schema_name = $1 and cursor.partition = move.partition and cursor.position = move.origin";
    let outcome = sqlx::query(statement).bind(schema).bind(partitions).bind(from).bind(to).execute(connection).await?;
    Ok(outcome.rows_affected() == moves.len() as u64)
}

/// Tells whoever waits for these partitions of a projection that they have moved; they hear it once the transaction commits.
pub(crate) async fn notify(connection: &mut PgConnection, name: &str, partitions: impl IntoIterator<Item = u16>) -> Result<(), sqlx::Error> {
    let payloads: Vec<String> = partitions.into_iter().map(|partition| format!("{name}:{partition}")).collect();
    sqlx::query("select pg_notify('carelog_read', payload) from unnest($1::text[]) as payload").bind(payloads).execute(connection).await?;
    Ok(())
}

/// A subject of whom an event could not be applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Parking {
    /// Whose the subject is.
    pub(crate) tenant: TenantId,
    /// The subject, `patient/0190…`.
    pub(crate) subject: String,
    /// The first event that is left out.
    pub(crate) position: Position,
    /// Its stored type.
    pub(crate) event_type: String,
    /// Why, without any value of the event.
    pub(crate) reason: String,
}

/// The subjects that a build leaves out.
pub(crate) async fn parked(connection: &mut PgConnection, schema: &str) -> Result<Vec<(TenantId, String)>, sqlx::Error> {
    let statement = "select tenant, subject from projection.parked where schema_name = $1 order by position";
    let rows: Vec<(Uuid, String)> = sqlx::query_as(statement).bind(schema).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(tenant, subject)| (TenantId(tenant), subject)).collect())
}

/// Parks subjects.
pub(crate) async fn park(connection: &mut PgConnection, schema: &str, parkings: &[Parking]) -> Result<(), sqlx::Error> {
    for parking in parkings {
        let statement =
            "insert into projection.parked (schema_name, tenant, subject, position, event_type, reason, parked_at) values ($1, $2, $3, $4, $5, $6, now())";
        sqlx::query(statement)
            .bind(schema)
            .bind(parking.tenant.0)
            .bind(&parking.subject)
            .bind(parking.position.0)
            .bind(&parking.event_type)
            .bind(&parking.reason)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// From here to the end of the transaction, unqualified names are the build's tables, and its policies let the fold through. The commit need not wait
/// for the disk: rows and cursor are lost together, and folded again from the log.
pub(crate) async fn enter(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select set_config('search_path', quote_ident($1), true), set_config('carelog.projecting', 'on', true), set_config('synchronous_commit', 'off', true)",
    )
    .bind(schema)
    .execute(connection)
    .await?;
    Ok(())
}
