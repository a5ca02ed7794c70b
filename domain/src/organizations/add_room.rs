//! Add a room to a facility.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::ids::{FacilityId, RoomId};
use crate::organizations::{FacilityOpened, OrganizationsEvent, RoomAdded};
use crate::permission::Permission;
use crate::query::{Query, Tag};
use crate::value::Line;

/// Adds a room that appointments can be booked into.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddRoom {
    /// The room, named by the caller.
    pub room: RoomId,
    /// The facility that it is in.
    pub facility: FacilityId,
    /// What it is called there.
    pub name: Line,
}

/// Why the room was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AddRoomRejection {
    /// No such facility.
    #[error("the facility is not known")]
    FacilityUnknown,
    /// The id is taken, here or at another facility.
    #[error("a room of this id exists")]
    RoomExists,
}

/// Whether the facility and the room are there.
#[derive(Default)]
pub struct Adding {
    facility_open: bool,
    room_added: bool,
}

impl Decision for AddRoom {
    type Model = Adding;
    type Event = RoomAdded;
    type Rejection = AddRoomRejection;

    fn model(&self) -> (Adding, Query) {
        let query = Query::new().and(&[FacilityOpened::TYPE], Tag::facility(self.facility)).and(&[RoomAdded::TYPE], Tag::room(self.room));
        (Adding::default(), query)
    }

    fn apply(model: &mut Adding, event: &Event) {
        match event {
            Event::Organizations(OrganizationsEvent::FacilityOpened(_)) => model.facility_open = true,
            Event::Organizations(OrganizationsEvent::RoomAdded(_)) => model.room_added = true,
            _ => {}
        }
    }

    fn decide(&self, model: &Adding, _circumstances: &Circumstances) -> Result<Vec<RoomAdded>, AddRoomRejection> {
        if !model.facility_open {
            return Err(AddRoomRejection::FacilityUnknown);
        }
        if model.room_added {
            return Err(AddRoomRejection::RoomExists);
        }
        Ok(vec![RoomAdded { room: self.room, facility: self.facility, name: self.name.clone() }])
    }
}

impl Command for AddRoom {
    const CONTEXT: &'static str = "organizations";
    const NAME: &'static str = "add-room";
    const PERMISSION: Permission = Permission::ManageOrganizations;

    fn subject(&self) -> Subject {
        Subject::Facility(self.facility)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::organizations::examples::*;
    use crate::testing::{assert_bounded, given};

    fn add() -> AddRoom {
        AddRoom { room: ROOM, facility: FACILITY, name: name("Room 1") }
    }

    #[test]
    fn a_room_is_added_beside_others() {
        let other = added(RoomId(Uuid::from_u128(6)), FACILITY);
        given([opened(FACILITY), other]).when(&add()).then([added(ROOM, FACILITY)]);
    }

    #[test]
    fn the_facility_must_be_open() {
        given([opened(OTHER_FACILITY)]).when(&add()).then_rejected(AddRoomRejection::FacilityUnknown);
    }

    #[test]
    fn an_id_is_used_once_wherever_the_room_is() {
        given([opened(FACILITY), opened(OTHER_FACILITY), added(ROOM, OTHER_FACILITY)]).when(&add()).then_rejected(AddRoomRejection::RoomExists);
        given([opened(FACILITY), added(ROOM, FACILITY)]).when(&add()).then_rejected(AddRoomRejection::RoomExists);
        assert_bounded::<AddRoom>();
    }
}
