//! What a consent or a restriction covers.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::access::{DataKind, PurposeOfUse};
use crate::event::Label;
use crate::ids::{FacilityId, UserId};
use crate::role::Role;
use crate::value::{InvalidValue, distinct, moment};

/// Whether what is covered is opened or closed (FHIR `consent-provision-type`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProvisionType {
    /// It is opened.
    Permit,
    /// It is closed.
    Deny,
}

impl ProvisionType {
    /// The FHIR code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

/// Whom a provision is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recipient {
    /// Everyone.
    Anyone,
    /// One person or machine that acts.
    User(UserId),
    /// Everyone in a role.
    Role(Role),
    /// Everyone who works at a facility.
    Facility(FacilityId),
}

/// What is opened or closed, to whom, what for and when; what is left out bounds nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provision {
    /// To whom.
    pub recipient: Recipient,
    /// For which purposes; empty: for any.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "distinct::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub purposes: BTreeSet<PurposeOfUse>,
    /// Which kinds of data; empty: any.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "distinct::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub kinds: BTreeSet<DataKind>,
    /// What is permitted: which sensitive data are opened with the rest; empty: none. What is denied: only data that bear one of these; empty: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", deserialize_with = "sensitive")]
    #[schemars(length(max = 20))]
    pub labels: BTreeSet<Label>,
    /// When it holds.
    #[serde(default, skip_serializing_if = "ProvisionPeriod::is_unbounded")]
    pub period: ProvisionPeriod,
}

/// Reads labels that set data apart; what is normal, all data is.
fn sensitive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Label>, D::Error> {
    let labels = distinct::<20, Label, D>(deserializer)?;
    if labels.contains(&Label::Unrestricted) || labels.contains(&Label::Normal) {
        return Err(D::Error::custom(InvalidValue("name labels that are more sensitive than normal (N)")));
    }
    Ok(labels)
}

/// A half-open stretch of time that may have no beginning or no end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "WrittenPeriod")]
#[schemars(!try_from, deny_unknown_fields)]
pub struct ProvisionPeriod {
    /// The first moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<DateTime<Utc>>,
    /// The first moment after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<DateTime<Utc>>,
}

/// A period as it is written, before its rule is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPeriod {
    #[serde(default, deserialize_with = "moment")]
    start: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "moment")]
    end: Option<DateTime<Utc>>,
}

impl TryFrom<WrittenPeriod> for ProvisionPeriod {
    type Error = InvalidValue;
    fn try_from(WrittenPeriod { start, end }: WrittenPeriod) -> Result<Self, InvalidValue> {
        let backwards = start.zip(end).is_some_and(|(start, end)| end <= start);
        if backwards { Err(InvalidValue("end after it starts")) } else { Ok(Self { start, end }) }
    }
}

impl ProvisionPeriod {
    /// The first moment, where there is one.
    pub fn start(self) -> Option<DateTime<Utc>> {
        self.start
    }

    /// The first moment after, where there is one.
    pub fn end(self) -> Option<DateTime<Utc>> {
        self.end
    }

    fn is_unbounded(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(more: &Value) -> Result<Provision, String> {
        let mut written = json!({ "recipient": "anyone" });
        written.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(written).map_err(|error| error.to_string())
    }

    #[test]
    fn a_provision_reads_as_it_is_written() {
        let whole = json!({
            "recipient": { "role": "clinician" }, "purposes": ["TREAT"], "kinds": ["chart", "documents"], "labels": ["HIV", "PSY"],
            "period": { "start": "2027-01-01T00:00:00Z", "end": "2028-01-01T00:00:00Z" },
        });
        let provision: Provision = serde_json::from_value(whole.clone()).unwrap();
        assert_eq!(serde_json::to_value(&provision).unwrap(), whole);
        assert_eq!(serde_json::to_value(read(&json!({})).unwrap()).unwrap(), json!({ "recipient": "anyone" }));
    }

    #[test]
    fn what_breaks_a_rule_does_not_read_and_is_not_repeated() {
        let cases = [
            (json!({ "purposes": ["TREAT", "TREAT"] }), "name nothing twice"),
            (json!({ "kinds": ["chart", "chart"] }), "name nothing twice"),
            (json!({ "labels": ["HIV", "HIV"] }), "name nothing twice"),
            (json!({ "labels": ["N"] }), "more sensitive than normal"),
            (json!({ "labels": vec!["HIV"; 21] }), "hold fewer entries"),
            (json!({ "period": { "start": "2027-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z" } }), "end after it starts"),
            (json!({ "period": { "end": "+10000-01-01T00:00:00Z" } }), "from 1800 to 9999"),
            (json!({ "recipient": { "role": "Needle" } }), "unknown variant"),
            (json!({ "purpose": [] }), "unknown field"),
        ];
        for (written, rule) in cases {
            let error = read(&written).err().unwrap();
            assert!(error.contains(rule), "{error}");
        }
    }
}
