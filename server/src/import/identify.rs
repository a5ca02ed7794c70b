//! A patient who is there as an unidentified one, from a run that knew them by reference only: their own resource says who they are.

use event_store::Position;
use fhir::{ImportCommand, StandIn};
use gate::Refusal;
use uuid::Uuid;

use super::carry_out::{Importer, Patience};
use super::report::Outcome;

/// What became of the patient, and what more the resource says that was not taken.
type Identified = (Outcome, Vec<(&'static str, Outcome)>);

impl Importer {
    /// Says who an unidentified patient is, whom an earlier run registered; `None` where none did. Whoever was changed by somebody since stays as they are.
    pub async fn identify(&self, stand_in: &StandIn) -> anyhow::Result<Option<Identified>> {
        let Some(registered) = self.registered(stand_in).await? else { return Ok(None) };
        let mut outcome = Outcome::AlreadyThere;
        let mut not_taken = Vec::new();
        for step in &stand_in.identify {
            // An identifier is one more, and takes nobody's place.
            let based_on = (!matches!(step.command, ImportCommand::AssignIdentifier(_))).then_some(registered);
            match self.send_based_on(based_on, step.id, &step.command).await? {
                Outcome::AlreadyThere => {}
                Outcome::Taken => outcome = Outcome::Taken,
                other => {
                    not_taken.push((step.command.name(), other));
                    if matches!(step.command, ImportCommand::CorrectDemographics(_)) {
                        break;
                    }
                }
            }
        }
        Ok(Some((outcome, not_taken)))
    }

    /// Where the unidentified patient was registered.
    async fn registered(&self, stand_in: &StandIn) -> anyhow::Result<Option<Position>> {
        for id in stand_in.ids {
            if let Some(position) = self.registered_by(stand_in, id).await? {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    async fn registered_by(&self, stand_in: &StandIn, id: Uuid) -> anyhow::Result<Option<Position>> {
        let mut patience = Patience::begin();
        loop {
            let failure = match self.gate.repeated(&self.caller, &stand_in.register, id).await {
                Ok(accepted) => return Ok(accepted.map(|accepted| accepted.position)),
                // They were registered with an identity.
                Err(Refusal::CommandMismatch) => return Ok(None),
                Err(failure @ (Refusal::Contended | Refusal::Unavailable(_))) => failure,
                Err(other) => return Err(other.into()),
            };
            patience.wait("register-patient", failure.into(), &self.shutdown).await?;
        }
    }
}
