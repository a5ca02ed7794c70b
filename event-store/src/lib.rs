//! The log in Postgres: append, read, tail, idempotency. Nothing else names its tables.
//!
//! Appends of a process go through one writer, which commits all that wait in one transaction under the log's lock; so positions are dense, their
//! order is the order of commits, and whoever reads up to a position has missed nothing before it. What a decision depends on is
//! checked in that same transaction, and a command that comes again is told what it was told before.

mod append;
mod batch;
mod carried_out;
mod clock;
mod conditions;
mod connect;
mod dependencies;
mod envelope;
mod kept;
mod position;
mod read;
mod request;
mod sequencer;
mod store;
mod stored;
mod tail;

pub use append::{Actor, Append, AppendError, Appended, CommandKey};
pub use carried_out::CarriedOut;
pub use clock::{Clock, fresh_id};
pub use connect::Log;
pub use envelope::NotAnEvent;
pub use kept::{Answered, Epoch, Kept};
pub use position::{PARTITIONS, Position, partition_of};
pub use read::{Back, Page, ReadError, Stretch};
pub use store::{EventStore, begin_epoch, migrate};
pub use stored::{Recorded, Stored, Unreadable};
