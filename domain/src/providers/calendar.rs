//! When a practitioner can be booked: one pure fold, used by the decision that books and by the read model that offers free slots.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate, NaiveTime};

use crate::event::{Event, EventType, Named};
use crate::ids::{BlockId, FacilityId, PractitionerId};
use crate::providers::{
    AvailabilityExceptionSet, AvailabilitySet, Hours, PractitionerOnboarded, PractitionerRetired, ProvidersEvent, TimeBlocked, TimeUnblocked,
};
use crate::query::{Query, Tag};
use crate::time::{Interval, Zone, local_to_utc, subtract, union};

/// The hours of one practitioner.
#[derive(Default)]
pub struct Calendar {
    weekly: Vec<AvailabilitySet>,
    exceptions: BTreeMap<(FacilityId, NaiveDate), Vec<Hours>>,
    blocks: BTreeMap<BlockId, Interval>,
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
                self.blocks.insert(blocked.block, blocked.interval);
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

    /// The open stretches at `facility` that touch `range`, in order and apart from each other.
    pub fn open(&self, facility: FacilityId, range: Interval) -> Vec<Interval> {
        let Some(zone) = self.zone_at(facility) else { return Vec::new() };
        let local = |time: chrono::DateTime<chrono::Utc>| time.with_timezone(&zone.0).date_naive();
        let last = local(range.end).checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        let first = local(range.start).checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN);
        let days = first.iter_days().take_while(|day| *day <= last);
        let hours = days.flat_map(|day| self.hours_on(facility, day).into_iter().map(move |hours| on_date(zone, day, hours)));
        let open = union(hours.filter(|open| open.start < open.end).collect());
        let blocks: Vec<Interval> = self.blocks.values().copied().collect();
        subtract(open, &blocks).into_iter().filter(|open| open.overlaps(range)).collect()
    }

    /// The slots at `facility` that start within `range`, of the length set for their date.
    pub fn slots(&self, facility: FacilityId, range: Interval) -> Vec<Interval> {
        let Some(zone) = self.zone_at(facility) else { return Vec::new() };
        let mut slots = Vec::new();
        for open in self.open(facility, range) {
            let mut start = open.start;
            while let Some(set) = self.set_on(facility, start.with_timezone(&zone.0).date_naive()) {
                let slot = Interval { start, end: start + chrono::Duration::minutes(set.slot.get()) };
                if slot.end > open.end {
                    break;
                }
                if range.start <= slot.start && slot.start < range.end {
                    slots.push(slot);
                }
                start = slot.end;
            }
        }
        slots
    }

    fn zone_at(&self, facility: FacilityId) -> Option<Zone> {
        self.weekly.iter().rev().find(|set| set.facility == facility).map(|set| set.zone)
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

fn on_date(zone: Zone, day: NaiveDate, hours: Hours) -> Interval {
    let end_day = if hours.end() == NaiveTime::MIN { day.checked_add_days(Days::new(1)).unwrap_or(day) } else { day };
    Interval { start: local_to_utc(zone.0, day.and_time(hours.start())), end: local_to_utc(zone.0, end_day.and_time(hours.end())) }
}

/// A practitioner as far as other contexts must know: that they are there, and their calendar.
pub struct PractitionerStanding {
    practitioner: PractitionerId,
    onboarded: bool,
    /// When they can be booked.
    pub calendar: Calendar,
}

impl PractitionerStanding {
    /// Before any event.
    pub fn of(practitioner: PractitionerId) -> Self {
        Self { practitioner, onboarded: false, calendar: Calendar::default() }
    }

    /// The events it is folded from, for these days.
    pub fn query(&self, days: &[NaiveDate]) -> Query {
        Calendar::query(self.practitioner, days).and(&[PractitionerOnboarded::TYPE], Tag::practitioner(self.practitioner))
    }

    /// Folds one event of any context.
    pub fn apply(&mut self, event: &Event) {
        let Event::Providers(event) = event else { return };
        if event.subject() != crate::Subject::Practitioner(self.practitioner) {
            return;
        }
        self.onboarded |= matches!(event, ProvidersEvent::PractitionerOnboarded(_));
        self.calendar.apply(event);
    }

    /// Whether the practitioner was onboarded.
    pub fn is_onboarded(&self) -> bool {
        self.onboarded
    }
}
