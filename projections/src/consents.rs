//! Consents and restrictions as they stand, and what those in force say.

mod provision;

use domain::consents::{
    ConsentGranted, ConsentsEvent, Provision, ProvisionType, RestrictionDeclined, RestrictionEnd, RestrictionEnded, RestrictionRequested, RestrictionStatus,
};
use domain::records::Provenance;
use domain::value::Reason;
use domain::{Event, EventType, Phi};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::records::provenance;
use crate::rows::{Key, Row, Rows};
use provision::{ProvisionRow, save_provisions};

/// The read model `consents`; its tables are in `consents.sql`.
pub(crate) struct Consents;

/// FHIR `consent-state-codes`, as far as there is need of them.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ConsentStatus {
    Active,
    Inactive,
}

#[derive(Serialize, Deserialize)]
struct ConsentRow {
    tenant: Uuid,
    consent_id: Uuid,
    patient_id: Uuid,
    status: ConsentStatus,
    decision: ProvisionType,
    provision: Option<Provision>,
    signed: Option<Uuid>,
    note: Option<Reason>,
    granted: Provenance,
    revoked: Option<Provenance>,
    revocation_reason: Option<Reason>,
    position: i64,
}

impl Row for ConsentRow {
    const TABLE: &'static str = "consent";
    const ID: &'static str = "consent_id";
}

#[derive(Serialize, Deserialize)]
struct RestrictionRow {
    tenant: Uuid,
    restriction_id: Uuid,
    patient_id: Uuid,
    status: RestrictionStatus,
    provision: Option<Provision>,
    request_reason: Option<Reason>,
    paid_in_full: Option<bool>,
    requested: Provenance,
    answered: Option<Provenance>,
    decline_reason: Option<Reason>,
    ended: Option<Provenance>,
    ended_by: Option<RestrictionEnd>,
    end_reason: Option<Reason>,
    position: i64,
}

impl Row for RestrictionRow {
    const TABLE: &'static str = "restriction";
    const ID: &'static str = "restriction_id";
}

#[async_trait::async_trait]
impl Projection for Consents {
    fn name(&self) -> &'static str {
        "consents"
    }

    fn sql(&self) -> &'static str {
        include_str!("consents.sql")
    }

    fn types(&self) -> Vec<EventType> {
        ConsentsEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Consents(event) = &recorded.event { Some((recorded, event)) } else { None });
        let keys = |of: fn(&ConsentsEvent) -> Option<Uuid>| own().filter_map(move |(recorded, event)| Some((recorded.tenant, of(event)?)));
        let mut consents: Rows<ConsentRow> = Rows::load(connection, keys(consent)).await?;
        let mut restrictions: Rows<RestrictionRow> = Rows::load(connection, keys(restriction)).await?;
        for (recorded, event) in own() {
            if let Some(id) = consent(event) {
                apply_to_consent(&mut consents, (recorded.tenant, id), recorded, event)?;
            }
            if let Some(id) = restriction(event) {
                apply_to_restriction(&mut restrictions, (recorded.tenant, id), recorded, event)?;
            }
        }
        consents.save(connection).await?;
        restrictions.save(connection).await?;
        let consents = consents.changed().map(|(key, row)| (*key, row.in_force()));
        let restrictions = restrictions.changed().map(|(key, row)| (*key, row.in_force()));
        save_provisions(connection, consents.chain(restrictions).collect()).await
    }
}

/// The consent that an event is about.
fn consent(event: &ConsentsEvent) -> Option<Uuid> {
    match event {
        ConsentsEvent::ConsentGranted(event) => Some(event.consent.0),
        ConsentsEvent::ConsentRevoked(event) => Some(event.consent.0),
        _ => None,
    }
}

/// The restriction that an event is about.
fn restriction(event: &ConsentsEvent) -> Option<Uuid> {
    match event {
        ConsentsEvent::RestrictionRequested(event) => Some(event.restriction.0),
        ConsentsEvent::RestrictionAgreed(event) => Some(event.restriction.0),
        ConsentsEvent::RestrictionDeclined(event) => Some(event.restriction.0),
        ConsentsEvent::RestrictionEnded(event) => Some(event.restriction.0),
        ConsentsEvent::ConsentGranted(_) | ConsentsEvent::ConsentRevoked(_) => None,
    }
}

