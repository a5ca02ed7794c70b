//! `carelog why REQUEST`: what was decided about a request, by which policies, and what that rested on, be it that it showed something, was refused or carried out
//! a command. It is a read like any other.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::{Context, ensure};
use clap::Args;
use domain::access::{AccessDecision, DecisionOutcome, PurposeOfUse};
use domain::{Phi, TenantId};
use gate::{AccessRecord, Caller, Policy, Reading, Role, Snapshot};
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
    /// The most records, the newest first: a client may give one name to many requests.
    #[arg(long, default_value_t = 1000)]
    most: usize,
}

/// Prints each access that the request led to, and each command that it carried out, with its decisions.
pub async fn run(config: &Config, why: Why) -> anyhow::Result<()> {
    let app = App::open(config).await?;
    let caller = Caller { purpose: PurposeOfUse::Compliance, ..Caller::operator(TenantId(why.tenant), "why", [Role::ComplianceOfficer]) };
    let criteria = Some(Phi::Known(json!({ "request": why.request }).to_string()));
    let reading = Reading { criteria, ..Reading::of("why", event_store::fresh_id()) };
    let read = app.gate.read(&caller, reading, |snapshot| async move { explained(&snapshot, why.request, why.most).await }).await;
    let explained = read.context("the access log cannot be read")?.value?;
    ensure!(
        !explained.is_empty(),
        "nothing is known of this request in this tenant: it showed and sought nothing of a patient and changed nothing, or asked again for what an earlier request did"
    );
    let mut out = std::io::stdout().lock();
    for line in explained {
        writeln!(out, "{line}")?;
    }
    drop(out);
    app.answered(false).await;
    Ok(())
}

async fn explained(snapshot: &Snapshot, request: Uuid, most: usize) -> anyhow::Result<Vec<String>> {
    let found = snapshot.explained(request, most).await.context("the request cannot be searched for")?;
    let mut lines = Vec::new();
    for AccessRecord { recorded, actor, access, .. } in found.records {
        let policies = snapshot.policies(&access.policy).await.context("the policies cannot be read")?;
        let recorded = recorded.format("%Y-%m-%dT%H:%M:%SZ");
        let by = if access.policy.is_empty() { "policies that are not known" } else { &format!("policies {}", access.policy) };
        lines.push(format!("{recorded} {} {} user/{} by {by}", access.in_words(&actor.role), access.operation, access.user));
        let decisions = access.decisions.and_then(Phi::into_known).unwrap_or_default();
        lines.extend(decisions.iter().flat_map(|decision| in_text(decision, &policies)));
    }
    if found.next.is_some() {
        lines.push(format!("There are more than these {most}: --most says how many are to be told."));
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
