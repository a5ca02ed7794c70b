//! The tree as it grows: its right edge in memory, everything else in tiles.

use tlog_tiles::{Hash, Tile};

use crate::entry::Entry;
use crate::tiles::{HEIGHT, InMemory, Tiles, TilesError, WIDTH};

/// The right edge of a tree.
#[derive(Clone, Default)]
pub(crate) struct Tree {
    size: u64,
    /// By level, the hashes of the tile that is not full.
    edge: Vec<Vec<u8>>,
    /// The entries of the bundle that is not full, as it is stored.
    bundle: Vec<u8>,
    /// Tiles that became full and are not written yet.
    full: Vec<(Tile, Vec<u8>)>,
}

impl Tree {
    /// The tree of a size, from its tiles.
    pub(crate) async fn load(tiles: &Tiles, size: u64) -> Result<Self, TilesError> {
        let mut tree = Self { size, ..Self::default() };
        let mut level = 0;
        while size >> (HEIGHT * level) > 0 {
            let hashes = match partial(level, size) {
                Some(tile) => tiles.hashes(tile).await?,
                None => Vec::new(),
            };
            tree.edge.push(hashes);
            level += 1;
        }
        if let Some(tile) = partial(0, size) {
            for entry in tiles.entries(tile.level_index(), tile.width()).await? {
                tree.bundle_up(&entry);
            }
        }
        Ok(tree)
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, entry: &Entry) {
        let bytes = entry.to_bytes();
        self.bundle_up(&bytes);
        if (self.size + 1).is_multiple_of(WIDTH) {
            self.full.push((Tile::new(HEIGHT, 0, self.size / WIDTH, 1 << HEIGHT, true), std::mem::take(&mut self.bundle)));
        }
        self.push_leaf(tlog_tiles::record_hash(&bytes));
    }

    /// Adds a leaf whose entry is elsewhere.
    pub(crate) fn push_leaf(&mut self, hash: Hash) {
        self.size += 1;
        self.push_hash(0, hash);
    }

    fn push_hash(&mut self, level: u8, hash: Hash) {
        let place = usize::from(level);
        if self.edge.len() == place {
            self.edge.push(Vec::new());
        }
        self.edge[place].extend(hash.0);
        let full = self.size >> (HEIGHT * level);
        if full.is_multiple_of(WIDTH) {
            let hashes = std::mem::take(&mut self.edge[place]);
            let above = Tile::subtree_hash(&hashes);
            self.full.push((Tile::new(HEIGHT, level, full / WIDTH - 1, 1 << HEIGHT, false), hashes));
            self.push_hash(level + 1, above);
        }
    }

    fn bundle_up(&mut self, entry: &[u8]) {
        self.bundle.extend(u16::try_from(entry.len()).expect("an entry is short").to_be_bytes());
        self.bundle.extend(entry);
    }

    /// The root; that of the empty tree is the hash of nothing.
    pub(crate) fn root(&self) -> Hash {
        tlog_tiles::tree_hash(self.size, &InMemory(&self.edge)).expect("the edge holds what the root is made of")
    }

    /// What is to be written before the tree is signed: the tiles that became full, and those that are not.
    pub(crate) fn take_unwritten(&mut self) -> (Vec<Tile>, Vec<(Tile, Vec<u8>)>) {
        let mut tiles = std::mem::take(&mut self.full);
        let full = tiles.iter().map(|(tile, _)| *tile).collect();
        for (level, hashes) in (0..).zip(&self.edge) {
            tiles.extend(partial(level, self.size).map(|tile| (tile, hashes.clone())));
        }
        if let Some(tile) = partial(0, self.size) {
            tiles.push((Tile::new(HEIGHT, 0, tile.level_index(), tile.width(), true), self.bundle.clone()));
        }
        (full, tiles)
    }
}

/// The tile of a level that is not full in a tree of a size, if there is one.
fn partial(level: u8, size: u64) -> Option<Tile> {
    let hashes = size >> (HEIGHT * level);
    let width = u32::try_from(hashes % WIDTH).ok().filter(|width| *width > 0)?;
    Some(Tile::new(HEIGHT, level, hashes / WIDTH, width, false))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::memory::InMemory as Memory;
    use uuid::Uuid;

    use super::*;

    fn entry(position: i64) -> Entry {
        Entry {
            log: "clinical".to_owned(),
            epoch: 1,
            position,
            event_id: Uuid::from_u128(position.unsigned_abs().into()),
            event_type: "patients.PatientRegistered".to_owned(),
            version: 1,
            recorded: position,
            envelope: [1; 32],
            answers: None,
        }
    }

    /// RFC 6962 2.1, as it is written there.
    fn defined(leaves: &[Hash]) -> Hash {
        if let [leaf] = leaves {
            return *leaf;
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        tlog_tiles::node_hash(defined(left), defined(right))
    }

    #[tokio::test]
    async fn a_tree_that_grows_and_is_loaded_again_has_the_root_of_the_definition() {
        let tiles = Tiles::new(Arc::new(Memory::new()), "clinical", 1);
        let mut tree = Tree::default();
        let mut leaves = Vec::new();
        let mut position = 0;
        for size in [1_u64, 2, 3, 255, 256, 257, 300, 65_535, 65_536, 65_537, 66_000] {
            while tree.size() < size {
                position += 1;
                leaves.push(entry(position).hash());
                tree.push(&entry(position));
            }
            assert_eq!(tree.root(), defined(&leaves), "of {size}");
            let (full, unwritten) = tree.take_unwritten();
            tiles.write_all(unwritten).await.unwrap();
            for tile in full {
                tiles.remove_partial(tile).await.unwrap();
            }
            tree = Tree::load(&tiles, size).await.unwrap();
            assert_eq!(tree.root(), defined(&leaves), "loaded, of {size}");
            let index = size / 2;
            let proof = tiles.ask(size, tree.root(), |reader| tlog_tiles::prove_record(size, index, reader)).await.unwrap();
            tlog_tiles::check_record(&proof, size, tree.root(), index, leaves[usize::try_from(index).unwrap()]).unwrap();
        }
    }
}
