//! By what authority something was changed: it stands beside each event, and is explained by the request, as what was seen is.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{AccessOutcome, Authority};
use domain::{FacilityId, PatientId, TenantId, UserId};
use event_store::{Position, fresh_id};
use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;

const WHY: &str = "query($request: UUID!) { accessDecision(request: $request) { outcome operation summary user role purpose count patients policy answered \
    decisions { action label outcome count facts { kind id } policies { id description } } } }";

/// Carries out a command that must be accepted; the request.
async fn send(world: &World, token: &str, command: &str, body: &Value) -> Uuid {
    let request = fresh_id();
    let sent = world.client.post(format!("{}/v1/{command}", world.at)).bearer_auth(token).header("X-Request-Id", request.to_string()).json(body);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{command}: {}", answer.text().await.unwrap());
    request
}

async fn why(world: &World, token: &str, request: Uuid) -> Value {
    world.data(token, WHY, json!({ "request": request })).await["accessDecision"].clone()
}

/// A permission, the policies that gave it, and the facts that it rested on.
type Permit<'record> = (&'record str, Vec<&'record str>, Vec<(&'record str, &'record Value)>);

/// What permitted it.
fn permits(record: &Value) -> Vec<Permit<'_>> {
    let each = record["decisions"].as_array().unwrap().iter().map(|decision| {
        assert_eq!((&decision["outcome"], &decision["count"], &decision["label"]), (&json!("PERMITTED"), &json!(1), &Value::Null));
        let policies = decision["policies"].as_array().unwrap().iter();
        let facts = decision["facts"].as_array().unwrap().iter();
        (
            decision["action"].as_str().unwrap(),
            policies.inspect(|policy| assert_ne!(policy["description"], "")).map(|policy| policy["id"].as_str().unwrap()).collect(),
            facts.map(|fact| (fact["kind"].as_str().unwrap(), &fact["id"])).collect(),
        )
    });
    each.collect()
}

#[tokio::test]
async fn every_command_that_was_carried_out_is_explained_by_what_permitted_it() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let (patient, friend) = (world.token_of_patient(ada), fresh_id());
    let friends = world.token_of(|claims| (claims.sub, claims.roles) = (UserId(friend), [Role::Patient].into()));
    let here = world.token_of(|claims| {
        (claims.sub, claims.roles) = (UserId(fresh_id()), BTreeSet::new());
        claims.facility_roles = BTreeMap::from([(FacilityId(clinic.facility), BTreeSet::from([Role::Clinician]))]);
    });
    let booking = |start: &str| json!({ "appointment": fresh_id(), "patient": ada, "placement": clinic.placement(start) });
    let mut late = booking("2026-03-04T09:00:00");
    late["exception"] = json!({ "kind": "back-entered", "reason": "walk-in" });
    let contact = json!({ "patient": ada, "contact": { "telecom": [{ "system": "phone", "value": "555-0199" }] } });
    let cough = json!({ "fact": fresh_id(), "patient": ada, "content": { "code": { "text": "Cough" } } });
    let (facility, none) = (json!(clinic.facility), Value::Null);
    let at_facility = || vec![("facility-role", &facility)];
    let (desk, clinician) = (world.token(Role::FrontDesk), world.token(Role::Clinician));
    let cases = [
        (&desk, "patients/change-contact-details", &contact, vec![("manage-patients", vec!["front-desk"], vec![])]),
        (
            &patient,
            "patients/grant-access",
            &json!({ "patient": ada, "grantee": friend, "scope": {} }),
            vec![("grant-patient-access", vec!["patients-own"], vec![("own-record", &none)])],
        ),
        (
            &friends,
            "scheduling/book-appointment",
            &booking("2031-03-03T09:00:00"),
            vec![("book-appointments", vec!["patients-proxies"], vec![("grant", &none)])],
        ),
        (&here, "scheduling/book-appointment", &booking("2031-03-04T09:00:00"), vec![("book-appointments", vec!["clinicians"], at_facility())]),
        (&here, "records/record-condition", &cough, vec![("record-facts", vec!["clinicians"], at_facility())]),
        (&clinician, "scheduling/book-appointment", &late, vec![("book-appointments", vec!["clinicians"], vec![]), ("back-enter", vec!["clinicians"], vec![])]),
    ];
    let officer = world.token(Role::ComplianceOfficer);
    let strange = world.token_of(|claims| (claims.tenant, claims.roles) = (TenantId(fresh_id()), [Role::ComplianceOfficer].into()));
    for (token, command, body, expected) in cases {
        let request = send(&world, token, command, body).await;
        let explained = why(&world, &officer, request).await;
        let [record] = &explained.as_array().unwrap()[..] else { panic!("{command} is one record: {explained:#}") };
        assert_eq!(permits(record), expected, "{command}");
        assert_eq!((&record["outcome"], &record["answered"], &record["count"]), (&json!("CARRIED_OUT"), &Value::Null, &json!(1)));
        assert_eq!(record["operation"], format!("command {}", command.replace('/', ".")));
        assert_eq!(record["patients"], json!([format!("Patient/{ada}")]));
        assert!(record["policy"].as_str().is_some_and(|policy| policy.len() == 16), "{record}");
        assert!(record["summary"].as_str().unwrap().contains(") acted on ") || record["role"] == "patient", "{record}");
        assert_eq!(why(&world, &strange, request).await, json!([]), "another tenant's request is nobody's");
    }

    // Each event of the log has it, whatever it is about.
    let stored = world.side.log.store.stored(Position(0), 1000).await.unwrap();
    for event in &stored {
        let authority: Authority = serde_json::from_str(event.authority.as_ref().unwrap()).unwrap();
        let Authority::Policies(permitted) = authority else { panic!("{}: {authority:?}", event.event_type) };
        assert!(permitted.permits.iter().all(|permit| !permit.policies.is_empty()), "{}", event.event_type);
    }
    assert!(stored.len() > 12, "the log was read");
}

