//! What a search of `AuditEvent` asks for (<http://hl7.org/fhir/R4/auditevent.html#search>).

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use domain::access::AccessOutcome;
use domain::{PatientId, Phi, UserId};
use event_store::Position;
use gate::AccessSearch;
use uuid::Uuid;

use crate::answer::Problem;

/// How many resources a page has unless the client says, and the most.
const USUAL: usize = 50;
const MOST: usize = 500;

/// The name, the type and the meaning of every search parameter.
pub const PARAMETERS: &[(&str, &str, &str)] = &[
    ("patient", "reference", "Of whom something was shown, under any of their records."),
    ("agent", "reference", "Who looked: the user's UUID."),
    ("entity", "reference", "`Patient/…`, as `patient`; or with `:identifier` the X-Request-Id of the request."),
    ("date", "date", "When it was recorded, with eq, ge, gt, le or lt; may be given twice. A day is one of UTC."),
    ("outcome", "token", "0: shown, or nothing found; 4: refused."),
    ("address", "string", "The network address that it came from."),
];

const PATIENT: Problem = Problem::BadSearch("`patient` must be the id of a patient, alone or after `Patient/`.");
const AGENT: Problem = Problem::BadSearch("`agent` must be a user's UUID.");
const ENTITY: Problem = Problem::BadSearch("`entity` must be `Patient/` and an id, or with `:identifier` the UUID of a request.");
const DATE: Problem = Problem::BadSearch("`date` must be a day or an instant of the years 1900 to 9998, perhaps after eq, ge, gt, le or lt.");
const OUTCOME: Problem = Problem::BadSearch("`outcome` must be 0 or 4.");
const COUNT: Problem = Problem::BadSearch("`_count` must be 1 to 500.");
const BEFORE: Problem = Problem::BadSearch("`_before` must be as a link to the next page has it.");
const UNKNOWN: Problem =
    Problem::BadSearch("The search has a parameter that is not supported here, or one twice that may be given once; /fhir/metadata lists them.");

/// A search, and which page of it.
pub struct AuditSearch {
    /// What is searched for.
    pub search: AccessSearch,
    /// Only what is before it in the access log.
    pub before: Option<Position>,
    /// How many at most.
    pub count: usize,
    /// Whether refused access alone is wanted, or what was not refused alone.
    pub refused: Option<bool>,
}

impl AuditSearch {
    /// Of the parameters of a request. What is not understood is refused: an officer must not take everything for an answer to something.
    pub fn of(parameters: &[(String, String)]) -> Result<Self, Problem> {
        let mut asked = Self { search: AccessSearch::default(), before: None, count: USUAL, refused: None };
        for (name, value) in parameters {
            asked.add(name, value)?;
        }
        if asked.refused == Some(true) {
            asked.search.outcome = Some(AccessOutcome::Refused);
        }
        Ok(asked)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let Self { search, before, count, refused } = self;
        match name {
            "patient" => once(&mut search.patient, patient(value).ok_or(PATIENT)?),
            "entity" => once(&mut search.patient, value.strip_prefix("Patient/").and_then(patient).ok_or(ENTITY)?),
            "entity:identifier" => once(&mut search.request, uuid(value).ok_or(ENTITY)?),
            "agent" | "agent:identifier" => once(&mut search.user, UserId(uuid(value).ok_or(AGENT)?)),
            "address" => once(&mut search.address, Phi::Known(value.to_owned())),
            "outcome" => once(
                refused,
                match value {
                    "0" => false,
                    "4" => true,
                    _ => return Err(OUTCOME),
                },
            ),
            "date" => {
                let (from, to) = dates(value).ok_or(DATE)?;
                search.from = search.from.max(from);
                search.to = [search.to, to].into_iter().flatten().min();
                Ok(())
            }
            "_count" => {
                *count = value.parse().ok().filter(|count| (1..=MOST).contains(count)).ok_or(COUNT)?;
                Ok(())
            }
            "_before" => once(before, Position(value.parse().ok().filter(|position| *position > 0).ok_or(BEFORE)?)),
            _ => Err(UNKNOWN),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Problem> {
    if place.replace(value).is_some() { Err(UNKNOWN) } else { Ok(()) }
}

fn uuid(value: &str) -> Option<Uuid> {
    value.parse().ok()
}

fn patient(value: &str) -> Option<PatientId> {
    uuid(value.strip_prefix("Patient/").unwrap_or(value)).map(PatientId)
}

/// The first moment that is meant, and the first after; each where there is one.
type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// What a date with its comparison means.
fn dates(value: &str) -> Option<Bounds> {
    let (comparison, value) = match value.get(..2) {
        Some(prefix @ ("eq" | "ge" | "gt" | "le" | "lt")) => (prefix, &value[2..]),
        _ => ("eq", value),
    };
    let (first, after) = stretch(value)?;
    Some(match comparison {
        "ge" => (Some(first), None),
        "gt" => (Some(after), None),
        "le" => (None, Some(after)),
        "lt" => (None, Some(first)),
        _ => (Some(first), Some(after)),
    })
}

/// A day, or an instant, which is as long as it is written: a second, or what the log tells apart.
fn stretch(value: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let (first, after) = if let Ok(day) = NaiveDate::parse_from_str(value, "%Y-%m-%d") {
        (midnight(day), midnight(day.checked_add_days(Days::new(1))?))
    } else {
        let instant = DateTime::parse_from_rfc3339(value).ok()?.to_utc();
        let exact = if value.contains('.') { TimeDelta::microseconds(1) } else { TimeDelta::seconds(1) };
        (instant, instant.checked_add_signed(exact)?)
    };
    let ordinary = |time: &DateTime<Utc>| (1900..=9998).contains(&chrono::Datelike::year(time));
    (ordinary(&first) && ordinary(&after)).then_some((first, after))
}
