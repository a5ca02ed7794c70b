//! What the full examples of clinical facts say: FHIR R4 resources with every field that Carelog keeps.

use domain::records::FactKind;
use serde_json::{Value, json};

use super::records::encounter_id;
use super::{APPOINTMENT, FACILITY, ORGANIZATION, PRACTITIONER};

/// A `Coding`.
pub(super) fn coding(code: &str) -> Value {
    json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "version": "2018-08-12", "code": code, "display": format!("The code {code}") })
}

fn concept(text: &str) -> Value {
    json!({ "coding": [coding("X1"), { "display": "Not coded" }], "text": text })
}

fn to(resource_type: &str, id: &str) -> Value {
    json!({ "reference": format!("{resource_type}/{id}"), "display": format!("The {resource_type}") })
}

fn elsewhere() -> Value {
    json!({ "identifier": identifier(), "display": "Kept elsewhere" })
}

fn encounter_reference() -> Value {
    to("Encounter", &encounter_id())
}

fn practitioner() -> Value {
    to("Practitioner", PRACTITIONER)
}

fn identifier() -> Value {
    json!({ "use": "official", "system": "urn:laboratory", "value": "L-4711" })
}

fn period() -> Value {
    json!({ "start": "2026-03-02T09:00:00-06:00", "end": "2026-03-02T09:20:00-06:00" })
}

fn note() -> Value {
    json!([{ "authorString": "Elizabeth Blackwell", "time": "2026-03-02T09:15:00-06:00", "text": "To be looked at again" }])
}

fn quantity() -> Value {
    json!({ "value": 7.25, "comparator": "<", "unit": "mmol per litre", "system": "http://unitsofmeasure.org", "code": "mmol/L" })
}

fn range() -> Value {
    json!({ "low": quantity(), "high": quantity() })
}

/// The fields of `one` and of `other`.
fn joined(one: Value, other: &Value) -> Value {
    let mut joined = one;
    joined
        .as_object_mut()
        .into_iter()
        .for_each(|fields| fields.extend(other.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()))));
    joined
}

fn values() -> Value {
    json!({
        "valueQuantity": quantity(),
        "valueCodeableConcept": concept("Positive"),
        "valueString": "Cloudy",
        "valueBoolean": true,
        "valueInteger": -3,
        "valueRange": range(),
        "valueDateTime": "2026-03",
        "valuePeriod": period(),
        "dataAbsentReason": concept("Not asked"),
        "interpretation": [concept("High")],
        "referenceRange": [{
            "low": quantity(), "high": quantity(), "type": concept("Normal"), "appliesTo": [concept("Women")], "age": range(), "text": "Below 5",
        }],
    })
}

pub(super) fn allergy_intolerance() -> Value {
    json!({
        "identifier": [identifier()],
        "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active" }] },
        "verificationStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification", "code": "confirmed" }] },
        "type": "allergy",
        "category": ["medication", "biologic"],
        "criticality": "high",
        "code": concept("Penicillin"),
        "encounter": encounter_reference(),
        "onsetDateTime": "1998-05",
        "onsetString": "As a child",
        "recordedDate": "2026-03-02",
        "recorder": practitioner(),
        "asserter": practitioner(),
        "lastOccurrence": "2019",
        "note": note(),
        "reaction": [{
            "substance": concept("Penicillin V"),
            "manifestation": [concept("Hives")],
            "description": "All over the back",
            "onset": "1998-05-03",
            "severity": "moderate",
            "exposureRoute": concept("By mouth"),
            "note": note(),
        }],
    })
}

pub(super) fn condition() -> Value {
    json!({
        "identifier": [identifier()],
        "clinicalStatus": concept("Active"),
        "verificationStatus": concept("Confirmed"),
        "category": [concept("Problem")],
        "severity": concept("Severe"),
        "code": concept("Asthma"),
        "bodySite": [concept("Lung")],
        "encounter": encounter_reference(),
        "onsetDateTime": "2001",
        "onsetPeriod": period(),
        "onsetString": "At school",
        "abatementDateTime": "2020-04",
        "abatementString": "When she moved",
        "recordedDate": "2026-03-02",
        "recorder": practitioner(),
        "asserter": practitioner(),
        "note": note(),
    })
}

