//! How long glass stays broken, and what its review finds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::InvalidValue;

/// For how long the glass is broken: 1 to 60 whole minutes. Who needs longer breaks it again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BreakGlassMinutes(u16);

impl JsonSchema for BreakGlassMinutes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BreakGlassMinutes".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 1, "maximum": 60 })
    }
}

impl BreakGlassMinutes {
    /// As a number of minutes.
    pub fn get(self) -> i64 {
        i64::from(self.0)
    }
}

impl TryFrom<u16> for BreakGlassMinutes {
    type Error = InvalidValue;
    fn try_from(minutes: u16) -> Result<Self, InvalidValue> {
        if (1..=60).contains(&minutes) { Ok(Self(minutes)) } else { Err(InvalidValue("be 1 to 60 minutes")) }
    }
}

impl From<BreakGlassMinutes> for u16 {
    fn from(minutes: BreakGlassMinutes) -> u16 {
        minutes.0
    }
}

/// What the review of broken glass finds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// It was an emergency.
    Justified,
    /// It was none, or more was reached than it took.
    NotJustified,
}

/// How far the review has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakGlassStatus {
    /// Nobody has reviewed it yet.
    AwaitingReview,
    /// Nobody has reviewed it in time.
    Escalated,
    /// Somebody has reviewed it.
    Reviewed,
}
