//! What each role reads of a history in which there are clinical facts and documents.

use event_store::fresh_id;
use gate::Role;
use serde_json::{Value, json};

use super::World;
use super::clinic::Clinic;

#[tokio::test]
async fn of_facts_and_documents_only_who_may_read_them_learns_more_than_that_something_happened() {
    let world = World::new().await;
    let patient = Clinic::open(&world).await.patient(&world, "Ada", "Lovelace").await;
    let (fact, needle) = (fresh_id(), json!({ "code": { "text": "Needle" }, "onsetDateTime": "2001", "asserter": { "display": "Needle" } }));
    let of_fact = |more: Value| {
        let mut body = json!({ "fact": fact, "patient": patient });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    world.tell(Role::Clinician, "records/record-condition", of_fact(json!({ "content": needle }))).await;
    let amended = json!({ "content": { "code": { "text": "Needle" } }, "reason": "Needle" });
    world.tell(Role::Clinician, "records/amend-condition", of_fact(amended)).await;
    world.tell(Role::Clinician, "records/enter-condition-in-error", of_fact(json!({ "reason": "Needle" }))).await;
    let (first, second) = (world.upload(patient).await, world.upload(patient).await);
    world.tell(Role::Clinician, "documents/supersede-document", json!({ "document": first, "patient": patient, "by": second })).await;
    world.tell(Role::Clinician, "documents/remove-document", json!({ "document": second, "patient": patient, "reason": "Needle" })).await;

    let query = "query($id: ID!) { patient(id: $id) { history { nodes { eventType summary occurred details { label value } } } } }";
    for role in Role::ALL {
        let token = if role == Role::Patient { world.token_of_patient(patient) } else { world.token(role) };
        let answer = world.ask(&token, query, json!({ "id": patient })).await;
        let shown = answer.to_string();
        match role {
            Role::Patient | Role::Clinician | Role::ComplianceOfficer => assert!(shown.matches("Needle").count() > 5, "{role:?}: {shown}"),
            Role::FrontDesk | Role::Analyst => assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{role:?}: {shown}"),
            Role::Administrator => {
                let entries = answer["data"]["patient"]["history"]["nodes"].as_array().unwrap();
                let withheld: Vec<&Value> = entries.iter().take(7).collect();
                let told: Vec<&str> = withheld.iter().rev().map(|entry| entry["summary"].as_str().unwrap()).collect();
                let expected = [
                    "A clinical fact was recorded",
                    "A clinical fact was amended",
                    "A clinical fact was entered in error",
                    "A document was uploaded",
                    "A document was uploaded",
                    "A document was superseded",
                    "A document was removed",
                ];
                assert_eq!(told, expected);
                assert!(withheld.iter().all(|entry| entry["details"] == json!([]) && entry["occurred"].is_null()), "{shown}");
                assert!(!shown.contains("Needle") && !shown.contains(&fact.to_string()) && !shown.contains(&first.to_string()), "{shown}");
                assert!(entries[7]["summary"].as_str().unwrap().contains("Ada Lovelace"), "what they may read is whole");
            }
        }
    }
}
