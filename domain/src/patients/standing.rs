//! Whether a patient's record can be used, as every other context must know before it adds to it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::{Event, EventType, Named};
use crate::ids::PatientId;
use crate::patients::{LinkedPatients, PatientDeactivated, PatientRegistered, PatientsEvent};
use crate::query::{Query, Tag};

/// A patient's record as far as its events say.
pub struct PatientStanding {
    patient: PatientId,
    registered: bool,
    deactivated: bool,
    /// The merges that touch this patient.
    pub linked: LinkedPatients,
}

/// Why nothing can be added to a record.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum PatientUnusable {
    /// No such patient.
    #[error("the patient is not known")]
    PatientUnknown,
    /// The record was deactivated.
    #[error("the patient's record is deactivated")]
    PatientInactive,
    /// The record was merged; use the survivor.
    #[error("the patient's record was merged into another")]
    #[serde(rename_all = "camelCase")]
    PatientMerged {
        /// The record to use.
        survivor: PatientId,
    },
}

impl PatientStanding {
    const TYPES: &'static [EventType] = &[PatientRegistered::TYPE, PatientDeactivated::TYPE];

    /// Before any event.
    pub fn of(patient: PatientId) -> Self {
        Self { patient, registered: false, deactivated: false, linked: LinkedPatients::default() }
    }

    /// The events it is folded from; merges come with every query that names a patient.
    pub fn query(&self) -> Query {
        Query::new().and(Self::TYPES, Tag::patient(self.patient))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        self.linked.apply(event);
        match event {
            Event::Patients(PatientsEvent::PatientRegistered(registered)) if registered.patient == self.patient => self.registered = true,
            Event::Patients(PatientsEvent::PatientDeactivated(deactivated)) if deactivated.patient == self.patient => self.deactivated = true,
            _ => {}
        }
    }

    /// Whether the record exists.
    pub fn is_registered(&self) -> bool {
        self.registered
    }

    /// Whether something can be added to the record.
    pub fn usable(&self) -> Result<(), PatientUnusable> {
        if !self.registered {
            return Err(PatientUnusable::PatientUnknown);
        }
        if let Some(survivor) = self.linked.final_survivor_of(self.patient) {
            return Err(PatientUnusable::PatientMerged { survivor });
        }
        if self.deactivated { Err(PatientUnusable::PatientInactive) } else { Ok(()) }
    }

    /// Whether something can be withdrawn from the record: also from one that is deactivated.
    pub fn withdrawable(&self) -> Result<(), PatientUnusable> {
        match self.usable() {
            Err(PatientUnusable::PatientInactive) => Ok(()),
            otherwise => otherwise,
        }
    }
}
