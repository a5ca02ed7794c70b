//! Every command with needles wherever it says something of a person, in an order in which each is accepted.

use serde_json::{Value, json};
use uuid::Uuid;

use super::searcher::{BORN, NAME, NUMBER, PHONE, SERVED, TEXT, WIDE};

/// What is accepted after days only.
pub const TOO_EARLY: &str = "emergency/escalate-break-glass";

/// Whom and what the script is about.
pub struct Cast {
    pub ada: Uuid,
    pub document: Uuid,
    pub newer: Uuid,
    twin: Uuid,
    gone: Uuid,
    facility: Uuid,
    practitioner: Uuid,
    retiring: Uuid,
}

impl Cast {
    pub fn new() -> Self {
        let [ada, document, newer, twin, gone, facility, practitioner, retiring] = std::array::from_fn(|_| event_store::fresh_id());
        Self { ada, document, newer, twin, gone, facility, practitioner, retiring }
    }

    /// The metadata of an upload.
    pub fn metadata(&self, document: Uuid) -> Value {
        let content = json!({ "status": "current", "description": TEXT, "attachment": { "contentType": "text/plain", "title": NAME } });
        json!({ "document": document, "patient": self.ada, "content": content })
    }

    fn patient(&self, patient: Uuid, number: &str) -> Value {
        json!({
            "patient": patient,
            "identifiers": [{ "system": "urn:mrn", "value": number, "type": "MR" }],
            "demographics": { "name": [{ "family": NAME, "given": [WIDE] }], "birthDate": BORN },
            "contact": { "telecom": [{ "system": "phone", "value": PHONE }], "address": [{ "line": [TEXT], "city": WIDE }] },
        })
    }

    fn booking(&self, appointment: Uuid, start: &str) -> Value {
        let placement = json!({ "practitioner": self.practitioner, "facility": self.facility, "start": start, "minutes": 30 });
        json!({ "appointment": appointment, "patient": self.ada, "placement": placement, "reason": TEXT })
    }

    /// The commands, by their names, before and after the two documents are uploaded.
    pub fn script(&self) -> Vec<(&'static str, Value)> {
        [self.places(), self.patients(), self.appointments(), self.chart(), self.wishes(), self.endings()].concat()
    }

    fn places(&self) -> Vec<(&'static str, Value)> {
        let Self { facility, practitioner, retiring, .. } = *self;
        let (organization, block) = (event_store::fresh_id(), event_store::fresh_id());
        let hours = json!({ "start": "00:00:00", "end": "00:00:00" });
        let weekly: Vec<Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().map(|day| json!({ "day": day, "hours": hours })).collect();
        let coding = json!({ "system": "urn:codes", "code": "MD" });
        let onboard = |practitioner: Uuid| {
            json!({ "practitioner": practitioner, "name": [{ "family": NAME, "given": [WIDE] }], "identifiers": [{ "system": "urn:staff", "value": NUMBER }],
                "telecom": [{ "system": "phone", "value": PHONE }], "address": [{ "city": WIDE }], "gender": "female" })
        };
        vec![
            ("organizations/register-organization", json!({ "organization": organization, "name": "Public Clinics" })),
            ("organizations/open-facility", json!({ "facility": facility, "name": "Main", "timeZone": "America/Chicago", "organization": organization })),
            ("organizations/add-room", json!({ "facility": facility, "room": event_store::fresh_id(), "name": "One" })),
            ("providers/onboard-practitioner", onboard(practitioner)),
            ("providers/onboard-practitioner", onboard(retiring)),
            ("providers/retire-practitioner", json!({ "practitioner": retiring, "from": "2030-01-01", "reason": TEXT })),
            ("providers/add-qualification", json!({ "practitioner": practitioner, "code": coding })),
            (
                "providers/assign-role",
                json!({ "practitioner": practitioner, "role": event_store::fresh_id(), "organization": organization, "facilities": [facility], "code": [coding],
                    "telecom": [{ "system": "phone", "value": PHONE }] }),
            ),
            ("providers/set-availability", json!({ "practitioner": practitioner, "facility": facility, "from": "2026-01-01", "weekly": weekly, "slot": 30 })),
            ("providers/set-availability-exception", json!({ "practitioner": practitioner, "facility": facility, "date": "2031-05-05", "hours": [hours] })),
            (
                "providers/block-time",
                json!({ "practitioner": practitioner, "block": block, "facility": facility, "start": "2031-06-01T08:00:00", "end": "2031-06-01T09:00:00",
                    "reason": TEXT }),
            ),
            ("providers/unblock-time", json!({ "practitioner": practitioner, "block": block })),
        ]
    }

