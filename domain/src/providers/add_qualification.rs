//! Add a qualification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::fhir_values::Coding;
use crate::ids::PractitionerId;
use crate::permission::Permission;
use crate::providers::{PractitionerStanding, QualificationAdded};
use crate::query::Query;
use crate::time::LocalDate;
use crate::value::Line;

/// Says that a practitioner holds a qualification (FHIR `Practitioner.qualification`).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddQualification {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// What it is.
    pub code: Coding,
    /// Who issued it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Line>,
    /// From when on, as far as it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<LocalDate>,
    /// Until and including when, if it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<LocalDate>,
}

/// Why it was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum AddQualificationRejection {
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
    /// It would end before it begins.
    #[error("the last day comes before the first")]
    UntilBeforeFrom,
}

impl Decision for AddQualification {
    type Model = PractitionerStanding;
    type Event = QualificationAdded;
    type Rejection = AddQualificationRejection;

    fn model(&self) -> (PractitionerStanding, Query) {
        let practitioner = PractitionerStanding::of(self.practitioner);
        let query = practitioner.query(&[]);
        (practitioner, query)
    }

    fn apply(practitioner: &mut PractitionerStanding, event: &Event) {
        practitioner.apply(event);
    }

    fn decide(&self, practitioner: &PractitionerStanding, _circumstances: &Circumstances) -> Result<Vec<QualificationAdded>, AddQualificationRejection> {
        if !practitioner.is_onboarded() {
            return Err(AddQualificationRejection::PractitionerUnknown);
        }
        if self.valid_until.is_some_and(|until| self.valid_from.is_some_and(|from| until < from)) {
            return Err(AddQualificationRejection::UntilBeforeFrom);
        }
        let Self { practitioner, code, issuer, valid_from, valid_until } = self.clone();
        Ok(vec![QualificationAdded { practitioner, code, issuer, valid_from: valid_from.map(Into::into), valid_until: valid_until.map(Into::into) }])
    }
}

impl Command for AddQualification {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "add-qualification";
    const PERMISSION: Permission = Permission::ManagePractitioners;

    fn subject(&self) -> Subject {
        Subject::Practitioner(self.practitioner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::examples::*;
    use crate::testing::given;

    fn doctor(from: Option<&str>, until: Option<&str>) -> AddQualification {
        let code = Coding { system: "http://terminology.hl7.org/CodeSystem/v2-0360".try_into().unwrap(), code: "MD".try_into().unwrap(), display: None };
        let date = |date: &str| date.parse().unwrap();
        AddQualification { practitioner: PRACTITIONER, code, issuer: None, valid_from: from.map(date), valid_until: until.map(date) }
    }

    #[test]
    fn a_practitioner_holds_a_qualification() {
        let expected = |from: Option<&str>, until: Option<&str>| {
            let (date, code) = (|date: &str| date.parse().unwrap(), doctor(None, None).code);
            QualificationAdded { practitioner: PRACTITIONER, code, issuer: None, valid_from: from.map(date), valid_until: until.map(date) }.into()
        };
        for (from, until) in [(None, None), (Some("2001-06-30"), None), (None, Some("2031-06-30")), (Some("2001-06-30"), Some("2001-06-30"))] {
            given([onboarded(PRACTITIONER)]).when(&doctor(from, until)).then([expected(from, until)]);
        }
    }

    #[test]
    fn it_does_not_end_before_it_begins() {
        let command = doctor(Some("2001-06-30"), Some("2001-06-29"));
        given([onboarded(PRACTITIONER)]).when(&command).then_rejected(AddQualificationRejection::UntilBeforeFrom);
    }

    #[test]
    fn someone_must_hold_it() {
        given([onboarded(OTHER_PRACTITIONER)]).when(&doctor(None, None)).then_rejected(AddQualificationRejection::PractitionerUnknown);
    }
}
