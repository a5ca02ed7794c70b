//! What is sealed and opened again is what it was, and the clear half shows nothing of it, for any event of this context.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::event::Event;
use crate::patients::examples::{erased, read};
use crate::patients::{
    ContactDetailsChanged, DeathRecorded, DeathReversed, DemographicsCorrected, IdentifierAssigned, PatientAccessGranted, PatientAccessRevoked,
    PatientDeactivated, PatientMergeUndone, PatientRegistered, PatientsMerged,
};

/// Stands in every protected text, so that it is seen where it should not be.
const NEEDLE: &str = "Needle";

fn text() -> impl Strategy<Value = String> {
    "Needle[a-zé漢\\\\\"{}]{0,12}( [a-z]{1,3})?"
}

fn id() -> impl Strategy<Value = String> {
    any::<u128>().prop_map(|id| uuid::Uuid::from_u128(id).to_string())
}

fn date() -> impl Strategy<Value = String> {
    (1800..=2100u32, 1..=12u32, 1..=28u32, 0..3usize)
        .prop_map(|(year, month, day, known)| [format!("{year}"), format!("{year}-{month:02}"), format!("{year}-{month:02}-{day:02}")][known].clone())
}

fn identifier() -> impl Strategy<Value = Value> {
    (text(), option::of(Just("MR"))).prop_map(|(value, kind)| json!({ "system": "urn:a", "value": value, "type": kind }))
}

/// Demographics, or a correction of them.
fn demographics() -> impl Strategy<Value = Value> {
    let names = vec((text(), vec(text(), 0..3)).prop_map(|(family, given)| json!({ "family": family, "given": given, "use": "maiden" })), 0..3);
    (names, option::of(date()), option::of(text()), vec("[a-z]{2}", 0..3)).prop_map(
        |(name, birth, status, language)| json!({ "name": name, "birthDate": birth, "gender": "other", "maritalStatus": status, "language": language }),
    )
}

fn contact() -> impl Strategy<Value = Value> {
    vec(text(), 0..3).prop_map(|lines| json!({ "telecom": [{ "system": "email", "value": NEEDLE }], "address": [{ "line": lines, "city": NEEDLE }] }))
}

fn death() -> impl Strategy<Value = Value> {
    let moment = (date(), 0..24u8, -14..=14i8).prop_filter("to the day", |(date, ..)| date.len() == 10);
    prop_oneof![
        moment.prop_map(|(date, hour, offset)| json!({ "at": format!("{date}T{hour:02}:30:15{offset:+03}:00") })),
        date().prop_map(|date| json!({ "on": date })),
        Just(json!("unknown")),
    ]
}

/// An event as a caller of Carelog might write it, and how to read it: protected values themselves cannot be printed, and so not be generated.
type Written = (Value, fn(Value) -> Event);

fn written<E: DeserializeOwned + Into<Event>>(event: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Written> {
    let read_event: fn(Value) -> Event = |json| read::<E>(json).into();
    event.prop_map(move |json| (json, read_event)).boxed()
}

fn event() -> impl Strategy<Value = Written> {
    let because = || (id(), text()).prop_map(|(patient, reason)| json!({ "patient": patient, "reason": reason }));
    let two = || (id(), id(), text()).prop_map(|(survivor, merged, reason)| json!({ "survivor": survivor, "merged": merged, "reason": reason }));
    let access = || (id(), id()).prop_map(|(patient, grantee)| json!({ "patient": patient, "grantee": grantee }));
    let ends = option::of((1800..=9999u32).prop_map(|year| format!("{year}-03-01T00:00:00Z")));
    let granted = (id(), id(), ends, any::<bool>()).prop_map(|(patient, grantee, ends, until_majority)| {
        let scope = json!({ "relationship": "PRN", "kinds": ["chart"], "labels": ["HIV"], "ends": ends, "untilMajority": until_majority });
        json!({ "patient": patient, "grantee": grantee, "scope": scope })
    });
    let registered = (id(), vec(identifier(), 0..3), demographics(), contact(), option::of(text())).prop_map(|(patient, known, who, contact, reason)| {
        json!({ "patient": patient, "identifiers": known, "demographics": who, "contact": contact, "knownIdentifierAccepted": reason })
    });
    let assigned = (id(), identifier(), option::of(text()))
        .prop_map(|(patient, identifier, reason)| json!({ "patient": patient, "identifier": identifier, "knownIdentifierAccepted": reason }));
    let corrected = (id(), demographics(), option::of(text()))
        .prop_map(|(patient, correction, reason)| json!({ "patient": patient, "correction": correction, "reason": reason }));
    prop_oneof![
        written::<PatientRegistered>(registered),
        written::<IdentifierAssigned>(assigned),
        written::<DemographicsCorrected>(corrected),
        written::<ContactDetailsChanged>((id(), contact()).prop_map(|(patient, contact)| json!({ "patient": patient, "contact": contact }))),
        written::<DeathRecorded>((id(), death()).prop_map(|(patient, deceased)| json!({ "patient": patient, "deceased": deceased }))),
        written::<DeathReversed>(because()),
        written::<PatientDeactivated>(because()),
        written::<PatientsMerged>(two()),
        written::<PatientMergeUndone>(two()),
        written::<PatientAccessGranted>(granted),
        written::<PatientAccessRevoked>(access()),
    ]
}

proptest! {
    #[test]
    fn an_event_survives_being_sealed_and_opened((json, read_event) in event()) {
        let event = read_event(json);
        let (clear, protected) = event.split().unwrap();
        prop_assert!(!clear.to_string().contains(NEEDLE), "something protected stands in clear");
        let stored = serde_json::from_str(&clear.to_string()).unwrap();
        let back = Event::decode(&event.event_type().to_string(), event.event_type().version, stored, protected).unwrap();
        prop_assert!(back == event);
    }

    #[test]
    fn an_erased_event_still_says_whom_it_was_about((json, read_event) in event()) {
        let event = read_event(json);
        let erased = erased(&event);
        prop_assert_eq!(erased.subject(), event.subject());
        prop_assert!(erased.tags().iter().all(|tag| event.tags().contains(tag)));
        prop_assert!(!erased.split().unwrap().0.to_string().contains(NEEDLE));
    }
}
