//! What every clinical fact has in common, and the list of the kinds there are.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{EventType, Named};
use crate::records::chart::Chart;
use crate::records::element::Element;
use crate::records::elements::Reference;
use crate::records::events::{Change, FactAmended, FactEnteredInError, FactRecorded, What};
use crate::records::screening::Screening;
use crate::records::{AllergyIntolerance, Condition, Device, Encounter, FamilyMemberHistory, Immunization, MedicationRequest, Observation, Procedure};
use crate::terminology::Terminology;

/// The content of a clinical fact, in the shape of its FHIR R4 resource: what is said, without whose it is and what it is called.
pub trait Fact: Kind + Element + Clone + PartialEq + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// What it is about, as a person reads it.
    fn title(&self) -> Option<&str>;

    /// When it was so, where it says.
    fn occurred(&self) -> Option<DateTime<Utc>>;

    /// The encounter during which it was stated.
    fn encounter(&self) -> Option<&Reference> {
        None
    }

    /// Who says so.
    fn asserter(&self) -> Option<&Reference> {
        None
    }

    /// Whether it may be amended to `next`.
    fn amendable_to(&self, next: &Self) -> Result<(), NotAmendable> {
        let _ = next;
        Ok(())
    }

    /// What of the patient's chart a decision about it must see, besides itself. A chart may be long: what is not looked at is not asked for.
    fn depends_on(&self) -> &'static [EventType] {
        &[]
    }

    /// Whether the rest of the chart says the opposite, so that it cannot be.
    fn is_contradicted_by(&self, chart: &Chart) -> bool {
        let _ = chart;
        false
    }

    /// What of the rest of the chart it may not go together with; `None` where there is nothing to be careful about.
    fn screen(&self, chart: &Chart, terminology: &Terminology) -> Option<Screening> {
        let _ = (chart, terminology);
        None
    }

    /// Whether it is looked at whether facts of this kind go together with the chart.
    const IS_SCREENED: bool = false;

    /// Whether a conflict must be acknowledged before it is recorded; otherwise it is flagged.
    const CONFLICTS_ARE_REFUSED: bool = false;
}

/// Why a fact is not amended so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum NotAmendable {
    /// The status does not follow the one that it has.
    #[error("the status does not follow the present one")]
    StatusNotNext {
        /// The present status.
        from: &'static str,
        /// The one that was asked for.
        to: &'static str,
    },
}

/// What the list of kinds says of each.
pub trait Kind: Sized {
    /// Which kind.
    const KIND: FactKind;
    /// The command that records it.
    const RECORD: &'static str;
    /// The command that amends it.
    const AMEND: &'static str;
    /// The command that takes it back.
    const ENTER_IN_ERROR: &'static str;
    /// Its three events.
    const TYPES: &'static [EventType];

    /// The content, where it is of this kind.
    fn of(content: &Content) -> Option<&Self>;
}

