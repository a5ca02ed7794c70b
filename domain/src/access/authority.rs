//! By what authority something was appended to a log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::{AccessDecision, DecisionFact, DecisionOutcome};
use super::purpose::PurposeOfUse;

/// By what authority an event was appended. It stands in clear beside the event, so it holds names and ids alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// The installation's own: it keeps its records, and no policy is asked.
    Installation,
    /// That of the policies, which permitted it to whoever acted.
    Policies(Permitted),
}

/// What the policies permitted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permitted {
    /// The policies that were in force: a digest of them all, as access records name them.
    pub policy: String,
    /// Why whoever acted did, as they said.
    pub purpose: PurposeOfUse,
    /// One for each permission that it took.
    pub permits: Vec<Permit>,
}

/// A permission that was needed, and what gave it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permit {
    /// The permission, by its name.
    pub action: String,
    /// The policies that gave it, by their ids.
    pub policies: Vec<String>,
    /// What whoever acted was to what they acted on, as far as it rested on that; where it is none, their roles were enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<DecisionFact>,
}

impl From<Permit> for AccessDecision {
    fn from(permit: Permit) -> Self {
        let Permit { action, policies, facts } = permit;
        Self { action, label: None, outcome: DecisionOutcome::Permitted, policies, facts, count: 1 }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::ids::FacilityId;

    #[test]
    fn what_is_stored_is_short_and_reads_back() {
        let permit = |facts| Permit { action: "book-appointments".to_owned(), policies: vec!["front-desk".to_owned()], facts };
        let permitted = |facts| Permitted { policy: "0123456789abcdef".to_owned(), purpose: PurposeOfUse::Operations, permits: vec![permit(facts)] };
        let at = Uuid::from_u128(7);
        for (authority, stored) in [
            (Authority::Installation, json!("installation")),
            (
                Authority::Policies(permitted(vec![])),
                json!({ "policies": { "policy": "0123456789abcdef", "purpose": "HOPERAT", "permits": [{ "action": "book-appointments", "policies": ["front-desk"] }] } }),
            ),
            (
                Authority::Policies(permitted(vec![DecisionFact::FacilityRole(FacilityId(at)), DecisionFact::Operator])),
                json!({ "policies": { "policy": "0123456789abcdef", "purpose": "HOPERAT", "permits": [{ "action": "book-appointments", "policies": ["front-desk"],
                    "facts": [{ "kind": "facility-role", "id": at }, { "kind": "operator" }] }] } }),
            ),
        ] {
            assert_eq!(json!(authority), stored);
            assert_eq!(serde_json::from_value::<Authority>(stored).unwrap(), authority);
        }
    }
}