    fn patients(&self) -> Vec<(&'static str, Value)> {
        let Self { ada, twin, gone, .. } = *self;
        let grantee = event_store::fresh_id();
        let [one, two, three, four] = ["", "-twin", "-gone", "-more"].map(|suffix| format!("{NUMBER}{suffix}"));
        vec![
            ("patients/register-patient", self.patient(ada, &one)),
            ("patients/register-patient", self.patient(twin, &two)),
            ("patients/register-patient", self.patient(gone, &three)),
            ("patients/assign-identifier", json!({ "patient": ada, "identifier": { "system": "urn:mrn", "value": four, "type": "MR" } })),
            (
                "patients/change-contact-details",
                json!({ "patient": ada, "contact": { "telecom": [{ "system": "phone", "value": PHONE }], "address": [{ "city": NAME }] } }),
            ),
            ("patients/correct-demographics", json!({ "patient": twin, "correction": { "name": [{ "family": WIDE }] }, "reason": TEXT })),
            ("patients/merge-patients", json!({ "survivor": ada, "merged": twin, "reason": TEXT })),
            ("patients/undo-merge", json!({ "survivor": ada, "merged": twin, "reason": TEXT })),
            ("patients/grant-access", json!({ "patient": ada, "grantee": grantee, "granteeName": { "family": NAME, "given": [WIDE] } })),
            ("patients/revoke-access", json!({ "patient": ada, "grantee": grantee })),
            ("patients/record-death", json!({ "patient": gone, "deceased": { "on": SERVED.replace("2031", "2021") } })),
            ("patients/reverse-death", json!({ "patient": gone, "reason": TEXT })),
            ("patients/record-death", json!({ "patient": twin, "deceased": { "on": BORN } })),
            ("patients/deactivate-patient", json!({ "patient": gone, "reason": TEXT })),
        ]
    }

    fn appointments(&self) -> Vec<(&'static str, Value)> {
        let [moved, seen, missed] = std::array::from_fn(|_| event_store::fresh_id());
        let past = |appointment: Uuid, start: &str| {
            let mut booking = self.booking(appointment, start);
            booking["exception"] = json!({ "kind": "back-entered", "reason": TEXT });
            booking
        };
        let about = |appointment: Uuid| json!({ "appointment": appointment, "patient": self.ada });
        let because = |appointment: Uuid| json!({ "appointment": appointment, "patient": self.ada, "reason": TEXT });
        vec![
            ("scheduling/book-appointment", self.booking(moved, &format!("{SERVED}T09:00:00"))),
            ("scheduling/reschedule-appointment", self.booking(moved, &format!("{SERVED}T11:00:00"))),
            ("scheduling/cancel-appointment", because(moved)),
            ("scheduling/book-appointment", past(seen, "2026-03-03T09:00:00")),
            ("scheduling/check-in-appointment", about(seen)),
            ("scheduling/fulfil-appointment", about(seen)),
            ("scheduling/undo-status", because(seen)),
            ("scheduling/book-appointment", past(missed, "2026-03-04T09:00:00")),
            ("scheduling/mark-no-show", about(missed)),
        ]
    }

