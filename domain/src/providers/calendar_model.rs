//! The calendar beside a model: someone who looks at the clock and the calendar on the wall, and goes through the notes, the last one first.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::event::Event;
use crate::ids::BlockId;
use crate::providers::examples::*;
use crate::providers::{AvailabilityExceptionSet, AvailabilitySet, Calendar, Hours, PractitionerRetired, TimeBlocked, TimeUnblocked, Weekday, WeeklyHours};
use crate::time::{Interval, LocalStretch, Zone};

/// The first of a few days around 14 March 2027, when the clocks of Chicago go forward.
const FIRST: &str = "2027-03-12";
const QUARTERS: i64 = 5 * 24 * 4;

#[derive(Clone, Debug)]
enum Note {
    Weekly { elsewhere: bool, from: NaiveDate, until: Option<NaiveDate>, weekly: Vec<WeeklyHours>, slot: u16 },
    Exception { date: NaiveDate, hours: Vec<Hours> },
    Blocked { start: NaiveDateTime, end: NaiveDateTime, opened_again: bool },
    Retired { from: NaiveDate },
}

fn first() -> NaiveDate {
    FIRST.parse().unwrap()
}

fn date() -> impl Strategy<Value = NaiveDate> {
    (0..6_u64).prop_map(|days| first() + Days::new(days))
}

fn some_hours() -> impl Strategy<Value = Hours> {
    let time = |quarter: u32| NaiveTime::from_hms_opt(quarter / 4 % 24, quarter % 4 * 15, 0).unwrap();
    (0..96_u32).prop_flat_map(|start| (Just(start), start + 1..=96)).prop_map(move |(start, end)| Hours::new(time(start), time(end)).unwrap())
}

/// Hours on a date that do not overlap, as the commands see to it.
fn apart(mut hours: Vec<Hours>) -> Vec<Hours> {
    let mut kept: Vec<Hours> = Vec::new();
    hours.retain(|hours| {
        let free = !kept.iter().any(|other| other.overlaps(*hours));
        kept.extend(free.then_some(*hours));
        free
    });
    hours
}

fn note() -> impl Strategy<Value = Note> {
    let days = [Weekday::Fri, Weekday::Sat, Weekday::Sun, Weekday::Mon, Weekday::Tue];
    let weekly = vec(vec(some_hours(), 0..3), days.len()).prop_map(move |hours| {
        let on_each = days.into_iter().zip(hours).map(|(day, hours)| apart(hours).into_iter().map(move |hours| WeeklyHours { day, hours }));
        on_each.flatten().collect()
    });
    let weekly = (prop::bool::weighted(0.3), date(), option::of(date()), weekly, 5..120_u16);
    let weekly = weekly.prop_map(|(elsewhere, from, until, weekly, slot)| Note::Weekly { elsewhere, from, until, weekly, slot });
    let exception = (date(), vec(some_hours(), 0..3)).prop_map(|(date, hours)| Note::Exception { date, hours: apart(hours) });
    let blocked = (date(), 0..24_i64, 1..30_i64, prop::bool::weighted(0.3)).prop_map(|(date, start, hours, opened_again)| {
        let start = date.and_time(NaiveTime::MIN) + Duration::hours(start);
        Note::Blocked { start, end: start + Duration::hours(hours), opened_again }
    });
    prop_oneof![4 => weekly, 3 => exception, 2 => blocked, 1 => date().prop_map(|from| Note::Retired { from })]
}

fn events(notes: &[Note], zone: Zone) -> Vec<Event> {
    let practitioner = PRACTITIONER;
    let of_note = |(index, note): (usize, &Note)| -> Vec<Event> {
        match note.clone() {
            Note::Weekly { elsewhere, from, until, weekly, slot } => {
                let (facility, slot) = (if elsewhere { UNKNOWN_FACILITY } else { FACILITY }, minutes(slot));
                vec![AvailabilitySet { practitioner, facility, zone, from, until, weekly, slot }.into()]
            }
            Note::Exception { date, hours } => vec![AvailabilityExceptionSet { practitioner, facility: FACILITY, date, hours }.into()],
            Note::Blocked { start, end, opened_again } => {
                let (block, time) = (BlockId(Uuid::from_u128(index as u128)), LocalStretch { start, end, zone });
                let blocked = TimeBlocked { practitioner, block, time, reason: None }.into();
                [blocked].into_iter().chain(opened_again.then(|| TimeUnblocked { practitioner, block, time }.into())).collect()
            }
            Note::Retired { from } => vec![PractitionerRetired { practitioner, from, reason: None }.into()],
        }
    };
    notes.iter().enumerate().flat_map(of_note).collect()
}

