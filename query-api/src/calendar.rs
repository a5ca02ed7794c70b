//! Practitioners' calendars: the same fold that decides bookings, here to show and to offer.

use std::collections::{BTreeMap, HashMap};

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::providers::{self, Hours, ProvidersEvent};
use domain::time::Interval;
use domain::{Event, FacilityId, InvalidValue, Permission, Phi};
use gate::MaskedRows;
use sqlx::FromRow;
use uuid::Uuid;

use crate::connection::Connection;
use crate::errors::Failure;
use crate::ids::argument;
use crate::organizations::Facility;
use crate::paging::{Page, cost};
use crate::reads::{Loads, Permitted, by_arguments, permitted};
use crate::scalars::{Date, DateTime, LocalTime};
use crate::scheduling::{Appointment, AppointmentsOf, Period, Whose};

/// The longest stretch of a calendar that is read at once.
const MOST_DAYS: i64 = 62;

/// A stretch of a calendar.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Range(Interval);

impl Range {
    /// The arguments `from` and `to`.
    pub fn of(from: DateTime, to: DateTime) -> Result<Self, Failure> {
        let range = Interval { start: from.0.to_utc(), end: to.0.to_utc() };
        let length = range.end - range.start;
        if length <= Duration::zero() || length > Duration::days(MOST_DAYS) {
            return Err(Failure::Argument("to", InvalidValue("be later than `from`, by at most 62 days")));
        }
        Ok(Self(range))
    }
}

/// When a practitioner works, and what takes up their time.
pub struct Calendar {
    practitioner: Uuid,
    range: Interval,
    events: Vec<CalendarEvent>,
    folded: providers::Calendar,
}

/// Something that made a calendar what it is.
#[derive(Clone)]
pub struct CalendarEvent {
    event: ProvidersEvent,
    /// A protected reason, which is none of the event's clear payload.
    reason: Option<String>,
}

/// Reads a calendar.
pub async fn calendar(permitted: Permitted<'_>, practitioner: Uuid, range: Range) -> Result<Calendar, Failure> {
    let events = permitted.load(EventsOf { practitioner, range }).await?.unwrap_or_default();
    let mut folded = providers::Calendar::default();
    for event in &events {
        folded.apply(&event.event);
    }
    Ok(Calendar { practitioner, range: range.0, events, folded })
}

/// The slots that can still be booked.
pub async fn free_slots(permitted: Permitted<'_>, practitioner: Uuid, facility: FacilityId, range: Range, first: Option<i32>) -> Result<Vec<Stretch>, Failure> {
    let first = match first {
        None => 100,
        Some(first @ 1..=500) => usize::try_from(first).unwrap_or_default(),
        Some(_) => return Err(Failure::Argument("first", InvalidValue("be 1 to 500"))),
    };
    let (calendar, taken, place) =
        futures::future::try_join3(calendar(permitted, practitioner, range), permitted.load(TakenOf { practitioner, range }), permitted.load(facility)).await?;
    let Some(zone) = place.and_then(|facility| facility.zone()) else { return Ok(Vec::new()) };
    let free = calendar.folded.free_slots(facility, range.0, &taken.unwrap_or_default());
    Ok(free.into_iter().take(first).map(|slot| Stretch::at(slot, zone)).collect())
}

/// A half-open stretch of time.
#[derive(Clone, Copy, SimpleObject)]
#[graphql(name = "Interval")]
pub struct Stretch {
    /// The first moment, with the offset from UTC of the place that is meant.
    start: DateTime,
    /// The first moment after.
    end: DateTime,
}

impl Stretch {
    fn at(interval: Interval, zone: Tz) -> Self {
        let local = |time: chrono::DateTime<Utc>| DateTime(time.with_timezone(&zone).fixed_offset());
        Self { start: local(interval.start), end: local(interval.end) }
    }
}

