//! What happened to a consent or a restriction.

use domain::Phi;
use domain::consents::{ConsentsEvent, Provision, ProvisionPeriod, ProvisionType, Recipient, RestrictionEnd};
use domain::value::Reason;

use super::Entry;
use super::words::{Detail, code, detail, list, moment, phi, reason};

/// The patient's entry.
pub(super) fn entry(event: &ConsentsEvent) -> Entry {
    let (summary, details) = match event {
        ConsentsEvent::ConsentGranted(event) => {
            let what = match event.decision {
                ProvisionType::Permit => "Consented: use and disclosure permitted",
                ProvisionType::Deny => "Consented: use and disclosure denied",
            };
            let signed = event.signed.map(|document| detail("Signed", format!("DocumentReference/{document}")));
            let more = [Some(detail("Consent", event.consent.to_string())), signed, reason("Verified", event.note.as_ref())];
            (format!("{what} to {}", recipient(&event.provision)), more.into_iter().flatten().chain(bounds(&event.provision)).collect())
        }
        ConsentsEvent::ConsentRevoked(event) => {
            ("Consent revoked".to_owned(), some([Some(detail("Consent", event.consent.to_string())), because(&event.reason)]))
        }
        ConsentsEvent::RestrictionRequested(event) => {
            let in_full = event.paid_in_full.known().is_some_and(|in_full| *in_full).then(|| detail("Paid for in full", "yes"));
            let more = [Some(detail("Restriction", event.restriction.to_string())), in_full, reason("Reason", event.reason.as_ref())];
            let summary = format!("Restriction requested: nothing for {}", recipient(&event.provision));
            (summary, more.into_iter().flatten().chain(bounds(&event.provision)).collect())
        }
        ConsentsEvent::RestrictionAgreed(event) => ("Restriction agreed to".to_owned(), some([Some(detail("Restriction", event.restriction.to_string()))])),
        ConsentsEvent::RestrictionDeclined(event) => {
            ("Restriction declined".to_owned(), some([Some(detail("Restriction", event.restriction.to_string())), because(&event.reason)]))
        }
        ConsentsEvent::RestrictionEnded(event) => {
            let how = match event.by {
                RestrictionEnd::PatientWish => "as the patient wished",
                RestrictionEnd::Notice => "by notice to the patient",
            };
            (format!("Restriction ended {how}"), some([Some(detail("Restriction", event.restriction.to_string())), because(&event.reason)]))
        }
    };
    Entry { patient: event.patient(), summary, details }
}

fn some<const N: usize>(details: [Option<Detail>; N]) -> Vec<Detail> {
    details.into_iter().flatten().collect()
}

fn because(why: &Phi<Reason>) -> Option<Detail> {
    reason("Reason", Some(why))
}

fn recipient(provision: &Phi<Provision>) -> String {
    phi(provision, |provision| match provision.recipient {
        Recipient::Anyone => "everyone".to_owned(),
        Recipient::User(user) => format!("the user {user}"),
        Recipient::Role(role) => format!("everyone in the role {}", role.name()),
        Recipient::Facility(facility) => format!("everyone at the facility {facility}"),
    })
}

/// What a provision is bounded to.
fn bounds(provision: &Phi<Provision>) -> Vec<Detail> {
    vec![
        detail("Purposes", phi(provision, |provision| list(provision.purposes.iter().map(code), "any"))),
        detail("Kinds of data", phi(provision, |provision| list(provision.kinds.iter().map(code), "any"))),
        detail("Sensitive data", phi(provision, |provision| list(provision.labels.iter().map(code), "none named"))),
        detail("Time", phi(provision, |provision| period(provision.period))),
    ]
}

fn period(period: ProvisionPeriod) -> String {
    match (period.start(), period.end()) {
        (None, None) => "always".to_owned(),
        (Some(start), None) => format!("from {}", moment(start)),
        (None, Some(end)) => format!("until {}", moment(end)),
        (Some(start), Some(end)) => format!("from {} until {}", moment(start), moment(end)),
    }
}
