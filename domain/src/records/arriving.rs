//! What callers send, and what they must be allowed to do for it.

use serde_json::{Value, json};

use crate::decision::Command;
use crate::event::Subject;
use crate::patients::examples::ADA;
use crate::permission::Permission;
use crate::records::elements::Quantity;
use crate::records::examples::{OTHER, encounter, penicillin, prescribed};
use crate::records::{
    AllergyIntolerance, AmendFact, Condition, Device, Encounter, EnterFactInError, FamilyMemberHistory, Immunization, Kind, MedicationRequest, Observation,
    Procedure, RecordFact,
};
use crate::testing::arriving;

fn arrives<C: Command>(name: &str, more: &Value) {
    assert_eq!((C::CONTEXT, C::NAME, C::PERMISSION), ("records", name, Permission::RecordFacts));
    let mut body = json!({ "fact": OTHER, "patient": ADA });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let command: C = arriving(&body);
    assert_eq!(command.subject(), Subject::Patient(ADA));
}

#[test]
fn every_command_arrives() {
    macro_rules! arrive {
        ($($kind:ident $name:literal $content:expr,)*) => {$({
            let whole = json!({ "content": $content, "security": ["R"] });
            arrives::<RecordFact<$kind>>(concat!("record-", $name), &whole);
            let mut amended = whole;
            amended["reason"] = "It was so".into();
            arrives::<AmendFact<$kind>>(concat!("amend-", $name), &amended);
            arrives::<EnterFactInError<$kind>>(concat!("enter-", $name, "-in-error"), &json!({ "reason": "Wrong chart" }));
            assert_eq!($kind::KIND.resource_type(), stringify!($kind));
        })*};
    }
    arrive! {
        AllergyIntolerance "allergy" penicillin(),
        Condition "condition" json!({ "code": { "text": "Asthma" } }),
        Device "device" json!({ "status": "active" }),
        Encounter "encounter" encounter("planned"),
        FamilyMemberHistory "family-history" json!({ "status": "partial", "relationship": { "text": "Mother" } }),
        Immunization "immunization" json!({ "status": "completed", "vaccineCode": { "text": "Influenza" } }),
        MedicationRequest "medication-request" prescribed("1"),
        Observation "observation" json!({ "status": "final", "code": { "text": "Glucose" } }),
        Procedure "procedure" json!({ "status": "completed" }),
    }
}

fn quantity(code: &str) -> Result<Quantity, serde_json::Error> {
    serde_json::from_value(json!({ "value": 5.4, "system": "http://unitsofmeasure.org", "code": code }))
}

#[test]
fn a_unit_of_ucum_is_one() {
    for code in ["mg/dL", "10*3/uL", "mm[Hg]", "{score}", "%", "mmol/L", "1"] {
        assert!(quantity(code).is_ok(), "{code}");
    }
    for code in ["foo", "mg//dL", "mm[hg", "milligrams per litre"] {
        assert!(quantity(code).is_err(), "{code}");
    }
    let own = json!({ "value": 5, "system": "urn:own-units", "code": "foo" });
    assert!(serde_json::from_value::<Quantity>(own).is_ok(), "another system's units are its own");
}

#[test]
fn a_quantity_reads_as_it_was_written() {
    let quantity: Quantity = serde_json::from_value(json!({ "value": 7.25, "comparator": "<", "unit": "mmol/L" })).unwrap();
    assert_eq!(quantity.display(), "< 7.25 mmol/L");
}