fn apply_to_consent(rows: &mut Rows<ConsentRow>, key: Key, recorded: &Recorded, event: &ConsentsEvent) -> Result<(), ApplyError> {
    match event {
        ConsentsEvent::ConsentGranted(event) => rows.add(key, ConsentRow::new(recorded, event)),
        ConsentsEvent::ConsentRevoked(event) => {
            let row = rows.change(key)?;
            row.status = ConsentStatus::Inactive;
            row.revocation_reason = event.reason.known().cloned();
            row.revoked = Some(provenance(recorded));
            row.position = recorded.position.0;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn apply_to_restriction(rows: &mut Rows<RestrictionRow>, key: Key, recorded: &Recorded, event: &ConsentsEvent) -> Result<(), ApplyError> {
    if let ConsentsEvent::RestrictionRequested(event) = event {
        return rows.add(key, RestrictionRow::new(recorded, event));
    }
    let row = rows.change(key)?;
    row.position = recorded.position.0;
    match event {
        ConsentsEvent::RestrictionAgreed(_) => row.answer(RestrictionStatus::Agreed, provenance(recorded)),
        ConsentsEvent::RestrictionDeclined(RestrictionDeclined { reason, .. }) => {
            row.answer(RestrictionStatus::Declined, provenance(recorded));
            row.decline_reason = reason.known().cloned();
        }
        ConsentsEvent::RestrictionEnded(RestrictionEnded { by, reason, .. }) => {
            row.status = RestrictionStatus::Ended;
            row.ended = Some(provenance(recorded));
            row.ended_by = Some(*by);
            row.end_reason = reason.known().cloned();
        }
        ConsentsEvent::RestrictionRequested(_) | ConsentsEvent::ConsentGranted(_) | ConsentsEvent::ConsentRevoked(_) => {}
    }
    Ok(())
}

impl ConsentRow {
    fn new(recorded: &Recorded, event: &ConsentGranted) -> Self {
        Self {
            tenant: recorded.tenant.0,
            consent_id: event.consent.0,
            patient_id: event.patient.0,
            status: ConsentStatus::Active,
            decision: event.decision,
            provision: event.provision.known().cloned(),
            signed: event.signed.map(|document| document.0),
            note: event.note.as_ref().and_then(Phi::known).cloned(),
            granted: provenance(recorded),
            revoked: None,
            revocation_reason: None,
            position: recorded.position.0,
        }
    }

    /// What it says, while it holds.
    fn in_force(&self) -> Option<ProvisionRow> {
        let provision = self.provision.as_ref().filter(|_| self.status == ConsentStatus::Active)?;
        Some(ProvisionRow::of((self.tenant, self.consent_id, self.patient_id), "consent", self.decision, provision, self.granted.position))
    }
}

impl RestrictionRow {
    fn new(recorded: &Recorded, event: &RestrictionRequested) -> Self {
        Self {
            tenant: recorded.tenant.0,
            restriction_id: event.restriction.0,
            patient_id: event.patient.0,
            status: RestrictionStatus::Requested,
            provision: event.provision.known().cloned(),
            request_reason: event.reason.as_ref().and_then(Phi::known).cloned(),
            paid_in_full: event.paid_in_full.known().copied(),
            requested: provenance(recorded),
            answered: None,
            decline_reason: None,
            ended: None,
            ended_by: None,
            end_reason: None,
            position: recorded.position.0,
        }
    }

    fn answer(&mut self, status: RestrictionStatus, answered: Provenance) {
        self.status = status;
        self.answered = Some(answered);
    }

    /// What it says, while it holds: it closes.
    fn in_force(&self) -> Option<ProvisionRow> {
        let provision = self.provision.as_ref().filter(|_| self.status == RestrictionStatus::Agreed)?;
        let since = self.answered.as_ref()?.position;
        Some(ProvisionRow::of((self.tenant, self.restriction_id, self.patient_id), "restriction", ProvisionType::Deny, provision, since))
    }
}
