//! Collecting what no event names: uploads that were cut off, and bytes whose event was never appended.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::documents::{DocumentUploaded, DocumentsEvent};
use domain::{Event, Named, Query, Tag, TenantId};
use event_store::{EventStore, ReadError};
use futures::TryStreamExt;
use gate::Unvalued;
use sqlx::PgPool;

use crate::storage::{Blob, Storage, StorageError, Stored, What};

/// How old something must be: no upload takes as long, so no event can still be on its way.
const YOUNGEST: TimeDelta = TimeDelta::days(1);
/// How many documents are looked up in the log at once.
const TOGETHER: usize = 100;

/// What was found.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Collected {
    /// Sealed documents that stay.
    pub kept: u64,
    /// Stages of uploads that were cut off.
    pub stages: u64,
    /// Sealed documents that no event names.
    pub orphans: u64,
}

/// Why it was not finished; what was deleted by then was right to delete.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The folder of stages.
    #[error("the folder of stages does not read")]
    Folder(#[from] std::io::Error),
    /// The log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The links.
    #[error("the links' database failed")]
    Links(#[from] Unvalued),
}

impl From<sqlx::Error> for CollectError {
    fn from(error: sqlx::Error) -> Self {
        Unvalued::from(error).into()
    }
}

/// Deletes what is older than a day and named by no event, and links that are over.
pub async fn collect(storage: &Storage, store: &EventStore, links: &PgPool) -> Result<Collected, CollectError> {
    let now = store.clock().now();
    sqlx::query("delete from documents.link where expires_at <= $1").bind(now).execute(links).await?;
    collect_before(storage, store, now - YOUNGEST).await
}

async fn collect_before(storage: &Storage, store: &EventStore, before: DateTime<Utc>) -> Result<Collected, CollectError> {
    let mut collected = Collected { stages: storage.sweep(before).await?, ..Collected::default() };
    let mut old: BTreeMap<TenantId, Vec<(Stored, Blob)>> = BTreeMap::new();
    let mut stored = std::pin::pin!(storage.stored());
    while let Some(stored) = stored.try_next().await? {
        match &stored.what {
            _ if stored.modified >= before => collected.kept += 1,
            What::Stage => {
                storage.delete(&stored).await?;
                collected.stages += 1;
            }
            What::Blob(blob) => {
                let (tenant, blob) = (blob.tenant, blob.clone());
                let waiting = old.entry(tenant).or_default();
                waiting.push((stored, blob));
                if waiting.len() == TOGETHER {
                    collect_orphans(storage, store, &std::mem::take(waiting), &mut collected).await?;
                }
            }
            What::Else => {}
        }
    }
    for waiting in old.values() {
        collect_orphans(storage, store, waiting, &mut collected).await?;
    }
    if collected.stages + collected.orphans > 0 {
        tracing::info!(kept = collected.kept, stages = collected.stages, orphans = collected.orphans, "collected documents");
    }
    Ok(collected)
}

async fn collect_orphans(storage: &Storage, store: &EventStore, stored: &[(Stored, Blob)], collected: &mut Collected) -> Result<(), CollectError> {
    let blobs: Vec<Blob> = stored.iter().map(|(_, blob)| blob.clone()).collect();
    let named = named(store, &blobs).await?;
    for (stored, blob) in stored {
        if named.contains(blob) {
            collected.kept += 1;
        } else {
            storage.delete(stored).await?;
            collected.orphans += 1;
        }
    }
    Ok(())
}

/// What events name of the documents of a tenant's blobs.
pub(crate) async fn named(store: &EventStore, blobs: &[Blob]) -> Result<HashSet<Blob>, ReadError> {
    let Some(tenant) = blobs.first().map(|blob| blob.tenant) else { return Ok(HashSet::new()) };
    let query = blobs.iter().fold(Query::new(), |query, blob| query.and(&[DocumentUploaded::TYPE], Tag::document(blob.document)));
    let events = store.read(tenant, &query, store.head().await?).await?;
    let uploaded = events.iter().filter_map(|recorded| match &recorded.event {
        Event::Documents(DocumentsEvent::DocumentUploaded(event)) => Some(Blob::new(tenant, event.document, &event.address)),
        _ => None,
    });
    Ok(uploaded.collect())
}
