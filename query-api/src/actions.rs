//! What can be done with an appointment, as it is offered to this caller.

use std::collections::{BTreeSet, HashMap};

use async_graphql::SimpleObject;
use async_graphql::dataloader::Loader;
use domain::scheduling::{AppointmentStatus, OfferedAction, actions};
use domain::time::Interval;
use domain::{PatientId, Permission};
use gate::{Grant, Reach};
use uuid::Uuid;

use crate::errors::Failure;
use crate::reads::{Loads, Permitted};

/// A command about an appointment, as it is offered to a person.
#[derive(SimpleObject)]
pub struct AppointmentAction {
    /// The command's name, as in `/v1/scheduling/<name>`.
    name: &'static str,
    /// Whether you may do it now. Whether a new time is free shows only when it is tried.
    allowed: bool,
    /// Why not, as a stable code.
    code: Option<&'static str>,
    /// Why not, as a sentence.
    reason: Option<String>,
}

impl From<OfferedAction> for AppointmentAction {
    fn from(action: OfferedAction) -> Self {
        let (code, reason) = (action.why_not.map(|why| why.code()), action.why_not.map(|why| why.to_string()));
        Self { name: action.name, allowed: action.allowed(), code, reason }
    }
}

/// Every action, and whether this caller may take it now.
pub async fn offered(permitted: Permitted<'_>, patient: PatientId, status: AppointmentStatus, interval: Interval) -> Result<Vec<AppointmentAction>, Failure> {
    let permissions = permissions(permitted, patient).await?;
    Ok(actions(status, interval, permitted.now(), &permissions).into_iter().map(AppointmentAction::from).collect())
}

/// What the caller may do for this patient: someone who reads the whole tenant in one role may act in another for some patients alone.
async fn permissions(permitted: Permitted<'_>, patient: PatientId) -> Result<BTreeSet<Permission>, Failure> {
    let all = permitted.caller().permissions();
    let acts_for = !permitted.reaches_whole_tenant() || permitted.caller().patient == Some(patient);
    let acts_for = acts_for
        || (all.values().any(|reach| *reach == Reach::OwnPatients)
            && permitted.load(GrantedBy(patient)).await?.is_some_and(|grant| grant.holds(permitted.now())));
    Ok(all.into_iter().filter(|(_, reach)| *reach == Reach::Tenant || acts_for).map(|(permission, _)| permission).collect())
}

/// What a patient lets the caller do for them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct GrantedBy(PatientId);

impl Loader<GrantedBy> for Loads {
    type Value = Grant;
    type Error = Failure;
    async fn load(&self, patients: &[GrantedBy]) -> Result<HashMap<GrantedBy, Grant>, Failure> {
        let patients: Vec<Uuid> = patients.iter().map(|patient| patient.0.0).collect();
        let granted: Vec<Grant> = sqlx::query_as(
            "select patient_id, ends_at, until_majority, birth_earliest, kinds, labels from patient_grant join patient using (tenant, patient_id) \
             where patient_id = any($1) and grantee = $2",
        )
        .bind(patients)
        .bind(self.caller().user.0)
        .fetch_all(&mut *self.connection().await)
        .await?;
        Ok(granted.into_iter().map(|grant| (GrantedBy(PatientId(grant.patient_id)), grant)).collect())
    }
}
