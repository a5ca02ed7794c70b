//! `carelog why REQUEST`: what was decided about a request, by which policies, and what that rested on. It is a read of the access log like any other.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context, ensure};
use clap::Args;
use domain::access::{AccessDecision, DecisionOutcome, PurposeOfUse};
use domain::{Phi, TenantId};
use gate::{AccessRecord, AccessSearch, Caller, Policy, Reading, Role, Snapshot};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::config::Config;

/// Which request is to be explained.
#[derive(Args)]
pub struct Why {
    /// The request, as `X-Request-Id`, `extensions.carelog.requestId` and access records name it.
    request: Uuid,
    /// The tenant.
    #[arg(long)]
    tenant: Uuid,
}

/// Prints each access that the request led to, with its decisions.
pub async fn run(config: &Config, why: Why) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let caller = Caller { purpose: PurposeOfUse::Compliance, ..Caller::operator(TenantId(why.tenant), "why", [Role::ComplianceOfficer]) };
    let criteria = Some(Phi::Known(json!({ "request": why.request }).to_string()));
    let reading = Reading { criteria, ..Reading::of("why", event_store::fresh_id()) };
    let read = app.gate.read(&caller, reading, |snapshot| async move { explained(&snapshot, why.request).await }).await;
    let explained = read.context("the access log cannot be read")?.value?;
    ensure!(
        !explained.is_empty(),
        "there is no access record of this request in this tenant: it showed and sought nothing of a patient, or was a command that was carried out"
    );
    let mut out = std::io::stdout().lock();
    for line in explained {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

async fn explained(snapshot: &Snapshot, request: Uuid) -> anyhow::Result<Vec<String>> {
    let search = AccessSearch { request: Some(request), ..AccessSearch::default() };
    // All of them: a client that names its requests itself may give one name to many.
    let found = snapshot.all_access_records(&search, usize::MAX).await.context("the access log cannot be searched")?;
    let mut lines = Vec::new();
    for AccessRecord { recorded, actor, access, .. } in found.records {
        let policies = snapshot.policies(&access.policy).await.context("the policies cannot be read")?;
        let recorded = recorded.format("%Y-%m-%dT%H:%M:%SZ");
        lines.push(format!("{recorded} {} {} user/{} by policies {}", access.in_words(&actor.role), access.operation, access.user, access.policy));
        let decisions = access.decisions.and_then(Phi::into_known).unwrap_or_default();
        lines.extend(decisions.iter().flat_map(|decision| in_text(decision, &policies)));
    }
    Ok(lines)
}

fn in_text(decision: &AccessDecision, policies: &BTreeMap<String, Policy>) -> Vec<String> {
    let outcome = match decision.outcome {
        DecisionOutcome::Permitted => "permitted",
        DecisionOutcome::Masked => "masked",
        DecisionOutcome::Withheld => "withheld",
        DecisionOutcome::Refused => "refused",
    };
    let label = decision.label.map(|label| format!(" {}", label.code())).unwrap_or_default();
    let facts: Vec<String> =
        decision.facts.iter().map(|fact| fact.named()).map(|(kind, id)| id.map_or_else(|| kind.to_owned(), |id| format!("{kind}/{id}"))).collect();
    let rests_on = if facts.is_empty() { String::new() } else { format!(", being {}", facts.join(" ")) };
    let mut lines = vec![format!("  {}{label}: {outcome} ({}){rests_on}", decision.action, decision.count)];
    if decision.policies.is_empty() {
        lines.push("    no policy permits it".to_owned());
    }
    for id in &decision.policies {
        lines.push(format!("    {id}: {}", policies.get(id).map_or("", |policy| policy.description.as_str())));
    }
    lines
}
