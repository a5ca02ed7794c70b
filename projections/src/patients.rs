//! Patients as they are now, how they are found, which records are of one person, and who may read them.

mod relations;
mod row;

use std::collections::HashSet;

use domain::patients::PatientsEvent;
use domain::{Event, EventType, PatientId};
use event_store::Recorded;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::names::search_words;
use crate::projection::{ApplyError, Projection};
use crate::rows::{Key, Rows, insert};
use relations::{Relation, save_relations};
use row::PatientRow;

/// The read model `patients`; its tables are in `patients.sql`.
pub(crate) struct Patients;

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
            self.patients.add(key, PatientRow::new(recorded, event)?)?;
            self.renamed.insert(key);
            self.identified.insert(key);
            self.relations.push((key, recorded.position.0, Relation::Registered));
            return Ok(());
        }
        for record in records(event) {
            self.patients.change(key(record))?.touch(recorded);
        }
        let patient = self.patients.change(key(event.record()))?;
        let mut relate = |patient: PatientId, relation| self.relations.push((key(patient), recorded.position.0, relation));
        match event {
            PatientsEvent::PatientRegistered(_) => {}
            PatientsEvent::IdentifierAssigned(event) => {
                patient.identify(&event.identifier)?;
                self.identified.insert(key(event.patient));
            }
            PatientsEvent::DemographicsCorrected(event) => {
                patient.correct(&event.correction)?;
                self.renamed.insert(key(event.patient));
            }
            PatientsEvent::ContactDetailsChanged(event) => patient.reach(&event.contact)?,
            PatientsEvent::DeathRecorded(event) => patient.die(&event.deceased),
            PatientsEvent::DeathReversed(_) => patient.live(),
            PatientsEvent::PatientDeactivated(_) => patient.deactivate(),
            PatientsEvent::PatientsMerged(event) => {
                patient.merge_into(Some(event.survivor.0));
                relate(event.survivor, Relation::Merged(event.merged));
            }
            PatientsEvent::PatientMergeUndone(event) => {
                patient.merge_into(None);
                relate(event.survivor, Relation::Separated(event.merged));
            }
            PatientsEvent::PatientAccessGranted(event) => relate(event.patient, Relation::granted(recorded, event)?),
            PatientsEvent::PatientAccessRevoked(event) => relate(event.patient, Relation::Revoked(event.grantee)),
        }
        Ok(())
    }

    async fn save_words(&self, connection: &mut PgConnection) -> Result<(), ApplyError> {
        #[derive(Serialize)]
        struct NameRow {
            tenant: Uuid,
            patient_id: Uuid,
            word: String,
        }
        delete(connection, "delete from patient_name where (tenant, patient_id) in (select * from unnest($1::uuid[], $2::uuid[]))", &self.renamed).await?;
        let mut words = Vec::new();
        for ((tenant, patient), row) in self.patients.changed().filter(|(key, _)| self.renamed.contains(*key)) {
            let names = serde_json::from_value::<Vec<_>>(row.name.clone())?;
            words.extend(search_words(&names).into_iter().map(|word| NameRow { tenant: tenant.0, patient_id: *patient, word }));
        }
        insert(connection, "patient_name", &words).await
    }

    async fn save_identifiers(&self, connection: &mut PgConnection) -> Result<(), ApplyError> {
        #[derive(Serialize)]
        struct IdentifierRow<'row> {
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
            identifiers.extend(listed.map(|identifier| IdentifierRow {
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