    fn chart(&self) -> Vec<(&'static str, Value)> {
        let (code, note) = (json!({ "text": TEXT }), json!([{ "text": format!("{NAME}, {WIDE}") }]));
        let identifier = json!([{ "system": "urn:laboratory", "value": NUMBER }]);
        let kinds = [
            (
                ["records/record-encounter", "records/amend-encounter", "records/enter-encounter-in-error"],
                json!({ "status": "planned", "class": { "code": "AMB" }, "period": { "start": SERVED }, "reasonCode": [code], "identifier": identifier }),
            ),
            (["records/record-allergy", "records/amend-allergy", "records/enter-allergy-in-error"], json!({ "code": code, "note": note })),
            (
                ["records/record-condition", "records/amend-condition", "records/enter-condition-in-error"],
                json!({ "code": code, "onsetDateTime": BORN, "note": note }),
            ),
            (["records/record-device", "records/amend-device", "records/enter-device-in-error"], json!({ "serialNumber": NUMBER, "note": note })),
            (
                ["records/record-family-history", "records/amend-family-history", "records/enter-family-history-in-error"],
                json!({ "status": "partial", "relationship": code, "name": NAME, "note": note }),
            ),
            (
                ["records/record-immunization", "records/amend-immunization", "records/enter-immunization-in-error"],
                json!({ "status": "completed", "vaccineCode": code, "occurrenceDateTime": BORN, "lotNumber": NUMBER }),
            ),
            (
                ["records/record-medication-request", "records/amend-medication-request", "records/enter-medication-request-in-error"],
                json!({ "status": "active", "intent": "order", "medicationCodeableConcept": { "text": WIDE }, "note": note }),
            ),
            (
                ["records/record-observation", "records/amend-observation", "records/enter-observation-in-error"],
                json!({ "status": "final", "code": code, "valueString": NAME, "effectiveDateTime": BORN }),
            ),
            (
                ["records/record-procedure", "records/amend-procedure", "records/enter-procedure-in-error"],
                json!({ "status": "completed", "code": code, "performedDateTime": BORN, "note": note }),
            ),
        ];
        let steps = kinds.into_iter().flat_map(|([record, amend, in_error], content)| {
            let (fact, patient) = (event_store::fresh_id(), self.ada);
            let mut amended = content.clone();
            amended["identifier"] = json!([{ "system": "urn:laboratory", "value": format!("{NUMBER}-amended") }]);
            if amend.ends_with("allergy") || amend.ends_with("condition") {
                amended["note"] = json!([{ "text": PHONE }]);
            }
            [
                (record, json!({ "fact": fact, "patient": patient, "content": content, "security": ["R"] })),
                (amend, json!({ "fact": fact, "patient": patient, "content": amended, "reason": TEXT })),
                (in_error, json!({ "fact": fact, "patient": patient, "reason": TEXT })),
            ]
        });
        steps.collect()
    }

    fn wishes(&self) -> Vec<(&'static str, Value)> {
        let patient = self.ada;
        let [consent, agreed, declined, glass, disclosure, user] = std::array::from_fn(|_| event_store::fresh_id());
        // What it covers is protected, and a set of codes: no needle can be in it.
        let provision = json!({ "recipient": { "user": user }, "kinds": ["chart"], "labels": ["PSY"] });
        let restriction = |restriction: Uuid| json!({ "restriction": restriction, "patient": patient, "provision": provision, "reason": TEXT });
        let answered = |restriction: Uuid| json!({ "restriction": restriction, "patient": patient, "reason": TEXT });
        vec![
            ("consents/grant-consent", json!({ "consent": consent, "patient": patient, "decision": "permit", "provision": provision, "note": TEXT })),
            ("consents/revoke-consent", json!({ "consent": consent, "patient": patient, "reason": TEXT })),
            ("consents/request-restriction", restriction(agreed)),
            ("consents/request-restriction", restriction(declined)),
            ("consents/agree-to-restriction", json!({ "restriction": agreed, "patient": patient })),
            ("consents/decline-restriction", answered(declined)),
            ("consents/end-restriction", json!({ "restriction": agreed, "patient": patient, "by": "patient-wish", "reason": TEXT })),
            ("emergency/break-glass", json!({ "breakGlass": glass, "patient": patient, "reason": TEXT, "minutes": 1 })),
            (TOO_EARLY, json!({ "breakGlass": glass, "patient": patient })),
            ("emergency/review-break-glass", json!({ "breakGlass": glass, "patient": patient, "finding": "justified", "note": TEXT })),
            (
                "disclosures/record-disclosure",
                json!({ "disclosure": disclosure, "patient": patient, "madeAt": "2026-03-04T09:00:00Z", "recipient": { "name": NAME, "address": { "city": WIDE } },
                    "what": TEXT, "basis": "public-health", "purpose": PHONE }),
            ),
            ("disclosures/retract-disclosure", json!({ "disclosure": disclosure, "patient": patient, "reason": TEXT })),
            ("identity/end-sessions", json!({ "user": user, "reason": TEXT })),
        ]
    }

    fn endings(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("documents/supersede-document", json!({ "document": self.document, "by": self.newer, "patient": self.ada })),
            ("documents/remove-document", json!({ "document": self.newer, "patient": self.ada, "reason": TEXT })),
        ]
    }
}
