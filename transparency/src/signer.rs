//! The signer: it follows a log, builds its tree and signs it.
//!
//! It signs only what is durable, and only what continues what it signed before. What it signed last is in a file of its own, beside its key and apart from
//! the log and the tiles: written before anybody else sees the checkpoint, and believed more than both. Where it finds itself before other tiles, or before a log that is shorter or other
//! than what it signed, it halts; a restored log goes on in a new epoch, with a tree of its own.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::{Epoch, EventStore, Log, Position, ReadError};
use futures::FutureExt;
use futures::future::Shared;
use object_store::ObjectStore;
use sqlx::{Connection, PgConnection, PgPool};
use tokio::sync::watch;

use crate::checkpoint::{CheckpointError, Head, LogKey, head_of, verify};
use crate::entry::Entry;
use crate::policy::TrustPolicy;
use crate::proof::{ProofError, is_prefix, prefix};
use crate::tiles::{Tiles, TilesError, WIDTH};
use crate::tree::Tree;
use crate::witness::Witnesses;

/// How many positions are read at once, and how many at most come into one checkpoint.
const PAGE: u32 = 2_000;
const CHECKPOINT_AT_MOST: u64 = 50_000;
/// The least time between two checkpoints.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_millis(250);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// What the signer of a log works with.
#[derive(Clone)]
pub struct Signing {
    /// The key.
    pub key: LogKey,
    /// What begins every origin: `carelog.example`.
    pub name: String,
    /// Where tiles are kept.
    pub tiles: Arc<dyn ObjectStore>,
    /// The folder of what was signed last.
    pub memory: PathBuf,
    /// Who cosigns.
    pub policy: Arc<TrustPolicy>,
}

impl Signing {
    /// The origin of the tree of a log's epoch: `carelog.example/clinical/1`.
    pub fn origin(&self, log: Log, epoch: i64) -> String {
        format!("{}/{}/{epoch}", self.name, log.name())
    }

    /// The tiles of that tree.
    pub fn tiles(&self, log: Log, epoch: i64) -> Tiles {
        Tiles::new(self.tiles.clone(), log.name(), epoch)
    }

    /// The public key by which its checkpoints are known.
    pub fn verifier_key(&self, log: Log, epoch: i64) -> String {
        self.key.verifier_key(&self.origin(log, epoch))
    }

    /// What the newest epoch must begin with: the first leaves that were signed in the last one before it in which anything was, up to where the first epoch after
    /// that begins, and their root. `None` where nothing was.
    pub async fn inherited(&self, log: Log, epochs: &[Epoch]) -> Result<Option<Head>, SignerError> {
        let Some((newest, older)) = epochs.split_last() else { return Ok(None) };
        let mut begins = newest.first_position;
        for older in older.iter().rev() {
            // Epochs in which nothing was signed are no way around those in which something was.
            if let Some(signed) = self.signed(log, older.epoch)? {
                let size = signed.size.min(begins.saturating_sub(1).max(0).unsigned_abs());
                if size == 0 {
                    return Ok(None);
                }
                return match prefix(&self.tiles(log, older.epoch), signed, size).await {
                    Ok(prefix) => Ok(Some(prefix)),
                    Err(ProofError::Tiles(error @ TilesError::Unavailable(_))) => Err(error.into()),
                    Err(_) => Err(Halted::TilesAreOthers(signed.size).into()),
                };
            }
            begins = begins.min(older.first_position);
        }
        Ok(None)
    }

    /// What was signed last of a tree, if anything was.
    pub fn signed(&self, log: Log, epoch: i64) -> Result<Option<Head>, SignerError> {
        match fs::read_to_string(self.memory_of(log, epoch)) {
            Ok(note) => Ok(Some(verify(&note, &self.verifier_key(log, epoch), &[])?.0)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SignerError::Memory(error)),
        }
    }

    fn memory_of(&self, log: Log, epoch: i64) -> PathBuf {
        self.memory.join(format!("{}-{epoch}.checkpoint", log.name()))
    }
}

