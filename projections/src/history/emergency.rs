//! What happened to broken glass.

use domain::emergency::{EmergencyEvent, Finding};

use super::Entry;
use super::words::{detail, reason};

/// The patient's entry.
pub(super) fn entry(event: &EmergencyEvent) -> Entry {
    let (patient, glass) = event.about();
    let (summary, details) = match event {
        EmergencyEvent::GlassBroken(event) => {
            let minutes = (event.ends - event.starts).num_minutes();
            (format!("The glass was broken in an emergency, for {minutes} minutes"), reason("Reason", Some(&event.reason)))
        }
        EmergencyEvent::BreakGlassReviewed(event) => {
            let finding = match event.finding {
                Finding::Justified => "justified",
                Finding::NotJustified => "not justified",
            };
            (format!("Broken glass was reviewed: it was {finding}"), reason("Note", Some(&event.note)))
        }
        EmergencyEvent::BreakGlassEscalated(_) => ("Broken glass was not reviewed in time".to_owned(), None),
    };
    Entry { patient, summary, details: std::iter::once(detail("Broken glass", glass.to_string())).chain(details).collect() }
}
