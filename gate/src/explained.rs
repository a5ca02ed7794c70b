//! What a request led to: the access records that it left, and the commands that it carried out, each with what was decided and by what.

use domain::access::{AccessDecision, AccessOutcome, AccessRecorded, Authority, Origin, Permitted};
use domain::{Permission, Phi, Subject};
use event_store::{CarriedOut, Position, ReadError};
use uuid::Uuid;

use crate::access_records::{AccessRecord, AccessRecords, AccessRefusal, AccessSearch};
use crate::policy::{self, Reach};
use crate::read::Snapshot;

/// How much is read at once.
const AT_ONCE: usize = 500;

impl Snapshot {
    /// What a request led to, the newest first. To a patient of the commands only their own: what others did to their record is in its history, as far as they may
    /// know of it.
    pub async fn explained(&self, request: Uuid, most: usize) -> Result<AccessRecords, AccessRefusal> {
        let reach = self.require(Permission::ReadAccessRecords)?;
        let search = AccessSearch { request: Some(request), ..AccessSearch::default() };
        let mut found = self.all_access_records(&search, most).await?;
        let mut commands = self.commands_of(request, most).await?;
        commands.retain(|command| reach == Reach::Tenant || command.access.user == self.caller().user);
        self.show_records(&mut commands);
        found.records.extend(commands);
        found.records.sort_by_key(|record| std::cmp::Reverse(record.recorded));
        if found.records.len() > most {
            found.records.truncate(most);
            found.next = found.next.or(found.records.last().map(|last| last.position));
        }
        Ok(found)
    }

    async fn commands_of(&self, request: Uuid, most: usize) -> Result<Vec<AccessRecord>, ReadError> {
        let (mut commands, mut before) = (Vec::new(), Position(i64::MAX));
        while commands.len() < most {
            let limit = AT_ONCE.min(most - commands.len());
            let page = self.store.carried_out(self.caller().tenant, request, before, u32::try_from(limit).unwrap_or(u32::MAX)).await?;
            let Some(last) = page.last() else { break };
            before = last.position;
            commands.extend(page.into_iter().map(|command| as_record(request, command)));
        }
        Ok(commands)
    }
}

/// A command in the terms in which accesses are told.
fn as_record(request: Uuid, command: CarriedOut) -> AccessRecord {
    let CarriedOut { position, event_ids, command, subject, actor, authority, recorded } = command;
    let patient = match subject.parse() {
        Ok(Subject::Patient(patient)) => Some(patient),
        _ => None,
    };
    let usual = || policy::usual_purpose(&actor.role.split(',').filter_map(|role| role.parse().ok()).collect());
    let (policy, purpose, decisions) = match authority {
        Some(Authority::Policies(Permitted { policy, purpose, permits })) => {
            (policy, purpose, Some(permits.into_iter().map(AccessDecision::from).collect::<Vec<_>>()))
        }
        Some(Authority::Installation) | None => (String::new(), usual(), None),
    };
    let kind_of = |decision: &AccessDecision| Permission::ALL.into_iter().find(|permission| permission.name() == decision.action)?.data_kind();
    let mut kinds: Vec<_> = decisions.iter().flatten().filter_map(kind_of).collect();
    kinds.dedup();
    let access = AccessRecorded {
        user: actor.user,
        request,
        operation: format!("command {command}"),
        purpose,
        outcome: AccessOutcome::CarriedOut,
        kinds,
        refused: Vec::new(),
        fields: Vec::new(),
        patients: patient.into_iter().collect(),
        count: event_ids.len() as u64,
        criteria: None,
        origin: Phi::Known(Origin::default()),
        policy,
        decisions: decisions.map(Phi::Known),
        reflects: position.0,
        own_patient: None,
        practitioner: None,
        server: None,
    };
    let id = event_ids.first().copied().unwrap_or_default();
    AccessRecord { id, position, recorded, actor, command: id, access, answered: None }
}
