//! What was decided about an access, and by what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::Label;
use crate::ids::{BreakGlassId, ConsentId, FacilityId, RestrictionId};

/// What the policies said to one question that an access put to them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessDecision {
    /// What was asked: to use a permission, by its name, or to `open` what bears a label.
    pub action: String,
    /// The sensitive label that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "Label::met")]
    pub label: Option<Label>,
    /// What came of it.
    pub outcome: DecisionOutcome,
    /// The policies that made it so, by their ids; none where nothing permits it.
    pub policies: Vec<String>,
    /// What the caller was to the patient.
    pub facts: Vec<DecisionFact>,
    /// For how many things it was so.
    pub count: u64,
}

/// What came of a question to the policies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DecisionOutcome {
    /// It was allowed.
    Permitted,
    /// It was not: that something is there was shown, and not what.
    Masked,
    /// It was not: nothing of it was shown.
    Withheld,
    /// The operation was refused.
    Refused,
}

/// What a caller was to what they asked for, as far as a decision rested on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "id", rename_all = "kebab-case")]
pub enum DecisionFact {
    /// The patient themself.
    OwnRecord,
    /// Somebody whom the patient let in.
    Grant,
    /// Somebody who treats the patient: there is an appointment.
    CareRelation,
    /// Who wrote it.
    Author,
    /// Somebody to whom a consent of the patient opens it.
    Consent(ConsentId),
    /// Somebody to whom a dissent of the patient closes it.
    Dissent(ConsentId),
    /// Somebody to whom a restriction closes it that was agreed to.
    Restriction(RestrictionId),
    /// Somebody who broke the glass.
    BrokenGlass(BreakGlassId),
    /// Somebody whose role is one at this facility, where it is, takes place, or the patient has had an appointment.
    FacilityRole(FacilityId),
    /// The operator of the installation, or a task of its own: their roles are in no token.
    Operator,
}

impl DecisionFact {
    /// Its name, and which it is where it has an id.
    pub fn named(self) -> (&'static str, Option<Uuid>) {
        match self {
            Self::OwnRecord => ("own-record", None),
            Self::Grant => ("grant", None),
            Self::CareRelation => ("care-relation", None),
            Self::Author => ("author", None),
            Self::Consent(id) => ("consent", Some(id.0)),
            Self::Dissent(id) => ("dissent", Some(id.0)),
            Self::Restriction(id) => ("restriction", Some(id.0)),
            Self::BrokenGlass(id) => ("broken-glass", Some(id.0)),
            Self::FacilityRole(id) => ("facility-role", Some(id.0)),
            Self::Operator => ("operator", None),
        }
    }
}
