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

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::event::Event;
    use crate::providers::examples::*;
    use crate::providers::{Weekday, WeeklyHours};

    fn calendar(events: impl IntoIterator<Item = Event>) -> Calendar {
        let mut calendar = Calendar::default();
        for event in events {
            if let Event::Providers(event) = event {
                calendar.apply(&event);
            }
        }
        calendar
    }

    fn interval(start: &str, end: &str) -> Interval {
        Interval { start: start.parse().unwrap(), end: end.parse().unwrap() }
    }

    fn starts(slots: &[Interval]) -> Vec<String> {
        slots.iter().map(|slot| slot.start.with_timezone(&CHICAGO.0).format("%H:%M").to_string()).collect()
    }

    /// 5 January 2027 in Chicago.
    fn tuesday() -> Interval {
        interval("2027-01-05T06:00:00Z", "2027-01-06T06:00:00Z")
    }

    fn on_tuesday(hours: &[Hours], slot: u16) -> Event {
        let weekly = hours.iter().map(|hours| WeeklyHours { day: Weekday::Tue, hours: *hours }).collect();
        let (from, slot) = ("2026-01-01".parse().unwrap(), minutes(slot));
        AvailabilitySet { practitioner: PRACTITIONER, facility: FACILITY, zone: CHICAGO, from, until: None, weekly, slot }.into()
    }

    #[test]
    fn each_stretch_of_hours_is_divided_into_slots() {
        let calendar = calendar([on_tuesday(&[hours("13:00:00", "14:30:00"), hours("08:00:00", "09:00:00")], 40)]);
        assert_eq!(starts(&calendar.slots(FACILITY, tuesday())), ["08:00", "13:00", "13:40"]);
        assert!(calendar.slots(UNKNOWN_FACILITY, tuesday()).is_empty());
    }

    #[test]
    fn a_block_takes_slots_out_and_moves_none() {
        let calendar = calendar([on_tuesday(&[hours("08:00:00", "10:30:00")], 30), blocked("2027-01-05T08:40:00", "2027-01-05T09:10:00")]);
        assert_eq!(starts(&calendar.slots(FACILITY, tuesday())), ["08:00", "09:30", "10:00"]);
        assert!(!calendar.covers(FACILITY, interval("2027-01-05T15:00:00Z", "2027-01-05T15:30:00Z")));
        assert!(calendar.covers(FACILITY, interval("2027-01-05T15:10:00Z", "2027-01-05T15:40:00Z")), "what is open can be booked, slot or not");
    }

    #[test]
    fn a_free_slot_is_one_that_nothing_takes_up() {
        let calendar = calendar([on_tuesday(&[hours("08:00:00", "10:00:00")], 30)]);
        let taken = [interval("2027-01-05T14:15:00Z", "2027-01-05T14:30:00Z"), interval("2027-01-05T15:00:00Z", "2027-01-05T15:45:00Z")];
        assert_eq!(starts(&calendar.free_slots(FACILITY, tuesday(), &taken)), ["08:30"]);
        assert_eq!(starts(&calendar.free_slots(FACILITY, tuesday(), &[])), ["08:00", "08:30", "09:00", "09:30"]);
    }

    #[test]
    fn slots_that_start_within_the_range_are_offered() {
        let calendar = calendar([on_tuesday(&[hours("08:00:00", "10:00:00")], 30)]);
        assert_eq!(starts(&calendar.slots(FACILITY, interval("2027-01-05T14:01:00Z", "2027-01-05T15:30:00Z"))), ["08:30", "09:00"]);
    }

    #[test]
    fn hours_on_both_sides_of_midnight_are_one_stretch() {
        let night =
            [WeeklyHours { day: Weekday::Mon, hours: hours("20:00:00", "00:00:00") }, WeeklyHours { day: Weekday::Tue, hours: hours("00:00:00", "06:00:00") }];
        let (from, slot) = ("2026-01-01".parse().unwrap(), minutes(30));
        let set = AvailabilitySet { practitioner: PRACTITIONER, facility: FACILITY, zone: CHICAGO, from, until: None, weekly: night.to_vec(), slot };
        assert!(calendar([set.into()]).covers(FACILITY, interval("2027-01-05T05:30:00Z", "2027-01-05T06:30:00Z")));
    }

    #[test]
    fn an_exception_outside_of_the_weeks_that_were_set_has_slots_too() {
        let exception = AvailabilityExceptionSet {
            practitioner: PRACTITIONER,
            facility: FACILITY,
            date: "2025-12-31".parse().unwrap(),
            hours: vec![hours("08:00:00", "09:00:00")],
        };
        let calendar = calendar([available(PRACTITIONER), exception.into()]);
        assert_eq!(starts(&calendar.slots(FACILITY, interval("2025-12-31T06:00:00Z", "2026-01-01T06:00:00Z"))), ["08:00", "08:30"]);
    }

    #[test]
    fn a_range_at_the_end_of_all_calendars_panics_no_more_than_any_other() {
        let ends = [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC];
        for moment in ends {
            assert!(calendar([available(PRACTITIONER)]).slots(FACILITY, Interval { start: moment, end: moment }).is_empty());
        }
    }
}