fn calendar(notes: &[Note], zone: Zone) -> Calendar {
    let mut calendar = Calendar::default();
    for event in events(notes, zone) {
        if let Event::Providers(event) = event {
            calendar.apply(&event);
        }
    }
    calendar
}

/// Whether the practitioner is there when the clocks show this.
fn there(notes: &[Note], shown: NaiveDateTime) -> bool {
    let within = |hours: &Hours| hours.start() <= shown.time() && (hours.end() == NaiveTime::MIN || shown.time() < hours.end());
    let last_first = || notes.iter().rev();
    let blocked = notes.iter().any(|note| matches!(note, Note::Blocked { start, end, opened_again: false } if *start <= shown && shown < *end));
    let retired = last_first().find_map(|note| if let Note::Retired { from } = note { Some(*from <= shown.date()) } else { None });
    let works_here = notes.iter().any(|note| matches!(note, Note::Weekly { elsewhere: false, .. }));
    if blocked || retired == Some(true) || !works_here {
        return false;
    }
    let exception = last_first().find_map(|note| match note {
        Note::Exception { date, hours } if *date == shown.date() => Some(hours.iter().any(within)),
        _ => None,
    });
    let weekly = || {
        last_first().find_map(|note| match note {
            Note::Weekly { elsewhere: false, from, until, weekly, .. } if *from <= shown.date() && until.is_none_or(|until| shown.date() <= until) => {
                Some(weekly.iter().any(|weekly| weekly.day == shown.weekday().into() && within(&weekly.hours)))
            }
            _ => None,
        })
    };
    exception.or_else(weekly).unwrap_or(false)
}

fn zone() -> impl Strategy<Value = Zone> {
    select(vec![CHICAGO, Zone(chrono_tz::Asia::Kathmandu), Zone(chrono_tz::Pacific::Auckland)])
}

fn midnight(zone: Zone) -> DateTime<Utc> {
    zone.0.from_local_datetime(&first().and_time(NaiveTime::MIN)).unwrap().to_utc()
}

fn quarter(zone: Zone, quarter: i64) -> DateTime<Utc> {
    midnight(zone) + Duration::minutes(15 * quarter)
}

proptest! {
    #[test]
    fn it_is_open_when_someone_would_say_so(zone in zone(), notes in vec(note(), 0..8)) {
        let calendar = calendar(&notes, zone);
        let open = calendar.open(FACILITY, Interval { start: midnight(zone), end: quarter(zone, QUARTERS) });
        for index in 0..QUARTERS {
            let moment = quarter(zone, index);
            let at = Interval { start: moment, end: quarter(zone, index + 1) };
            let expected = there(&notes, moment.with_timezone(&zone.0).naive_local());
            prop_assert_eq!(open.iter().any(|open| open.covers(at)), expected, "at {}", moment);
            prop_assert_eq!(calendar.covers(FACILITY, at), expected, "at {}, asked alone", moment);
        }
    }

    #[test]
    fn a_slot_is_open_and_the_same_in_whatever_range_it_is_asked_for(zone in zone(), notes in vec(note(), 0..8), cut in 0..QUARTERS) {
        let calendar = calendar(&notes, zone);
        let range = |from, to| Interval { start: quarter(zone, from), end: quarter(zone, to) };
        let slots = calendar.slots(FACILITY, range(0, QUARTERS));
        prop_assert!(slots.iter().all(|slot| calendar.covers(FACILITY, *slot)));
        prop_assert!(slots.windows(2).all(|pair| pair[0].end <= pair[1].start));
        let halves = [range(0, cut), range(cut, QUARTERS)].map(|half| calendar.slots(FACILITY, half)).concat();
        prop_assert_eq!(slots, halves);
    }
}
