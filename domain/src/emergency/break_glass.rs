//! Break the glass.

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::emergency::{BreakGlassMinutes, BreakGlassStanding, GlassBroken};
use crate::event::{Event, Subject};
use crate::ids::{BreakGlassId, PatientId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Within what time broken glass is to be reviewed, from its breaking on: the default, 72 hours.
pub const REVIEW_WITHIN: TimeDelta = TimeDelta::hours(72);

/// Opens a patient's record to whoever sends this, in an emergency, against the usual rules and for minutes. Another person will review it.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakGlass {
    /// The new time for which the glass is broken.
    pub break_glass: BreakGlassId,
    /// Whose record is to be opened. A record that is not used any more can be opened too.
    pub patient: PatientId,
    /// Why.
    pub reason: Phi<Reason>,
    /// For how long, from now on.
    pub minutes: BreakGlassMinutes,
}

/// Why the glass was not broken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BreakGlassRejection {
    /// The id is taken.
    #[error("the glass was broken under this id already")]
    BreakGlassExists,
    /// No such patient.
    #[error("the patient is not known")]
    PatientUnknown,
}

impl Decision for BreakGlass {
    type Model = BreakGlassStanding;
    type Event = GlassBroken;
    type Rejection = BreakGlassRejection;

    fn model(&self) -> (BreakGlassStanding, Query) {
        BreakGlassStanding::of(self.patient, self.break_glass)
    }

    fn apply(model: &mut BreakGlassStanding, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &BreakGlassStanding, circumstances: &Circumstances) -> Result<Vec<GlassBroken>, BreakGlassRejection> {
        if model.exists() {
            return Err(BreakGlassRejection::BreakGlassExists);
        }
        if !model.patient.is_registered() {
            return Err(BreakGlassRejection::PatientUnknown);
        }
        let starts = circumstances.now;
        Ok(vec![GlassBroken {
            break_glass: self.break_glass,
            patient: self.patient,
            user: circumstances.actor,
            practitioner: circumstances.practitioner,
            own_patient: circumstances.own_patient,
            reason: self.reason.clone(),
            starts,
            ends: starts + TimeDelta::minutes(self.minutes.get()),
            review_due: starts + REVIEW_WITHIN,
        }])
    }
}

impl Command for BreakGlass {
    const CONTEXT: &'static str = "emergency";
    const NAME: &'static str = "break-glass";
    const PERMISSION: Permission = Permission::BreakGlass;

    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::emergency::examples::*;
    use crate::patients::examples::{ADA, BOB, deactivated, registered};
    use crate::providers::examples::PRACTITIONER;
    use crate::testing::{ACTOR, arriving, circumstances, given};

    fn break_it() -> BreakGlass {
        arriving(&json!({ "breakGlass": GLASS, "patient": ADA, "reason": "unconscious, no relative here", "minutes": 30 }))
    }

    #[test]
    fn it_is_broken_by_whoever_asks_for_as_long_as_they_say_and_is_to_be_reviewed() {
        given([registered(ADA)]).when(&break_it()).then([broken(ADA)]);
        given([registered(ADA), deactivated(ADA)]).when(&break_it()).then([broken(ADA)]);
        let by = given([registered(ADA)]).when_by_at(OFFICER, "2027-01-04T12:00:00Z", &break_it()).accepted();
        let [Event::Emergency(crate::emergency::EmergencyEvent::GlassBroken(event))] = &by[..] else { panic!("the glass is broken") };
        assert_eq!((event.user, event.review_due - event.starts), (OFFICER, REVIEW_WITHIN));
    }

    #[test]
    fn it_is_kept_which_practitioner_and_which_patient_broke_it() {
        let asks = Circumstances { practitioner: Some(PRACTITIONER), own_patient: Some(BOB), ..circumstances(ACTOR, "2027-01-04T12:00:00Z") };
        given([registered(ADA)]).when_in(&asks, &break_it()).then([broken_by(ADA, Some(PRACTITIONER), Some(BOB))]);
    }

    #[test]
    fn nobody_can_be_named_and_no_time_is_longer_than_an_hour() {
        let body = |field: &str, value: serde_json::Value| {
            let mut body = json!({ "breakGlass": GLASS, "patient": ADA, "reason": "unconscious", "minutes": 30 });
            body[field] = value;
            serde_json::from_value::<BreakGlass>(body)
        };
        assert!(body("user", json!(OFFICER)).is_err());
        for minutes in [0, 61, 65_536] {
            assert!(body("minutes", json!(minutes)).is_err(), "{minutes}");
        }
        assert!(body("minutes", json!(60)).is_ok() && body("reason", json!(" ")).is_err());
    }

    #[test]
    fn each_time_is_new_and_of_a_patient_that_is_known() {
        given([registered(ADA), broken(ADA)]).when(&break_it()).then_rejected(BreakGlassRejection::BreakGlassExists);
        given([registered(ADA), registered(BOB), broken(BOB)]).when(&break_it()).then_rejected(BreakGlassRejection::BreakGlassExists);
        given([]).when(&break_it()).then_rejected(BreakGlassRejection::PatientUnknown);
    }
}
