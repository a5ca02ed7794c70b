//! Who works there, and who is cared for. Nobody is real.

use domain::patients::{RecordDeath, RegisterPatient};
use domain::providers::{AddQualification, AssignRole, OnboardPractitioner};
use serde_json::{Value, json};

use super::Clinic;
use super::ids::{EAST, FACILITY, ORGANIZATION, patient, practitioner, role};

pub async fn arrive(clinic: &mut Clinic) -> anyhow::Result<()> {
    practitioners(clinic).await?;
    patients(clinic).await
}

async fn practitioners(clinic: &mut Clinic) -> anyhow::Result<()> {
    let practitioners = [
        (1, "1234567893", "Amara", "Okonkwo", "female", "207Q00000X", "Family Medicine", vec![FACILITY]),
        (2, "1245319599", "Zbigniew", "Wójcik", "male", "207R00000X", "Internal Medicine", vec![FACILITY]),
        (3, "1760123459", "Thảo", "Nguyễn", "female", "208000000X", "Pediatrics", vec![FACILITY, EAST]),
        (4, "1987654328", "Renée", "Lefèvre", "female", "207RC0000X", "Cardiovascular Disease", vec![EAST]),
    ];
    for (number, npi, given, family, gender, code, specialty, facilities) in practitioners {
        let id = practitioner(number);
        let key = number.to_string();
        let specialty = json!({ "system": "http://nucc.org/provider-taxonomy", "code": code, "display": specialty });
        let onboard = json!({
            "practitioner": id, "gender": gender, "identifiers": [{ "system": "http://hl7.org/fhir/sid/us-npi", "value": npi, "type": "NPI" }],
            "name": [{ "family": family, "given": [given], "prefix": ["Dr."] }],
            "telecom": [{ "system": "phone", "value": format!("+1-312-555-011{number}"), "use": "work" }],
        });
        clinic.send::<OnboardPractitioner>(&key, onboard).await?;
        let degree = json!({ "system": "http://terminology.hl7.org/CodeSystem/v2-0360", "code": "MD", "display": "Doctor of Medicine" });
        clinic.send::<AddQualification>(&key, json!({ "practitioner": id, "code": degree, "issuer": "Demo University", "validFrom": "2010-06-01" })).await?;
        let assign = json!({
            "practitioner": id, "role": role(number), "organization": ORGANIZATION, "facilities": facilities, "specialty": [specialty],
            "code": [{ "system": "http://terminology.hl7.org/CodeSystem/practitioner-role", "code": "doctor", "display": "Doctor" }],
        });
        clinic.send::<AssignRole>(&key, assign).await?;
    }
    Ok(())
}

async fn patients(clinic: &mut Clinic) -> anyhow::Result<()> {
    let patients = [
        (1, "María José", "Núñez Peña", "female", "1984-03-14"),
        (2, "Łukasz", "Wiśniewski", "male", "1971-11-30"),
        (3, "Zoë", "Müller", "female", "1999-07"),
        (4, "Søren", "Østergård", "male", "1950"),
        (5, "Siobhán", "Ó Briain", "female", "1962-02-28"),
        (6, "Hương", "Trần", "female", "2015-09-01"),
        (7, "Ömer", "Yıldız", "male", "1988-12-24"),
        (8, "Ngozi", "Adébáyọ̀", "female", "1993-05-05"),
        (9, "Jean-François", "D’Arcy", "male", "1945-08-15"),
        (10, "Aroha", "Ngāti-Smith", "other", "2004-01-31"),
        (11, "Γιώργος", "Παπαδόπουλος", "male", "1930-04-02"),
    ];
    for (number, given, family, gender, birth_date) in patients {
        let body = json!({
            "patient": patient(number), "identifiers": [medical_record_number(number)],
            "demographics": { "name": [{ "family": family, "given": [given] }], "gender": gender, "birthDate": birth_date, "language": ["en"] },
            "contact": {
                "telecom": [{ "system": "phone", "value": format!("+1-312-555-02{number:02}"), "use": "mobile" }],
                "address": [{ "line": [format!("{number} Example St")], "city": "Chicago", "state": "IL", "country": "US" }],
            },
        });
        clinic.send::<RegisterPatient>(&number.to_string(), body).await?;
    }
    // Brought in and not yet identified: a number and nothing else.
    clinic.send::<RegisterPatient>("12", json!({ "patient": patient(12), "identifiers": [medical_record_number(12)] })).await?;
    clinic.send::<RecordDeath>("11", json!({ "patient": patient(11), "deceased": { "on": "2024-11" } })).await
}

fn medical_record_number(number: u128) -> Value {
    json!({ "system": "https://demo.example/medical-record-number", "value": format!("D-{number:04}"), "type": "MR" })
}
