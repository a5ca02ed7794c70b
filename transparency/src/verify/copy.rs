//! A copy of the log's events, such as that on Kafka, against the log's tree.

use event_schemas::log::v1;
use futures::StreamExt;

use crate::checkpoint::Head;
use crate::entry::envelope_digest;
use crate::signer::position;
use crate::tiles::{Tiles, TilesError};
use crate::verify::tree::{Rebuilt, bundles};
use crate::verify::{Report, Wrong};

/// What is signed of a position.
#[derive(Clone, Copy)]
struct Signed {
    epoch: i64,
    envelope: [u8; 32],
}

/// The comparison of a copy with the tree of a head: what is signed of each event's envelope, and which of them the copy holds. 49 bytes a position.
pub struct CopyOfLog {
    signed: Vec<Option<Signed>>,
    held: Vec<bool>,
    report: Report,
}

impl CopyOfLog {
    /// Reads the tree.
    pub async fn of(tiles: &Tiles, head: Head) -> Result<Self, TilesError> {
        let mut report = Report::new(head);
        let mut rebuilt = Rebuilt::default();
        let mut signed = Vec::new();
        let mut bundles = Box::pin(bundles(tiles, head.size));
        while let Some(bundle) = bundles.next().await {
            let entries = rebuilt.take(bundle, tiles, &mut report).await?;
            signed.extend(entries.into_iter().map(|entry| entry.map(|entry| Signed { epoch: entry.epoch, envelope: entry.envelope })));
        }
        rebuilt.end(tiles, &mut report).await?;
        Ok(Self { held: vec![false; signed.len()], signed, report })
    }

    /// Takes the next envelope of the copy, in any order.
    pub fn take(&mut self, envelope: v1::Envelope) {
        let at = envelope.position;
        let Some(place) = at.checked_sub(1).and_then(|before| usize::try_from(before).ok()).filter(|place| *place < self.signed.len()) else {
            self.report.beyond += 1;
            return;
        };
        // Of a history that a restore has undone, and readers pass over it too.
        if self.signed[place].is_some_and(|signed| envelope.epoch < signed.epoch) {
            return;
        }
        let before = std::mem::replace(&mut self.held[place], true);
        if self.signed[place].is_some_and(|signed| signed.envelope != envelope_digest(envelope)) {
            self.report.finds(at, if before { Wrong::Twice } else { Wrong::Changed });
        }
        self.report.compared += u64::from(!before);
    }

    /// The end of the copy, which is to hold everything up to a position.
    pub fn end(mut self, through: u64) -> Report {
        for (place, _) in self.held.iter().enumerate().filter(|(place, held)| !**held && (*place as u64) < through).take(super::TOLD_AT_MOST) {
            self.report.findings.push(super::Finding { position: position(place as u64 + 1), wrong: Wrong::Missing });
        }
        self.report.findings.sort();
        self.report
    }
}
