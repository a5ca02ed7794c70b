//! How the projections are doing, for health and metrics.

use std::collections::BTreeMap;

use event_store::Position;
use metrics::gauge;
use sqlx::PgPool;

/// Every build that is read or being filled.
pub type RunnerState = Vec<ProjectionState>;

/// One build of one projection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProjectionState {
    /// The projection.
    pub projection: String,
    /// The build's schema.
    pub schema: String,
    /// The projection's version that it was built by.
    pub version: i32,
    /// Whether it is the one that is read; the other is being filled.
    pub active: bool,
    /// How far it has come: in every partition at least this far.
    pub position: Position,
    /// How many positions the log is ahead.
    pub lag: i64,
    /// How many subjects it leaves out.
    pub parked: i64,
    /// What keeps this process from moving it: `read-database`, `source`, `diverged`, `rebuild`.
    pub trouble: Option<&'static str>,
}

/// Reads the registry, and sets the gauges.
pub(crate) async fn observe(pool: &PgPool, head: Position, troubles: &BTreeMap<&'static str, &'static str>) -> Result<RunnerState, sqlx::Error> {
    let statement = "select name, schema_name, version, active, \
             coalesce((select min(position) from projection.cursor where cursor.schema_name = version.schema_name), 0), \
             (select count(*) from projection.parked where parked.schema_name = version.schema_name) \
         from projection.version where retired_at is null order by name, active desc, schema_name";
    let rows: Vec<(String, String, i32, bool, i64, i64)> = sqlx::query_as(statement).fetch_all(pool).await?;
    let states = rows.into_iter().map(|(projection, schema, version, active, position, parked)| {
        let trouble = troubles.get(projection.as_str()).copied();
        ProjectionState { projection, schema, version, active, position: Position(position), lag: (head.0 - position).max(0), parked, trouble }
    });
    let states: RunnerState = states.collect();
    for state in states.iter().filter(|state| state.active) {
        let labels = [("projection", state.projection.clone())];
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a position is exact up to 2^53")]
        let (position, lag, parked) = (state.position.0 as f64, state.lag as f64, state.parked as f64);
        gauge!("carelog_projection_position", &labels).set(position);
        gauge!("carelog_projection_lag", &labels).set(lag);
        gauge!("carelog_projection_parked", &labels).set(parked);
    }
    Ok(states)
}