pub(super) fn device() -> Value {
    json!({
        "identifier": [identifier()],
        "udiCarrier": [{ "deviceIdentifier": "00844588003288", "issuer": "urn:gs1", "carrierHRF": "(01)00844588003288(17)141120" }],
        "status": "active",
        "distinctIdentifier": "D-7",
        "manufacturer": "Acme Implants",
        "manufactureDate": "2020-01-01",
        "expirationDate": "2030-01-01",
        "lotNumber": "L77",
        "serialNumber": "S-12345",
        "deviceName": [{ "name": "Pacemaker", "type": "user-friendly-name" }],
        "modelNumber": "M2",
        "type": concept("Cardiac pacemaker"),
        "note": note(),
    })
}

pub(super) fn encounter() -> Value {
    json!({
        "identifier": [identifier()],
        "status": "finished",
        "class": coding("AMB"),
        "type": [concept("Check-up")],
        "serviceType": concept("General practice"),
        "priority": concept("Routine"),
        "participant": [{ "type": [concept("Primary performer")], "period": period(), "individual": practitioner() }],
        "appointment": [to("Appointment", APPOINTMENT)],
        "period": period(),
        "reasonCode": [concept("Cough")],
        "reasonReference": [elsewhere()],
        "hospitalization": { "admitSource": concept("Emergency"), "dischargeDisposition": concept("Home") },
        "location": [{ "location": to("Location", FACILITY), "period": period() }],
        "serviceProvider": to("Organization", ORGANIZATION),
        "partOf": elsewhere(),
    })
}

pub(super) fn family_member_history() -> Value {
    json!({
        "identifier": [identifier()],
        "status": "completed",
        "date": "2026-03-02",
        "name": "Annabella",
        "relationship": concept("Mother"),
        "sex": concept("Female"),
        "deceasedBoolean": true,
        "reasonCode": [concept("Screening")],
        "note": note(),
        "condition": [{
            "code": concept("Breast cancer"),
            "outcome": concept("Cured"),
            "contributedToDeath": false,
            "onsetAge": { "value": 54, "unit": "years", "system": "http://unitsofmeasure.org", "code": "a" },
            "onsetString": "In her fifties",
            "note": note(),
        }],
    })
}

pub(super) fn immunization() -> Value {
    json!({
        "identifier": [identifier()],
        "status": "completed",
        "statusReason": concept("Immunity"),
        "vaccineCode": concept("Influenza, seasonal"),
        "encounter": encounter_reference(),
        "occurrenceDateTime": "2026-03-02T09:10:00-06:00",
        "occurrenceString": "Last autumn",
        "recorded": "2026-03-02",
        "primarySource": true,
        "reportOrigin": concept("Parent"),
        "location": to("Location", FACILITY),
        "manufacturer": elsewhere(),
        "lotNumber": "F-22",
        "expirationDate": "2026-12-31",
        "site": concept("Left arm"),
        "route": concept("Intramuscular"),
        "doseQuantity": { "value": 0.5, "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL" },
        "performer": [{ "function": concept("Administering"), "actor": practitioner() }],
        "note": note(),
        "reasonCode": [concept("Routine")],
    })
}

