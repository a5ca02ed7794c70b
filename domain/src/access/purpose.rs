//! Why something is looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! purposes {
    ($($(#[$documentation:meta])* $name:ident $code:literal,)*) => {
        /// Why protected data is used (HL7 v3 `PurposeOfUse`, <http://terminology.hl7.org/CodeSystem/v3-ActReason>).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        pub enum PurposeOfUse {
            $($(#[$documentation])* #[serde(rename = $code)] $name,)*
        }

        impl PurposeOfUse {
            /// Every purpose.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The HL7 code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

purposes! {
    /// To treat the patient.
    Treatment "TREAT",
    /// To treat in an emergency.
    EmergencyTreatment "ETREAT",
    /// To coordinate care.
    CareManagement "CAREMGT",
    /// To be paid for care.
    Payment "HPAYMT",
    /// To run the organization.
    Operations "HOPERAT",
    /// To keep records in order.
    RecordManagement "RECORDMGT",
    /// To see that rules are kept.
    Compliance "HCOMPL",
    /// To operate the system.
    SystemAdministration "HSYSADMIN",
    /// The patient asks, for themself.
    PatientRequest "PATRQT",
    /// Someone of the family asks, for the patient.
    FamilyRequest "FAMRQT",
    /// To protect the public's health.
    PublicHealth "PUBHLTH",
    /// To learn in general.
    Research "HRESCH",
    /// To answer a court or another legal duty.
    Legal "HLEGAL",
    /// To break the glass: access that the usual rules refuse, in an emergency.
    BreakTheGlass "BTG",
}

impl PurposeOfUse {
    /// The purpose of an HL7 code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|purpose| purpose.code() == code)
    }
}
