//! Retire a practitioner.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::PractitionerId;
use crate::permission::Permission;
use crate::phi::Phi;
use crate::providers::{PractitionerRetired, PractitionerStanding};
use crate::query::Query;
use crate::time::LocalDate;
use crate::value::Reason;

/// Says from which date on a practitioner takes no more appointments. A second time it puts the date off, or forward. Appointments that are booked
/// already stay.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetirePractitioner {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// From this local date on.
    pub from: LocalDate,
    /// Why; it may be a private matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Phi<Reason>>,
}

/// Why the practitioner was not retired.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum RetirePractitionerRejection {
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
}

impl Decision for RetirePractitioner {
    type Model = PractitionerStanding;
    type Event = PractitionerRetired;
    type Rejection = RetirePractitionerRejection;

    fn model(&self) -> (PractitionerStanding, Query) {
        let practitioner = PractitionerStanding::of(self.practitioner);
        let query = practitioner.query(&[]);
        (practitioner, query)
    }

    fn apply(practitioner: &mut PractitionerStanding, event: &Event) {
        practitioner.apply(event);
    }

    fn decide(&self, practitioner: &PractitionerStanding, _circumstances: &Circumstances) -> Result<Vec<PractitionerRetired>, RetirePractitionerRejection> {
        if !practitioner.is_onboarded() {
            return Err(RetirePractitionerRejection::PractitionerUnknown);
        }
        let from = self.from.into();
        if practitioner.calendar.retired_from() == Some(from) {
            return Ok(Vec::new());
        }
        Ok(vec![PractitionerRetired { practitioner: self.practitioner, from, reason: self.reason.clone() }])
    }
}

impl Command for RetirePractitioner {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "retire-practitioner";
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

    fn retire(from: &str) -> RetirePractitioner {
        RetirePractitioner { practitioner: PRACTITIONER, from: from.parse().unwrap(), reason: None }
    }

    #[test]
    fn a_practitioner_retires_and_may_put_it_off() {
        given([onboarded(PRACTITIONER)]).when(&retire("2027-06-30")).then([retired("2027-06-30")]);
        given([onboarded(PRACTITIONER), retired("2027-06-30")]).when(&retire("2027-12-31")).then([retired("2027-12-31")]);
    }

    #[test]
    fn who_retires_that_day_already_does_so_once() {
        given([onboarded(PRACTITIONER), retired("2027-06-30")]).when(&retire("2027-06-30")).then([]);
        let put_off_and_back = [onboarded(PRACTITIONER), retired("2027-06-30"), retired("2027-12-31")];
        given(put_off_and_back).when(&retire("2027-06-30")).then([retired("2027-06-30")]);
    }

    #[test]
    fn only_who_is_here_retires() {
        given([onboarded(OTHER_PRACTITIONER)]).when(&retire("2027-06-30")).then_rejected(RetirePractitionerRejection::PractitionerUnknown);
    }
}
