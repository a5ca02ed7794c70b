//! Record a disclosure.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{DataKind, PurposeOfUse};
use crate::decision::{Circumstances, Command, Decision};
use crate::disclosures::{Basis, Description, DisclosureMade, DisclosureSource, DisclosureStanding, DisclosureTime, Recipient};
use crate::event::{Event, Subject};
use crate::ids::{DisclosureId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Says that something of a patient was disclosed to somebody outside: when, to whom, what, and on what ground. Every disclosure may be recorded; which of them are part of the
/// patient's accounting follows from the ground.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordDisclosure {
    /// The new disclosure.
    pub disclosure: DisclosureId,
    /// Of whom. What was disclosed of a record that is not used any more is recorded too.
    pub patient: PatientId,
    /// When: in the past, or now.
    pub made_at: Phi<DisclosureTime>,
    /// To whom.
    pub recipient: Phi<Recipient>,
    /// What.
    pub what: Phi<Description>,
    /// What kinds of data.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub kinds: BTreeSet<DataKind>,
    /// On what ground.
    pub basis: Phi<Basis>,
    /// What for, as it was stated; without it the accounting says the ground in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Phi<Reason>>,
    /// What for, as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose_of_use: Option<Phi<PurposeOfUse>>,
    /// Until then it is kept from the patient, because a law enforcement or oversight official asked for it (45 CFR 164.528(a)(2)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_until: Option<Phi<DisclosureTime>>,
}

/// Why it was not recorded.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RecordDisclosureRejection {
    /// The id is taken.
    #[error("there is a disclosure with this id")]
    DisclosureExists,
    /// No such patient.
    #[error("the patient is not known")]
    PatientUnknown,
    /// It was not made yet.
    #[error("a disclosure is recorded once it was made")]
    MadeInFuture,
    /// Nobody who may ask for it received it.
    #[error("what is kept from the patient for a time went to law enforcement or to health oversight (45 CFR 164.528(a)(2))")]
    NotSuspendable,
}

impl Decision for RecordDisclosure {
    type Model = DisclosureStanding;
    type Event = DisclosureMade;
    type Rejection = RecordDisclosureRejection;

    fn model(&self) -> (DisclosureStanding, Query) {
        DisclosureStanding::of(self.patient, self.disclosure)
    }

    fn apply(model: &mut DisclosureStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &DisclosureStanding, circumstances: &Circumstances) -> Result<Vec<DisclosureMade>, RecordDisclosureRejection> {
        if model.exists() {
            return Err(RecordDisclosureRejection::DisclosureExists);
        }
        if !model.patient.is_registered() {
            return Err(RecordDisclosureRejection::PatientUnknown);
        }
        if self.made_at.known().is_some_and(|made_at| made_at.get() > circumstances.now) {
            return Err(RecordDisclosureRejection::MadeInFuture);
        }
        let to_an_official = self.basis.known().is_none_or(|basis| matches!(basis, Basis::LawEnforcement | Basis::Oversight));
        if self.suspended_until.is_some() && !to_an_official {
            return Err(RecordDisclosureRejection::NotSuspendable);
        }
        let said = self.clone();
        Ok(vec![DisclosureMade {
            disclosure: said.disclosure,
            patient: said.patient,
            made_at: said.made_at,
            recipient: said.recipient,
            what: said.what,
            kinds: said.kinds,
            basis: said.basis,
            purpose: said.purpose,
            purpose_of_use: said.purpose_of_use,
            suspended_until: said.suspended_until,
            source: DisclosureSource::of(circumstances),
        }])
    }
}

impl Command for RecordDisclosure {
    const CONTEXT: &'static str = "disclosures";
    const NAME: &'static str = "record-disclosure";
    const PERMISSION: Permission = Permission::RecordDisclosures;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::disclosures::examples::*;
    use crate::patients::examples::{ADA, BOB, deactivated, registered};
    use crate::testing::{ACTOR, arriving, circumstances, given};

    #[test]
    fn what_was_said_is_recorded() {
        let more = json!({ "purpose": "A case to report", "purposeOfUse": "PUBHLTH", "suspendedUntil": "2027-02-01T00:00:00Z", "basis": "oversight",
            "recipient": { "name": "County Health Department", "address": { "line": ["1 Main St"], "city": "Chicago" } } });
        for more in [json!({}), more] {
            given([registered(ADA)]).when(&arriving::<RecordDisclosure>(&report(ADA, &more))).then([made(ADA, &more)]);
        }
        let record: RecordDisclosure = arriving(&report(ADA, &json!({})));
        given([registered(ADA), deactivated(ADA)]).when(&record).then([made(ADA, &json!({}))]);
    }

    #[test]
    fn who_enters_it_is_not_for_the_one_who_asks_to_say() {
        let reaction = Circumstances { causation: Some(Uuid::from_u128(70)), ..circumstances(ACTOR, "2027-01-04T12:00:00Z") };
        let record: RecordDisclosure = arriving(&report(ADA, &json!({})));
        given([registered(ADA)]).when_in(&reaction, &record).then([made_by(ADA, DisclosureSource::System, &json!({}))]);
        for source in ["by-hand", "system"] {
            assert!(serde_json::from_value::<RecordDisclosure>(report(ADA, &json!({ "source": source }))).is_err());
        }
    }

    #[test]
    fn only_what_an_official_received_is_kept_from_the_patient_for_a_time() {
        let record: RecordDisclosure = arriving(&report(ADA, &json!({ "suspendedUntil": "2027-02-01T00:00:00Z", "basis": "research" })));
        given([registered(ADA)]).when(&record).then_rejected(RecordDisclosureRejection::NotSuspendable);
    }

    #[test]
    fn it_was_made_and_is_new_and_of_a_patient_that_is_known() {
        let record: RecordDisclosure = arriving(&report(ADA, &json!({})));
        given([]).when(&record).then_rejected(RecordDisclosureRejection::PatientUnknown);
        given([registered(ADA), registered(BOB), made(BOB, &json!({}))]).when(&record).then_rejected(RecordDisclosureRejection::DisclosureExists);
        given([registered(ADA)]).when_at("2027-01-03T09:59:59Z", &record).then_rejected(RecordDisclosureRejection::MadeInFuture);
    }

    #[test]
    fn a_moment_that_no_calendar_has_does_not_read() {
        let read = |time: &str| serde_json::from_value::<RecordDisclosure>(report(ADA, &json!({ "madeAt": time }))).is_ok();
        assert!(read("1999-12-31T23:59:59Z"));
        assert!(!read("1799-12-31T23:59:59Z") && !read("0000-01-01T00:00:00Z") && !read("+20000-01-01T00:00:00Z"));
    }
}
