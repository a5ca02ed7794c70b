//! The demo clinic.

use domain::{PatientId, PractitionerId, TenantId};
use uuid::Uuid;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(0xd));
pub const PATIENT: PatientId = PatientId(Uuid::from_u128(0xe));
pub const PRACTITIONER: PractitionerId = PractitionerId(Uuid::from_u128(0xf));

pub async fn run(_: &crate::config::Config) -> anyhow::Result<()> {
    Ok(())
}
