//! Patients as they are now, how they are found, which records are of one person, and who may read them.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use domain::fhir_values::{AdministrativeGender, HumanName};
use domain::patients::{Correction, DeathTime, PatientRegistered, PatientsEvent};
use domain::{Event, EventType, PatientId};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, to_value};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::names::{directory_key, search_words};
use crate::patient_relations::{Relation, save_relations};
use crate::projection::{ApplyError, Projection};
use crate::rows::{Key, Row, Rows, insert};

/// The read model `patients`; its tables are in `patients.sql`.
pub struct Patients;

#[derive(Serialize, Deserialize)]
struct PatientRow {
    tenant: Uuid,
    patient_id: Uuid,
    active: bool,
    deactivated: bool,
    merged_into: Option<Uuid>,
    erased: bool,
    name: Value,
    display_name: Option<String>,
    name_key: String,
    gender: Option<AdministrativeGender>,
    birth_date: Option<String>,
    birth_earliest: Option<NaiveDate>,
    birth_latest: Option<NaiveDate>,
    marital_status: Option<String>,
    language: Value,
    telecom: Value,
    address: Value,
    identifiers: Value,
    deceased: bool,
    deceased_date_time: Option<String>,
    registered_at: DateTime<Utc>,
    changed_at: DateTime<Utc>,
    position: i64,
}

impl Row for PatientRow {
    const TABLE: &'static str = "patient";
    const ID: &'static str = "patient_id";
}

/// What one batch comes to.
struct Batch {
    patients: Rows<PatientRow>,
    /// Those whose words are to be written anew, and those whose identifiers are.
    renamed: HashSet<Key>,
    identified: HashSet<Key>,
    relations: Vec<(Key, i64, Relation)>,
}

#[async_trait::async_trait]
impl Projection for Patients {
    fn name(&self) -> &'static str {
        "patients"
    }

    fn sql(&self) -> &'static str {
        include_str!("patients.sql")
    }

    fn types(&self) -> Vec<EventType> {
        PatientsEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Patients(event) = &recorded.event { Some((recorded, event)) } else { None });
        let keys = own().flat_map(|(recorded, event)| records(event).map(|patient| (recorded.tenant, patient.0)));
        let patients = Rows::load(connection, keys).await?;
        let mut batch = Batch { patients, renamed: HashSet::new(), identified: HashSet::new(), relations: Vec::new() };
        for (recorded, event) in own() {
            batch.apply(recorded, event)?;
        }
        batch.patients.save(connection).await?;
        batch.save_words(connection).await?;
        batch.save_identifiers(connection).await?;
        save_relations(connection, &batch.relations).await
    }
}

/// The records that an event changes.
fn records(event: &PatientsEvent) -> impl Iterator<Item = PatientId> + use<> {
    let survivor = match event {
        PatientsEvent::PatientsMerged(event) => Some(event.survivor),
        PatientsEvent::PatientMergeUndone(event) => Some(event.survivor),
        _ => None,
    };
    survivor.into_iter().chain([event.record()])
}

impl Batch {
    fn apply(&mut self, recorded: &Recorded, event: &PatientsEvent) -> Result<(), ApplyError> {
        let key = |patient: PatientId| (recorded.tenant, patient.0);
        if let PatientsEvent::PatientRegistered(event) = event {
            let key = key(event.patient);
            self.patients.add(key, registered(recorded, event)?)?;
            self.renamed.insert(key);
            self.identified.insert(key);
            self.relations.push((key, recorded.position.0, Relation::Registered));
            return Ok(());
        }
        for record in records(event) {
            let patient = self.patients.change(key(record))?;
            patient.changed_at = recorded.recorded;
            patient.position = recorded.position.0;
        }
        match event {
            PatientsEvent::PatientRegistered(_) => {}
            PatientsEvent::IdentifierAssigned(event) => {
                let patient = self.patients.change(key(event.patient))?;
                match event.identifier.known() {
                    Some(identifier) => patient.add_identifier(to_value(identifier)?),
                    None => patient.erased = true,
                }
                self.identified.insert(key(event.patient));
            }
            PatientsEvent::DemographicsCorrected(event) => {
                let patient = self.patients.change(key(event.patient))?;
                match event.correction.known() {
                    Some(correction) => patient.correct(correction)?,
                    None => patient.erased = true,
                }
                self.renamed.insert(key(event.patient));
            }
            PatientsEvent::ContactDetailsChanged(event) => {
                let patient = self.patients.change(key(event.patient))?;
                match event.contact.known() {
                    Some(contact) => (patient.telecom, patient.address) = (to_value(&contact.telecom)?, to_value(&contact.address)?),
                    None => (patient.telecom, patient.address, patient.erased) = (json!([]), json!([]), true),
                }
            }
            PatientsEvent::DeathRecorded(event) => {
                let patient = self.patients.change(key(event.patient))?;
                patient.deceased = true;
                patient.deceased_date_time = event.deceased.known().copied().and_then(date_time);
                patient.erased |= event.deceased.known().is_none();
            }
            PatientsEvent::DeathReversed(event) => {
                let patient = self.patients.change(key(event.patient))?;
                (patient.deceased, patient.deceased_date_time) = (false, None);
            }
            PatientsEvent::PatientDeactivated(event) => {
                let patient = self.patients.change(key(event.patient))?;
                (patient.active, patient.deactivated) = (false, true);
            }
            PatientsEvent::PatientsMerged(event) => {
                let merged = self.patients.change(key(event.merged))?;
                (merged.active, merged.merged_into) = (false, Some(event.survivor.0));
                self.relations.push((key(event.survivor), recorded.position.0, Relation::Merged(event.merged)));
            }
            PatientsEvent::PatientMergeUndone(event) => {
                let merged = self.patients.change(key(event.merged))?;
                (merged.active, merged.merged_into) = (!merged.deactivated, None);
                self.relations.push((key(event.survivor), recorded.position.0, Relation::Separated(event.merged)));
            }
            PatientsEvent::PatientAccessGranted(event) => {
                self.relations.push((key(event.patient), recorded.position.0, Relation::Granted(event.grantee)));
            }
            PatientsEvent::PatientAccessRevoked(event) => {
                self.relations.push((key(event.patient), recorded.position.0, Relation::Revoked(event.grantee)));
            }
        }
        Ok(())
    }

