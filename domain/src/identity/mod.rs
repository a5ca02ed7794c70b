//! *Identity*: who may still act. Tokens are issued elsewhere and hold until they end; to *end the sessions* of a user makes every token void that they were issued up to
//! then. Whoever is to come back asks their issuer for a new one.

mod end_sessions;
mod events;

pub use end_sessions::{EndSessions, EndSessionsRejection};
pub use events::{IdentityEvent, SessionsEnded};
