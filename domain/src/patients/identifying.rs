//! Whether an identifier is another person's already.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::{Event, EventType, Named};
use crate::fhir_values::Identifier;
use crate::ids::PatientId;
use crate::patients::{IdentifierAssigned, LinkedPatients, PatientRegistered, PatientsEvent};
use crate::phi::Phi;
use crate::query::{Query, Tag};
use crate::value::Reason;

/// Why an identifier cannot be given to a record. It says neither whose it is nor its value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum IdentifierClash {
    /// A medical record number belongs to one person in its tenant.
    #[error("the medical record number belongs to another patient")]
    MedicalRecordNumberTaken,
    /// Perhaps the person is known already; with a reason it is accepted.
    #[error("another patient is known by an identifier")]
    #[serde(rename_all = "camelCase")]
    IdentifierAlreadyKnown {
        /// The systems of these identifiers.
        systems: BTreeSet<String>,
    },
}

/// The identifiers that a record is to have, and the records that have them.
pub struct KnownIdentifiers {
    wanted: Vec<Identifier>,
    known: Vec<(PatientId, Identifier)>,
}

impl KnownIdentifiers {
    const TYPES: &'static [EventType] = &[PatientRegistered::TYPE, IdentifierAssigned::TYPE];

    /// Before any event.
    pub fn of(wanted: &[Identifier]) -> Self {
        Self { wanted: wanted.to_vec(), known: Vec::new() }
    }

    /// The events it is folded from.
    pub fn query(&self) -> Query {
        self.wanted.iter().fold(Query::new(), |query, identifier| query.and(Self::TYPES, Tag::identifier(identifier)))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        let (patient, identifiers) = match event {
            Event::Patients(PatientsEvent::PatientRegistered(registered)) => (registered.patient, registered.identifiers.known().map(Vec::as_slice)),
            Event::Patients(PatientsEvent::IdentifierAssigned(assigned)) => (assigned.patient, assigned.identifier.known().map(std::slice::from_ref)),
            _ => return,
        };
        let wanted = identifiers.unwrap_or_default().iter().filter(|known| self.wanted.iter().any(|wanted| wanted.is_same_as(known)));
        self.known.extend(wanted.map(|identifier| (patient, identifier.clone())));
    }

    /// Whether a record of the person has exactly this identifier.
    pub fn is_known_of(&self, person: PatientId, linked: &LinkedPatients, identifier: &Identifier) -> bool {
        self.known.iter().any(|(patient, known)| known == identifier && linked.same_person(*patient, person))
    }

    /// Lets the record have what was wanted. The answer is the reason that was needed, where another person has one of them.
    pub fn admit(&self, person: PatientId, linked: &LinkedPatients, accept: Option<&Phi<Reason>>) -> Result<Option<Phi<Reason>>, IdentifierClash> {
        let clashes: Vec<&Identifier> = self.known.iter().filter(|(patient, _)| !linked.same_person(*patient, person)).map(|(_, known)| known).collect();
        if clashes.is_empty() {
            return Ok(None);
        }
        let wanted = self.wanted.iter().filter(|wanted| clashes.iter().any(|known| known.is_same_as(wanted)));
        if wanted.chain(clashes.iter().copied()).any(Identifier::is_medical_record_number) {
            return Err(IdentifierClash::MedicalRecordNumberTaken);
        }
        match accept {
            Some(reason) => Ok(Some(reason.clone())),
            None => Err(IdentifierClash::IdentifierAlreadyKnown { systems: clashes.iter().map(|identifier| identifier.system.as_str().to_owned()).collect() }),
        }
    }
}
