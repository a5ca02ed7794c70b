//! How sensitive something is.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

macro_rules! labels {
    ($($(#[$documentation:meta])* $name:ident $code:literal,)*) => {
        /// A security label (HL7 v3 `Confidentiality` and `ActCode`), kept in clear beside the sealed event so that policy can act without opening it.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        pub enum Label {
            $($(#[$documentation])* #[serde(rename = $code)] $name,)*
            /// One that this build does not know: of a row or a record that a later build wrote. Nobody gives it, so it is written only where it was met.
            #[serde(rename = "UNK", skip_deserializing)]
            Unknown,
        }

        impl Label {
            /// Every label that there is to give.
            pub const ALL: [Self; [$($code,)*].len()] = [$(Self::$name,)*];

            /// The HL7 code; of one that is not known, HL7 v3's `NullFlavor` for that.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Unknown => "UNK",
                }
            }
        }
    };
}

labels! {
    /// Unrestricted: says nothing about a person.
    Unrestricted "U",
    /// Normal: protected as all health information is.
    Normal "N",
    /// Restricted: more sensitive than most.
    Restricted "R",
    /// Very restricted: only for those who treat the patient, and known to few.
    VeryRestricted "V",
    /// Substance abuse, in law 42 CFR Part 2.
    SubstanceAbuse "ETH",
    /// HIV and AIDS.
    Hiv "HIV",
    /// Psychiatry.
    Psychiatry "PSY",
    /// Notes of psychotherapy (45 CFR 164.501).
    PsychotherapyNotes "PSYTHPN",
    /// Behavioral health.
    BehavioralHealth "BH",
    /// Sexual assault, abuse, and domestic violence.
    Violence "SDV",
    /// Sexuality and reproductive health.
    Sexuality "SEX",
    /// Sexually transmitted disease.
    SexuallyTransmittedDisease "STD",
    /// Genetic disease.
    GeneticDisease "GDIS",
    /// What the patient has asked to be kept from others.
    PatientRequest "PRS",
}

impl Label {
    /// Whether something more than a role must open what bears it.
    pub fn is_sensitive(self) -> bool {
        !matches!(self, Self::Unrestricted | Self::Normal | Self::Restricted)
    }

    /// The label of an HL7 code that somebody gives.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.code() == code)
    }

    /// The label of a code that something bears. One that is not known closes as the most sensitive do, and is named by nothing that would open it.
    pub fn borne(code: &str) -> Self {
        Self::from_code(code).unwrap_or(Self::Unknown)
    }

    /// The labels of the codes that a row bears.
    pub fn from_codes(codes: &[String]) -> Vec<Self> {
        codes.iter().map(|code| Self::borne(code)).collect()
    }

    /// Whether this is the label that somebody named: one that is not known is not the same as another.
    pub fn is(self, named: Self) -> bool {
        self == named && self != Self::Unknown
    }

    /// Reads the labels that a row bears.
    pub fn all_borne<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Self>, D::Error> {
        Ok(Self::from_codes(&Vec::deserialize(deserializer)?))
    }

    /// Reads the label that a record names.
    pub(crate) fn met<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.as_deref().map(Self::borne))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_of_a_later_build_is_sensitive_and_nothing_names_it() {
        let labels = Label::from_codes(&["N".to_owned(), "XYZ".to_owned(), "UNK".to_owned()]);
        assert_eq!(labels, [Label::Normal, Label::Unknown, Label::Unknown]);
        assert!(Label::Unknown.is_sensitive() && !Label::Unknown.is(Label::Unknown));
        for given in ["XYZ", "UNK"] {
            assert_eq!(Label::from_code(given), None);
            assert!(serde_json::from_value::<Label>(json!(given)).is_err(), "nobody gives {given}");
        }
    }

    #[test]
    fn every_code_reads_as_its_label() {
        for label in Label::ALL {
            assert_eq!((Label::from_code(label.code()), Label::borne(label.code())), (Some(label), label));
            assert_eq!(serde_json::to_value(label).unwrap(), label.code());
        }
    }
}
