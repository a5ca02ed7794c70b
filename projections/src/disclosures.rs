//! Disclosures to those outside, as they stand.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::access::{DataKind, PurposeOfUse};
use domain::disclosures::{Basis, Description, DisclosureMade, DisclosureSource, DisclosuresEvent};
use domain::fhir_values::Address;
use domain::value::{Line, Reason};
use domain::{Event, EventType, Phi};
use event_store::Recorded;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projection::{ApplyError, Projection};
use crate::rows::{Row, Rows};

/// The read model `disclosures`; its tables are in `disclosures.sql`.
pub(crate) struct Disclosures;

#[derive(Serialize, Deserialize)]
struct DisclosureRow {
    tenant: Uuid,
    disclosure_id: Uuid,
    patient_id: Uuid,
    made_at: Option<DateTime<Utc>>,
    recipient_name: Option<Line>,
    recipient_address: Option<Address>,
    what: Option<Description>,
    kinds: BTreeSet<DataKind>,
    basis: Option<Basis>,
    accountable: Option<bool>,
    purpose: Option<Reason>,
    purpose_of_use: Option<PurposeOfUse>,
    suspended_until: Option<DateTime<Utc>>,
    source: DisclosureSource,
    recorded_at: DateTime<Utc>,
    recorded_by: Uuid,
    retracted: bool,
    retraction_reason: Option<Reason>,
    position: i64,
}

impl Row for DisclosureRow {
    const TABLE: &'static str = "disclosure";
    const ID: &'static str = "disclosure_id";
}

#[async_trait::async_trait]
impl Projection for Disclosures {
    fn name(&self) -> &'static str {
        "disclosures"
    }

    fn sql(&self) -> &'static str {
        include_str!("disclosures.sql")
    }

    fn types(&self) -> Vec<EventType> {
        DisclosuresEvent::TYPES.to_vec()
    }

    async fn apply(&self, connection: &mut PgConnection, events: &[Recorded]) -> Result<(), ApplyError> {
        let own = || events.iter().filter_map(|recorded| if let Event::Disclosures(event) = &recorded.event { Some((recorded, event)) } else { None });
        let mut rows = Rows::load(connection, own().map(|(recorded, event)| (recorded.tenant, event.about().1.0))).await?;
        for (recorded, event) in own() {
            let key = (recorded.tenant, event.about().1.0);
            match event {
                DisclosuresEvent::DisclosureMade(event) => rows.add(key, DisclosureRow::of(recorded, event))?,
                DisclosuresEvent::DisclosureRetracted(event) => {
                    let row = rows.change(key)?;
                    row.retracted = true;
                    row.retraction_reason = event.reason.known().cloned();
                    row.position = recorded.position.0;
                }
            }
        }
        rows.save(connection).await
    }
}

impl DisclosureRow {
    fn of(recorded: &Recorded, event: &DisclosureMade) -> Self {
        let recipient = event.recipient.known();
        let basis = event.basis.known().copied();
        Self {
            tenant: recorded.tenant.0,
            disclosure_id: event.disclosure.0,
            patient_id: event.patient.0,
            made_at: event.made_at.known().map(|time| time.get()),
            recipient_name: recipient.map(|recipient| recipient.name.clone()),
            recipient_address: recipient.and_then(|recipient| recipient.address.clone()),
            what: event.what.known().cloned(),
            kinds: event.kinds.clone(),
            basis,
            accountable: basis.map(Basis::is_accountable),
            purpose: event.purpose.as_ref().and_then(Phi::known).cloned(),
            purpose_of_use: event.purpose_of_use.as_ref().and_then(Phi::known).copied(),
            suspended_until: event.suspended_until.as_ref().and_then(Phi::known).map(|time| time.get()),
            source: event.source,
            recorded_at: recorded.recorded,
            recorded_by: recorded.actor.user.0,
            retracted: false,
            retraction_reason: None,
            position: recorded.position.0,
        }
    }
}
