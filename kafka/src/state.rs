//! What the relay tells of itself, for health and metrics.

use event_store::Position;

/// What the relay is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Another relay has the lease.
    Waiting,
    /// It finds its place.
    Starting,
    /// It publishes what the log gains.
    Publishing,
    /// Something failed; it starts again shortly.
    Retrying,
    /// It found what it must not go on from.
    Halted,
    /// It was asked to stop.
    Stopped,
}

/// What the relay last stumbled over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// `kafka`, `log`, `topic` or `ahead`.
    pub kind: &'static str,
    /// In words, without any content of an event.
    pub detail: String,
}

/// How far the relay is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayState {
    /// What it is doing.
    pub phase: Phase,
    /// Every event up to here is on Kafka, as far as this relay has seen.
    pub published: Position,
    /// The log's last position, as this relay last saw it.
    pub head: Position,
    /// What it last stumbled over; nothing once it publishes again.
    pub trouble: Option<Trouble>,
}

impl RelayState {
    pub(crate) fn new() -> Self {
        Self { phase: Phase::Waiting, published: Position(0), head: Position(0), trouble: None }
    }

    /// How many events are not on Kafka yet.
    pub fn lag(&self) -> i64 {
        (self.head.0 - self.published.0).max(0)
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    pub(crate) fn measure(&self) {
        metrics::gauge!("carelog_relay_published_position").set(self.published.0 as f64);
        metrics::gauge!("carelog_relay_lag_events").set(self.lag() as f64);
        metrics::gauge!("carelog_relay_publishing").set(if self.phase == Phase::Publishing { 1.0 } else { 0.0 });
    }
}
