//! Reads the log's topic from where a reader stands, without a consumer group, and proves on the way that nothing is missed and nothing comes twice.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use event_store::{EventStore, Position, ReadError, Stored, partition_of};
use futures::FutureExt;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::blocking;
use crate::chain::{Forked, Reached, Verdict};
use crate::config::{EXCHANGE, KafkaConfig, Quiet};
use crate::lease::Published;
use crate::record::{Link, decode};

/// How many records are handed out at once at most.
const AT_ONCE: usize = 500;

/// How many events of the log a refill looks at in one go.
const REFILL: u32 = 1000;

/// Why reading ended.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// The brokers do not answer, or not with what was asked for.
    #[error("the log's topic cannot be read")]
    Kafka(#[from] KafkaError),
    /// The log does not answer.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// What was applied is of another history.
    #[error(transparent)]
    Forked(#[from] Forked),
    /// The log ends before something that was applied or published.
    #[error("position {0} lies beyond the end of the log")]
    Ahead(Position),
}

/// Events of one partition that follow what was handed out before.
#[derive(Clone, PartialEq, Debug)]
pub struct Stretch {
    /// Which partition.
    pub partition: u16,
    /// In the order of their positions.
    pub events: Vec<Stored>,
    /// Every event of the partition up to here has been handed out.
    pub through: Position,
}

/// A reader of the log's topic.
pub struct LogConsumer {
    store: EventStore,
    consumer: StreamConsumer<Quiet>,
    reached: BTreeMap<u16, Reached>,
    /// Received, and not handed out yet.
    received: VecDeque<(u16, Stored, Link)>,
}

impl LogConsumer {
    /// Reads each of these partitions from behind the position up to which its events are applied.
    pub async fn open(config: &KafkaConfig, store: EventStore, applied: &[(u16, Position)]) -> Result<Self, ConsumerError> {
        let epoch = store.epoch().await?;
        let mut times = BTreeMap::new();
        for (_, position) in applied.iter().filter(|(_, position)| position.0 > 0) {
            if !times.contains_key(position) {
                let found = store.stored(Position(position.0 - 1), 1).await?.into_iter().next();
                times.insert(*position, found.ok_or(ConsumerError::Ahead(*position))?.recorded.timestamp_millis());
            }
        }
        let starts = applied.iter().map(|(partition, position)| (*partition, times.get(position).copied())).collect();
        let consumer: StreamConsumer<Quiet> = FromClientConfigAndContext::from_config_and_context(&config.reader(), Quiet)?;
        let (consumer, topic) = (Arc::new(consumer), config.log_topic.clone());
        let shared = Arc::clone(&consumer);
        blocking(move || assign(&shared, &topic, &starts)).await?;
        let consumer = Arc::into_inner(consumer).ok_or(KafkaError::Canceled)?;
        let reached = applied.iter().map(|(partition, position)| (*partition, Reached { epoch, position: *position })).collect();
        Ok(Self { store, consumer, reached, received: VecDeque::new() })
    }

    /// The next events. Waits until there are some. May be dropped while it waits, and nothing is lost.
    pub async fn next(&mut self) -> Result<Vec<Stretch>, ConsumerError> {
        loop {
            if self.received.is_empty() {
                self.receive().await?;
            }
            let stretches = self.take();
            if !stretches.is_empty() {
                return Ok(stretches);
            }
            // Nothing could be taken, so whatever is first needs more than to be taken.
            let Some((partition, _, link)) = self.received.front() else { continue };
            let (partition, link) = (*partition, *link);
            let Some(reached) = self.reached.get(&partition).copied() else { continue };
            match reached.judge(link) {
                Verdict::Drop | Verdict::Apply => {}
                Verdict::Forked => return Err(Forked { partition, at: link, applied: reached.position }.into()),
                Verdict::Refill(through) => {
                    tracing::info!(partition, after = reached.position.0, through = through.0, "refilling from the log");
                    let refilled = self.refill(partition, reached.position).await?;
                    if let Some(stretch) = refilled {
                        return Ok(vec![stretch]);
                    }
                    // The log holds nothing more. A record of an older life was undone then; one of this life cannot be ahead of the log.
                    if link.epoch >= reached.epoch {
                        return Err(ConsumerError::Ahead(through));
                    }
                    self.received.pop_front();
                }
            }
        }
    }

    /// Moves partitions in which nothing more was published up to the relay's account, and says which.
    pub(crate) fn advance(&mut self, published: &Published) -> Vec<(u16, Position)> {
        let mut moved = Vec::new();
        for (partition, reached) in &mut self.reached {
            if published.last[usize::from(*partition)] <= reached.position && reached.position < published.position {
                reached.position = published.position;
                moved.push((*partition, published.position));
            }
        }
        moved
    }

    /// Waits for a record, and takes with it what else is there.
    async fn receive(&mut self) -> Result<(), ConsumerError> {
        let mut message = Some(self.consumer.recv().await);
        while let Some(received) = message {
            self.received.extend(read(&received?));
            message = if self.received.len() < AT_ONCE { self.consumer.recv().now_or_never() } else { None };
        }
        Ok(())
    }

    /// Takes what was received, as far as it follows.
    fn take(&mut self) -> Vec<Stretch> {
        let mut stretches: BTreeMap<u16, Stretch> = BTreeMap::new();
        while let Some((partition, stored, link)) = self.received.pop_front() {
            let Some(reached) = self.reached.get_mut(&partition) else { continue };
            match reached.judge(link) {
                Verdict::Drop => {}
                Verdict::Apply => {
                    *reached = Reached { epoch: link.epoch, position: link.position };
                    let stretch = stretches.entry(partition).or_insert_with(|| Stretch { partition, events: Vec::new(), through: link.position });
                    stretch.events.push(stored);
                    stretch.through = link.position;
                }
                Verdict::Refill(_) | Verdict::Forked => {
                    self.received.push_front((partition, stored, link));
                    break;
                }
            }
        }
        stretches.into_values().collect()
    }

    /// The partition's next events from the log itself, as far as one look into it goes; nothing where the log ends.
    async fn refill(&mut self, partition: u16, after: Position) -> Result<Option<Stretch>, ConsumerError> {
        let page = self.store.stored(after, REFILL).await?;
        let Some(through) = page.last().map(|stored| stored.position) else { return Ok(None) };
        if let Some(reached) = self.reached.get_mut(&partition) {
            reached.position = through;
        }
        let events = page.into_iter().filter(|stored| partition_of(stored.tenant) == partition).collect();
        Ok(Some(Stretch { partition, events, through }))
    }
}

/// A record's event. What does not read is passed over: if it was needed, the chain shows it.
fn read(message: &BorrowedMessage<'_>) -> Option<(u16, Stored, Link)> {
    let partition = u16::try_from(message.partition()).ok()?;
    match decode(message.payload().unwrap_or_default()) {
        Ok((stored, link)) => Some((partition, stored, link)),
        Err(error) => {
            tracing::warn!(partition, offset = message.offset(), %error, "passing over a record that the relay did not write");
            None
        }
    }
}

/// Starts each partition at the first record that is not older than a time in milliseconds; at its beginning where there is none. Blocks.
fn assign(consumer: &StreamConsumer<Quiet>, topic: &str, starts: &BTreeMap<u16, Option<i64>>) -> Result<(), KafkaError> {
    let (mut assignment, mut wanted, mut ends) = (TopicPartitionList::new(), TopicPartitionList::new(), BTreeMap::new());
    for (partition, start) in starts {
        match start {
            None => assignment.add_partition_offset(topic, i32::from(*partition), Offset::Beginning)?,
            Some(time) => {
                // Before the search: where it finds nothing, what comes meanwhile must not be skipped.
                let (_, end) = consumer.fetch_watermarks(topic, i32::from(*partition), EXCHANGE)?;
                ends.insert(i32::from(*partition), end);
                wanted.add_partition_offset(topic, i32::from(*partition), Offset::Offset(*time))?;
            }
        }
    }
    if !ends.is_empty() {
        for found in consumer.offsets_for_times(wanted, EXCHANGE)?.elements() {
            found.error()?;
            let offset = match found.offset() {
                Offset::Offset(offset) => offset,
                _ => ends.get(&found.partition()).copied().unwrap_or_default(),
            };
            assignment.add_partition_offset(topic, found.partition(), Offset::Offset(offset))?;
        }
    }
    consumer.assign(&assignment)
}
