//! What happens to appointments. Each event carries where the appointment was, so that it is found by the days that it concerns.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{EventData, Subject};
use crate::ids::{AppointmentId, PatientId};
use crate::phi::Phi;
use crate::query::Tag;
use crate::scheduling::{AppointmentStatus, Exception, Placement};
use crate::value::Reason;

events! {
    /// The events of this context.
    "scheduling" SchedulingEvent {
        AppointmentBooked 1,
        AppointmentRescheduled 1,
        AppointmentCancelled 1,
        AppointmentCheckedIn 1,
        AppointmentFulfilled 1,
        AppointmentNoShow 1,
        AppointmentStatusReverted 1,
    }
}

fn tags(appointment: AppointmentId, patient: PatientId, placements: &[&Placement]) -> Vec<Tag> {
    let mut tags = vec![Tag::appointment(appointment), Tag::patient(patient)];
    for placement in placements {
        tags.push(Tag::practitioner(placement.practitioner));
        tags.extend(placement.tags(patient));
    }
    tags.sort_by_key(|tag| (tag.kind().name(), matches!(tag.value(), crate::query::TagValue::Day(..))));
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags
}

/// What is entered after the fact happened when the visit began.
fn occurred(placement: &Placement, exception: Option<&Exception>) -> Option<DateTime<Utc>> {
    match exception {
        Some(Exception::BackEntered { .. }) => placement.interval().map(|interval| interval.start),
        _ => None,
    }
}

/// An appointment was agreed on.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentBooked {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who comes.
    pub patient: PatientId,
    /// With whom, where and when.
    pub placement: Placement,
    /// What for, in a person's words.
    pub reason: Option<Phi<Reason>>,
    /// What was let pass.
    pub exception: Option<Exception>,
}

impl EventData for AppointmentBooked {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.placement])
    }
    fn occurred(&self) -> Option<DateTime<Utc>> {
        occurred(&self.placement, self.exception.as_ref())
    }
}

/// It was moved.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentRescheduled {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who comes.
    pub patient: PatientId,
    /// Where it was.
    pub from: Placement,
    /// Where it is.
    pub to: Placement,
    /// Why.
    pub reason: Option<Phi<Reason>>,
    /// What was let pass.
    pub exception: Option<Exception>,
}

impl EventData for AppointmentRescheduled {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.from, &self.to])
    }
    fn occurred(&self) -> Option<DateTime<Utc>> {
        occurred(&self.to, self.exception.as_ref())
    }
}

/// It will not take place.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentCancelled {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who would have come.
    pub patient: PatientId,
    /// Where it was.
    pub placement: Placement,
    /// Why.
    pub reason: Phi<Reason>,
}

impl EventData for AppointmentCancelled {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.placement])
    }
}

/// The patient is there.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentCheckedIn {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who came.
    pub patient: PatientId,
    /// Where it is.
    pub placement: Placement,
}

impl EventData for AppointmentCheckedIn {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.placement])
    }
}

/// It took place.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentFulfilled {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who came.
    pub patient: PatientId,
    /// Where it was.
    pub placement: Placement,
}

impl EventData for AppointmentFulfilled {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.placement])
    }
}

/// The patient did not come.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentNoShow {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Who did not come.
    pub patient: PatientId,
    /// Where it was.
    pub placement: Placement,
}

impl EventData for AppointmentNoShow {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.placement])
    }
}

/// A check-in, a fulfilment or a no-show was a mis-click.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppointmentStatusReverted {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Whose it is.
    pub patient: PatientId,
    /// Where it is.
    pub placement: Placement,
    /// The status that was wrong.
    pub from: AppointmentStatus,
    /// The status that it has again.
    pub to: AppointmentStatus,
    /// How it came about.
    pub reason: Phi<Reason>,
}

impl EventData for AppointmentStatusReverted {
    fn subject(&self) -> Subject {
        Subject::Patient(self.patient)
    }
    fn tags(&self) -> Vec<Tag> {
        tags(self.appointment, self.patient, &[&self.placement])
    }
}
