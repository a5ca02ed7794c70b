//! Set the hours of one date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Circumstances, Command, Decision};
use crate::event::{Event, Subject};
use crate::ids::{FacilityId, PractitionerId};
use crate::permission::Permission;
use crate::providers::set_availability::SettingHours;
use crate::providers::{AvailabilityExceptionSet, Hours};
use crate::query::Query;
use crate::time::LocalDate;
use crate::value::at_most;

/// Sets the hours of a practitioner at a facility on one date, in place of the weekly ones. Appointments that are booked already stay.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetAvailabilityException {
    /// The practitioner.
    pub practitioner: PractitionerId,
    /// Where; the date and the hours are what its calendar and clocks show.
    pub facility: FacilityId,
    /// The date.
    pub date: LocalDate,
    /// The hours; none means not available that day.
    #[serde(deserialize_with = "at_most::<12, _, _>")]
    #[schemars(length(max = 12))]
    pub hours: Vec<Hours>,
}

/// Why they were not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum SetAvailabilityExceptionRejection {
    /// No such practitioner.
    #[error("the practitioner is not known")]
    PractitionerUnknown,
    /// The practitioner has retired by then.
    #[error("the practitioner has retired by then")]
    PractitionerRetired,
    /// No such facility.
    #[error("the facility is not known")]
    FacilityUnknown,
    /// There are no weekly hours at the facility to be an exception from.
    #[error("no weekly hours are set at the facility")]
    AvailabilityNotSet,
    /// The hours overlap each other.
    #[error("hours overlap")]
    HoursOverlap,
}

impl Decision for SetAvailabilityException {
    type Model = SettingHours;
    type Event = AvailabilityExceptionSet;
    type Rejection = SetAvailabilityExceptionRejection;

    fn model(&self) -> (SettingHours, Query) {
        SettingHours::model(self.practitioner, self.facility)
    }

    fn apply(model: &mut SettingHours, event: &Event) {
        model.apply(event);
    }

    fn decide(&self, model: &SettingHours, _circumstances: &Circumstances) -> Result<Vec<AvailabilityExceptionSet>, SetAvailabilityExceptionRejection> {
        let Self { practitioner, facility, hours, .. } = self.clone();
        let date = self.date.into();
        if !model.practitioner.is_onboarded() {
            return Err(SetAvailabilityExceptionRejection::PractitionerUnknown);
        }
        if model.practitioner.calendar.retired_from().is_some_and(|retired| retired <= date) {
            return Err(SetAvailabilityExceptionRejection::PractitionerRetired);
        }
        if model.facility.time_zone.is_none() {
            return Err(SetAvailabilityExceptionRejection::FacilityUnknown);
        }
        if !model.practitioner.calendar.has_hours_at(facility) {
            return Err(SetAvailabilityExceptionRejection::AvailabilityNotSet);
        }
        if hours.iter().enumerate().any(|(index, one)| hours[index + 1..].iter().any(|other| one.overlaps(*other))) {
            return Err(SetAvailabilityExceptionRejection::HoursOverlap);
        }
        Ok(vec![AvailabilityExceptionSet { practitioner, facility, date, hours }])
    }
}

impl Command for SetAvailabilityException {
    const CONTEXT: &'static str = "providers";
    const NAME: &'static str = "set-availability-exception";
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

    fn set(hours: &[Hours]) -> SetAvailabilityException {
        SetAvailabilityException { practitioner: PRACTITIONER, facility: FACILITY, date: "2027-07-05".parse().unwrap(), hours: hours.to_vec() }
    }

    fn staff() -> impl Iterator<Item = Event> {
        [onboarded(PRACTITIONER), opened(FACILITY, CHICAGO), available(PRACTITIONER)].into_iter()
    }

    #[test]
    fn a_date_has_other_hours_or_none() {
        for hours in [vec![hours("10:00:00", "12:00:00")], vec![]] {
            let command = set(&hours);
            let expected = AvailabilityExceptionSet { practitioner: PRACTITIONER, facility: FACILITY, date: "2027-07-05".parse().unwrap(), hours };
            given(staff()).when(&command).then([expected.into()]);
        }
    }

    #[test]
    fn its_hours_do_not_overlap() {
        let overlapping = [hours("10:00:00", "12:00:00"), hours("11:00:00", "13:00:00")];
        given(staff()).when(&set(&overlapping)).then_rejected(SetAvailabilityExceptionRejection::HoursOverlap);
    }

    #[test]
    fn who_and_where_must_be_known() {
        let of_nobody = SetAvailabilityException { practitioner: UNKNOWN_PRACTITIONER, ..set(&[]) };
        given(staff()).when(&of_nobody).then_rejected(SetAvailabilityExceptionRejection::PractitionerUnknown);
        let nowhere = SetAvailabilityException { facility: UNKNOWN_FACILITY, ..set(&[]) };
        given(staff()).when(&nowhere).then_rejected(SetAvailabilityExceptionRejection::FacilityUnknown);
    }

    #[test]
    fn there_must_be_hours_to_be_an_exception_from() {
        let elsewhere = SetAvailabilityException { facility: UNKNOWN_FACILITY, ..set(&[]) };
        given(staff().chain([opened(UNKNOWN_FACILITY, CHICAGO)])).when(&elsewhere).then_rejected(SetAvailabilityExceptionRejection::AvailabilityNotSet);
    }

    #[test]
    fn who_retires_has_hours_until_then() {
        given(staff().chain([retired("2027-07-05")])).when(&set(&[])).then_rejected(SetAvailabilityExceptionRejection::PractitionerRetired);
        given(staff().chain([retired("2027-07-06")])).when(&set(&[])).accepted();
    }
}