#[tokio::test]
async fn to_ask_by_what_authority_is_a_look_and_patients_find_what_they_did_themselves() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let patient = world.token_of(|claims| (claims.sub, claims.roles, claims.patient) = (UserId(fresh_id()), [Role::Patient].into(), Some(PatientId(ada))));
    let body = json!({ "appointment": fresh_id(), "patient": ada, "placement": clinic.placement("2031-03-03T09:00:00") });
    let own = send(&world, &patient, "scheduling/book-appointment", &body).await;
    let body = json!({ "appointment": fresh_id(), "patient": ada, "placement": clinic.placement("2031-03-04T09:00:00") });
    let desks = send(&world, &world.token(Role::FrontDesk), "scheduling/book-appointment", &body).await;

    let asked = world.ask(&world.token(Role::ComplianceOfficer), WHY, json!({ "request": own })).await;
    let [look] = &world.access_of_answer(&asked).await[..] else { panic!("one look is one record") };
    assert_eq!((look.operation.as_str(), &look.patients, look.count), ("query accessDecision", &vec![PatientId(ada)], 1));
    for role in [Role::Clinician, Role::FrontDesk, Role::Administrator, Role::Analyst] {
        let refused = world.ask(&world.token(role), WHY, json!({ "request": own })).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}");
    }
    let explained = why(&world, &patient, own).await;
    assert_eq!((&explained[0]["outcome"], &explained[0]["decisions"]), (&json!("CARRIED_OUT"), &json!([])));
    assert_eq!(why(&world, &patient, desks).await, json!([]), "what others did is told in the history, as far as it is theirs to know");
}

#[tokio::test]
async fn a_command_that_changes_nothing_tells_that_it_held_already_and_is_recorded() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let ada = clinic.patient(&world, "Ada", "Lovelace").await;
    let (desk, officer) = (world.token(Role::FrontDesk), world.token(Role::ComplianceOfficer));
    let contact = json!({ "patient": ada, "contact": { "telecom": [{ "system": "phone", "value": "555-0199" }] } });
    let changes = send(&world, &desk, "patients/change-contact-details", &contact).await;
    assert_eq!(world.access_of(changes).await.len(), 0, "what changes something is in the log itself");
    let request = send(&world, &desk, "patients/change-contact-details", &contact).await;
    let [record] = &world.access_of(request).await[..] else { panic!("it leaves one record") };
    assert_eq!((record.outcome, &record.patients), (AccessOutcome::CarriedOut, &vec![PatientId(ada)]));
    let explained = why(&world, &officer, request).await;
    assert_eq!((explained.as_array().unwrap().len(), &explained[0]["outcome"]), (1, &json!("CARRIED_OUT")));
    assert_eq!(permits(&explained[0]), [("manage-patients", vec!["front-desk"], vec![])]);
    let query = "{ accessRecords(search: { outcome: CARRIED_OUT }) { nodes { request } } }";
    assert_eq!(world.data(&officer, query, json!({})).await["accessRecords"]["nodes"], json!([{ "request": request }]));

    // So is a rejection, with what had permitted to ask.
    let retire = json!({ "patient": ada, "placement": clinic.placement("2031-03-08T03:00:00"), "appointment": fresh_id() });
    let request = fresh_id();
    let sent = world.client.post(format!("{}/v1/scheduling/book-appointment", world.at)).bearer_auth(&desk).header("X-Request-Id", request.to_string());
    assert_eq!(sent.json(&retire).send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(permits(&why(&world, &officer, request).await[0]), [("book-appointments", vec!["front-desk"], vec![])]);
}
