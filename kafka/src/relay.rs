//! The relay: the log is its outbox, and Kafka holds a prefix of the log.

use std::time::Duration;

use event_store::{EventStore, Position, ReadError, Stored, partition_of};
use futures::FutureExt;
use futures::future::Shared;
use rdkafka::error::KafkaError;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::config::KafkaConfig;
use crate::lease::{Lease, Published};
use crate::producer::Producer;
use crate::record::Link;
use crate::resume::{KafkaAhead, resume};
use crate::state::{Phase, RelayState, Trouble};
use crate::topics::{self, TopicDiffers, TopicError};
use crate::{blocking, tails};

/// How many events one transaction holds at most.
const RANGE: u32 = 1000;

/// The pause after a failure: doubled by every further one, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the range under way may take when the end is asked for.
const LAST_RANGE: Duration = Duration::from_secs(2);

/// Why the relay does not go on. No further try would help.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Halted {
    /// The log was put back to an older state.
    #[error(transparent)]
    KafkaAhead(#[from] KafkaAhead),
    /// A topic is not as it must be.
    #[error(transparent)]
    TopicDiffers(#[from] TopicDiffers),
}

/// Why an attempt ended.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Halted(#[from] Halted),
    #[error("Kafka failed")]
    Kafka(#[from] KafkaError),
    #[error("the log failed")]
    Log(#[from] ReadError),
    #[error("the relay's lease failed")]
    Lease(#[from] sqlx::Error),
    #[error("after position {0} the log has a gap")]
    Gap(Position),
}

impl From<TopicError> for Failure {
    fn from(error: TopicError) -> Self {
        match error {
            TopicError::Differs(differs) => Self::Halted(differs.into()),
            TopicError::Kafka(error) => Self::Kafka(error),
        }
    }
}

impl Failure {
    fn trouble(&self) -> Trouble {
        let kind = match self {
            Self::Kafka(_) => "kafka",
            Self::Log(_) | Self::Lease(_) | Self::Gap(_) => "log",
            Self::Halted(Halted::TopicDiffers(_)) => "topic",
            Self::Halted(Halted::KafkaAhead(_)) => "ahead",
        };
        let source = std::error::Error::source(self).map(|source| format!(": {source}")).unwrap_or_default();
        Trouble { kind, detail: format!("{self}{source}") }
    }
}

/// Publishes the log to Kafka. Any number may run; the lease lets one publish.
pub struct Relay {
    config: KafkaConfig,
    store: EventStore,
    pool: PgPool,
    state: watch::Sender<RelayState>,
}

/// A relay that has found its place.
struct Session {
    lease: Lease,
    producer: Producer,
    epoch: i64,
    published: Published,
}

impl Relay {
    /// A relay of `store`, whose database `pool` reaches and [`crate::migrate`] has prepared.
    pub fn new(config: KafkaConfig, store: EventStore, pool: PgPool) -> Self {
        Self { config, store, pool, state: watch::Sender::new(RelayState::new()) }
    }

    /// How far it is, always.
    pub fn state(&self) -> watch::Receiver<RelayState> {
        self.state.subscribe()
    }

    /// Runs until `shutdown` turns true, through every failure that may pass.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) -> Result<(), Halted> {
        // An error means that whoever could ask is gone, which is the end as well.
        let shutdown = async move { drop(shutdown.wait_for(|stop| *stop).await) }.shared();
        let mut pause = FIRST_PAUSE;
        loop {
            let before = self.state.borrow().published;
            let Err(failure) = self.attempt(&shutdown).await else {
                self.enter(Phase::Stopped);
                return Ok(());
            };
            // It got on: this is a new failure, not the old one again.
            if self.state.borrow().published > before {
                pause = FIRST_PAUSE;
            }
            let trouble = failure.trouble();
            let phase = if matches!(failure, Failure::Halted(_)) { Phase::Halted } else { Phase::Retrying };
            self.update(|state| (state.phase, state.trouble) = (phase, Some(trouble.clone())));
            metrics::counter!("carelog_relay_failures_total", "kind" => trouble.kind).increment(1);
            if let Failure::Halted(halted) = failure {
                tracing::error!(kind = trouble.kind, detail = trouble.detail, "the relay halts");
                return Err(halted);
            }
            tracing::warn!(kind = trouble.kind, detail = trouble.detail, "the relay starts again");
            if until(&shutdown, tokio::time::sleep(pause)).await.is_none() {
                self.enter(Phase::Stopped);
                return Ok(());
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// From the lease to the first failure, or to the end that was asked for.
    async fn attempt<F: Future<Output = ()>>(&self, shutdown: &Shared<F>) -> Result<(), Failure> {
        let Some(session) = until(shutdown, self.start()).await else { return Ok(()) };
        let mut session = session?;
        self.update(|state| *state = RelayState { phase: Phase::Publishing, published: session.published.position, head: state.head, trouble: None });
        tracing::info!(topic = self.config.log_topic, position = session.published.position.0, epoch = session.epoch, "publishing");
        while let Some(head) = until(shutdown, self.store.wait_beyond(session.published.position)).await {
            let head = head?;
            self.update(|state| state.head = head);
            session = tokio::select! {
                published = self.publish(session) => published?,
                // What it leaves is settled by the next start.
                () = long_asked(shutdown) => return Ok(()),
            };
        }
        session.lease.close().await?;
        Ok(())
    }

    async fn start(&self) -> Result<Session, Failure> {
        self.enter(Phase::Waiting);
        let mut lease = Lease::wait(&self.pool, &self.config.log_topic).await?;
        // Also where Kafka is away and nothing else gets on: how far behind it is.
        let head = self.store.head().await?;
        self.update(|state| (state.phase, state.head) = (Phase::Starting, head));
        topics::ensure(&self.config).await?;
        let config = self.config.clone();
        // In this order: once the producer is open, nobody else's records can appear behind the tails.
        let (producer, tails) = blocking(move || Ok::<_, KafkaError>((Producer::open(&config)?, tails::read(&config)?))).await?;
        let (epoch, head) = (self.store.epoch().await?, self.store.head().await?);
        let account = lease.published().await?;
        let furthest = tails.values().map(|tail| tail.position).max().unwrap_or_default();
        if account.position > furthest {
            tracing::warn!(account = account.position.0, furthest = furthest.0, "Kafka holds less than was published; its readers refill from the log");
        }
        let published = resume(&tails, account, epoch, head).map_err(Halted::from)?;
        Ok(Session { lease, producer, epoch, published })
    }

    /// Publishes the next range, and writes it to the account.
    async fn publish(&self, session: Session) -> Result<Session, Failure> {
        let Session { mut lease, producer, epoch, mut published } = session;
        let events = self.store.stored(published.position, RANGE).await?;
        let range = link(events, epoch, &mut published)?;
        if range.is_empty() {
            return Ok(Session { lease, producer, epoch, published });
        }
        let count = range.len() as u64;
        let (producer, range) = blocking(move || producer.publish(&range).map(|()| (producer, range))).await?;
        lease.store(&published).await?;
        for (stored, _) in &range {
            tracing::debug!(request_id = %stored.correlation, position = stored.position.0, event_type = stored.event_type, "published");
        }
        metrics::counter!("carelog_relay_published_total").increment(count);
        self.update(|state| {
            state.published = published.position;
            state.head = state.head.max(published.position);
        });
        Ok(Session { lease, producer, epoch, published })
    }

    fn enter(&self, phase: Phase) {
        self.update(|state| state.phase = phase);
    }

    fn update(&self, change: impl FnOnce(&mut RelayState)) {
        self.state.send_modify(change);
        self.state.borrow().measure();
    }
}

/// Chains events to those that are published, each in its partition.
fn link(events: Vec<Stored>, epoch: i64, published: &mut Published) -> Result<Vec<(Stored, Link)>, Failure> {
    let chained = events.into_iter().map(|stored| {
        // Positions are dense: where one is missing, something is wrong that Kafka must not learn.
        if stored.position.0 != published.position.0 + 1 {
            return Err(Failure::Gap(published.position));
        }
        published.position = stored.position;
        let last = &mut published.last[usize::from(partition_of(stored.tenant))];
        let link = Link { epoch, position: stored.position, prev: std::mem::replace(last, stored.position) };
        Ok((stored, link))
    });
    chained.collect()
}

/// What comes of `work`, unless the end is asked for first.
async fn until<T, F: Future<Output = ()>>(shutdown: &Shared<F>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = shutdown.clone() => None,
        result = work => Some(result),
    }
}

/// Completes when the end was asked for and a range that was under way had time to be finished.
async fn long_asked<F: Future<Output = ()>>(shutdown: &Shared<F>) {
    shutdown.clone().await;
    tokio::time::sleep(LAST_RANGE).await;
}
