//! A tree, bundle by bundle from the first: entries that agree with their hashes, hashes that agree with those above them, and at last the root.

use futures::{Stream, StreamExt};
use tlog_tiles::{HASH_SIZE, Hash, Tile};

use crate::entry::Entry;
use crate::tiles::{HEIGHT, Tiles, TilesError, WIDTH, path};
use crate::tree::Tree;
use crate::verify::{Report, Wrong};

/// How many bundles are read ahead.
const AHEAD: usize = 16;

/// A bundle and the hashes that it is to have.
pub(crate) struct Bundle {
    index: u64,
    width: u32,
    entries: Result<Vec<Vec<u8>>, TilesError>,
    hashes: Result<Vec<u8>, TilesError>,
}

/// The bundles of a tree, in order, each read with its hashes.
pub(crate) fn bundles(tiles: &Tiles, size: u64) -> impl Stream<Item = Bundle> + '_ {
    let read = move |index: u64| async move {
        let width = u32::try_from((size - index * WIDTH).min(WIDTH)).unwrap_or(1);
        let (entries, hashes) = tokio::join!(tiles.entries(index, width), tiles.hashes(Tile::new(HEIGHT, 0, index, width, false)));
        Bundle { index, width, entries, hashes }
    };
    futures::stream::iter(0..size.div_ceil(WIDTH)).map(read).buffered(AHEAD)
}

/// A tree that is built anew while its bundles are looked at.
#[derive(Default)]
pub(crate) struct Rebuilt(Tree);

impl Rebuilt {
    /// The entries of a bundle from its first position on; `None` where one does not read. What is wrong with bundle and tile is noted.
    pub(crate) async fn take(&mut self, bundle: Bundle, tiles: &Tiles, report: &mut Report) -> Result<Vec<Option<Entry>>, TilesError> {
        let first = i64::try_from(bundle.index * WIDTH).unwrap_or(i64::MAX) + 1;
        let full = Tile::new(HEIGHT, 0, bundle.index, bundle.width, false);
        let of_entries = Tile::new(HEIGHT, 0, bundle.index, bundle.width, true);
        let hashes = known(bundle.hashes, full, first, report)?;
        let entries = known(bundle.entries, of_entries, first, report)?;
        let stored: Vec<Hash> = hashes.as_deref().unwrap_or_default().chunks_exact(HASH_SIZE).map(|hash| Hash(hash.try_into().unwrap_or_default())).collect();
        let entries = entries.unwrap_or_default();
        let made: Vec<Hash> = entries.iter().map(|entry| tlog_tiles::record_hash(entry)).collect();
        let differs = (0..bundle.width as usize).find(|place| stored.get(*place) != made.get(*place));
        let mut trusted = &made;
        if let Some(place) = differs.filter(|_| !stored.is_empty() && !made.is_empty()) {
            let position = first + i64::try_from(place).unwrap_or_default();
            // The level above tells which of the two is as it was; the root, where the tile is the last one and not full.
            let tile_is_right = if u64::from(bundle.width) == WIDTH {
                above(tiles, full, report.head.size).await == Some(subtree(&stored))
            } else {
                self.root_with(&stored) == report.head.root
            };
            if tile_is_right {
                report.finds(position, Wrong::TileChanged(path(of_entries)));
                trusted = &stored;
            } else {
                report.finds(position, Wrong::TileChanged(path(full)));
            }
        }
        if trusted.is_empty() {
            trusted = &stored;
        }
        for hash in trusted {
            self.0.push_leaf(*hash);
        }
        let read = |(place, bytes): (usize, &Vec<u8>)| Entry::from_bytes(bytes).ok().filter(|_| trusted.get(place) == made.get(place));
        let mut read: Vec<Option<Entry>> = entries.iter().enumerate().map(read).collect();
        read.resize(bundle.width as usize, None);
        for (position, place) in (first..).zip(0..read.len()) {
            if read[place].is_none() && trusted.get(place) == made.get(place) {
                report.finds(position, Wrong::Unreadable);
            }
        }
        Ok(read)
    }

    /// The root, were these the last leaves.
    fn root_with(&self, leaves: &[Hash]) -> Hash {
        let mut tree = self.0.clone();
        for leaf in leaves {
            tree.push_leaf(*leaf);
        }
        tree.root()
    }

    /// Compares the tiles above the leaves, and the root.
    pub(crate) async fn end(mut self, tiles: &Tiles, report: &mut Report) -> Result<(), TilesError> {
        let (_, all) = self.0.take_unwritten();
        for (tile, hashes) in all.into_iter().filter(|(tile, _)| !tile.is_data() && tile.level() > 0) {
            let first = i64::try_from(tile.level_index() << (HEIGHT * (tile.level() + 1))).unwrap_or_default() + 1;
            if let Some(stored) = known(tiles.hashes(tile).await, tile, first, report)?
                && stored != hashes
            {
                report.finds(first, Wrong::TileChanged(path(tile)));
            }
        }
        if self.0.root() != report.head.root && report.findings.is_empty() {
            report.finds(1, Wrong::OtherTree);
        }
        Ok(())
    }
}

/// What is read, or the note that it is missing.
fn known<T>(read: Result<T, TilesError>, tile: Tile, first: i64, report: &mut Report) -> Result<Option<T>, TilesError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(TilesError::Missing(_)) => {
            report.finds(first, Wrong::TileMissing(path(tile)));
            Ok(None)
        }
        Err(TilesError::Inconsistent) => {
            report.finds(first, Wrong::TileChanged(path(tile)));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What the level above has for a full tile.
async fn above(tiles: &Tiles, tile: Tile, size: u64) -> Option<Hash> {
    let parent = tile.parent(1, size)?;
    let hashes = tiles.hashes(parent).await.ok()?;
    let place = usize::try_from(tile.level_index() % WIDTH).ok()? * HASH_SIZE;
    Some(Hash(hashes.get(place..place + HASH_SIZE)?.try_into().ok()?))
}

fn subtree(hashes: &[Hash]) -> Hash {
    Tile::subtree_hash(&hashes.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>())
}
