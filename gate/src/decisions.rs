//! Explaining: what was decided about a request, by which policies, and what those said when they decided.

use std::collections::BTreeMap;

use domain::access::{AccessEvent, Authority, NO_TENANT, NOBODY, PoliciesAdopted};
use domain::{Event, Named, Query, Subject, Tag};
use event_store::{Actor, Append, AppendError, CommandKey, EventStore, ReadError};
use serde_json::Value;
use uuid::Uuid;

use crate::policy;
use crate::{Gate, Snapshot};

/// A policy as it was in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// By which decisions name it.
    pub id: String,
    /// What it is for.
    pub description: String,
    /// What it says, in Cedar.
    pub text: String,
}

impl Gate {
    /// Keeps what the policies of this build say, unless that was kept before: decisions by them can then be explained for ever.
    pub async fn adopt_policies(&self) -> Result<(), AppendError> {
        let adopted = PoliciesAdopted { user: NOBODY, version: policy::version().to_owned(), schema: policy::schema().to_owned(), policies: policy::text() };
        let store = &self.access.store;
        let digest = store.vault().digest(NO_TENANT, Subject::User(adopted.user), adopted.version.as_bytes()).await?;
        let id = Uuid::new_v5(&NOBODY.0, adopted.version.as_bytes());
        let append = Append {
            tenant: NO_TENANT,
            actor: Actor { user: adopted.user, role: String::new() },
            authority: Authority::Installation,
            command: CommandKey { id, name: "access.adopt-policies".to_owned(), digest },
            correlation: event_store::fresh_id(),
            causation: None,
            events: vec![adopted.into()],
            boundary: Query::new(),
            read_at: event_store::Position::default(),
            answer: Value::Null,
        };
        store.append(append).await.map(drop)
    }
}

impl Snapshot {
    /// The policies of a version, by their ids; none where it was never adopted here.
    pub async fn policies(&self, version: &str) -> Result<BTreeMap<String, Policy>, ReadError> {
        if version == policy::version() {
            return Ok(policy::read(&policy::text()));
        }
        Ok(adopted(&self.access_log, version).await?.map(|adopted| policy::read(&adopted.policies)).unwrap_or_default())
    }
}

async fn adopted(store: &EventStore, version: &str) -> Result<Option<PoliciesAdopted>, ReadError> {
    let query = Query::new().and(&[PoliciesAdopted::TYPE], Tag::user(NOBODY));
    let events = store.read(NO_TENANT, &query, store.head().await?).await?;
    let adopted = events.into_iter().filter_map(|recorded| match recorded.event {
        Event::Access(AccessEvent::PoliciesAdopted(adopted)) => Some(adopted),
        _ => None,
    });
    Ok(adopted.into_iter().find(|adopted| adopted.version == version))
}
