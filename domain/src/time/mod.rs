//! Times as a clinic means them: a local time at a place, and the half-open stretch of real time that it comes to.

mod intended;
mod interval;
mod local;

pub use intended::{IntendedTime, LocalStretch, NoSuchTime, Repeated};
pub use interval::{Interval, subtract, union};
pub use local::{LocalDate, LocalTime, Zone, local_to_utc};
