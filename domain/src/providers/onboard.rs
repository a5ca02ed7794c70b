//! Onboard a practitioner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Named, Subject};
use crate::fhir_values::{Address, AdministrativeGender, ContactPoint, HumanName, Identifier, Identifiers, NPI_SYSTEM, names, npi_check_digit_holds};
use crate::ids::PractitionerId;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::providers::{PractitionerOnboarded, ProvidersEvent};
use crate::query::{Query, Tag};
use crate::value::{Reason, at_most};

/// Takes a person on as a practitioner.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnboardPractitioner {
    /// The practitioner, named by the caller.
    pub practitioner: PractitionerId,
    /// Their names, the official one first.
    #[serde(deserialize_with = "names")]
    #[schemars(length(max = 20))]
    pub name: Phi<Vec<HumanName>>,
    /// The gender they are considered to have for administration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Phi<AdministrativeGender>>,
    /// Business identifiers. A National Provider Identifier has the system `http://hl7.org/fhir/sid/us-npi`.
    #[serde(default)]
    pub identifiers: Phi<Identifiers>,
    /// How to reach them.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub telecom: Phi<Vec<ContactPoint>>,
    /// Where to reach them.
    #[serde(default, deserialize_with = "at_most::<20, _, _>")]
    #[schemars(length(max = 20))]
    pub address: Phi<Vec<Address>>,
    /// Why to accept a National Provider Identifier whose check digit is wrong, as data from elsewhere may bring it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_unverified_npi: Option<Phi<Reason>>,
}

/// Why the practitioner was not taken on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum OnboardPractitionerRejection {
    /// Another practitioner has the id.
    #[error("a practitioner of this id exists")]
    PractitionerExists,
    /// A National Provider Identifier is mistyped.
    #[error("the check digit of the NPI is wrong")]
    NpiCheckDigitWrong,
    /// Another practitioner has the National Provider Identifier.
    #[error("another practitioner has the NPI")]
    NpiTaken,
}

/// Whether the id and the National Provider Identifiers are free.
pub struct Onboarding {
    practitioner: PractitionerId,
    exists: bool,
    npi_taken: bool,
}

impl OnboardPractitioner {
    fn npis(&self) -> impl Iterator<Item = &Identifier> {
        let identifiers = self.identifiers.known().map(Identifiers::as_slice).unwrap_or_default();
        identifiers.iter().filter(|identifier| identifier.system.as_str() == NPI_SYSTEM)
    }
}

impl Decision for OnboardPractitioner {
    type Model = Onboarding;
    type Event = PractitionerOnboarded;
    type Rejection = OnboardPractitionerRejection;

    fn model(&self) -> (Onboarding, Query) {
        let model = Onboarding { practitioner: self.practitioner, exists: false, npi_taken: false };
        let tags = [Tag::practitioner(self.practitioner)].into_iter().chain(self.npis().map(Tag::identifier));
        (model, tags.fold(Query::new(), |query, tag| query.and(&[PractitionerOnboarded::TYPE], tag)))
    }

    fn apply(model: &mut Onboarding, event: &Event) {
        let Event::Providers(ProvidersEvent::PractitionerOnboarded(event)) = event else { return };
        // Whoever else is found has been found by an NPI.
        if event.practitioner == model.practitioner { model.exists = true } else { model.npi_taken = true }
    }

    fn decide(&self, model: &Onboarding, _circumstances: &Circumstances) -> Result<Vec<PractitionerOnboarded>, OnboardPractitionerRejection> {
        if model.exists {
            return Err(OnboardPractitionerRejection::PractitionerExists);
        }
        if model.npi_taken {
            return Err(OnboardPractitionerRejection::NpiTaken);
        }
        let Self { practitioner, name, gender, identifiers, telecom, address, accept_unverified_npi } = self.clone();
        let verified = self.npis().all(|npi| npi_check_digit_holds(npi.value.as_str()));
        let unverified_npi_accepted = accept_unverified_npi.filter(|_| !verified);
        if !verified && unverified_npi_accepted.is_none() {
            return Err(OnboardPractitionerRejection::NpiCheckDigitWrong);
        }
        Ok(vec![PractitionerOnboarded { practitioner, name, gender, identifiers: identifiers.map(Into::into), telecom, address, unverified_npi_accepted }])
    }
}

