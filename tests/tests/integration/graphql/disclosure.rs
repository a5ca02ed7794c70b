//! Whatever shows something of a patient says so at the one place that every answer passes.

use gate::Role;
use serde_json::json;
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;
use super::listening::Listening;

#[tokio::test]
async fn every_patient_shown_is_named() {
    let world = World::new().await;
    let clinic = Clinic::open(&world).await;
    let mut patients: Vec<Uuid> = Vec::new();
    for (given, start) in [("Ada", "2031-03-04T09:00:00"), ("Bob", "2031-03-04T10:00:00"), ("Cleo", "2031-03-04T11:00:00")] {
        let patient = clinic.patient(&world, given, "Lovelace").await;
        clinic.book(&world, patient, start).await;
        patients.push(patient);
    }
    let appointment = clinic.book(&world, patients[0], "2031-03-05T09:00:00").await;
    let fact = json!({ "fact": Uuid::from_u128(2), "patient": patients[0], "content": { "code": { "text": "Cough" } } });
    world.tell(Role::Clinician, "records/record-condition", fact).await;
    let merge = json!({ "survivor": patients[0], "merged": patients[1], "reason": "same person" });
    world.tell(Role::Administrator, "patients/merge-patients", merge).await;
    let [practitioner, facility] = [clinic.practitioners[0], clinic.facility];
    let [ada, bob, cleo] = patients[..] else { unreachable!("there are three") };
    let token = world.token(Role::Clinician);
    world.data(&token, "{ viewer { user } }", json!({})).await;
    let listening = Listening::start();
    let range = r#"from: "2031-03-03T00:00:00Z", to: "2031-03-06T00:00:00Z""#;
    let unknown = Uuid::from_u128(1);
    for (query, operation, shown) in [
        ("{ viewer { user } facilities { nodes { name } } }".to_owned(), "query viewer facilities", "0"),
        ("{ patients { nodes { id } } }".to_owned(), "query patients", "3"),
        ("{ patients(first: 2) { nodes { id } } }".to_owned(), "query patients", "2"),
        (format!("{{ patient(id: \"{cleo}\") {{ id }} }}"), "query patient", "1"),
        (format!("{{ patient(id: \"{unknown}\") {{ id }} }}"), "query patient", "0"),
        (format!("{{ node(id: \"Patient/{cleo}\") {{ id }} }}"), "query node", "1"),
        (format!("{{ node(id: \"Appointment/{appointment}\") {{ id }} }}"), "query node", "1"),
        (format!("{{ appointment(id: \"{appointment}\") {{ id }} }}"), "query appointment", "1"),
        ("{ appointments { nodes { id } } }".to_owned(), "query appointments", "3"),
        (format!("{{ patient(id: \"{ada}\") {{ mergedRecords {{ id }} }} }}"), "query patient", "2"),
        (format!("{{ patient(id: \"{bob}\") {{ mergedInto {{ id }} }} }}"), "query patient", "2"),
        (format!("{{ patient(id: \"{bob}\") {{ appointments {{ nodes {{ id }} }} }} }}"), "query patient", "2"),
        (format!("{{ patient(id: \"{bob}\") {{ history {{ nodes {{ summary }} }} }} }}"), "query patient", "2"),
        (format!("{{ patient(id: \"{bob}\") {{ chart {{ nodes {{ id }} }} }} }}"), "query patient", "2"),
        (format!("{{ patient(id: \"{bob}\") {{ chart(asOf: {{ position: 100000 }}) {{ nodes {{ id }} }} }} }}"), "query patient", "2"),
        (format!("{{ patient(id: \"{cleo}\") {{ chart(asOf: {{ position: 100000 }}) {{ nodes {{ id }} }} }} }}"), "query patient", "1"),
        (format!("{{ node(id: \"ChartEntry/{}\") {{ id }} }}", Uuid::from_u128(2)), "query node", "1"),
        (format!("{{ practitioner(id: \"{practitioner}\") {{ calendar({range}) {{ appointments {{ nodes {{ id }} }} }} }} }}"), "query practitioner", "3"),
        (format!("{{ practitioner(id: \"{practitioner}\") {{ freeSlots(facility: \"{facility}\", {range}) {{ start }} }} }}"), "query practitioner", "0"),
    ] {
        listening.heard();
        world.data(&token, &query, json!({})).await;
        let reads: Vec<_> = listening.heard().into_iter().filter(|heard| heard.target.starts_with("gate")).map(|heard| heard.fields).collect();
        assert_eq!(reads.len(), 1, "one operation is one read: {query}");
        assert_eq!((reads[0]["operation"].as_str(), reads[0]["patients"].as_str()), (operation, shown), "{query}");
    }
}
