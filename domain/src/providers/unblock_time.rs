//! Open a closed stretch of a calendar again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::{BlockId, PractitionerId};
use crate::permission::Permission;
use crate::providers::{ProvidersEvent, TimeBlocked, TimeUnblocked};
use crate::query::{Query, Tag};
use crate::time::LocalStretch;

/// Opens a stretch of a practitioner's calendar again.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnblockTime {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The block.
    pub block: BlockId,
}

/// Why it was not opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum UnblockTimeRejection {
    /// The practitioner has no such block.
    #[error("the practitioner has no such block")]
    BlockUnknown,
}

/// The block.
pub struct Unblocking {
    practitioner: PractitionerId,
    blocked: Option<LocalStretch>,
    unblocked: bool,
}

impl Decision for UnblockTime {
    type Model = Unblocking;
    type Event = TimeUnblocked;
    type Rejection = UnblockTimeRejection;

    fn model(&self) -> (Unblocking, Query) {
        let query = Query::new().and(&[TimeBlocked::TYPE, TimeUnblocked::TYPE], Tag::block(self.block));
        (Unblocking { practitioner: self.practitioner, blocked: None, unblocked: false }, query)
    }

    fn apply(model: &mut Unblocking, event: &Event) {
        match event {
            Event::Providers(ProvidersEvent::TimeBlocked(event)) if event.practitioner == model.practitioner => model.blocked = Some(event.time),
            Event::Providers(ProvidersEvent::TimeUnblocked(_)) => model.unblocked = true,
            _ => {}
        }
    }

    fn decide(&self, model: &Unblocking, _circumstances: &Circumstances) -> Result<Vec<TimeUnblocked>, UnblockTimeRejection> {
        let time = model.blocked.ok_or(UnblockTimeRejection::BlockUnknown)?;
        if model.unblocked {
            return Ok(Vec::new());
        }
        Ok(vec![TimeUnblocked { practitioner: self.practitioner, block: self.block, time }])
    }
}

impl Command for UnblockTime {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "unblock-time";
    const PERMISSION: Permission = Permission::ManagePractitioners;

    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::providers::examples::*;
    use crate::testing::given;

    const UNBLOCK: UnblockTime = UnblockTime { practitioner: PRACTITIONER, block: BLOCK };

    fn lunch() -> Event {
        blocked("2027-01-05T12:00:00", "2027-01-05T13:00:00")
    }

    fn unblocked() -> Event {
        let time = LocalStretch { start: "2027-01-05T12:00:00".parse().unwrap(), end: "2027-01-05T13:00:00".parse().unwrap(), zone: CHICAGO };
        TimeUnblocked { practitioner: PRACTITIONER, block: BLOCK, time }.into()
    }

    #[test]
    fn the_same_stretch_is_open_again() {
        given([lunch()]).when(&UNBLOCK).then([unblocked()]);
    }

    #[test]
    fn what_is_open_already_stays_so() {
        given([lunch(), unblocked()]).when(&UNBLOCK).then([]);
    }

    #[test]
    fn only_a_block_of_that_practitioner_is_opened() {
        given([]).when(&UNBLOCK).then_rejected(UnblockTimeRejection::BlockUnknown);
        let another = UnblockTime { block: BlockId(Uuid::from_u128(10)), ..UNBLOCK };
        given([lunch()]).when(&another).then_rejected(UnblockTimeRejection::BlockUnknown);
        let of_another = UnblockTime { practitioner: OTHER_PRACTITIONER, ..UNBLOCK };
        given([lunch()]).when(&of_another).then_rejected(UnblockTimeRejection::BlockUnknown);
    }
}