macro_rules! facts {
    ($($(#[$documentation:meta])* $kind:ident $name:literal $recorded:ident $amended:ident $entered_in_error:ident,)*) => {
        /// The kinds of clinical facts, named as FHIR R4 names their resources.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        pub enum FactKind {
            $($(#[$documentation])* $kind,)*
        }

        impl FactKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The FHIR resource type.
            pub fn resource_type(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind),)* }
            }

            /// As a person names it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Reads content of this kind from JSON in the shape of its resource.
            pub fn content(self, json: Value) -> Result<Content, serde_json::Error> {
                match self { $(Self::$kind => serde_json::from_value(json).map(Content::$kind),)* }
            }
        }

        /// The content of any fact.
        #[derive(Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        #[expect(clippy::large_enum_variant, reason = "a chart holds facts of every kind")]
        pub enum Content {
            $($(#[$documentation])* $kind($kind),)*
        }

        impl Content {
            /// Which kind.
            pub fn kind(&self) -> FactKind {
                match self { $(Self::$kind(_) => FactKind::$kind,)* }
            }
            /// What it is about, as a person reads it.
            pub fn title(&self) -> Option<&str> {
                match self { $(Self::$kind(content) => content.title(),)* }
            }
            /// When it was so, where it says.
            pub fn occurred(&self) -> Option<DateTime<Utc>> {
                match self { $(Self::$kind(content) => content.occurred(),)* }
            }
            /// The encounter during which it was stated.
            pub fn encounter(&self) -> Option<&Reference> {
                match self { $(Self::$kind(content) => content.encounter(),)* }
            }
            /// Who says so.
            pub fn asserter(&self) -> Option<&Reference> {
                match self { $(Self::$kind(content) => content.asserter(),)* }
            }
        }

        $(
            #[doc = concat!("A fact of the kind `", stringify!($kind), "` was recorded.")]
            pub type $recorded = FactRecorded<$kind>;
            #[doc = concat!("A fact of the kind `", stringify!($kind), "` was amended.")]
            pub type $amended = FactAmended<$kind>;
            #[doc = concat!("A fact of the kind `", stringify!($kind), "` was taken back.")]
            pub type $entered_in_error = FactEnteredInError<$kind>;

            impl Kind for $kind {
                const KIND: FactKind = FactKind::$kind;
                const RECORD: &'static str = concat!("record-", $name);
                const AMEND: &'static str = concat!("amend-", $name);
                const ENTER_IN_ERROR: &'static str = concat!("enter-", $name, "-in-error");
                const TYPES: &'static [EventType] = &[$recorded::TYPE, $amended::TYPE, $entered_in_error::TYPE];

                fn of(content: &Content) -> Option<&Self> {
                    match content {
                        Content::$kind(content) => Some(content),
                        _ => None,
                    }
                }
            }
        )*

        events! {
            /// The events of this context.
            "records" RecordsEvent {
                $($recorded 1, $amended 1, $entered_in_error 1,)*
            }
        }

        impl RecordsEvent {
            /// What it does to the chart, whatever its kind.
            pub fn change(&self) -> Change {
                match self {$(
                    Self::$recorded(event) => Change {
                        kind: FactKind::$kind,
                        patient: event.patient,
                        fact: event.fact,
                        what: What::Recorded {
                            content: event.content.clone().map(Content::$kind), security: event.security.clone(), screening: event.screening.clone(),
                        },
                    },
                    Self::$amended(event) => Change {
                        kind: FactKind::$kind,
                        patient: event.patient,
                        fact: event.fact,
                        what: What::Amended {
                            content: event.content.clone().map(Content::$kind), security: event.security.clone(), screening: event.screening.clone(),
                            reason: event.reason.clone(),
                        },
                    },
                    Self::$entered_in_error(event) => Change {
                        kind: FactKind::$kind,
                        patient: event.patient,
                        fact: event.fact,
                        what: What::EnteredInError { reason: event.reason.clone() },
                    },
                )*}
            }
        }
    };
}

facts! {
    /// See [`AllergyIntolerance`].
    AllergyIntolerance "allergy" AllergyIntoleranceRecorded AllergyIntoleranceAmended AllergyIntoleranceEnteredInError,
    /// See [`Condition`].
    Condition "condition" ConditionRecorded ConditionAmended ConditionEnteredInError,
    /// See [`Device`].
    Device "device" DeviceRecorded DeviceAmended DeviceEnteredInError,
    /// See [`Encounter`].
    Encounter "encounter" EncounterRecorded EncounterAmended EncounterEnteredInError,
    /// See [`FamilyMemberHistory`].
    FamilyMemberHistory "family-history" FamilyMemberHistoryRecorded FamilyMemberHistoryAmended FamilyMemberHistoryEnteredInError,
    /// See [`Immunization`].
    Immunization "immunization" ImmunizationRecorded ImmunizationAmended ImmunizationEnteredInError,
    /// See [`MedicationRequest`].
    MedicationRequest "medication-request" MedicationRequestRecorded MedicationRequestAmended MedicationRequestEnteredInError,
    /// See [`Observation`].
    Observation "observation" ObservationRecorded ObservationAmended ObservationEnteredInError,
    /// See [`Procedure`].
    Procedure "procedure" ProcedureRecorded ProcedureAmended ProcedureEnteredInError,
}