/// Why nothing is signed any more. No further try would help.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Halted {
    /// The log ends before what was signed.
    #[error("the log ends at position {head}, and up to {signed} is signed: it was put back to an older state; begin a new epoch")]
    LogIsShorter {
        /// The log's last position.
        head: Position,
        /// What was signed.
        signed: u64,
    },
    /// The last event that was signed is another one now.
    #[error("what was signed at position {0} is not what the log has there: it was changed, or put back to an older state")]
    LogIsAnother(Position),
    /// The tiles do not make the root that was signed.
    #[error("the tiles are not those of what was signed, up to position {0}")]
    TilesAreOthers(u64),
    /// What an epoch began with is not what was signed in the one before.
    #[error("epoch {epoch} does not begin with what was signed before it, up to position {through}: history was changed")]
    EpochIsAnother {
        /// The epoch.
        epoch: i64,
        /// Up to here it should.
        through: u64,
    },
    /// What is published is not one history with what was signed.
    #[error("a checkpoint of {0} leaves is published that is of another history than what was signed")]
    PublishedIsAnother(u64),
    /// There are tiles, and no memory of having signed them.
    #[error("a checkpoint of {0} leaves is published, and what was signed is not known any more")]
    Forgotten(u64),
}

/// Why an attempt ended.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// For good.
    #[error(transparent)]
    Halted(#[from] Halted),
    /// The log.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The lease, by which one process signs.
    #[error("the signer's lease failed")]
    Lease(#[from] sqlx::Error),
    /// The tiles.
    #[error(transparent)]
    Tiles(#[from] TilesError),
    /// The key, or a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file of what was signed.
    #[error("what was signed cannot be read or written")]
    Memory(#[source] std::io::Error),
    /// The client that asks witnesses.
    #[error("there is no client for the witnesses")]
    Client(#[from] reqwest::Error),
}

/// How far the signer is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SignerState {
    /// How many positions are under a published checkpoint.
    pub published: u64,
    /// How many there are.
    pub head: u64,
    /// Why it does not get on.
    pub trouble: Option<String>,
}

/// Signs one log. Any number may run; the lease lets one sign.
pub struct Signer {
    log: Log,
    store: EventStore,
    pool: PgPool,
    signing: Signing,
    state: watch::Sender<SignerState>,
}

impl Signer {
    /// Of a log in the database of `pool`.
    pub fn new(log: Log, store: EventStore, pool: PgPool, signing: Signing) -> Self {
        Self { log, store, pool, signing, state: watch::Sender::default() }
    }

    /// How far it is, always.
    pub fn state(&self) -> watch::Receiver<SignerState> {
        self.state.subscribe()
    }

    /// Runs until `shutdown` turns true, through every failure that may pass.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) -> Result<(), Halted> {
        let shutdown = async move { drop(shutdown.wait_for(|stop| *stop).await) }.boxed().shared();
        loop {
            let ended = tokio::select! {
                ended = self.attempt() => ended,
                () = shutdown.clone() => return Ok(()),
            };
            // An epoch that ended is followed by the next at once.
            let Err(error) = ended else { continue };
            metrics::counter!("carelog_signer_failures_total", "log" => self.log.name()).increment(1);
            self.state.send_modify(|state| state.trouble = Some(error.to_string()));
            if let SignerError::Halted(halted) = error {
                tracing::error!(log = self.log.name(), "the signer halts: {halted}");
                return Err(halted);
            }
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            tracing::warn!(log = self.log.name(), "the signer starts again: {error}{source}");
            pause(&shutdown).await;
        }
    }

    /// From the lease to the first failure, or to the end of the epoch.
    async fn attempt(&self) -> Result<(), SignerError> {
        let mut lease = self.lease().await?;
        let epochs = self.store.epochs().await?;
        let epoch = epochs.last().map_or(1, |epoch| epoch.epoch);
        let tiles = self.signing.tiles(self.log, epoch);
        let mut tree = self.resume(&epochs, epoch, &tiles).await?;
        if tree.size() == 0
            && let Some(inherited) = self.signing.inherited(self.log, &epochs).await?
        {
            self.extend(&epochs, &mut tree, inherited.size).await?;
            if (tree.size(), tree.root()) != (inherited.size, inherited.root) {
                return Err(Halted::EpochIsAnother { epoch, through: inherited.size }.into());
            }
        }
        let mut witnesses = Witnesses::new()?;
        let size = tree.size();
        let published = tiles.checkpoint().await?.map_or(Ok(0), |note| head_of(&note).map(|(_, head)| head.size))?;
        self.state.send_modify(|state| *state = SignerState { published, head: state.head.max(size), trouble: None });
        tracing::info!(log = self.log.name(), epoch, size, "signing");
        loop {
            let began = Instant::now();
            // What too few witnesses cosigned is signed again, whether or not there is more.
            let head =
                if self.state.borrow().published < tree.size() { self.store.head().await? } else { self.store.wait_beyond(position(tree.size())).await? };
            self.state.send_modify(|state| state.head = unsigned(head));
            let size = tree.size();
            self.extend(&epochs, &mut tree, size + CHECKPOINT_AT_MOST).await?;
            // The right to sign is still ours, and nothing of what was read is of an epoch that began meanwhile.
            sqlx::query("select 1").execute(&mut lease).await?;
            if self.store.epoch().await? != epoch {
                return Ok(());
            }
            self.sign(epoch, &mut tree, &tiles, &mut witnesses).await?;
            let next = if self.state.borrow().published < tree.size() { PAUSE } else { BETWEEN_CHECKPOINTS };
            tokio::time::sleep(next.saturating_sub(began.elapsed())).await;
        }
    }

    /// The tree of what was signed last, once it is seen that tiles and log are still those.
    async fn resume(&self, epochs: &[Epoch], epoch: i64, tiles: &Tiles) -> Result<Tree, SignerError> {
        let published = tiles.checkpoint().await?;
        let Some(signed) = self.signing.signed(self.log, epoch)? else {
            return match published {
                Some(note) => Err(Halted::Forgotten(head_of(&note)?.1.size).into()),
                None => Ok(Tree::default()),
            };
        };
        // A memory that is older than what is published, as of another machine or from a backup, is behind: the same key signed more.
        let published = published.and_then(|note| verify(&note, &self.signing.verifier_key(self.log, epoch), &[]).ok()).map(|(head, _)| head);
        let signed = match published {
            Some(published) if published.size > signed.size => {
                match is_prefix(tiles, signed, published).await {
                    // It may pass.
                    Err(ProofError::Tiles(error @ TilesError::Unavailable(_))) => return Err(error.into()),
                    Err(_) => return Err(Halted::PublishedIsAnother(published.size).into()),
                    Ok(()) => published,
                }
            }
            _ => signed,
        };
        let others = || Halted::TilesAreOthers(signed.size);
        let tree = match Tree::load(tiles, signed.size).await {
            Err(TilesError::Missing(_) | TilesError::Inconsistent) => return Err(others().into()),
            tree => tree?,
        };
        if tree.root() != signed.root {
            return Err(others().into());
        }
        if signed.size > 0 {
            self.is_still_there(epochs, tiles, signed.size).await?;
        }
        Ok(tree)
    }

    /// Whether the log has the last event that was signed, as it was.
    async fn is_still_there(&self, epochs: &[Epoch], tiles: &Tiles, size: u64) -> Result<(), SignerError> {
        let last = position(size);
        let kept = self.store.kept(Position(last.0 - 1), 1).await?;
        let Some(kept) = kept.first().filter(|kept| kept.stored.position == last) else {
            return Err(Halted::LogIsShorter { head: self.store.head().await?, signed: size }.into());
        };
        let index = (size - 1) / WIDTH;
        let width = size - index * WIDTH;
        let entries = tiles.entries(index, u32::try_from(width).unwrap_or(1)).await?;
        let entry = Entry::of(self.log, epoch_of(epochs, last), kept);
        if entries.last() == Some(&entry.to_bytes()) { Ok(()) } else { Err(Halted::LogIsAnother(last).into()) }
    }

    /// Adds what the log has beyond the tree, up to a size.
    async fn extend(&self, epochs: &[Epoch], tree: &mut Tree, goal: u64) -> Result<(), SignerError> {
        while tree.size() < goal {
            let wanted = u32::try_from(goal - tree.size()).unwrap_or(PAGE).min(PAGE);
            let kept = self.store.kept(position(tree.size()), wanted).await?;
            let last = kept.len() < wanted as usize;
            for kept in &kept {
                // A gap would make every later leaf another's.
                if kept.stored.position != position(tree.size() + 1) {
                    return Err(Halted::LogIsAnother(position(tree.size() + 1)).into());
                }
                tree.push(&Entry::of(self.log, epoch_of(epochs, kept.stored.position), kept));
            }
            if last {
                break;
            }
        }
        Ok(())
    }

    /// Writes the tiles, signs, remembers, has it cosigned and publishes it.
    async fn sign(&self, epoch: i64, tree: &mut Tree, tiles: &Tiles, witnesses: &mut Witnesses) -> Result<(), SignerError> {
        let head = Head { size: tree.size(), root: tree.root() };
        let (full, unwritten) = tree.take_unwritten();
        tiles.write_all(unwritten).await?;
        let note = self.signing.key.sign(&self.signing.origin(self.log, epoch), head)?;
        remember(&self.signing.memory_of(self.log, epoch), &note).map_err(SignerError::Memory)?;
        let note = witnesses.cosign(&self.signing.policy, tiles, &note, head).await;
        let (_, cosigned) = verify(&note, &self.signing.verifier_key(self.log, epoch), &self.signing.policy.witness_keys())?;
        if !self.signing.policy.is_satisfied_by(&cosigned) {
            self.state.send_modify(|state| state.trouble = Some("too few witnesses cosign".to_owned()));
            return Ok(());
        }
        tiles.publish(&note).await?;
        self.state.send_modify(|state| (state.published, state.trouble) = (head.size, None));
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        metrics::gauge!("carelog_signed_position", "log" => self.log.name()).set(head.size as f64);
        for tile in full {
            tiles.remove_partial(tile).await?;
        }
        Ok(())
    }

    /// The right to sign: an advisory lock of a session of its own, which ends with the connection, however the process ends.
    async fn lease(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = PgConnection::connect_with(&self.pool.connect_options()).await?;
        loop {
            let statement = "select pg_try_advisory_lock(hashtextextended('carelog signer ' || $1, 0))";
            if sqlx::query_scalar(statement).bind(self.log.name()).fetch_one(&mut connection).await? {
                return Ok(connection);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

async fn pause<F: Future<Output = ()>>(shutdown: &Shared<F>) {
    tokio::select! {
        () = tokio::time::sleep(PAUSE) => {}
        () = shutdown.clone() => {}
    }
}

/// The epoch that a position was given in.
pub(crate) fn epoch_of(epochs: &[Epoch], position: Position) -> i64 {
    epochs.iter().rev().find(|epoch| epoch.first_position <= position.0).map_or(1, |epoch| epoch.epoch)
}

/// The last position of a tree of a size.
pub(crate) fn position(size: u64) -> Position {
    Position(i64::try_from(size).unwrap_or(i64::MAX))
}

fn unsigned(position: Position) -> u64 {
    position.0.unsigned_abs()
}

/// Writes a file whole or not at all, durably.
fn remember(file: &Path, note: &str) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let staged = file.with_extension("staged");
    let mut staging = fs::File::create(&staged)?;
    staging.write_all(note.as_bytes())?;
    staging.sync_all()?;
    fs::rename(&staged, file)?;
    fs::File::open(folder)?.sync_all()
}
