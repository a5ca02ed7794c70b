//! A practitioner's calendar from the rows of `calendar_event`: the same fold that decides bookings, used a second time.

use domain::providers::Calendar;
use domain::{DecodeError, Event, Phi};
use serde_json::Value;

/// A row of `calendar_event`, as far as the calendar depends on it.
pub struct CalendarEvent {
    /// The column `event_type`.
    pub event_type: String,
    /// The column `version`.
    pub version: u16,
    /// The column `payload`.
    pub payload: Value,
}

/// The calendar that these rows of one practitioner, in the order of their positions, come to.
pub fn calendar(rows: impl IntoIterator<Item = CalendarEvent>) -> Result<Calendar, DecodeError> {
    let mut calendar = Calendar::default();
    for row in rows {
        // The payload holds no protected value; what was one is no part of a calendar.
        if let Event::Providers(event) = Event::decode(&row.event_type, row.version, row.payload, Phi::Erased)? {
            calendar.apply(&event);
        }
    }
    Ok(calendar)
}
