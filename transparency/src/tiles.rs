//! Where a tree is kept: its tiles and its checkpoint, as C2SP `tlog-tiles` lays them out, in a folder or a bucket apart from the log's database.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tlog_tiles::{Hash, HashReader, Tile, TileHashReader, TileReader};

/// How many levels of the tree a tile holds: `tlog-tiles` has 8, so 256 hashes.
pub const HEIGHT: u8 = 8;
/// How many hashes, or entries, a full tile holds.
pub const WIDTH: u64 = 1 << HEIGHT;
/// How many objects are written or read at once.
const AT_ONCE: usize = 16;

/// Why tiles could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TilesError {
    /// The storage does not answer, or not as it should.
    #[error("the tiles' storage is not available")]
    Unavailable(#[source] object_store::Error),
    /// A tile is not there.
    #[error("the tile {0} is not there")]
    Missing(String),
    /// A tile is not what its tree makes of it.
    #[error("the tiles are not those of the tree")]
    Inconsistent,
}

impl From<object_store::Error> for TilesError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { path, .. } => Self::Missing(path),
            error => Self::Unavailable(error),
        }
    }
}

/// The tiles of one tree. Cheap to clone.
#[derive(Clone)]
pub struct Tiles {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Tiles {
    /// Those of the tree of a log's epoch, under `<log>/<epoch>`.
    pub fn new(store: Arc<dyn ObjectStore>, log: &str, epoch: i64) -> Self {
        Self { store, prefix: Path::from_iter([log.to_owned(), epoch.to_string()]) }
    }

