//! Examples of every event, invented: fixtures are made of them, and tests that must see every event take them from here.
//!
//! Each is written as its plain JSON, the shape that its schema describes.

mod access;
mod consents;
mod disclosures;
mod documents;
mod emergency;
mod facts;
mod identity;
mod organizations;
mod patients;
mod providers;
mod records;
mod scheduling;

use domain::{Event, EventData};
use serde_json::Value;

pub use records::{Content, contents, encounter_id};

/// An example of an event.
pub struct Example {
    /// `full`: every field is there; `minimal`: only what must be; `further`: what came later, or cannot stand beside the rest.
    pub name: &'static str,
    /// The event.
    pub event: Event,
}

/// At least one example of every event.
pub fn examples() -> Vec<Example> {
    let contexts = [
        organizations::examples(),
        patients::examples(),
        providers::examples(),
        records::examples(),
        scheduling::examples(),
        documents::examples(),
        consents::examples(),
        access::examples(),
        emergency::examples(),
        disclosures::examples(),
        identity::examples(),
    ];
    contexts.into_iter().flatten().collect()
}

fn full<E: EventData + Into<Event>>(plain: Value) -> Example {
    Example { name: "full", event: read::<E>(plain) }
}

fn minimal<E: EventData + Into<Event>>(plain: Value) -> Example {
    Example { name: "minimal", event: read::<E>(plain) }
}

fn further<E: EventData + Into<Event>>(plain: Value) -> Example {
    Example { name: "further", event: read::<E>(plain) }
}

fn read<E: EventData + Into<Event>>(plain: Value) -> Event {
    match serde_json::from_value::<E>(plain) {
        Ok(event) => event.into(),
        Err(error) => panic!("the example of {} does not read: {error}", E::TYPE),
    }
}

const ORGANIZATION: &str = "01990000-0000-7000-8000-000000000001";
const NETWORK: &str = "01990000-0000-7000-8000-000000000002";
const FACILITY: &str = "01990000-0000-7000-8000-000000000003";
const ROOM: &str = "01990000-0000-7000-8000-000000000004";
const PATIENT: &str = "01990000-0000-7000-8000-000000000005";
const DUPLICATE: &str = "01990000-0000-7000-8000-000000000006";
const PRACTITIONER: &str = "01990000-0000-7000-8000-000000000007";
const ROLE: &str = "01990000-0000-7000-8000-000000000008";
const BLOCK: &str = "01990000-0000-7000-8000-000000000009";
const APPOINTMENT: &str = "01990000-0000-7000-8000-00000000000a";
const GRANTEE: &str = "01990000-0000-7000-8000-00000000000b";
const DOCUMENT: &str = "01990000-0000-7000-8000-00000000000d";
const SCAN: &str = "01990000-0000-7000-8000-00000000000e";
const CONSENT: &str = "01990000-0000-7000-8000-000000000021";
const RESTRICTION: &str = "01990000-0000-7000-8000-000000000022";
const REQUEST: &str = "01990000-0000-7000-8000-000000000010";
const BROKEN_GLASS: &str = "01990000-0000-7000-8000-000000000021";
const REVIEWER: &str = "01990000-0000-7000-8000-000000000022";
const DISCLOSURE: &str = "01990000-0000-7000-8000-000000000023";
const SERVER: &str = "01990000-0000-7000-8000-000000000024";
const VISIT: &str = "01990000-0000-7000-8000-00000000000f";
