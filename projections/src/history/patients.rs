//! What happened to a record.

use domain::patients::{
    AccessScope, ContactDetailsChanged, Correction, DeathTime, DemographicsCorrected, IdentifierAssigned, PatientRegistered, PatientsEvent, Relationship,
};
use domain::{PatientId, Phi};

use super::Entry;
use super::words::{Detail, addresses, code, date, detail, identifier, list, moment, names, phi, reason, telecom};

/// One entry for each record that the event concerns.
pub(super) fn entries(event: &PatientsEvent) -> Vec<Entry> {
    let one = |patient: PatientId, summary: String, details: Vec<Detail>| vec![Entry { patient, summary, details }];
    match event {
        PatientsEvent::PatientRegistered(event) => vec![registered(event)],
        PatientsEvent::IdentifierAssigned(event) => vec![identified(event)],
        PatientsEvent::DemographicsCorrected(event) => vec![corrected(event)],
        PatientsEvent::ContactDetailsChanged(event) => vec![contact_changed(event)],
        PatientsEvent::DeathRecorded(event) => one(event.patient, format!("Death recorded: {}", phi(&event.deceased, |time| death(*time))), Vec::new()),
        PatientsEvent::DeathReversed(event) => one(event.patient, "The recorded death was wrong, and is reversed".into(), because(Some(&event.reason))),
        PatientsEvent::PatientDeactivated(event) => one(event.patient, "Record deactivated".into(), because(Some(&event.reason))),
        PatientsEvent::PatientsMerged(event) => vec![
            Entry { patient: event.survivor, summary: format!("Record {} merged into this one", event.merged), details: because(Some(&event.reason)) },
            Entry { patient: event.merged, summary: format!("Record merged into {}", event.survivor), details: because(Some(&event.reason)) },
        ],
        PatientsEvent::PatientMergeUndone(event) => vec![
            Entry { patient: event.survivor, summary: format!("Record {} separated from this one again", event.merged), details: because(Some(&event.reason)) },
            Entry { patient: event.merged, summary: format!("Record separated from {} again", event.survivor), details: because(Some(&event.reason)) },
        ],
        PatientsEvent::PatientAccessGranted(event) => {
            let name = event.grantee_name.as_ref().map(|name| detail("Name", phi(&name.value, |name| names(std::slice::from_ref(name)))));
            let details = [detail("User", event.grantee.to_string())].into_iter().chain(name).chain(scope(&event.scope));
            one(event.patient, "Access granted".into(), details.collect())
        }
        PatientsEvent::PatientAccessRevoked(event) => one(event.patient, "Access revoked".into(), vec![detail("User", event.grantee.to_string())]),
    }
}

fn because(why: Option<&domain::Phi<domain::value::Reason>>) -> Vec<Detail> {
    reason("Reason", why).into_iter().collect()
}

/// What it says beyond what holds of every grant.
fn scope(scope: &Phi<AccessScope>) -> Vec<Detail> {
    let Some(scope) = scope.known() else { return vec![detail("Scope", phi(scope, |_| String::new()))] };
    let relationship = (scope.relationship != Relationship::Other).then(|| detail("Relationship", code(&scope.relationship)));
    let kinds = (!scope.kinds.is_empty()).then(|| detail("Kinds of data", list(scope.kinds.iter().map(code), "any")));
    let labels = (!scope.labels.is_empty()).then(|| detail("Sensitive data", list(scope.labels.iter().map(code), "none")));
    let ends = scope.ends.map(|ends| detail("Until", moment(ends)));
    let majority = scope.until_majority.then(|| detail("Until", "the patient comes of age"));
    [relationship, kinds, labels, ends, majority].into_iter().flatten().collect()
}

fn registered(event: &PatientRegistered) -> Entry {
    let name = phi(&event.demographics, |demographics| names(&demographics.name));
    let mut details = vec![detail("Name", name.clone())];
    if let Some(demographics) = event.demographics.known() {
        details.extend(demographics.birth_date.map(|birth| detail("Birth date", date(birth))));
        details.extend(demographics.gender.map(|gender| detail("Gender", code(&gender))));
        details.extend(demographics.marital_status.as_ref().map(|status| detail("Marital status", status.as_str())));
        let languages = demographics.language.iter().map(|language| language.as_str().to_owned());
        details.push(detail("Languages", list(languages, "none")));
    }
    details.push(detail("Identifiers", phi(&event.identifiers, |identifiers| list(identifiers.as_slice().iter().map(identifier), "none"))));
    details.push(detail("Telecom", phi(&event.contact, |contact| telecom(&contact.telecom))));
    details.push(detail("Address", phi(&event.contact, |contact| addresses(&contact.address))));
    details.extend(reason("Known identifier accepted because", event.known_identifier_accepted.as_ref()));
    Entry { patient: event.patient, summary: format!("Registered: {name}"), details }
}

fn identified(event: &IdentifierAssigned) -> Entry {
    let details = reason("Known identifier accepted because", event.known_identifier_accepted.as_ref()).into_iter().collect();
    Entry { patient: event.patient, summary: format!("Identifier added: {}", phi(&event.identifier, identifier)), details }
}

fn corrected(event: &DemographicsCorrected) -> Entry {
    let mut details = event.correction.known().map(corrections).unwrap_or_default();
    let summary = match event.correction.known() {
        None => "Demographics corrected: erased".to_owned(),
        Some(_) => format!("Demographics corrected: {}", details.iter().map(Detail::label).collect::<Vec<_>>().join(", ").to_lowercase()),
    };
    details.extend(reason("Reason", event.reason.as_ref()));
    Entry { patient: event.patient, summary, details }
}

fn corrections(correction: &Correction) -> Vec<Detail> {
    let details = [
        correction.name.as_ref().map(|all| detail("Name", names(all))),
        correction.birth_date.map(|birth| detail("Birth date", date(birth))),
        correction.gender.map(|gender| detail("Gender", code(&gender))),
        correction.marital_status.as_ref().map(|status| detail("Marital status", status.as_str())),
        correction.language.as_ref().map(|all| detail("Languages", list(all.iter().map(|language| language.as_str().to_owned()), "none"))),
    ];
    details.into_iter().flatten().collect()
}

fn contact_changed(event: &ContactDetailsChanged) -> Entry {
    let details = vec![
        detail("Telecom", phi(&event.contact, |contact| telecom(&contact.telecom))),
        detail("Address", phi(&event.contact, |contact| addresses(&contact.address))),
    ];
    Entry { patient: event.patient, summary: "Contact details changed".into(), details }
}

fn death(time: DeathTime) -> String {
    match time {
        DeathTime::At(time) => time.format("%-d %B %Y, %H:%M (UTC%:z)").to_string(),
        DeathTime::On(day) => date(day),
        DeathTime::Unknown => "time unknown".to_owned(),
    }
}
