//! What was disclosed to somebody outside.

use domain::disclosures::{DisclosureMade, DisclosuresEvent};

use super::Entry;
use super::words::{Detail, addresses, code, detail, list, phi, reason};

/// The patient's entry.
pub(super) fn entry(event: &DisclosuresEvent) -> Entry {
    let (patient, disclosure) = event.about();
    let (summary, details) = match event {
        DisclosuresEvent::DisclosureMade(event) => {
            (format!("Disclosed to {}", phi(&event.recipient, |recipient| recipient.name.as_str().to_owned())), made(event))
        }
        DisclosuresEvent::DisclosureRetracted(event) => {
            ("Retracted: a disclosure that was recorded wrongly".to_owned(), reason("Reason", Some(&event.reason)).into_iter().collect())
        }
    };
    Entry { patient, summary, details: std::iter::once(detail("Disclosure", disclosure.to_string())).chain(details).collect() }
}

fn made(event: &DisclosureMade) -> Vec<Detail> {
    let address =
        event.recipient.known().and_then(|recipient| recipient.address.as_ref()).map(|address| detail("Address", addresses(std::slice::from_ref(address))));
    let suspended = event.suspended_until.as_ref().map(|until| detail("Kept from the patient until", phi(until, |until| until.get().to_rfc3339())));
    let details = [
        address,
        Some(detail("What", phi(&event.what, |what| what.as_str().to_owned()))),
        Some(detail("Kinds of data", list(event.kinds.iter().map(code), "none"))),
        Some(detail("Ground", phi(&event.basis, |basis| basis.words().to_owned()))),
        reason("Purpose", event.purpose.as_ref()),
        event.purpose_of_use.as_ref().map(|purpose| detail("Purpose of use", phi(purpose, |purpose| purpose.code().to_owned()))),
        suspended,
    ];
    details.into_iter().flatten().collect()
}