    async fn save_words(&self, connection: &mut PgConnection) -> Result<(), ApplyError> {
        #[derive(Serialize)]
        struct Word {
            tenant: Uuid,
            patient_id: Uuid,
            word: String,
        }
        delete(connection, "delete from patient_name where (tenant, patient_id) in (select * from unnest($1::uuid[], $2::uuid[]))", &self.renamed).await?;
        let mut words = Vec::new();
        for ((tenant, patient), row) in self.patients.changed().filter(|(key, _)| self.renamed.contains(*key)) {
            let names = serde_json::from_value::<Vec<_>>(row.name.clone())?;
            words.extend(search_words(&names).into_iter().map(|word| Word { tenant: tenant.0, patient_id: *patient, word }));
        }
        insert(connection, "patient_name", &words).await
    }

    async fn save_identifiers(&self, connection: &mut PgConnection) -> Result<(), ApplyError> {
        #[derive(Serialize)]
        struct Identifier<'row> {
            tenant: Uuid,
            patient_id: Uuid,
            system: &'row Value,
            value: &'row Value,
            r#type: Option<&'row Value>,
        }
        let statement = "delete from patient_identifier where (tenant, patient_id) in (select * from unnest($1::uuid[], $2::uuid[]))";
        delete(connection, statement, &self.identified).await?;
        let mut identifiers = Vec::new();
        for ((tenant, patient), row) in self.patients.changed().filter(|(key, _)| self.identified.contains(*key)) {
            let listed = row.identifiers.as_array().into_iter().flatten();
            identifiers.extend(listed.map(|identifier| Identifier {
                tenant: tenant.0,
                patient_id: *patient,
                system: &identifier["system"],
                value: &identifier["value"],
                r#type: identifier.get("type"),
            }));
        }
        insert(connection, "patient_identifier", &identifiers).await
    }
}

async fn delete(connection: &mut PgConnection, statement: &'static str, keys: &HashSet<Key>) -> Result<(), ApplyError> {
    if !keys.is_empty() {
        let (tenants, patients): (Vec<Uuid>, Vec<Uuid>) = keys.iter().map(|(tenant, patient)| (tenant.0, *patient)).unzip();
        sqlx::query(statement).bind(tenants).bind(patients).execute(connection).await?;
    }
    Ok(())
}

fn registered(recorded: &Recorded, event: &PatientRegistered) -> Result<PatientRow, ApplyError> {
    let mut row = PatientRow {
        tenant: recorded.tenant.0,
        patient_id: event.patient.0,
        active: true,
        deactivated: false,
        merged_into: None,
        erased: event.demographics.known().is_none(),
        name: json!([]),
        display_name: None,
        name_key: String::new(),
        gender: None,
        birth_date: None,
        birth_earliest: None,
        birth_latest: None,
        marital_status: None,
        language: json!([]),
        telecom: json!([]),
        address: json!([]),
        identifiers: json!([]),
        deceased: false,
        deceased_date_time: None,
        registered_at: recorded.recorded,
        changed_at: recorded.recorded,
        position: recorded.position.0,
    };
    if let Some(demographics) = event.demographics.known().cloned() {
        row.correct(&Correction {
            name: Some(demographics.name),
            gender: demographics.gender,
            birth_date: demographics.birth_date,
            marital_status: demographics.marital_status,
            language: Some(demographics.language),
        })?;
    }
    if let Some(contact) = event.contact.known() {
        (row.telecom, row.address) = (to_value(&contact.telecom)?, to_value(&contact.address)?);
    }
    if let Some(identifiers) = event.identifiers.known() {
        row.identifiers = to_value(identifiers)?;
    }
    Ok(row)
}

impl PatientRow {
    fn correct(&mut self, correction: &Correction) -> Result<(), ApplyError> {
        if let Some(names) = &correction.name {
            self.name = to_value(names)?;
            self.display_name = names.first().map(HumanName::display);
            self.name_key = directory_key(names);
        }
        self.gender = correction.gender.or(self.gender);
        if let Some(date) = correction.birth_date {
            self.birth_date = Some(String::from(date));
            (self.birth_earliest, self.birth_latest) = (Some(date.earliest()), Some(date.latest()));
        }
        if let Some(status) = &correction.marital_status {
            self.marital_status = Some(status.as_str().to_owned());
        }
        if let Some(languages) = &correction.language {
            self.language = to_value(languages)?;
        }
        Ok(())
    }

    /// An identifier that the record has already takes the new type.
    fn add_identifier(&mut self, identifier: Value) {
        let Some(listed) = self.identifiers.as_array_mut() else { return };
        listed.retain(|other| other["system"] != identifier["system"] || other["value"] != identifier["value"]);
        listed.push(identifier);
    }
}

/// FHIR `deceasedDateTime`.
fn date_time(time: DeathTime) -> Option<String> {
    match time {
        DeathTime::At(time) => Some(time.to_rfc3339()),
        DeathTime::On(date) => Some(date.into()),
        DeathTime::Unknown => None,
    }
}
