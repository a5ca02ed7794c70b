//! Development tokens.

use std::collections::BTreeSet;

use anyhow::Context;
use clap::Args;
use domain::{PatientId, TenantId, UserId};
use gate::{Claims, Role, TokenIssuer};
use uuid::Uuid;

use crate::config::{Config, Mode};
use crate::demo;

/// Whom a development token names.
#[derive(Args)]
pub struct TokenFor {
    /// What the user is to the tenant; may be given more than once.
    #[arg(long, required = true, value_parser = |name: &str| name.parse::<Role>())]
    role: Vec<Role>,
    /// The tenant; the demo clinic's unless given.
    #[arg(long)]
    tenant: Option<Uuid>,
    /// The user; one of the demo clinic's unless given.
    #[arg(long)]
    user: Option<Uuid>,
    /// The user's own patient record.
    #[arg(long)]
    patient: Option<Uuid>,
    /// How many hours it holds.
    #[arg(long, default_value_t = 12)]
    hours: i64,
}

/// Prints one token and nothing else.
#[expect(clippy::print_stdout, reason = "the token is the output")]
pub fn run(config: &Config, wanted: &TokenFor) -> anyhow::Result<()> {
    println!("{}", issue(config, wanted)?);
    Ok(())
}

/// A token of the demo clinic for one role.
pub fn for_demo(config: &Config, role: Role) -> anyhow::Result<String> {
    issue(config, &TokenFor { role: vec![role], tenant: None, user: None, patient: None, hours: 12 })
}

fn issue(config: &Config, wanted: &TokenFor) -> anyhow::Result<String> {
    anyhow::ensure!(config.mode == Mode::Development, "production has a token issuer of its own; development tokens are refused there");
    let issuer = TokenIssuer::development(&config.keys).with_context(|| {
        format!(
            "no token can be signed with the keys in {}; run scripts/carelog, which knows where they are, after the first `make run`, which makes them",
            config.keys.display()
        )
    })?;
    let roles: BTreeSet<Role> = wanted.role.iter().copied().collect();
    let in_demo = wanted.tenant.is_none() && wanted.user.is_none();
    let demo_patient = (in_demo && roles.contains(&Role::Patient)).then_some(demo::PATIENT);
    let demo_practitioner = (in_demo && roles.contains(&Role::Clinician)).then_some(demo::PRACTITIONER);
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    let user = wanted.user.unwrap_or_else(|| Uuid::new_v5(&demo::TENANT.0, names.join(",").as_bytes()));
    let now = event_store::Clock::system().now().timestamp();
    let claims = Claims {
        iss: String::new(),
        aud: "".into(),
        sub: UserId(user),
        tenant: wanted.tenant.map_or(demo::TENANT, TenantId),
        roles,
        patient: wanted.patient.map(PatientId).or(demo_patient),
        practitioner: demo_practitioner,
        iat: now,
        exp: now + wanted.hours * 3600,
    };
    Ok(issuer.issue(claims)?)
}