    /// The checkpoint that is published, if there is one.
    pub async fn checkpoint(&self) -> Result<Option<String>, TilesError> {
        match self.read("checkpoint").await {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(TilesError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Publishes a checkpoint.
    pub async fn publish(&self, checkpoint: &str) -> Result<(), TilesError> {
        self.write("checkpoint", checkpoint.as_bytes().to_vec()).await
    }

    /// Something that is served under its path: `checkpoint`, `tile/0/x001/234`, `tile/entries/000.p/7`.
    pub async fn read(&self, path: &str) -> Result<Bytes, TilesError> {
        let path = self.under(path);
        Ok(self.store.get(&path).await?.bytes().await?)
    }

    /// Whether a path, behind `tile/`, is one that a tile may have: `0/x001/234`, `entries/000.p/7`.
    pub fn names(served: &str) -> bool {
        // What the library takes for a mistake of its caller.
        let (level, _) = served.split_once('/').unwrap_or((served, ""));
        if served.ends_with(".p/0") || level.parse().is_ok_and(|level: u64| level > 7) {
            return false;
        }
        let of_library = format!("tile/{HEIGHT}/{}", served.strip_prefix("entries/").map_or_else(|| served.to_owned(), |rest| format!("data/{rest}")));
        Tile::from_path(&of_library).is_ok_and(|tile| path(tile) == format!("tile/{served}"))
    }

    fn under(&self, path: &str) -> Path {
        self.prefix.parts().chain(Path::from(path).parts()).collect()
    }

    async fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), TilesError> {
        let path = self.under(path);
        self.store.put(&path, PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// Writes many tiles.
    pub(crate) async fn write_all(&self, tiles: Vec<(Tile, Vec<u8>)>) -> Result<(), TilesError> {
        let writes = tiles.into_iter().map(|(tile, bytes)| async move { self.write(&path(tile), bytes).await });
        futures::stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// The bytes of a tile, or of the full one that has taken its place.
    pub async fn tile(&self, tile: Tile) -> Result<Bytes, TilesError> {
        let full = Tile::new(HEIGHT, tile.level(), tile.level_index(), 1 << HEIGHT, tile.is_data());
        match self.read(&path(tile)).await {
            Err(TilesError::Missing(_)) if tile != full => self.read(&path(full)).await,
            result => result,
        }
    }

    /// The hashes of a tile.
    pub(crate) async fn hashes(&self, tile: Tile) -> Result<Vec<u8>, TilesError> {
        let bytes = self.tile(tile).await?;
        Ok(bytes.get(..tile.width() as usize * tlog_tiles::HASH_SIZE).ok_or(TilesError::Inconsistent)?.to_vec())
    }

    /// The entries of a bundle: of those from `WIDTH * index` on, `width`.
    pub async fn entries(&self, index: u64, width: u32) -> Result<Vec<Vec<u8>>, TilesError> {
        let bundle = self.tile(Tile::new(HEIGHT, 0, index, width, true)).await?;
        let (mut entries, mut rest) = (Vec::with_capacity(width as usize), &bundle[..]);
        while entries.len() < width as usize {
            let (length, after) = rest.split_first_chunk::<2>().ok_or(TilesError::Inconsistent)?;
            let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(TilesError::Inconsistent)?;
            entries.push(entry.to_vec());
            rest = after;
        }
        Ok(entries)
    }

    /// Removes the tiles that were not full yet where the full one is there.
    pub(crate) async fn remove_partial(&self, full: Tile) -> Result<(), TilesError> {
        let folder = format!("{}.p", path(full));
        let prefix = self.under(&folder);
        let found = self.store.list(Some(&prefix)).map_ok(|object| object.location).boxed();
        self.store.delete_stream(found).try_collect::<Vec<_>>().await?;
        Ok(())
    }

    /// Asks something of the tree of a size and a root, from its tiles, each of which is checked against the root. What the question needs is only known when it
    /// is asked, so it is asked until all is there.
    pub(crate) async fn ask<T>(&self, size: u64, root: Hash, question: impl Fn(&TileHashReader<'_>) -> Result<T, tlog_tiles::Error>) -> Result<T, TilesError> {
        let mut fetched = Fetched::default();
        loop {
            let answer = question(&TileHashReader::new(size, root, &fetched));
            let missing = fetched.missing.take();
            if missing.is_empty() {
                return answer.map_err(|_| TilesError::Inconsistent);
            }
            let reads = missing.into_iter().map(|tile| async move { Ok::<_, TilesError>((tile, self.hashes(tile).await?)) });
            fetched.tiles.extend(futures::stream::iter(reads).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?);
        }
    }
}

/// The path of a tile as `tlog-tiles` has it: without the height, which is always the same, and with `entries` for what the library calls data.
pub(crate) fn path(tile: Tile) -> String {
    let path = tile.path().replacen(&format!("tile/{HEIGHT}/"), "tile/", 1);
    if tile.is_data() { path.replacen("tile/data/", "tile/entries/", 1) } else { path }
}

/// Tiles that were fetched, and those that were asked for and are not there yet.
#[derive(Default)]
struct Fetched {
    tiles: HashMap<Tile, Vec<u8>>,
    missing: RefCell<Vec<Tile>>,
}

impl TileReader for Fetched {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        self.missing.borrow_mut().extend(tiles.iter().filter(|tile| !self.tiles.contains_key(tile)));
        tiles.iter().map(|tile| self.tiles.get(tile).cloned().ok_or(tlog_tiles::Error::InvalidTile)).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Hashes that are in memory, by tile.
pub(crate) struct InMemory<'edge>(pub(crate) &'edge [Vec<u8>]);

impl HashReader for InMemory<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        let hash = |index: &u64| {
            let tile = Tile::from_index(HEIGHT, *index);
            let data = self.0.get(usize::from(tile.level())).ok_or(tlog_tiles::Error::IndexesNotInTree)?;
            tile.hash_at_index(data, *index)
        };
        indexes.iter().map(hash).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tiles_have_paths_of_tiles() {
        for path in ["0/000", "0/x001/234", "1/000.p/7", "entries/x001/x234/067", "entries/000.p/255"] {
            assert!(Tiles::names(path), "{path}");
        }
        for path in
            ["0/0", "../0/000", "entries/../../checkpoint", "0/000.p/256", "0/000.p/0", "64/000", "8/data/000", "data/000", "", "0/000/", "0//000", "entries"]
        {
            assert!(!Tiles::names(path), "{path}");
        }
    }
}
