//! *Disclosures*: what was told of a patient to somebody outside (45 CFR 164.528). Each says when, to whom, what, and why: its *basis*. From the basis follows whether it is
//! part of the *accounting* that a patient may ask for. A wrong entry is retracted. A law enforcement official may have a disclosure kept from the patient for a
//! time: it is *suspended* until then.

mod events;
#[cfg(test)]
mod examples;
mod record;
mod retract;
mod standing;
mod values;

pub use events::{DisclosureMade, DisclosureRetracted, DisclosuresEvent};
pub use record::{RecordDisclosure, RecordDisclosureRejection};
pub use retract::{DisclosureUnknown, RetractDisclosure, RetractDisclosureRejection};
pub use standing::DisclosureStanding;
pub use values::{Basis, Description, DisclosureSource, DisclosureTime, Recipient};
