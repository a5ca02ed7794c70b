//! Whether a caller may carry out a command, and what gives them that: it stands beside what they change.

use std::collections::BTreeSet;

use domain::access::{Authority, DecisionFact, Permit, Permitted};
use domain::{Command, FacilityId, Permission, Role, Subject};
use event_store::ReadError;

use crate::Gate;
use crate::caller::Caller;
use crate::execute::Refusal;
use crate::policy::{self, Facts, Reach};
use crate::relation::{Relation, cared_for_at, relation};
use crate::show;

impl Gate {
    /// What gives the caller every permission that a command needs.
    pub(crate) async fn permit<C: Command>(&self, caller: &Caller, command: &C) -> Result<Vec<Permit>, Refusal<C::Rejection>> {
        let mut permits = Vec::new();
        for permission in [Some(C::PERMISSION), command.also_needs()].into_iter().flatten() {
            let mut permit = self.permit_one(caller, permission, command).await?.ok_or(Refusal::Forbidden(permission))?;
            permit.facts.extend(caller.operator.then_some(DecisionFact::Operator));
            permits.push(permit);
        }
        Ok(permits)
    }

    async fn permit_one<C: Command>(&self, caller: &Caller, permission: Permission, command: &C) -> Result<Option<Permit>, ReadError> {
        let reach = caller.reach(permission);
        if reach == Some(Reach::Tenant) {
            return Ok(policy::permit(&caller.roles, permission, Facts::default(), Vec::new()));
        }
        if reach == Some(Reach::Facilities) {
            let places = self.places(caller, permission, command).await?;
            if !places.is_empty() {
                let rests_on = places.iter().copied().map(DecisionFact::FacilityRole).collect();
                return Ok(policy::permit(&caller.roles_at(|place| places.contains(&place)), permission, Facts::default(), rests_on));
            }
        }
        if reach.is_none() || !caller.roles.contains(&Role::Patient) {
            return Ok(None);
        }
        let now = self.store.clock().now();
        Ok(match relation(&self.store, caller, command.subject(), permission.data_kind(), self.store.head().await?, now).await? {
            Some(Relation::Themself) => {
                let own = Facts { own: true, ..Facts::default() };
                policy::permit(&caller.roles, permission, own, vec![DecisionFact::OwnRecord])
            }
            Some(Relation::Grantee) => policy::passed_on(permission),
            None => None,
        })
    }

    /// Those of the places where the caller has a role that permits it that a command is about, or where whom it is about has had an appointment.
    async fn places<C: Command>(&self, caller: &Caller, permission: Permission, command: &C) -> Result<BTreeSet<FacilityId>, ReadError> {
        let mut places = caller.facilities_of(permission);
        match (command.facility(), command.subject()) {
            (Some(facility), _) | (None, Subject::Facility(facility)) => places.retain(|place| *place == facility),
            (None, Subject::Patient(_)) if show::holds_everywhere(permission) => {}
            (None, Subject::Patient(patient)) => places = cared_for_at(&self.store, caller.tenant, patient, places).await?,
            _ => places.clear(),
        }
        Ok(places)
    }
}

impl Caller {
    /// By what authority they act.
    pub(crate) fn authority(&self, permits: Vec<Permit>) -> Authority {
        Authority::Policies(Permitted { policy: policy::version().to_owned(), purpose: self.purpose, permits })
    }
}
