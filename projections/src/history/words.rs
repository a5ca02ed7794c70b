//! Values in a person's words. What was erased says so.

use chrono::{DateTime, NaiveDateTime, Utc};
use domain::Phi;
use domain::fhir_values::{Address, ContactPoint, HumanName, Identifier, PartialDate};
use domain::time::IntendedTime;
use domain::value::{Line, Reason};
use serde::Serialize;

/// What is shown in place of a value whose key was destroyed.
const ERASED: &str = "erased";

/// One value of an event, and what it is.
#[derive(Serialize)]
pub(super) struct Detail {
    label: &'static str,
    value: String,
}

impl Detail {
    /// What the value is.
    pub(super) fn label(&self) -> &'static str {
        self.label
    }
}

/// A value that is always there.
pub(super) fn detail(label: &'static str, value: impl Into<String>) -> Detail {
    Detail { label, value: value.into() }
}

/// A protected value.
pub(super) fn phi<T>(value: &Phi<T>, words: impl FnOnce(&T) -> String) -> String {
    value.known().map_or_else(|| ERASED.to_owned(), words)
}

/// A reason, where one was given.
pub(super) fn reason(label: &'static str, reason: Option<&Phi<Reason>>) -> Option<Detail> {
    reason.map(|reason| detail(label, phi(reason, |reason| reason.as_str().to_owned())))
}

/// `5 January 2027, 09:00 (America/Chicago)`.
pub(super) fn time(time: &IntendedTime) -> String {
    format!("{} ({})", clock(time.start), String::from(time.zone))
}

/// `5 January 2027, 09:00 (UTC)`.
pub(super) fn moment(moment: DateTime<Utc>) -> String {
    format!("{} (UTC)", clock(moment.naive_utc()))
}

fn clock(time: NaiveDateTime) -> String {
    time.format("%-d %B %Y, %H:%M").to_string()
}

/// `5 January 2027`, `January 2027` or `2027`.
pub(super) fn date(date: PartialDate) -> String {
    let format = match String::from(date).len() {
        4 => "%Y",
        7 => "%B %Y",
        _ => "%-d %B %Y",
    };
    date.earliest().format(format).to_string()
}

/// All names, the official one first.
pub(super) fn names(names: &[HumanName]) -> String {
    list(names.iter().map(HumanName::display), "no name")
}

/// `MR 12345 (http://hospital.example/mrn)`.
pub(super) fn identifier(identifier: &Identifier) -> String {
    let kind = identifier.r#type.as_ref().map(|kind| format!("{} ", kind.as_str())).unwrap_or_default();
    format!("{kind}{} ({})", identifier.value.as_str(), identifier.system.as_str())
}

/// Telephone, email and the like.
pub(super) fn telecom(points: &[ContactPoint]) -> String {
    list(points.iter().map(|point| format!("{} {}", code(&point.system), point.value.as_str())), "none")
}

/// Postal addresses.
pub(super) fn addresses(addresses: &[Address]) -> String {
    let written = addresses.iter().map(|address| {
        let parts = address.line.iter().chain(&address.city).chain(&address.state).chain(&address.postal_code).chain(&address.country);
        parts.map(Line::as_str).collect::<Vec<_>>().join(", ")
    });
    list(written, "none")
}

/// A FHIR code as it is written.
pub(super) fn code<T: Serialize>(code: &T) -> String {
    serde_json::to_value(code).ok().and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Several values, or what is said when there is none.
pub(super) fn list(values: impl Iterator<Item = String>, none: &str) -> String {
    let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
    if values.is_empty() { none.to_owned() } else { values.join("; ") }
}
