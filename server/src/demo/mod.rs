//! `carelog demo`: a small clinic that was made up, so that a newcomer has something to look at. It is loaded by the same commands that anyone sends; ids and idempotency
//! keys are fixed, so loading it again does nothing.

mod calendar;
mod ids;
mod people;
mod places;

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::{Command, TenantId};
use gate::{Caller, Gate, Refusal, Request, Role};
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;
pub use ids::{FACILITY, PATIENT, PRACTITIONER, TENANT};

/// Loads the clinic where it is not there yet.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let mut clinic = Clinic {
        now: app.store.clock().now(),
        gate: app.gate.clone(),
        caller: Caller::operator(TENANT, "demo", [Role::Administrator, Role::Clinician]),
        correlation: event_store::fresh_id(),
        done: 0,
        there: 0,
    };
    places::open(&mut clinic).await?;
    people::arrive(&mut clinic).await?;
    calendar::fill(&mut clinic).await?;
    app.answered(false).await;
    let TenantId(tenant) = TENANT;
    tracing::info!(%tenant, commands = clinic.done, already_there = clinic.there, facility = %FACILITY, practitioner = %PRACTITIONER, patient = %PATIENT, "the demo clinic is there");
    Ok(())
}

/// The clinic while it is loaded.
struct Clinic {
    now: DateTime<Utc>,
    gate: Gate,
    caller: Caller,
    correlation: Uuid,
    done: u32,
    there: u32,
}

impl Clinic {
    /// Sends a command as anyone's body; `key` tells it from others of its name for ever.
    async fn send<C: Command>(&mut self, key: &str, body: Value) -> anyhow::Result<()> {
        let command: C = serde_json::from_value(body).with_context(|| format!("the body of {} {key}", C::NAME))?;
        let command_id = Some(Uuid::new_v5(&TENANT.0, format!("{}/{key}", C::NAME).as_bytes()));
        let request = Request { command_id, correlation: self.correlation, causation: None, based_on: None };
        match self.gate.execute(&self.caller, command, request).await {
            Ok(accepted) if !accepted.repeated => self.done += 1,
            // Another day's loading, or another version's, was the first.
            Ok(_) | Err(Refusal::CommandMismatch) => self.there += 1,
            Err(refusal) => return Err(refusal).with_context(|| format!("{} {key}", C::NAME)),
        }
        Ok(())
    }

    /// Sends what depends on today's date. On a clinic that was half loaded on another day it may not fit, which is no matter.
    async fn send_today<C: Command>(&mut self, key: &str, body: Value) -> anyhow::Result<()> {
        let sent = self.send::<C>(key, body).await;
        match sent {
            Err(error) if matches!(error.downcast_ref::<Refusal<C::Rejection>>(), Some(Refusal::Rejected(_))) => {
                tracing::warn!(command = C::NAME, key, "does not fit beside what is there");
                Ok(())
            }
            sent => sent,
        }
    }
}
