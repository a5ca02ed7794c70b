//! To whom, what and why.

use chrono::{DateTime, Datelike, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::Circumstances;
use crate::fhir_values::Address;
use crate::value::{InvalidValue, Line, plain_text};

crate::text_value!(
    /// What was disclosed, in a person's words. 1 to 2,000 characters.
    Description, |text| plain_text(text, 2000), { "minLength": 1, "maxLength": 2000 });

/// A moment on an ordinary calendar, from 1800 on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "DateTime<Utc>", into = "DateTime<Utc>")]
pub struct DisclosureTime(DateTime<Utc>);

impl DisclosureTime {
    /// The moment.
    pub fn get(self) -> DateTime<Utc> {
        self.0
    }
}

impl TryFrom<DateTime<Utc>> for DisclosureTime {
    type Error = InvalidValue;
    fn try_from(time: DateTime<Utc>) -> Result<Self, InvalidValue> {
        if (1800..=9998).contains(&time.year()) { Ok(Self(time)) } else { Err(InvalidValue("be a moment from 1800 on")) }
    }
}

impl From<DisclosureTime> for DateTime<Utc> {
    fn from(time: DisclosureTime) -> Self {
        time.0
    }
}

impl JsonSchema for DisclosureTime {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DisclosureTime".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        DateTime::<Utc>::json_schema(generator)
    }
}

/// Who received it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recipient {
    /// The person or the organization.
    pub name: Line,
    /// Where they are, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

macro_rules! bases {
    ($($(#[$documentation:meta])* $name:ident $code:literal $accountable:literal $words:literal,)*) => {
        /// On what ground something was disclosed (45 CFR 164.502, 164.508, 164.512).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Basis {
            $($(#[$documentation])* $name,)*
        }

        impl Basis {
            /// Every basis.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code, as commands have it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Whether the patient's accounting holds disclosures on this ground (45 CFR 164.528(a)(1)).
            pub fn is_accountable(self) -> bool {
                match self { $(Self::$name => $accountable,)* }
            }

            /// As a person reads it.
            pub fn words(self) -> &'static str {
                match self { $(Self::$name => $words,)* }
            }
        }
    };
}

bases! {
    /// To treat the patient.
    Treatment "treatment" false "for treatment",
    /// To be paid for care.
    Payment "payment" false "for payment",
    /// To run the organization.
    Operations "operations" false "for health care operations",
    /// To the patient themself.
    Individual "individual" false "to the patient themself",
    /// The patient authorized it.
    Authorization "authorization" false "as the patient authorized",
    /// The law asks for it.
    RequiredByLaw "required-by-law" true "as required by law",
    /// To protect the public's health.
    PublicHealth "public-health" true "for public health",
    /// Abuse, neglect or domestic violence is reported.
    AbuseReport "abuse-report" true "to report abuse, neglect or domestic violence",
    /// Somebody oversees health care.
    Oversight "oversight" true "for health oversight",
    /// A court or a tribunal asks.
    Judicial "judicial" true "in a judicial or administrative proceeding",
    /// The police or the like asks.
    LawEnforcement "law-enforcement" true "for law enforcement",
    /// To a coroner, a medical examiner or a funeral director.
    Decedent "decedent" true "about a person who died, to a coroner, medical examiner or funeral director",
    /// For organs, eyes and tissue.
    OrganDonation "organ-donation" true "for the donation of organs, eyes or tissue",
    /// For research that needed no authorization.
    Research "research" true "for research",
    /// To avert a serious threat.
    ThreatToSafety "threat-to-safety" true "to avert a serious threat to health or safety",
    /// For a claim of a worker.
    WorkersCompensation "workers-compensation" true "for workers' compensation",
    /// Anything else.
    Other "other" true "for another reason",
}

/// Who entered a disclosure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DisclosureSource {
    /// A person, of what happened outside of Carelog.
    ByHand,
    /// What sent the data.
    System,
}

impl DisclosureSource {
    /// Who enters it in these circumstances: whoever asks does so by hand, and a reaction to an event is the system's.
    pub(super) fn of(circumstances: &Circumstances) -> Self {
        if circumstances.causation.is_some() { Self::System } else { Self::ByHand }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_care_for_the_patient_or_authorized_is_not_accounted_for() {
        let left_out: Vec<&str> = Basis::ALL.iter().filter(|basis| !basis.is_accountable()).map(|basis| basis.code()).collect();
        assert_eq!(left_out, ["treatment", "payment", "operations", "individual", "authorization"]);
        for basis in Basis::ALL {
            assert_eq!(serde_json::to_value(basis).unwrap(), basis.code());
        }
    }
}
