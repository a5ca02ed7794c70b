//! What other contexts must know of a facility: that it is there, its zone, its rooms.

use std::collections::BTreeSet;

use crate::event::{Event, EventType, Named};
use crate::ids::{FacilityId, RoomId};
use crate::organizations::{FacilityOpened, OrganizationsEvent, RoomAdded};
use crate::query::{Query, Tag};
use crate::time::Zone;

/// A facility as far as its events say.
pub struct FacilityStanding {
    facility: FacilityId,
    /// Its zone, once it is open.
    pub time_zone: Option<Zone>,
    /// Its rooms.
    pub rooms: BTreeSet<RoomId>,
}

impl FacilityStanding {
    const TYPES: &'static [EventType] = &[FacilityOpened::TYPE, RoomAdded::TYPE];

    /// Before any event.
    pub fn of(facility: FacilityId) -> Self {
        Self { facility, time_zone: None, rooms: BTreeSet::new() }
    }

    /// The events it is folded from.
    pub fn query(&self) -> Query {
        Query::new().and(Self::TYPES, Tag::facility(self.facility))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Organizations(OrganizationsEvent::FacilityOpened(opened)) if opened.facility == self.facility => self.time_zone = Some(opened.time_zone),
            Event::Organizations(OrganizationsEvent::RoomAdded(added)) if added.facility == self.facility => {
                self.rooms.insert(added.room);
            }
            _ => {}
        }
    }
}
