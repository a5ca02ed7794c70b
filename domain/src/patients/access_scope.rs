//! How far a grant of access reaches, and how long it holds.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Months, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::DataKind;
use crate::event::Label;
use crate::value::{InvalidValue, distinct, moment};

/// The age at which a person decides for themself, in years: that of most states, and the default for all.
pub const AGE_OF_MAJORITY: u32 = 18;

named! {
    /// What someone is to a patient (HL7 v3 `RoleCode`, <http://terminology.hl7.org/CodeSystem/v3-RoleCode>).
    #[derive(Default)]
    Relationship code from_code {
        /// A parent.
        Parent "PRN",
        /// A guardian.
        Guardian "GUARD",
        /// Whom they are married to.
        Spouse "SPS",
        /// Whom they live with as with a spouse.
        Partner "DOMPART",
        /// A child.
        Child "CHILD",
        /// A brother or a sister.
        Sibling "SIB",
        /// Whom they gave power of attorney to decide about their care.
        HealthcarePowerOfAttorney "HPOWATT",
        /// Somebody else, or somebody of whom it was not said.
        #[default]
        Other "other",
    }
}

impl Relationship {
    /// Whether it gives a right over a minor, which ends when they come of age.
    fn is_over_a_minor(self) -> bool {
        matches!(self, Self::Parent | Self::Guardian)
    }
}

/// How far access reaches that a patient granted to another person. Nothing said: to all that is passed on, without end, and to nothing sensitive.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "WrittenScope")]
#[schemars(!try_from, deny_unknown_fields)]
pub struct AccessScope {
    /// What the other person is to the patient.
    #[serde(default)]
    pub relationship: Relationship,
    /// Which kinds of data they reach; empty: all that is passed on.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub kinds: BTreeSet<DataKind>,
    /// Which sensitive data the patient opens to them, by its labels.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub labels: BTreeSet<Label>,
    /// When it ends.
    #[serde(default)]
    pub ends: Option<DateTime<Utc>>,
    /// Whether it ends when the patient comes of age: of a parent or a guardian.
    #[serde(default)]
    pub until_majority: bool,
}

/// The scope as it is written, before its rules are looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenScope {
    #[serde(default)]
    relationship: Relationship,
    #[serde(default, deserialize_with = "distinct::<20, _, _>")]
    kinds: BTreeSet<DataKind>,
    #[serde(default, deserialize_with = "distinct::<20, _, _>")]
    labels: BTreeSet<Label>,
    #[serde(default, deserialize_with = "moment")]
    ends: Option<DateTime<Utc>>,
    #[serde(default)]
    until_majority: bool,
}

impl TryFrom<WrittenScope> for AccessScope {
    type Error = InvalidValue;
    fn try_from(written: WrittenScope) -> Result<Self, InvalidValue> {
        let WrittenScope { relationship, kinds, labels, ends, until_majority } = written;
        if until_majority && !relationship.is_over_a_minor() {
            return Err(InvalidValue("end with the patient's majority only for a parent (PRN) or a guardian (GUARD)"));
        }
        Ok(Self { relationship, kinds, labels, ends, until_majority })
    }
}

impl AccessScope {
    /// How long it holds.
    pub fn term(&self) -> AccessTerm {
        AccessTerm { ends: self.ends, until_majority: self.until_majority }
    }
}

/// How long a grant of access holds, for those who decide by the log and for those who decide by the read models.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccessTerm {
    /// The moment at which it ends.
    pub ends: Option<DateTime<Utc>>,
    /// Whether it ends when the patient comes of age.
    pub until_majority: bool,
}

impl AccessTerm {
    /// Whether it holds at a moment; `born` is the first day that the patient's date of birth can mean. Of whom that is not known, nobody can say that they are a minor.
    pub fn holds(self, born: Option<NaiveDate>, now: DateTime<Utc>) -> bool {
        let ended = self.ends.is_some_and(|ends| ends <= now);
        let minor = || born.and_then(comes_of_age).is_some_and(|majority| now < majority);
        !ended && (!self.until_majority || minor())
    }
}

/// The first moment at which someone born on a day can be of age: the day begins first where clocks are farthest ahead, at UTC+14.
fn comes_of_age(born: NaiveDate) -> Option<DateTime<Utc>> {
    let day = born.checked_add_months(Months::new(12 * AGE_OF_MAJORITY))?;
    Some(day.and_time(NaiveTime::MIN).and_utc() - Duration::hours(14))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fhir_values::PartialDate;

    fn scope(written: Value) -> Result<AccessScope, String> {
        serde_json::from_value(written).map_err(|error| error.to_string())
    }

    fn holds(written: Value, born: Option<&str>, now: &str) -> bool {
        let born = born.map(|born| PartialDate::try_from(born.to_owned()).unwrap().earliest());
        scope(written).unwrap().term().holds(born, now.parse().unwrap())
    }

    #[test]
    fn nothing_said_is_everything_passed_on_without_an_end() {
        let said = scope(json!({})).unwrap();
        assert!(said == AccessScope::default() && said.relationship == Relationship::Other && said.labels.is_empty());
        assert!(holds(json!({}), None, "9999-12-31T00:00:00Z"));
    }

    #[test]
    fn it_ends_at_its_moment() {
        let until = || json!({ "ends": "2027-01-04T12:00:00Z" });
        assert!(holds(until(), None, "2027-01-04T11:59:59Z"));
        assert!(!holds(until(), None, "2027-01-04T12:00:00Z"));
    }

    #[test]
    fn it_ends_as_soon_as_the_patient_can_be_of_age() {
        let minors = || json!({ "relationship": "PRN", "untilMajority": true });
        for (born, last, over) in [
            ("2009-01-05", "2027-01-04T09:59:59Z", "2027-01-04T10:00:00Z"),
            ("2009-02", "2027-01-31T09:59:59Z", "2027-01-31T10:00:00Z"),
            ("2009", "2026-12-31T09:59:59Z", "2026-12-31T10:00:00Z"),
            ("2008-02-29", "2026-02-27T09:59:59Z", "2026-02-27T10:00:00Z"),
        ] {
            assert!(holds(minors(), Some(born), last) && !holds(minors(), Some(born), over), "born {born}");
        }
        assert!(!holds(minors(), None, "2027-01-04T12:00:00Z"), "of whom no birth is known nobody can say that they are a minor");
        let both = json!({ "relationship": "GUARD", "untilMajority": true, "ends": "2020-01-01T00:00:00Z" });
        assert!(!holds(both, Some("2015"), "2027-01-04T12:00:00Z"), "whichever comes first");
    }

    #[test]
    fn what_does_not_go_together_does_not_read() {
        assert!(scope(json!({ "relationship": "SPS", "untilMajority": true })).is_err());
        assert!(scope(json!({ "kinds": ["chart", "chart"] })).is_err_and(|error| error.contains("twice")));
        assert!(scope(json!({ "ends": "+12000-01-01T00:00:00Z" })).is_err());
        assert!(scope(json!({ "shoeSize": 38 })).is_err());
    }

    #[test]
    fn every_code_reads_as_its_relationship() {
        for relationship in Relationship::ALL {
            assert_eq!(Relationship::from_code(relationship.code()), Some(relationship));
            assert_eq!(serde_json::to_value(relationship).unwrap(), relationship.code());
        }
    }
}
