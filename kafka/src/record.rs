//! An event of the log as a Kafka record, and back: the envelope as value, the chain and CloudEvents 1.0 as headers (binary mode).

use chrono::SecondsFormat;
use event_schemas::log::v1;
use event_store::{NotAnEvent, Position, Stored};
use prost::Message as _;
use rdkafka::message::{Header, Headers, OwnedHeaders};

/// Where a record stands in its partition's chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// The life of the log that it was published in.
    pub epoch: i64,
    /// The event's position.
    pub position: Position,
    /// The position of the event before it in the partition; 0 for the first.
    pub prev: Position,
}

/// A record does not read as one that the relay wrote. The text holds nothing of its content.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a record of the log's topic has no readable {0}")]
pub struct NotOurs(pub &'static str);

/// The value of an event's record.
pub(crate) fn encode(stored: &Stored, link: Link) -> Vec<u8> {
    v1::Envelope { epoch: link.epoch, prev: link.prev.0, ..stored.envelope() }.encode_to_vec()
}

/// The headers of an event's record. Header values are text: a stock client shows them, and CloudEvents asks for it.
pub(crate) fn headers(stored: &Stored, link: Link) -> OwnedHeaders {
    let event_type = format!("carelog.{}", stored.event_type);
    let schema = format!("urn:carelog:protobuf:carelog.log.v1.Envelope#{}.v{}", stored.event_type, stored.version);
    let headers = OwnedHeaders::new_with_capacity(13)
        .insert(header("epoch", &link.epoch.to_string()))
        .insert(header("position", &link.position.0.to_string()))
        .insert(header("prev", &link.prev.0.to_string()))
        .insert(header("content-type", "application/protobuf"))
        .insert(header("ce_specversion", "1.0"))
        .insert(header("ce_id", &stored.event_id.to_string()))
        .insert(header("ce_source", &format!("carelog/{}", stored.tenant)))
        .insert(header("ce_type", &event_type))
        .insert(header("ce_subject", &stored.subject))
        .insert(header("ce_time", &stored.recorded.to_rfc3339_opts(SecondsFormat::Micros, true)))
        .insert(header("ce_dataschema", &schema))
        // The extension for correlation; a trace belongs to a process and is not stored with the fact.
        .insert(header("ce_correlationid", &stored.correlation.to_string()));
    match stored.causation {
        Some(causation) => headers.insert(header("ce_causationid", &causation.to_string())),
        None => headers,
    }
}

fn header<'value>(key: &'value str, value: &'value str) -> Header<'value, &'value str> {
    Header { key, value: Some(value) }
}

/// The key of an event's record: the subject's pseudonym, without what kind of thing it is.
pub(crate) fn key(subject: &str) -> &str {
    subject.rsplit_once('/').map_or(subject, |(_, id)| id)
}

/// A record's place in the chain, from its headers alone.
pub(crate) fn link<H: Headers>(headers: Option<&H>) -> Result<Link, NotOurs> {
    let number = |name: &'static str| {
        let found = headers.and_then(|headers| headers.iter().find(|header| header.key == name)).and_then(|header| header.value);
        found.and_then(|value| std::str::from_utf8(value).ok()?.parse::<i64>().ok()).ok_or(NotOurs(name))
    };
    Ok(Link { epoch: number("epoch")?, position: Position(number("position")?), prev: Position(number("prev")?) })
}

/// The event of a record's value, as the log stores it, and its place in the chain.
pub fn decode(value: &[u8]) -> Result<(Stored, Link), NotOurs> {
    let envelope = v1::Envelope::decode(value).map_err(|_| NotOurs("envelope"))?;
    let link = Link { epoch: envelope.epoch, position: Position(envelope.position), prev: Position(envelope.prev) };
    let stored = Stored::try_from(envelope).map_err(|NotAnEvent(field)| NotOurs(field))?;
    Ok((stored, link))
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::{TenantId, UserId};
    use event_store::Actor;
    use rdkafka::message::Headers as _;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn stored(position: i64) -> Stored {
        Stored {
            position: Position(position),
            event_id: Uuid::from_u128(1),
            tenant: TenantId(Uuid::from_u128(2)),
            event_type: "scheduling.AppointmentBooked".to_owned(),
            version: 1,
            subject: format!("patient/{}", Uuid::from_u128(3)),
            tags: vec!["tenant:1".to_owned(), "patient:3".to_owned()],
            labels: vec!["N".to_owned()],
            actor: Actor { user: UserId(Uuid::from_u128(4)), role: "front-desk".to_owned() },
            authority: Some("\"installation\"".to_owned()),
            correlation: Uuid::from_u128(5),
            causation: Some(Uuid::from_u128(6)),
            command: Uuid::from_u128(7),
            recorded: "2026-03-02T09:00:00.123456Z".parse().unwrap(),
            payload: r#"{"reason":{"phi":0}}"#.to_owned(),
            sealed: vec![1, 2, 3],
        }
    }

    const LINK: Link = Link { epoch: 1, position: Position(7), prev: Position(4) };

    #[test]
    fn an_event_reads_back_from_its_record() {
        let event = stored(7);
        assert_eq!(decode(&encode(&event, LINK)), Ok((event.clone(), LINK)));
        let without_cause = Stored { causation: None, authority: None, ..event };
        assert_eq!(decode(&encode(&without_cause, LINK)).map(|(event, _)| event), Ok(without_cause));
    }

    #[test]
    fn the_chain_reads_back_from_the_headers() {
        let headers = headers(&stored(7), LINK);
        assert_eq!(link(Some(&headers)), Ok(LINK));
        assert_eq!(headers.count(), 13);
        assert_eq!(link::<OwnedHeaders>(None), Err(NotOurs("epoch")));
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        assert_eq!(decode(b"\xff\xff").unwrap_err(), NotOurs("envelope"));
        assert_eq!(decode(b"").unwrap_err(), NotOurs("actor"));
    }

    #[test]
    fn the_key_is_the_pseudonym_alone() {
        assert_eq!(key("patient/0190"), "0190");
    }
}
