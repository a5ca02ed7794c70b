//! End the sessions of a user.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::identity::SessionsEnded;
use crate::ids::UserId;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Query;
use crate::value::Reason;

/// Makes every token void that a user was issued up to now: one that was stolen, or of somebody who left. Who sends it may be meant too.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndSessions {
    /// Whose sessions; the `sub` of their tokens.
    pub user: UserId,
    /// Why.
    pub reason: Phi<Reason>,
}

/// Sessions can always be ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[error("sessions can always be ended")]
pub enum EndSessionsRejection {}

impl Decision for EndSessions {
    type Model = ();
    type Event = SessionsEnded;
    type Rejection = EndSessionsRejection;

    fn model(&self) -> ((), Query) {
        ((), Query::new())
    }

    fn apply((): &mut (), _event: &Event) {}

    fn decide(&self, (): &(), circumstances: &Circumstances) -> Result<Vec<SessionsEnded>, EndSessionsRejection> {
        Ok(vec![SessionsEnded { user: self.user, before: circumstances.now, reason: self.reason.clone() }])
    }
}

impl Command for EndSessions {
    const CONTEXT: &'static str = "identity";
    const NAME: &'static str = "end-sessions";
    const PERMISSION: Permission = Permission::EndSessions;

    fn subject(&self) -> Subject {
        Subject::User(self.user)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::identity::IdentityEvent;
    use crate::patients::examples::{RELATIVE, reason};
    use crate::testing::{ACTOR, arriving, given};

    #[test]
    fn what_was_issued_up_to_now_is_void_and_what_comes_is_not() {
        let end: EndSessions = arriving(&json!({ "user": RELATIVE, "reason": "their telephone was stolen" }));
        let ended = SessionsEnded { user: RELATIVE, before: "2027-01-04T12:00:00Z".parse().unwrap(), reason: reason("their telephone was stolen") };
        given([]).when(&end).then([ended.clone().into()]);
        let again = given([ended.clone().into()]).when_at("2027-01-05T12:00:00Z", &end).accepted();
        let [Event::Identity(IdentityEvent::SessionsEnded(again))] = &again[..] else { panic!("they are ended anew") };
        assert!(again.before > ended.before);
        let issued = |time: &str| time.parse().unwrap();
        assert!(ended.voids(RELATIVE, issued("2027-01-04T12:00:00Z")) && !ended.voids(RELATIVE, issued("2027-01-04T12:00:01Z")));
        assert!(!ended.voids(ACTOR, issued("2027-01-04T12:00:00Z")));
    }
}
