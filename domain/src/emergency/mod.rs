//! *Emergency*: to break the glass is to reach, in an emergency, what the usual rules keep closed (45 CFR 164.312(a)(2)(ii)): one patient's record, for a reason and
//! for minutes. Whoever does it does it in their own name. Another person reviews it afterwards and finds it *justified* or not; what nobody reviews in time is
//! *escalated*.

mod break_glass;
mod escalate;
mod events;
#[cfg(test)]
mod examples;
mod review;
mod standing;
mod values;

pub use break_glass::{BreakGlass, BreakGlassRejection, REVIEW_WITHIN};
pub use escalate::{EscalateBreakGlass, EscalateBreakGlassRejection, NotOverdue};
pub use events::{BreakGlassEscalated, BreakGlassReviewed, EmergencyEvent, GlassBroken};
pub use review::{NotReviewable, ReviewBreakGlass, ReviewBreakGlassRejection};
pub use standing::{BreakGlassStanding, BreakGlassUnknown};
pub use values::{BreakGlassMinutes, BreakGlassStatus, Finding};
