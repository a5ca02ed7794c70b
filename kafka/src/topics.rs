//! The topics: made at start where they are missing, and never changed or made anew where they are there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::PARTITIONS;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::blocking;
use crate::config::{EXCHANGE, KafkaConfig, LARGEST_RECORD, Quiet};

/// A topic is there, and is not as it must be. Someone has to decide what becomes of it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the topic {topic} has {setting} {found} where {needed} is needed")]
pub struct TopicDiffers {
    /// Which topic.
    pub topic: String,
    /// What is different: a topic setting by Kafka's name, `partitions` or `replication factor`.
    pub setting: &'static str,
    /// What it is.
    pub found: String,
    /// What it must be.
    pub needed: String,
}

/// Why the topics are not known to be ready.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// One is there and differs.
    #[error(transparent)]
    Differs(#[from] TopicDiffers),
    /// The brokers cannot be asked.
    #[error("the brokers do not answer about topics")]
    Kafka(#[from] KafkaError),
}

/// What a setting may be.
#[derive(Clone, Copy)]
enum Rule {
    Exactly(&'static str),
    AtLeast(i64),
}

impl Rule {
    fn holds(self, found: &str) -> bool {
        match self {
            Self::Exactly(value) => found == value,
            Self::AtLeast(least) => found.parse().is_ok_and(|value: i64| value >= least),
        }
    }

    fn value(self) -> String {
        match self {
            Self::Exactly(value) => value.to_owned(),
            Self::AtLeast(least) => least.to_string(),
        }
    }
}

/// A topic as it must be.
struct Topic<'config> {
    name: &'config str,
    partitions: u16,
    replication: i32,
    rules: BTreeMap<&'static str, Rule>,
}

fn topics(config: &KafkaConfig) -> [Topic<'_>; 2] {
    // Nothing of the log is ever cut or compacted away.
    let kept = [("retention.ms", Rule::Exactly("-1")), ("retention.bytes", Rule::Exactly("-1")), ("cleanup.policy", Rule::Exactly("delete"))];
    let durable = ("min.insync.replicas", Rule::AtLeast(config.in_sync.into()));
    let large = ("max.message.bytes", Rule::AtLeast(i64::try_from(LARGEST_RECORD).unwrap_or(i64::MAX)));
    // A record carries its event's recorded time, by which readers find their place. A clock that runs before the brokers' must not stop the relay.
    let times = [("message.timestamp.type", Rule::Exactly("CreateTime")), ("message.timestamp.after.max.ms", Rule::AtLeast(i64::MAX))];
    let common = || kept.into_iter().chain([durable, large]);
    [
        Topic { name: &config.log_topic, partitions: PARTITIONS, replication: config.replication, rules: common().chain(times).collect() },
        Topic { name: &config.dead_letter_topic, partitions: 1, replication: config.replication, rules: common().collect() },
    ]
}

/// Makes the topics that are missing, and looks at those that are there.
pub async fn ensure(config: &KafkaConfig) -> Result<(), TopicError> {
    let admin: AdminClient<Quiet> = FromClientConfigAndContext::from_config_and_context(&config.client(), Quiet)?;
    let (admin, options) = (Arc::new(admin), AdminOptions::new().request_timeout(Some(EXCHANGE)).operation_timeout(Some(EXCHANGE)));
    for topic in topics(config) {
        create(&admin, &options, &topic).await?;
        let end = Instant::now() + EXCHANGE;
        while let Err(error) = compare(&admin, &options, &topic).await {
            // What was made a moment ago is not known to every part of the cluster.
            if !matches!(error, TopicError::Kafka(ref error) if is_new(error)) || Instant::now() > end {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}

fn is_new(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    code.is_some_and(|code| [RDKafkaErrorCode::UnknownTopicOrPartition, RDKafkaErrorCode::LeaderNotAvailable, RDKafkaErrorCode::UnknownTopic].contains(&code))
}

/// Asked for before anything else: an existing topic refuses, and brokers that make topics on sight get no chance to.
async fn create(admin: &AdminClient<Quiet>, options: &AdminOptions, topic: &Topic<'_>) -> Result<(), KafkaError> {
    let settings: Vec<_> = topic.rules.iter().map(|(setting, rule)| (*setting, rule.value())).collect();
    let new = NewTopic::new(topic.name, topic.partitions.into(), TopicReplication::Fixed(topic.replication));
    let new = settings.iter().fold(new, |new, (setting, value)| new.set(setting, value));
    match admin.create_topics([&new], options).await?.into_iter().next() {
        Some(Ok(_)) => tracing::info!(topic = topic.name, "made"),
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => {}
        Some(Err((_, code))) => return Err(KafkaError::AdminOp(code)),
        None => return Err(KafkaError::Canceled),
    }
    Ok(())
}

async fn compare(admin: &Arc<AdminClient<Quiet>>, options: &AdminOptions, topic: &Topic<'_>) -> Result<(), TopicError> {
    compare_settings(admin, options, topic).await?;
    let (admin, name) = (Arc::clone(admin), topic.name.to_owned());
    let (partitions, copies) = blocking(move || layout(&admin, &name)).await?;
    if partitions != usize::from(topic.partitions) {
        let (found, needed) = (partitions.to_string(), topic.partitions.to_string());
        return Err(TopicDiffers { topic: topic.name.to_owned(), setting: "partitions", found, needed }.into());
    }
    if i32::try_from(copies).unwrap_or(i32::MAX) < topic.replication {
        let (found, needed) = (copies.to_string(), topic.replication.to_string());
        return Err(TopicDiffers { topic: topic.name.to_owned(), setting: "replication factor", found, needed }.into());
    }
    Ok(())
}

async fn compare_settings(admin: &AdminClient<Quiet>, options: &AdminOptions, topic: &Topic<'_>) -> Result<(), TopicError> {
    let described = admin.describe_configs([&ResourceSpecifier::Topic(topic.name)], options).await?.into_iter().next();
    let described = described.ok_or(KafkaError::Canceled)?.map_err(KafkaError::AdminOp)?;
    let found = described.entry_map();
    for (setting, rule) in &topic.rules {
        // A broker too old for a setting does not have the limit either.
        let Some(value) = found.get(setting).and_then(|entry| entry.value.as_deref()) else { continue };
        if !rule.holds(value) {
            let (found, needed) = (value.to_owned(), rule.value());
            return Err(TopicDiffers { topic: topic.name.to_owned(), setting, found, needed }.into());
        }
    }
    Ok(())
}

/// How many partitions a topic has, and on how many brokers at least each of them is. Blocks.
fn layout(admin: &AdminClient<Quiet>, name: &str) -> Result<(usize, usize), KafkaError> {
    let metadata = admin.inner().fetch_metadata(Some(name), EXCHANGE)?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == name).ok_or(KafkaError::Canceled)?;
    if let Some(error) = topic.error() {
        return Err(KafkaError::MetadataFetch(error.into()));
    }
    let copies = topic.partitions().iter().map(|partition| partition.replicas().len()).min();
    Ok((topic.partitions().len(), copies.unwrap_or_default()))
}
