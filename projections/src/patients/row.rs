//! A patient's row, and what the events of one record change in it.

use chrono::{DateTime, NaiveDate, Utc};
use domain::Phi;
use domain::fhir_values::{AdministrativeGender, HumanName, Identifier};
use domain::patients::{Contact, Correction, DeathTime, PatientRegistered};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, to_value};
use uuid::Uuid;

use crate::names::directory_key;
use crate::projection::ApplyError;
use crate::rows::Row;

#[derive(Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of the table `patient`")]
pub(super) struct PatientRow {
    tenant: Uuid,
    patient_id: Uuid,
    active: bool,
    deactivated: bool,
    merged_into: Option<Uuid>,
    erased: bool,
    pub(super) name: Value,
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
    pub(super) identifiers: Value,
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

impl PatientRow {
    /// The record as it is registered.
    pub(super) fn new(recorded: &Recorded, event: &PatientRegistered) -> Result<Self, ApplyError> {
        let mut row = Self {
            tenant: recorded.tenant.0,
            patient_id: event.patient.0,
            active: true,
            deactivated: false,
            merged_into: None,
            erased: false,
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
        let everything = event.demographics.clone().map(|demographics| Correction {
            name: Some(demographics.name),
            gender: demographics.gender,
            birth_date: demographics.birth_date,
            marital_status: demographics.marital_status,
            language: Some(demographics.language),
        });
        row.correct(&everything)?;
        row.reach(&event.contact)?;
        if let Some(identifiers) = event.identifiers.known() {
            row.identifiers = to_value(identifiers)?;
        }
        Ok(row)
    }

    /// An event has changed it.
    pub(super) fn touch(&mut self, recorded: &Recorded) {
        self.changed_at = recorded.recorded;
        self.position = recorded.position.0;
    }

    /// An identifier that the record has already takes the new type.
    pub(super) fn identify(&mut self, identifier: &Phi<Identifier>) -> Result<(), ApplyError> {
        self.erased |= identifier.known().is_none();
        if let (Some(identifier), Some(listed)) = (identifier.known(), self.identifiers.as_array_mut()) {
            let identifier = to_value(identifier)?;
            listed.retain(|other| other["system"] != identifier["system"] || other["value"] != identifier["value"]);
            listed.push(identifier);
        }
        Ok(())
    }

    pub(super) fn correct(&mut self, correction: &Phi<Correction>) -> Result<(), ApplyError> {
        let Some(correction) = correction.known() else {
            self.erased = true;
            return Ok(());
        };
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

    pub(super) fn reach(&mut self, contact: &Phi<Contact>) -> Result<(), ApplyError> {
        self.erased |= contact.known().is_none();
        let contact = contact.known().cloned().unwrap_or_default();
        (self.telecom, self.address) = (to_value(contact.telecom)?, to_value(contact.address)?);
        Ok(())
    }

    pub(super) fn die(&mut self, time: &Phi<DeathTime>) {
        self.erased |= time.known().is_none();
        self.deceased = true;
        self.deceased_date_time = match time.known() {
            Some(DeathTime::At(time)) => Some(time.to_rfc3339()),
            Some(DeathTime::On(date)) => Some((*date).into()),
            Some(DeathTime::Unknown) | None => None,
        };
    }

    pub(super) fn live(&mut self) {
        (self.deceased, self.deceased_date_time) = (false, None);
    }

    pub(super) fn deactivate(&mut self) {
        (self.active, self.deactivated) = (false, true);
    }

    /// Another record is used instead, or none is any more.
    pub(super) fn merge_into(&mut self, survivor: Option<Uuid>) {
        self.merged_into = survivor;
        self.active = survivor.is_none() && !self.deactivated;
    }
}
