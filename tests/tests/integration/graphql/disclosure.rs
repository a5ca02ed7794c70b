//! Whatever shows something of a patient names them in its access record.

use gate::Role;
use serde_json::json;
use uuid::Uuid;

use super::World;
use super::clinic::Clinic;

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
    let range = r#"from: "2031-03-03T00:00:00Z", to: "2031-03-06T00:00:00Z""#;
    let unknown = Uuid::from_u128(1);
    for (query, operation, shown, concerns) in [
        ("{ viewer { user } facilities { nodes { name } } }".to_owned(), "query viewer facilities", 0, false),
        ("{ patients { nodes { id } } }".to_owned(), "query patients", 3, true),
        ("{ patients(first: 2) { nodes { id } } }".to_owned(), "query patients", 2, true),
        (format!("{{ patient(id: \"{cleo}\") {{ id }} }}"), "query patient", 1, true),
        (format!("{{ patient(id: \"{unknown}\") {{ id }} }}"), "query patient", 0, true),
        (format!("{{ node(id: \"Patient/{cleo}\") {{ id }} }}"), "query node", 1, true),
        (format!("{{ node(id: \"Appointment/{appointment}\") {{ id }} }}"), "query node", 1, true),
        (format!("{{ appointment(id: \"{appointment}\") {{ id }} }}"), "query appointment", 1, true),
        ("{ appointments { nodes { id } } }".to_owned(), "query appointments", 3, true),
        (format!("{{ patient(id: \"{ada}\") {{ mergedRecords {{ id }} }} }}"), "query patient", 2, true),
        (format!("{{ patient(id: \"{bob}\") {{ mergedInto {{ id }} }} }}"), "query patient", 2, true),
        (format!("{{ patient(id: \"{bob}\") {{ appointments {{ nodes {{ id }} }} }} }}"), "query patient", 2, true),
        (format!("{{ patient(id: \"{bob}\") {{ history {{ nodes {{ summary }} }} }} }}"), "query patient", 2, true),
        (format!("{{ patient(id: \"{bob}\") {{ chart {{ nodes {{ id }} }} }} }}"), "query patient", 2, true),
        (format!("{{ patient(id: \"{bob}\") {{ chart(asOf: {{ position: 100000 }}) {{ nodes {{ id }} }} }} }}"), "query patient", 2, true),
        (format!("{{ patient(id: \"{cleo}\") {{ chart(asOf: {{ position: 100000 }}) {{ nodes {{ id }} }} }} }}"), "query patient", 1, true),
        (format!("{{ node(id: \"ChartEntry/{}\") {{ id }} }}", Uuid::from_u128(2)), "query node", 1, true),
        (format!("{{ practitioner(id: \"{practitioner}\") {{ calendar({range}) {{ appointments {{ nodes {{ id }} }} }} }} }}"), "query practitioner", 3, true),
        (format!("{{ practitioner(id: \"{practitioner}\") {{ freeSlots(facility: \"{facility}\", {range}) {{ start }} }} }}"), "query practitioner", 0, false),
    ] {
        let answer = world.ask(&token, &query, json!({})).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        let records = world.access_of_answer(&answer).await;
        if !concerns {
            assert!(records.is_empty(), "{query} is about nobody");
            continue;
        }
        assert_eq!(records.len(), 1, "one operation is one record: {query}");
        assert_eq!((records[0].operation.as_str(), records[0].patients.len()), (operation, shown), "{query}");
    }
}
