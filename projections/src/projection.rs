//! What a read model is.

use domain::EventType;
use event_store::Recorded;
use sqlx::PgConnection;

/// A read model: tables, and the fold of events into their rows.
///
/// The fold sees each event of a tenant once, in the order of positions: the runner commits rows and cursor together. So `apply` need not be idempotent,
/// and it must do nothing but write to its own tables through the connection. What it writes may not depend on where one call ends and the next begins.
#[async_trait::async_trait]
pub trait Projection: Send + Sync {
    /// What it is called, everywhere.
    fn name(&self) -> &'static str;

    /// Raised when `apply` comes to other rows than before. Other tables or other types are noticed without it.
    fn version(&self) -> u16 {
        1
    }

    /// Creates its tables, named without a schema. Each has `tenant uuid not null`; a table about a patient also has `patient_id uuid not null`.
    fn sql(&self) -> &'static str;

    /// The types of the events that it folds.
    fn types(&self) -> Vec<EventType>;

    /// What else its rows follow from, such as the edition of the time zone rules.
    fn edition(&self) -> &'static str {
        ""
    }

    /// Writes what these events come to; the connection's search path names its own tables.
    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError>;
}

/// Why events could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database refused a statement or did not answer.
    #[error("the read database failed")]
    Database(#[from] sqlx::Error),
    /// A value does not turn into a row.
    #[error("a row does not read or write")]
    Row(#[from] serde_json::Error),
    /// The event changes what is not there.
    #[error("no row of {0} to change")]
    Missing(&'static str),
    /// The event makes what is there already.
    #[error("the row of {0} exists already")]
    Exists(&'static str),
}

impl ApplyError {
    /// Why an event is at fault, in words without any value of it; nothing where trying again may help, or where the build or the database is at fault.
    pub(crate) fn poison(&self) -> Option<String> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                // Classes of SQLSTATE that blame the values: cardinality violation, data exception, integrity constraint violation, program limit exceeded.
                let code = error.code().unwrap_or_default();
                ["21", "22", "23", "54"].contains(&code.get(..2).unwrap_or_default()).then(|| format!("SQLSTATE {code}"))
            }
            Self::Database(_) => None,
            Self::Row(_) | Self::Missing(_) | Self::Exists(_) => Some(self.to_string()),
        }
    }

    /// For metrics and health: which sort of trouble this is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Database(_) => "read-database",
            Self::Row(_) | Self::Missing(_) | Self::Exists(_) => "poison",
        }
    }
}
