//! A restriction as far as its events say: the model that its commands share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consents::ConsentsEvent;
use crate::event::Event;
use crate::ids::{PatientId, RestrictionId};
use crate::patients::PatientStanding;
use crate::phi::Phi;
use crate::query::{Query, Tag};

/// How far a restriction has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RestrictionStatus {
    /// It was asked for.
    Requested,
    /// It was agreed to, and holds.
    Agreed,
    /// It was not agreed to.
    Declined,
    /// It held, and does not any more.
    Ended,
}

impl RestrictionStatus {
    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Agreed => "agreed",
            Self::Declined => "declined",
            Self::Ended => "ended",
        }
    }
}

/// Why a restriction cannot be answered or ended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum RestrictionUnusable {
    /// This patient has asked for no such restriction. Whether somebody else has is not said.
    #[error("the patient has asked for no such restriction")]
    RestrictionUnknown,
    /// It has come too far, or not far enough.
    #[error("the restriction is not in a state for this")]
    #[serde(rename_all = "camelCase")]
    RestrictionStatus {
        /// How far it has come.
        status: RestrictionStatus,
    },
}

/// It keeps from a health plan what was paid for in full.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum RestrictionMandatory {
    /// The law asks that it be kept.
    #[error("what was paid for in full must be kept from a health plan when the patient asks for it ({rule})")]
    #[serde(rename_all = "camelCase")]
    RestrictionMandatory {
        /// Where the law says so.
        #[schemars(with = "String")]
        rule: &'static str,
    },
}

impl RestrictionMandatory {
    /// It must be agreed to.
    pub(super) const TO_AGREE: Self = Self::RestrictionMandatory { rule: "45 CFR 164.522(a)(1)(vi)" };
    /// It cannot be ended by telling the patient.
    pub(super) const TO_KEEP: Self = Self::RestrictionMandatory { rule: "45 CFR 164.522(a)(2)(iii)(A)" };
}

/// The patient's record, and the one restriction that a decision names.
pub struct RestrictionStanding {
    pub(super) standing: PatientStanding,
    of: PatientId,
    requested: Option<Requested>,
}

/// A restriction that was asked for.
pub(super) struct Requested {
    /// Under which record.
    pub(super) patient: PatientId,
    pub(super) status: RestrictionStatus,
    /// Whether it must be agreed to and kept. Of an erased person nothing more is decided.
    pub(super) mandatory: bool,
}

impl RestrictionStanding {
    /// The model before any event, and what it must see.
    pub(super) fn of(patient: PatientId, restriction: RestrictionId) -> (Self, Query) {
        let standing = PatientStanding::of(patient);
        let query = standing.query().and(ConsentsEvent::TYPES, Tag::restriction(restriction));
        (Self { standing, of: patient, requested: None }, query)
    }

    /// Folds one event of any context. The query names one restriction, so that any is this one.
    pub(super) fn apply(&mut self, event: &Event) {
        self.standing.apply(event);
        let Event::Consents(event) = event else { return };
        let status = match event {
            ConsentsEvent::RestrictionRequested(event) => {
                let mandatory = event.paid_in_full == Phi::Known(true);
                self.requested = Some(Requested { patient: event.patient, status: RestrictionStatus::Requested, mandatory });
                return;
            }
            ConsentsEvent::RestrictionAgreed(_) => RestrictionStatus::Agreed,
            ConsentsEvent::RestrictionDeclined(_) => RestrictionStatus::Declined,
            ConsentsEvent::RestrictionEnded(_) => RestrictionStatus::Ended,
            ConsentsEvent::ConsentGranted(_) | ConsentsEvent::ConsentRevoked(_) => return,
        };
        if let Some(requested) = &mut self.requested {
            requested.status = status;
        }
    }

    /// Whether a restriction has this id, whoever asked for it.
    pub(super) fn exists(&self) -> bool {
        self.requested.is_some()
    }

    /// The restriction, where this person asked for it, under any record of theirs.
    pub(super) fn own(&self) -> Result<&Requested, RestrictionUnusable> {
        let own = self.requested.as_ref().filter(|requested| self.standing.linked.same_person(requested.patient, self.of));
        own.ok_or(RestrictionUnusable::RestrictionUnknown)
    }
}

impl Requested {
    /// It is in another state than it takes.
    pub(super) fn unusable(&self) -> RestrictionUnusable {
        RestrictionUnusable::RestrictionStatus { status: self.status }
    }
}
