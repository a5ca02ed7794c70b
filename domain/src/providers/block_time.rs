//! Close a stretch of a calendar.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::{BlockId, FacilityId, PractitionerId};
use crate::organizations::FacilityStanding;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::providers::{PractitionerStanding, ProvidersEvent, TimeBlocked};
use crate::query::{Query, Tag};
use crate::time::{LocalStretch, LocalTime, NoSuchTime};
use crate::value::Reason;

/// Closes a practitioner's calendar to booking, at every facility, from one reading of a facility's clocks up to another. Where the clocks go back
/// over an end, the longer stretch is meant. Appointments that are booked already stay.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BlockTime {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// The block, named by the caller.
    pub block: BlockId,
    /// Whose clocks count.
    pub facility: FacilityId,
    /// The date and time on those clocks at which it starts.
    pub start: LocalTime,
    /// The date and time on those clocks at which it is over; at most 366 days later.
    pub end: LocalTime,
    /// Why; it may be a private matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<Reason>>,
}

/// Why it was not closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", content = "parameters", rename_all = "kebab-case")]
pub enum BlockTimeRejection {
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
    /// Another block has the id.
    #[error("a block of this id exists")]
    BlockExists,
    /// No such facility.
    #[error("the facility is not known")]
    FacilityUnknown,
    /// It is over before it starts, or at once.
    #[error("the end does not come after the start")]
    EndNotAfterStart,
    /// It takes longer than 366 days.
    #[error("the stretch is longer than 366 days")]
    TooLong,
    /// The start or the end is not a moment at the facility.
    #[error("the local time is not a moment at the facility")]
    NoSuchTime {
        /// Skipped.
        problem: NoSuchTime,
    },
}

/// The practitioner, the facility whose clocks count, and whether the id is free.
pub struct Blocking {
    practitioner: PractitionerStanding,
    facility: FacilityStanding,
    block_exists: bool,
}

impl Decision for BlockTime {
    type Model = Blocking;
    type Event = TimeBlocked;
    type Rejection = BlockTimeRejection;

    fn model(&self) -> (Blocking, Query) {
        let (practitioner, facility) = (PractitionerStanding::of(self.practitioner), FacilityStanding::of(self.facility));
        let query = practitioner.query(&[]).or(facility.query()).and(&[TimeBlocked::TYPE], Tag::block(self.block));
        (Blocking { practitioner, facility, block_exists: false }, query)
    }

    fn apply(model: &mut Blocking, event: &Event) {
        model.practitioner.apply(event);
        model.facility.apply(event);
        model.block_exists |= matches!(event, Event::Providers(ProvidersEvent::TimeBlocked(_)));
    }

    fn decide(&self, model: &Blocking, _circumstances: &Circumstances) -> Result<Vec<TimeBlocked>, BlockTimeRejection> {
        if !model.practitioner.is_onboarded() {
            return Err(BlockTimeRejection::PractitionerUnknown);
        }
        if model.block_exists {
            return Err(BlockTimeRejection::BlockExists);
        }
        let zone = model.facility.time_zone.ok_or(BlockTimeRejection::FacilityUnknown)?;
        let time = LocalStretch { start: self.start.into(), end: self.end.into(), zone };
        if time.end <= time.start {
            return Err(BlockTimeRejection::EndNotAfterStart);
        }
        if time.end - time.start > LocalStretch::LONGEST {
            return Err(BlockTimeRejection::TooLong);
        }
        if !time.exists() {
            return Err(BlockTimeRejection::NoSuchTime { problem: NoSuchTime::Skipped });
        }
        Ok(vec![TimeBlocked { practitioner: self.practitioner, block: self.block, time, reason: self.reason.clone() }])
    }
}

impl Command for BlockTime {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "block-time";
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

    fn block(start: &str, end: &str) -> BlockTime {
        let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
        BlockTime { practitioner: PRACTITIONER, block: BLOCK, facility: FACILITY, start, end, reason: None }
    }

    fn staff() -> impl Iterator<Item = Event> {
        [onboarded(PRACTITIONER), onboarded(OTHER_PRACTITIONER), opened(FACILITY, CHICAGO)].into_iter()
    }

    #[test]
    fn a_stretch_of_the_facilitys_clocks_is_closed() {
        let command = block("2027-01-05T12:00:00", "2027-01-05T13:00:00");
        given(staff()).when(&command).then([blocked("2027-01-05T12:00:00", "2027-01-05T13:00:00")]);
    }

    #[test]
    fn an_id_names_one_block_of_one_practitioner() {
        let command = block("2027-01-05T12:00:00", "2027-01-05T13:00:00");
        let before = || staff().chain([blocked("2026-12-24T00:00:00", "2026-12-27T00:00:00")]);
        given(before()).when(&command).then_rejected(BlockTimeRejection::BlockExists);
        let of_another = BlockTime { practitioner: OTHER_PRACTITIONER, ..command.clone() };
        given(before()).when(&of_another).then_rejected(BlockTimeRejection::BlockExists);
        given(before()).when(&BlockTime { block: BlockId(Uuid::from_u128(10)), ..command }).accepted();
    }

    #[test]
    fn who_and_where_must_be_known() {
        let command = block("2027-01-05T12:00:00", "2027-01-05T13:00:00");
        let of_nobody = BlockTime { practitioner: UNKNOWN_PRACTITIONER, ..command.clone() };
        given(staff()).when(&of_nobody).then_rejected(BlockTimeRejection::PractitionerUnknown);
        given(staff()).when(&BlockTime { facility: UNKNOWN_FACILITY, ..command }).then_rejected(BlockTimeRejection::FacilityUnknown);
    }

    #[test]
    fn it_ends_after_it_starts_and_within_366_days() {
        given(staff()).when(&block("2027-01-05T12:00:00", "2027-01-05T12:00:00")).then_rejected(BlockTimeRejection::EndNotAfterStart);
        given(staff()).when(&block("2027-01-05T12:00:00", "2027-01-04T12:00:00")).then_rejected(BlockTimeRejection::EndNotAfterStart);
        given(staff()).when(&block("2027-01-01T00:00:00", "2028-01-02T00:00:01")).then_rejected(BlockTimeRejection::TooLong);
        let events = given(staff()).when(&block("2027-01-01T00:00:00", "2028-01-02T00:00:00")).accepted();
        assert_eq!(events[0].tags().len(), 366 + 2, "a day each, the practitioner and the block");
    }

    #[test]
    fn a_reading_that_the_clocks_skip_is_refused_and_one_shown_twice_is_taken_in_its_widest_sense() {
        let skipped = BlockTimeRejection::NoSuchTime { problem: NoSuchTime::Skipped };
        given(staff()).when(&block("2027-03-14T02:30:00", "2027-03-14T12:00:00")).then_rejected(skipped);
        given(staff()).when(&block("2027-03-13T12:00:00", "2027-03-14T02:30:00")).then_rejected(skipped);
        given(staff()).when(&block("2027-11-07T01:30:00", "2027-11-07T01:45:00")).accepted();
    }
}