pub(super) fn medication_request() -> Value {
    json!({
        "identifier": [identifier()],
        "status": "completed",
        "statusReason": concept("Course done"),
        "intent": "order",
        "category": [concept("Community")],
        "priority": "routine",
        "doNotPerform": false,
        "medicationCodeableConcept": concept("Amoxicillin 500 mg"),
        "encounter": encounter_reference(),
        "authoredOn": "2026-03-02T09:18:00-06:00",
        "requester": practitioner(),
        "recorder": practitioner(),
        "reasonCode": [concept("Bronchitis")],
        "reasonReference": [elsewhere()],
        "note": note(),
        "dosageInstruction": [{
            "sequence": 1,
            "text": "One capsule three times a day",
            "additionalInstruction": [concept("With food")],
            "patientInstruction": "Take all of them",
            "timing": {
                "event": ["2026-03-02T20:00:00-06:00"],
                "repeat": {
                    "boundsPeriod": period(), "count": 21, "duration": 0.5, "durationUnit": "h", "frequency": 3, "frequencyMax": 4,
                    "period": 1, "periodMax": 1.5, "periodUnit": "d",
                },
                "code": concept("Three times a day"),
            },
            "asNeededBoolean": false,
            "asNeededCodeableConcept": concept("Pain"),
            "site": concept("Mouth"),
            "route": concept("Oral"),
            "method": concept("Swallow"),
            "doseAndRate": [{ "type": concept("Ordered"), "doseQuantity": quantity(), "doseRange": range(), "rateQuantity": quantity() }],
        }],
        "dispenseRequest": { "validityPeriod": period(), "numberOfRepeatsAllowed": 2, "quantity": quantity() },
    })
}

pub(super) fn observation() -> Value {
    let own = json!({
        "identifier": [identifier()],
        "basedOn": [elsewhere()],
        "partOf": [elsewhere()],
        "status": "final",
        "category": [concept("Laboratory")],
        "code": concept("Glucose"),
        "focus": [elsewhere()],
        "encounter": encounter_reference(),
        "effectiveDateTime": "2026-03-02T09:05:00-06:00",
        "effectivePeriod": period(),
        "issued": "2026-03-02T11:00:00-06:00",
        "performer": [practitioner()],
        "note": note(),
        "bodySite": concept("Left arm"),
        "method": concept("Photometry"),
        "specimen": elsewhere(),
        "device": elsewhere(),
        "hasMember": [elsewhere()],
        "derivedFrom": [elsewhere()],
        "component": [joined(json!({ "code": concept("Systolic") }), &values())],
    });
    joined(own, &values())
}

pub(super) fn procedure() -> Value {
    json!({
        "identifier": [identifier()],
        "status": "completed",
        "statusReason": concept("As planned"),
        "category": concept("Surgical"),
        "code": concept("Appendectomy"),
        "encounter": encounter_reference(),
        "performedDateTime": "2026-03-02",
        "performedPeriod": period(),
        "performedString": "In the morning",
        "recorder": practitioner(),
        "asserter": practitioner(),
        "performer": [{ "function": concept("Surgeon"), "actor": practitioner(), "onBehalfOf": to("Organization", ORGANIZATION) }],
        "location": to("Location", FACILITY),
        "reasonCode": [concept("Appendicitis")],
        "reasonReference": [elsewhere()],
        "bodySite": [concept("Abdomen")],
        "outcome": concept("Successful"),
        "complication": [concept("Bleeding")],
        "followUp": [concept("Remove stitches")],
        "note": note(),
        "usedReference": [elsewhere()],
    })
}

/// What the full content of a kind does not say, where there is something.
pub(super) fn further(kind: FactKind) -> Option<Value> {
    match kind {
        FactKind::AllergyIntolerance => Some(json!({ "code": concept("Penicillin"), "asserter": elsewhere() })),
        FactKind::Condition => Some(json!({ "code": concept("Asthma"), "asserter": elsewhere() })),
        FactKind::FamilyMemberHistory => Some(json!({
            "status": "completed",
            "relationship": concept("Mother"),
            "condition": [{ "code": concept("Stroke"), "onsetAge": { "value": 60, "comparator": "<", "unit": "years", "system": "http://unitsofmeasure.org", "code": "a" } }],
        })),
        FactKind::Immunization => Some(json!({
            "status": "completed",
            "vaccineCode": concept("Influenza, seasonal"),
            "occurrenceDateTime": "2026-03-02T09:10:00-06:00",
            "doseQuantity": { "value": 0.5, "comparator": "<", "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL" },
            "isSubpotent": true,
            "subpotentReason": [concept("Cold chain broken")],
        })),
        FactKind::Device | FactKind::Encounter | FactKind::MedicationRequest | FactKind::Observation | FactKind::Procedure => None,
    }
}