/// When a practitioner works, and what takes up their time.
#[Object]
impl Calendar {
    /// The weekly hours that touch the range, in the order they were set: a later one replaces earlier ones for its facility and its dates.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn availability(&self) -> Vec<Availability> {
        let sets = self.events.iter().filter_map(|event| if let ProvidersEvent::AvailabilitySet(set) = &event.event { Some(set) } else { None });
        sets.filter(|set| self.touches(set.zone.0, set.from, set.until)).cloned().map(Availability).collect()
    }

    /// The dates in the range with other hours than the weekly ones.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn exceptions(&self) -> Vec<AvailabilityException> {
        let mut exceptions = BTreeMap::new();
        for event in &self.events {
            if let ProvidersEvent::AvailabilityExceptionSet(set) = &event.event
                && self.touches(Tz::UTC, set.date, Some(set.date))
            {
                let hours = set.hours.iter().copied().map(OpenHours::from).collect();
                exceptions.insert((set.date, set.facility), AvailabilityException { facility_id: set.facility, date: set.date, hours });
            }
        }
        exceptions.into_values().collect()
    }

    /// What is closed to booking in the range.
    #[graphql(complexity = "cost(Some(5), child_complexity)")]
    async fn blocks(&self, context: &Context<'_>) -> Result<Vec<BlockedTime>> {
        let shows_reasons = permitted(context, Permission::ReadPractitioners)?.reaches_whole_tenant();
        let mut blocks = BTreeMap::new();
        for event in &self.events {
            match &event.event {
                ProvidersEvent::TimeBlocked(blocked) if blocked.time.interval().overlaps(self.range) => {
                    let Stretch { start, end } = Stretch::at(blocked.time.interval(), blocked.time.zone.0);
                    let reason = event.reason.clone().filter(|_| shows_reasons);
                    blocks.insert(blocked.block, BlockedTime { uuid: blocked.block.0, start, end, reason });
                }
                ProvidersEvent::TimeUnblocked(unblocked) => {
                    blocks.remove(&unblocked.block);
                }
                _ => {}
            }
        }
        let mut blocks: Vec<BlockedTime> = blocks.into_values().collect();
        blocks.sort_by_key(|block| block.start);
        Ok(blocks)
    }

    /// When they work at a facility, in the range: what all of that comes to, whether it is booked or not.
    #[graphql(complexity = "cost(Some(20), child_complexity)")]
    async fn open(&self, context: &Context<'_>, facility: ID) -> Result<Vec<Stretch>> {
        let facility: FacilityId = argument("facility", &facility)?;
        let place = permitted(context, Permission::ReadOrganizations)?.load(facility).await?;
        let Some(zone) = place.and_then(|place| place.zone()) else { return Ok(Vec::new()) };
        Ok(self.folded.open(facility, self.range).into_iter().map(|open| Stretch::at(open, zone)).collect())
    }

    /// The appointments in the range that you may see, by their start.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn appointments(&self, context: &Context<'_>, first: Option<i32>, after: Option<String>) -> Result<Connection<Uuid, Appointment>> {
        let page = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, Permission::ReadAppointments)?;
        let period = Period { from: Some(self.range.start), to: Some(self.range.end) };
        let whose = Whose::Practitioner(self.practitioner);
        let appointments = |page| async move { Ok(permitted.load(AppointmentsOf { whose, period, status: None, page }).await?.unwrap_or_default()) };
        Ok(permitted.show_page(page, MaskedRows::Kept, Appointment::key, appointments).await?)
    }
}

impl Calendar {
    /// Whether local dates have anything to do with the range; a day more at either end, so that no zone is left out.
    fn touches(&self, zone: Tz, from: NaiveDate, until: Option<NaiveDate>) -> bool {
        let local = |time: chrono::DateTime<Utc>| time.with_timezone(&zone).date_naive();
        let (first, last) = (local(self.range.start - Duration::days(1)), local(self.range.end + Duration::days(1)));
        from <= last && until.is_none_or(|until| first <= until)
    }
}

/// Weekly hours at a facility.
pub struct Availability(providers::AvailabilitySet);

/// Weekly hours at a facility.
#[Object]
impl Availability {
    /// Where.
    async fn facility(&self, context: &Context<'_>) -> Result<Option<Facility>> {
        Ok(permitted(context, Permission::ReadOrganizations)?.load(self.0.facility).await?)
    }

    /// The IANA zone in which the hours are meant.
    async fn zone(&self) -> &'static str {
        self.0.zone.0.name()
    }

    /// From this local date on.
    async fn from(&self) -> Date {
        Date(self.0.from)
    }

    /// Up to and including this local date, if it ends.
    async fn until(&self) -> Option<Date> {
        self.0.until.map(Date)
    }

    /// The hours; none means not available.
    async fn weekly(&self) -> Vec<WeeklyHours> {
        let hours = |weekly: &providers::WeeklyHours| WeeklyHours { day: weekly.day.into(), hours: weekly.hours.into() };
        self.0.weekly.iter().map(hours).collect()
    }

    /// The length of a slot that is offered.
    async fn slot_minutes(&self) -> i64 {
        self.0.slot.get()
    }
}

