//! What callers send, and what they must be allowed to do for it.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::decision::Command;
use crate::event::Subject;
use crate::permission::Permission;
use crate::providers::examples::{BLOCK, FACILITY, PRACTITIONER};
use crate::providers::{
    AddQualification, AssignRole, BlockTime, OnboardPractitioner, RetirePractitioner, SetAvailability, SetAvailabilityException, UnblockTime,
};
use crate::testing::arriving;

fn body(more: &Value) -> Value {
    let mut body = json!({ "practitioner": PRACTITIONER });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[track_caller]
fn arrives<C: Command>(name: &str, more: &Value) {
    assert_eq!((C::CONTEXT, C::NAME, C::PERMISSION), ("providers", name, Permission::ManagePractitioners));
    let command: C = arriving(&body(more));
    assert_eq!(command.subject(), Subject::Practitioner(PRACTITIONER));
    assert_eq!(command.also_needs(), None);
}

fn onboarding() -> Value {
    json!({
        "name": [{ "family": "Osler", "given": ["William"] }],
        "gender": "male",
        "identifiers": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": "1234567893" }],
        "telecom": [{ "system": "phone", "value": "555-0100" }],
        "address": [{ "city": "Chicago" }],
        "acceptUnverifiedNpi": "as the old system had it",
    })
}

fn availability() -> Value {
    let weekly = json!([{ "day": "mon", "hours": { "start": "08:00:00", "end": "12:00:00" } }]);
    json!({ "facility": FACILITY, "from": "2027-01-01", "until": "2027-12-31", "weekly": weekly, "slot": 20 })
}

#[test]
fn every_command_arrives() {
    let doctor = json!({ "system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "MD" });
    let id = Uuid::from_u128(10);
    arrives::<OnboardPractitioner>("onboard-practitioner", &onboarding());
    let valid = json!({ "code": doctor, "issuer": "Board", "validFrom": "2001-06-30", "validUntil": "2031-06-30" });
    arrives::<AddQualification>("add-qualification", &valid);
    let role = json!({ "role": id, "organization": id, "facilities": [FACILITY], "code": [doctor], "specialty": [], "telecom": [] });
    arrives::<AssignRole>("assign-role", &role);
    arrives::<SetAvailability>("set-availability", &availability());
    let closed = json!({ "facility": FACILITY, "date": "2027-07-05", "hours": [] });
    arrives::<SetAvailabilityException>("set-availability-exception", &closed);
    let lunch = json!({ "block": BLOCK, "facility": FACILITY, "start": "2027-01-05T12:00:00", "end": "2027-01-05T13:00:00", "reason": "lunch" });
    arrives::<BlockTime>("block-time", &lunch);
    arrives::<UnblockTime>("unblock-time", &json!({ "block": BLOCK }));
    arrives::<RetirePractitioner>("retire-practitioner", &json!({ "from": "2027-06-30", "reason": "moves away" }));
}

#[test]
fn what_is_not_possible_does_not_arrive() {
    fn refused<C: Command>(more: &Value, field: &str, value: Value) {
        let mut body = body(more);
        body[field] = value;
        assert!(serde_json::from_value::<C>(body).is_err(), "{field}");
    }
    refused::<OnboardPractitioner>(&onboarding(), "name", json!([{}]));
    refused::<OnboardPractitioner>(&onboarding(), "name", json!(vec![json!({ "family": "Osler" }); 21]));
    refused::<SetAvailability>(&availability(), "slot", json!(4));
    refused::<SetAvailability>(&availability(), "slot", json!(481));
    refused::<SetAvailability>(&availability(), "from", json!("-0044-03-15"));
    refused::<SetAvailability>(&availability(), "weekly", json!([{ "day": "mon", "hours": { "start": "12:00:00", "end": "08:00:00" } }]));
    refused::<SetAvailability>(&availability(), "weekly", json!(vec![availability()["weekly"][0].clone(); 85]));
    let closed = json!({ "facility": FACILITY, "date": "2027-07-05", "hours": [] });
    refused::<SetAvailabilityException>(&closed, "hours", json!(vec![json!({ "start": "08:00:00", "end": "09:00:00" }); 13]));
}
