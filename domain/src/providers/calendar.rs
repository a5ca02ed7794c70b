//! When a practitioner can be booked: one pure fold, used by the decision that books and by the read model that offers free slots.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Duration, NaiveDate, NaiveTime};

use crate::event::{EventType, Named};
use crate::ids::{BlockId, FacilityId, PractitionerId};
use crate::providers::{AvailabilityExceptionSet, AvailabilitySet, Hours, PractitionerRetired, ProvidersEvent, TimeBlocked, TimeUnblocked};
use crate::query::{Query, Tag};
use crate::time::{Interval, LocalStretch, Zone, local_to_utc, subtract, union};
use crate::value::Minutes;

/// The hours of one practitioner.
#[derive(Default)]
pub struct Calendar {
    weekly: Vec<AvailabilitySet>,
    exceptions: BTreeMap<(FacilityId, NaiveDate), Vec<Hours>>,
    blocks: BTreeMap<BlockId, LocalStretch>,
    retired_from: Option<NaiveDate>,
}

impl Calendar {
    /// Events that hold for any day.
    const STANDING: &'static [EventType] = &[AvailabilitySet::TYPE, PractitionerRetired::TYPE];
    /// Events of one day.
    const DAILY: &'static [EventType] = &[AvailabilityExceptionSet::TYPE, TimeBlocked::TYPE, TimeUnblocked::TYPE];

    /// The events it is folded from, for these days.
    pub fn query(practitioner: PractitionerId, days: &[NaiveDate]) -> Query {
        let tag = Tag::practitioner(practitioner);
        Query::new().and(Self::STANDING, tag.clone()).and_days(Self::DAILY, &tag, days)
    }

    /// Folds one event; the caller sees to it that it is this practitioner's.
    pub fn apply(&mut self, event: &ProvidersEvent) {
        match event {
            ProvidersEvent::AvailabilitySet(set) => self.weekly.push(set.clone()),
            ProvidersEvent::AvailabilityExceptionSet(set) => {
                self.exceptions.insert((set.facility, set.date), set.hours.clone());
            }
            ProvidersEvent::TimeBlocked(blocked) => {
                self.blocks.insert(blocked.block, blocked.time);
            }
            ProvidersEvent::TimeUnblocked(unblocked) => {
                self.blocks.remove(&unblocked.block);
            }
            ProvidersEvent::PractitionerRetired(retired) => self.retired_from = Some(retired.from),
            ProvidersEvent::PractitionerOnboarded(_) | ProvidersEvent::QualificationAdded(_) | ProvidersEvent::RoleAssigned(_) => {}
        }
    }

    /// Whether all of `interval` lies within the hours at `facility`.
    pub fn covers(&self, facility: FacilityId, interval: Interval) -> bool {
        self.open(facility, interval).iter().any(|open| open.covers(interval))
    }

    /// The open stretches at `facility` that touch `range`, in order and apart from each other. The work grows with the days of `range`.
    pub fn open(&self, facility: FacilityId, range: Interval) -> Vec<Interval> {
        let open = union(self.hours_around(facility, range).into_iter().map(|(open, _)| open).collect());
        subtract(open, &self.blocked()).into_iter().filter(|open| open.overlaps(range)).collect()
    }

    /// The slots at `facility` that start within `range`, in order, whether they are taken or not. Each stretch of hours is divided from its start
    /// on into slots of the length set for its date; a block takes out the slots that it touches and moves none.
    pub fn slots(&self, facility: FacilityId, range: Interval) -> Vec<Interval> {
        let blocked = self.blocked();
        let rows = self.hours_around(facility, range).into_iter().flat_map(|(open, length)| divide(open, length));
        rows.filter(|slot| range.start <= slot.start && slot.start < range.end && !blocked.iter().any(|block| block.overlaps(*slot))).collect()
    }

    /// The slots of [`Self::slots`] that nothing takes up of what is `taken`: the practitioner's active appointments, at any facility.
    pub fn free_slots(&self, facility: FacilityId, range: Interval, taken: &[Interval]) -> Vec<Interval> {
        self.slots(facility, range).into_iter().filter(|slot| !taken.iter().any(|taken| taken.overlaps(*slot))).collect()
    }

    /// The first local date on which the practitioner takes no more appointments.
    pub fn retired_from(&self) -> Option<NaiveDate> {
        self.retired_from
    }

    /// Whether weekly hours were ever set at `facility`.
    pub fn has_hours_at(&self, facility: FacilityId) -> bool {
        self.last_set(facility).is_some()
    }

    /// Each stretch of hours that may touch `range`, with the length of its slots, in order.
    fn hours_around(&self, facility: FacilityId, range: Interval) -> Vec<(Interval, Minutes)> {
        let Some(last_set) = self.last_set(facility) else { return Vec::new() };
        // A day on either side because of the zone, and one more because hours may touch the next day.
        let first = range.start.date_naive().checked_sub_days(Days::new(2)).unwrap_or(NaiveDate::MIN);
        let last = range.end.date_naive().checked_add_days(Days::new(2)).unwrap_or(NaiveDate::MAX);
        let days = first.iter_days().take_while(|day| *day <= last);
        let hours = days.flat_map(|day| {
            let length = self.set_on(facility, day).unwrap_or(last_set).slot;
            self.hours_on(facility, day).into_iter().map(move |hours| (on_date(last_set.zone, day, hours), length))
        });
        let mut hours: Vec<_> = hours.filter(|(open, _)| open.start < open.end).collect();
        hours.sort();
        hours
    }

    fn blocked(&self) -> Vec<Interval> {
        self.blocks.values().map(LocalStretch::interval).collect()
    }

    fn last_set(&self, facility: FacilityId) -> Option<&AvailabilitySet> {
        self.weekly.iter().rev().find(|set| set.facility == facility)
    }

    fn set_on(&self, facility: FacilityId, day: NaiveDate) -> Option<&AvailabilitySet> {
        self.weekly.iter().rev().find(|set| set.facility == facility && set.from <= day && set.until.is_none_or(|until| day <= until))
    }

    fn hours_on(&self, facility: FacilityId, day: NaiveDate) -> Vec<Hours> {
        if self.retired_from.is_some_and(|from| day >= from) {
            return Vec::new();
        }
        if let Some(hours) = self.exceptions.get(&(facility, day)) {
            return hours.clone();
        }
        let weekly = self.set_on(facility, day).map(|set| set.weekly.as_slice()).unwrap_or_default();
        weekly.iter().filter(|hours| hours.day == day.weekday().into()).map(|hours| hours.hours).collect()
    }
}

fn divide(open: Interval, length: Minutes) -> impl Iterator<Item = Interval> {
    let length = Duration::minutes(length.get());
    let starts = std::iter::successors(Some(open.start), move |start| Some(*start + length));
    starts.map(move |start| Interval { start, end: start + length }).take_while(move |slot| slot.end <= open.end)
}

fn on_date(zone: Zone, day: NaiveDate, hours: Hours) -> Interval {
    let end_day = if hours.end() == NaiveTime::MIN { day.checked_add_days(Days::new(1)).unwrap_or(day) } else { day };
    Interval { start: local_to_utc(zone.0, day.and_time(hours.start())), end: local_to_utc(zone.0, end_day.and_time(hours.end())) }
}
