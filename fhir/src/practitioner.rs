//! <http://hl7.org/fhir/R4/practitioner.html>

use domain::fhir_values::{Identifiers, NPI_SYSTEM, npi_check_digit_holds};
use domain::providers::{AddQualification, OnboardPractitioner};
use domain::time::LocalDate;
use domain::{InvalidValue, Phi, PractitionerId};
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
        gender: resource.code("gender").map(Phi::Known),
        identifiers: identifiers.into(),
        // `Practitioner.telecom`
        telecom: telecom(resource).into(),
        // `Practitioner.address`
        address: addresses(resource).into(),
        accept_unverified_npi: if unverified { Some(imported_reason()?.into()) } else { None },
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
fn day(period: &mut Element<'_>, field: &str) -> Option<LocalDate> {
    let text = period.text(field)?;
    text.parse().map_or_else(|rule| period.left_out(field, rule), Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::resource_type::ResourceType;
    use crate::testing::{bodies, id, left_out, not_kept, only, read};

    fn npi(value: &str) -> Value {
        json!({ "system": "http://hl7.org/fhir/sid/us-npi", "value": value })
    }

    #[test]
    fn a_practitioner_is_onboarded_with_names_and_contacts() {
        let resource = json!({
            "resourceType": "Practitioner", "id": "1", "active": true, "identifier": [npi("1234567893")], "gender": "female", "birthDate": "1970-01-01",
            "name": [{ "family": "Nguyễn", "given": ["Ada", "B."], "prefix": ["Dr."], "text": "Dr. Ada B. Nguyễn" }],
            "telecom": [{ "system": "email", "value": "ada@example.org", "extension": [{ "url": "http://hl7.org/x/us-core-direct", "valueBoolean": true }] }],
            "address": [{ "city": "Emporia" }],
        });
        let (body, notes) = only(read(&resource));
        let expected = json!({
            "practitioner": id(ResourceType::Practitioner, "1"), "gender": "female", "identifiers": [npi("1234567893")],
            "name": [{ "use": "official", "family": "Nguyễn", "given": ["Ada", "B."], "prefix": ["Dr."] }],
            "telecom": [{ "system": "email", "value": "ada@example.org" }], "address": [{ "city": "Emporia" }],
        });
        assert_eq!(body, expected);
        assert_eq!(not_kept(&notes), ["Practitioner.name.text", "Practitioner.telecom.extension[us-core-direct]", "Practitioner.birthDate"]);
        assert!(notes.flagged.is_empty());
    }

    #[test]
    fn a_wrong_check_digit_is_accepted_with_a_reason_and_flagged() {
        let (body, notes) = only(read(&json!({ "resourceType": "Practitioner", "id": "1", "identifier": [npi("1234567890")] })));
        assert_eq!(body["acceptUnverifiedNpi"], "imported from FHIR R4");
        assert_eq!(notes.flagged.len(), 1);
    }

    #[test]
    fn a_qualification_is_a_command_of_its_own() {
        let coded = json!({ "coding": [{ "system": "urn:q", "code": "MD" }] });
        let resource = json!({
            "resourceType": "Practitioner", "id": "1",
            "qualification": [
                { "code": coded, "issuer": { "display": "University" }, "period": { "start": "2001-02-03", "end": "2031" }, "identifier": [{}] },
                { "code": { "text": "uncoded" } },
            ],
        });
        let (bodies, notes) = bodies(read(&resource));
        let expected = json!({
            "practitioner": id(ResourceType::Practitioner, "1"), "code": { "system": "urn:q", "code": "MD" }, "issuer": "University", "validFrom": "2001-02-03",
        });
        assert_eq!(bodies[1], ("add-qualification", expected));
        assert_eq!(bodies.len(), 2);
        let expected = [("Practitioner.qualification.period.end", "be a date as YYYY-MM-DD"), ("Practitioner.qualification", "have a code with its system")];
        assert_eq!(left_out(&notes), expected);
        assert_eq!(not_kept(&notes), ["Practitioner.qualification.identifier", "Practitioner.qualification.code"]);
    }
}
