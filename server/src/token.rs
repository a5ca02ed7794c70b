//! Development tokens.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use clap::Args;
use domain::{PatientId, TenantId, UserId};
use gate::{Access, Caller, Claims, Role, TokenIssuer};
use uuid::Uuid;

use crate::app::App;
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

/// Prints one token and nothing else. That it was made is recorded first: whoever has it sees what its user may see.
#[expect(clippy::print_stdout, reason = "the token is the output")]
pub async fn run(config: &Config, wanted: &TokenFor) -> anyhow::Result<()> {
    let (token, tenant) = issue(config, wanted)?;
    let app = App::open(config).await?;
    record(&app, tenant, &wanted.role).await?;
    println!("{token}");
    app.answered(false).await;
    Ok(())
}

/// A token of the demo clinic for each role.
pub async fn for_demo(config: &Config) -> anyhow::Result<Vec<(Role, String)>> {
    let app = App::open(config).await?;
    let mut tokens = Vec::new();
    for role in Role::ALL {
        let (token, tenant) = issue(config, &TokenFor { role: vec![role], tenant: None, user: None, patient: None, hours: 12 })?;
        record(&app, tenant, &[role]).await?;
        tokens.push((role, token));
    }
    app.answered(false).await;
    Ok(tokens)
}

async fn record(app: &App, tenant: TenantId, roles: &[Role]) -> anyhow::Result<()> {
    let operator = Caller::operator(tenant, "token", [Role::Administrator]);
    let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    let made = Access { count: 1, ..Access::of(format!("token for {}", names.join(" and ")), event_store::fresh_id()) };
    app.gate.note(&operator, made).await.context("that a token is made cannot be recorded")
}

fn issue(config: &Config, wanted: &TokenFor) -> anyhow::Result<(String, TenantId)> {
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
    let tenant = wanted.tenant.map_or(demo::TENANT, TenantId);
    let claims = Claims {
        iss: String::new(),
        aud: "".into(),
        sub: UserId(user),
        tenant,
        roles,
        facility_roles: BTreeMap::new(),
        patient: wanted.patient.map(PatientId).or(demo_patient),
        practitioner: demo_practitioner,
        iat: now,
        exp: now + wanted.hours * 3600,
    };
    Ok((issuer.issue(claims)?, tenant))
}
