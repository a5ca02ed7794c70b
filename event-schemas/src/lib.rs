//! The contract with the outside: the envelope of the log on Kafka, the JSON Schemas of stored events and of commands, and a fixture of
//! every event version ever stored.

pub mod examples;
pub mod files;
#[cfg(test)]
mod fixtures;

pub use files::{CommandSchema, generated_files, ordered};

/// `proto/carelog`, compiled.
pub mod log {
    /// The topic `carelog.log.v1`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/carelog.log.v1.rs"));
    }
}
