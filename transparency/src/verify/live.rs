//! The log itself against its tree.

use event_store::{Epoch, EventStore, Kept, Log, Position, ReadError};
use futures::StreamExt;

use crate::checkpoint::Head;
use crate::entry::Entry;
use crate::proof::{ProofError, is_prefix};
use crate::signer::{epoch_of, position};
use crate::tiles::{Tiles, TilesError};
use crate::verify::tree::{Rebuilt, bundles};
use crate::verify::{Report, Wrong};

/// How many bundles are compared with one read of the log.
const BUNDLES_AT_ONCE: usize = 16;

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The tiles.
    #[error(transparent)]
    Tiles(#[from] TilesError),
}

/// The comparison of a log with the tree of a head.
pub struct LogCheck<'check> {
    /// Which log.
    pub log: Log,
    /// It.
    pub store: &'check EventStore,
    /// The tiles of its tree.
    pub tiles: &'check Tiles,
    /// The tree's head.
    pub head: Head,
    /// Positions up to here were compared before, and are not again.
    pub compared: u64,
}

impl LogCheck<'_> {
    /// Compares every position; `progress` is told how far it is, and whether all was as it should be up to there.
    pub async fn run(&self, mut progress: impl FnMut(u64, bool)) -> Result<Report, CheckError> {
        let mut report = Report::new(self.head);
        let epochs = self.store.epochs().await?;
        let mut rebuilt = Rebuilt::default();
        let mut pages = Box::pin(bundles(self.tiles, self.head.size).chunks(BUNDLES_AT_ONCE));
        let (mut at, mut answers) = (0_u64, 0_usize);
        while let Some(page) = pages.next().await {
            let mut entries = Vec::new();
            for bundle in page {
                entries.extend(rebuilt.take(bundle, self.tiles, &mut report).await?);
            }
            let through = at + entries.len() as u64;
            if through > self.compared {
                let kept = self.store.kept(position(at), u32::try_from(entries.len()).unwrap_or(u32::MAX)).await?;
                self.compare(at, &entries, &kept, &epochs, &mut report);
                answers += kept.iter().map(|kept| kept.answered.len()).sum::<usize>();
                let stored: Vec<_> = kept.into_iter().map(|kept| kept.stored).collect();
                if let Some(hidden) = self.store.not_found_by_tags(&stored).await? {
                    report.finds(hidden.0, Wrong::NotFoundByTags);
                }
                report.compared += entries.iter().flatten().count() as u64;
            }
            at = through;
            progress(at, report.findings.is_empty());
        }
        rebuilt.end(self.tiles, &mut report).await?;
        if let Some(claimed) = self.store.answer_without_events(position(self.head.size)).await? {
            report.finds(claimed.0, Wrong::AnswerWithoutEvents);
        }
        let counted = self.store.count_up_to(position(self.head.size)).await?;
        let expected = (position(self.head.size).0, i64::try_from(answers).unwrap_or(i64::MAX));
        // Those that an earlier run compared were counted by it.
        if report.findings.is_empty() && (counted.0 != expected.0 || (self.compared == 0 && counted.1 != expected.1)) {
            report.finds(0, Wrong::Surplus);
        }
        report.beyond = self.store.head().await?.0.unsigned_abs().saturating_sub(self.head.size);
        Ok(report)
    }

    fn compare(&self, after: u64, entries: &[Option<Entry>], kept: &[Kept], epochs: &[Epoch], report: &mut Report) {
        let mut kept = kept.iter().peekable();
        for (place, entry) in (position(after).0 + 1..).zip(entries) {
            let Some(found) = kept.next_if(|kept| kept.stored.position == Position(place)) else {
                report.finds(place, Wrong::Missing);
                continue;
            };
            // Where the entry itself is not what was signed, that is told.
            if let Some(entry) = entry
                && let Some(wrong) = wrong(entry, &Entry::of(self.log, epoch_of(epochs, found.stored.position), found))
            {
                report.finds(place, wrong);
            }
        }
    }
}

/// How what is there differs from what was signed.
pub(crate) fn wrong(signed: &Entry, now: &Entry) -> Option<Wrong> {
    if signed == now {
        None
    } else if signed.event_id != now.event_id {
        Some(Wrong::Another)
    } else if signed.envelope != now.envelope {
        Some(Wrong::Changed)
    } else if signed.epoch != now.epoch {
        Some(Wrong::Epoch { signed: signed.epoch, now: now.epoch })
    } else {
        Some(Wrong::AnswerChanged)
    }
}

/// Whether heads that were kept elsewhere, or signed in an epoch before, are of this history; the tiles must be those of the head.
pub async fn held(tiles: &Tiles, head: Head, mut kept: Vec<Head>, report: &mut Report) -> Result<(), TilesError> {
    kept.sort_by_key(|kept| kept.size);
    let mut agrees = 0;
    for kept in kept {
        match is_prefix(tiles, kept, head).await {
            Ok(()) => agrees = kept.size,
            Err(ProofError::Tiles(error @ TilesError::Unavailable(_))) => return Err(error),
            // Damaged tiles prove nothing either way, and were found when they were compared.
            Err(_) if report.findings.iter().any(|finding| matches!(finding.wrong, Wrong::TileChanged(_) | Wrong::TileMissing(_))) => break,
            Err(_) => {
                report.finds(position(agrees).0 + 1, Wrong::Forked { after: agrees, through: kept.size });
                break;
            }
        }
    }
    Ok(())
}