/// Hours on one day of every week.
#[derive(Clone, SimpleObject)]
pub struct WeeklyHours {
    /// The day.
    day: Weekday,
    /// The hours.
    hours: OpenHours,
}

/// FHIR `days-of-week`.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "providers::Weekday")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Local working hours within one day.
#[derive(Clone, Copy, SimpleObject)]
pub struct OpenHours {
    /// The first moment.
    start: LocalTime,
    /// The first moment after; `00:00:00` is the end of the day.
    end: LocalTime,
}

impl From<Hours> for OpenHours {
    fn from(hours: Hours) -> Self {
        Self { start: LocalTime(hours.start()), end: LocalTime(hours.end()) }
    }
}

/// Hours on one date, in place of the weekly ones.
pub struct AvailabilityException {
    facility_id: FacilityId,
    date: NaiveDate,
    hours: Vec<OpenHours>,
}

/// Hours on one date, in place of the weekly ones.
#[Object]
impl AvailabilityException {
    /// Where.
    async fn facility(&self, context: &Context<'_>) -> Result<Option<Facility>> {
        Ok(permitted(context, Permission::ReadOrganizations)?.load(self.facility_id).await?)
    }

    /// The local date.
    async fn date(&self) -> Date {
        Date(self.date)
    }

    /// The hours; none means not available that day.
    async fn hours(&self) -> &[OpenHours] {
        &self.hours
    }
}

/// A stretch that is closed to booking at every facility.
#[derive(Clone, SimpleObject)]
pub struct BlockedTime {
    /// The id as commands have it.
    uuid: Uuid,
    /// The first moment.
    start: DateTime,
    /// The first moment after.
    end: DateTime,
    /// Why. For staff; null to others.
    reason: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct EventsOf {
    practitioner: Uuid,
    range: Range,
}

#[derive(FromRow)]
struct EventRow {
    practitioner_id: Uuid,
    event_type: String,
    version: i16,
    payload: serde_json::Value,
    reason: Option<String>,
}

impl Loader<EventsOf> for Loads {
    type Value = Vec<CalendarEvent>;
    type Error = Failure;
    async fn load(&self, keys: &[EventsOf]) -> Result<HashMap<EventsOf, Vec<CalendarEvent>>, Failure> {
        let mut events: HashMap<EventsOf, Vec<CalendarEvent>> = HashMap::new();
        for (range, practitioners) in by_arguments(keys.iter().map(|key| (key.practitioner, key.range))) {
            let rows: Vec<EventRow> = sqlx::query_as(
                "select * from calendar_event where practitioner_id = any($1) \
                 and (first_day is null or (first_day <= $3 and last_day >= $2)) order by position",
            )
            .bind(practitioners)
            .bind((range.0.start - Duration::days(2)).date_naive())
            .bind((range.0.end + Duration::days(2)).date_naive())
            .fetch_all(&mut *self.connection().await)
            .await?;
            for row in rows {
                let version = u16::try_from(row.version).unwrap_or_default();
                let decoded = Event::decode(&row.event_type, version, row.payload, Phi::Erased).map_err(|error| {
                    tracing::error!(%error, "an event of a calendar does not read");
                    Failure::Internal
                })?;
                if let Event::Providers(event) = decoded {
                    let key = EventsOf { practitioner: row.practitioner_id, range };
                    events.entry(key).or_default().push(CalendarEvent { event, reason: row.reason });
                }
            }
        }
        Ok(events)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct TakenOf {
    practitioner: Uuid,
    range: Range,
}

impl Loader<TakenOf> for Loads {
    type Value = Vec<Interval>;
    type Error = Failure;
    async fn load(&self, keys: &[TakenOf]) -> Result<HashMap<TakenOf, Vec<Interval>>, Failure> {
        let mut taken: HashMap<TakenOf, Vec<Interval>> = HashMap::new();
        for (range, practitioners) in by_arguments(keys.iter().map(|key| (key.practitioner, key.range))) {
            let rows: Vec<(Uuid, chrono::DateTime<Utc>, chrono::DateTime<Utc>)> =
                sqlx::query_as("select practitioner_id, start_at, end_at from taken_time where practitioner_id = any($1) and start_at < $3 and end_at > $2")
                    .bind(practitioners)
                    .bind(range.0.start)
                    // A slot that starts within the range may end after it.
                    .bind(range.0.end + Duration::days(1))
                    .fetch_all(&mut *self.connection().await)
                    .await?;
            for (practitioner, start, end) in rows {
                taken.entry(TakenOf { practitioner, range }).or_default().push(Interval { start, end });
            }
        }
        Ok(taken)
    }
}
