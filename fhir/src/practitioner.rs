//! <http://hl7.org/fhir/R4/practitioner.html>

use chrono::NaiveDate;
use domain::fhir_values::{Identifiers, NPI_SYSTEM, npi_check_digit_holds};
use domain::providers::{AddQualification, OnboardPractitioner};
use domain::{InvalidValue, PractitionerId};
use uuid::Uuid;

use crate::command::ImportCommand;
use crate::element::Element;
use crate::map::NotUnderstood;
use crate::values::{addresses, coding, identifiers, imported_reason, names, telecom};

pub(crate) fn map(resource: &mut Element<'_>, id: Uuid) -> Result<Vec<ImportCommand>, NotUnderstood> {
    // `Practitioner.active`: who is onboarded is taken for active.
    resource.granted("active", true);
    let practitioner = PractitionerId(id);
    // `Practitioner.identifier`
    let identifiers = identifiers(resource)?;
    let unverified = unverified_npi(&identifiers);
    if unverified {
        resource.flag("identifier", InvalidValue("have the check digit of an NPI"));
    }
    let onboard = OnboardPractitioner {
        practitioner,
        // `Practitioner.name`
        name: names(resource).into(),
        // `Practitioner.gender`
        gender: resource.code("gender").map(Into::into),
        identifiers: identifiers.into(),
        // `Practitioner.telecom`
        telecom: telecom(resource).into(),
        // `Practitioner.address`
        address: addresses(resource).into(),
        accept_unverified_npi: if unverified { Some(imported_reason()?) } else { None },
    };
    let qualifications = resource.parts("qualification").into_iter().filter_map(|part| qualification(practitioner, part));
    Ok([onboard.into()].into_iter().chain(qualifications.map(Into::into)).collect())
}

fn unverified_npi(identifiers: &Identifiers) -> bool {
    identifiers.as_slice().iter().any(|identifier| identifier.system.as_str() == NPI_SYSTEM && !npi_check_digit_holds(identifier.value.as_str()))
}

/// `Practitioner.qualification`: `code`, `issuer.display`, `period.start`, `period.end`. One without a coded code is left out.
fn qualification(practitioner: PractitionerId, mut part: Element<'_>) -> Option<AddQualification> {
    let Some(code) = part.part("code").and_then(coding) else {
        part.give_up(InvalidValue("have a code with its system"));
        return None;
    };
    let issuer = part.part("issuer").and_then(|mut issuer| issuer.value("display"));
    let (valid_from, valid_until) = part.part("period").map(|mut period| (day(&mut period, "start"), day(&mut period, "end"))).unwrap_or_default();
    Some(AddQualification { practitioner, code, issuer, valid_from, valid_until })
}

/// A whole day; a `dateTime` that says less or more is left out.
fn day(period: &mut Element<'_>, field: &str) -> Option<NaiveDate> {
    let text = period.text(field)?;
    text.parse().map_or_else(|_| period.left_out(field, InvalidValue("be a whole day")), Some)
}
