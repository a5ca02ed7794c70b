//! What happens to those who act.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventData, Subject};
use crate::ids::UserId;
use crate::phi::Phi;
use crate::query::Tag;
use crate::value::Reason;

events! {
    /// The events of this context.
    "identity" IdentityEvent {
        SessionsEnded 1,
    }
}

/// Every token of a user that was issued by then is void.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionsEnded {
    /// Whose.
    pub user: UserId,
    /// Tokens issued at or before this moment are void.
    pub before: DateTime<Utc>,
    /// Why.
    pub reason: Phi<Reason>,
}

impl SessionsEnded {
    /// Whether a token of a user is void by it.
    pub fn voids(&self, user: UserId, issued: DateTime<Utc>) -> bool {
        self.user == user && issued <= self.before
    }
}

impl EventData for SessionsEnded {
    fn subject(&self) -> Subject {
        Subject::User(self.user)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::user(self.user)]
    }
}