impl Command for OnboardPractitioner {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "onboard-practitioner";
    const PERMISSION: Permission = Permission::ManagePractitioners;

    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::providers::examples::*;
    use crate::testing::given;

    const NPI: &str = "1234567893";
    const MISTYPED: &str = "1234567890";

    fn with_identifiers(practitioner: PractitionerId, identifiers: &[(&str, &str)]) -> OnboardPractitioner {
        let identifiers: Vec<_> = identifiers.iter().map(|(system, value)| json!({ "system": system, "value": value })).collect();
        let name = json!([{ "family": "Osler", "given": ["William"], "prefix": ["Dr."] }]);
        serde_json::from_value(json!({ "practitioner": practitioner, "name": name, "identifiers": identifiers })).unwrap()
    }

    fn with_npi(practitioner: PractitionerId, npi: &str) -> OnboardPractitioner {
        with_identifiers(practitioner, &[(NPI_SYSTEM, npi), ("urn:staff", "7")])
    }

    fn onboarded_with(practitioner: PractitionerId, npi: &str) -> Event {
        let command = with_npi(practitioner, npi);
        let identifiers = command.identifiers.map(Into::into);
        let (name, telecom, address) = (command.name, vec![].into(), vec![].into());
        PractitionerOnboarded { practitioner, name, gender: None, identifiers, telecom, address, unverified_npi_accepted: None }.into()
    }

    #[test]
    fn a_practitioner_is_taken_on() {
        given([]).when(&with_npi(PRACTITIONER, NPI)).then([onboarded_with(PRACTITIONER, NPI)]);
        given([onboarded_with(OTHER_PRACTITIONER, "1245319599")]).when(&with_npi(PRACTITIONER, NPI)).accepted();
    }

    #[test]
    fn an_id_names_one_practitioner() {
        let rejection = OnboardPractitionerRejection::PractitionerExists;
        given([onboarded(PRACTITIONER)]).when(&with_npi(PRACTITIONER, NPI)).then_rejected(rejection);
    }

    #[test]
    fn an_npi_is_one_practitioners() {
        let rejection = OnboardPractitionerRejection::NpiTaken;
        given([onboarded_with(OTHER_PRACTITIONER, NPI)]).when(&with_npi(PRACTITIONER, NPI)).then_rejected(rejection);
    }

    #[test]
    fn other_identifiers_may_be_shared_and_have_no_check_digit() {
        let staff = |practitioner| with_identifiers(practitioner, &[("urn:staff", "7")]);
        let other = given([]).when(&staff(OTHER_PRACTITIONER)).accepted();
        given(other).when(&staff(PRACTITIONER)).accepted();
    }

    #[test]
    fn a_mistyped_npi_is_refused_unless_it_is_accepted_for_a_reason() {
        given([]).when(&with_npi(PRACTITIONER, MISTYPED)).then_rejected(OnboardPractitionerRejection::NpiCheckDigitWrong);
        let why = reason("as the old system had it");
        let accepting = |npi| OnboardPractitioner { accept_unverified_npi: Some(why.clone()), ..with_npi(PRACTITIONER, npi) };
        let accepted = |npi| match given([]).when(&accepting(npi)).accepted().remove(0) {
            Event::Providers(ProvidersEvent::PractitionerOnboarded(event)) => event.unverified_npi_accepted,
            _ => None,
        };
        assert!(accepted(MISTYPED) == Some(why.clone()));
        assert!(accepted(NPI).is_none(), "nothing had to be accepted");
        let taken = given([onboarded_with(OTHER_PRACTITIONER, MISTYPED)]).when(&accepting(MISTYPED));
        taken.then_rejected(OnboardPractitionerRejection::NpiTaken);
    }
}
