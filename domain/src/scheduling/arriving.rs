//! What callers send, and what they must be allowed to do for it.

use serde_json::{Value, json};

use crate::decision::Command;
use crate::event::Subject;
use crate::permission::Permission;
use crate::scheduling::examples::{ADA, APPOINTMENT, FACILITY, PRACTITIONER, ROOM};
use crate::scheduling::{BookAppointment, CancelAppointment, CheckInAppointment, FulfilAppointment, MarkNoShow, RescheduleAppointment, UndoStatus};
use crate::testing::arriving;

fn body(more: &Value) -> Value {
    let mut body = json!({ "appointment": APPOINTMENT, "patient": ADA });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn placed(start: &str) -> Value {
    let placement = json!({ "practitioner": PRACTITIONER, "facility": FACILITY, "room": ROOM, "start": start, "repeated": "later", "minutes": 30 });
    body(&json!({ "placement": placement, "reason": "cough", "exception": { "kind": "overbooked", "reason": "urgent" } }))
}

#[track_caller]
fn arrives<C: Command>(name: &str, permission: Permission, body: &Value) -> C {
    assert_eq!((C::CONTEXT, C::NAME, C::PERMISSION), ("scheduling", name, permission));
    let command: C = arriving(body);
    assert_eq!(command.subject(), Subject::Patient(ADA));
    command
}

#[test]
fn every_command_arrives() {
    use Permission::{BookAppointments, ConductAppointments, Overbook};
    let booking: BookAppointment = arrives("book-appointment", BookAppointments, &placed("2027-01-05T09:00:00"));
    let moving: RescheduleAppointment = arrives("reschedule-appointment", BookAppointments, &placed("2027-01-05T09:00:00"));
    assert_eq!([booking.also_needs(), moving.also_needs()], [Some(Overbook); 2]);
    arrives::<CancelAppointment>("cancel-appointment", BookAppointments, &body(&json!({ "reason": "ill" })));
    arrives::<CheckInAppointment>("check-in-appointment", ConductAppointments, &body(&json!({})));
    arrives::<FulfilAppointment>("fulfil-appointment", ConductAppointments, &body(&json!({})));
    arrives::<MarkNoShow>("mark-no-show", ConductAppointments, &body(&json!({})));
    arrives::<UndoStatus>("undo-status", ConductAppointments, &body(&json!({ "reason": "wrong line" })));
}

#[test]
fn a_start_that_no_clock_shows_does_not_arrive() {
    for start in
        ["+262142-01-01T00:00:00", "-0044-03-15T12:00:00", "2100-01-01T00:00:00", "2016-12-31T23:59:60", "2027-01-05T09:00:00Z", "2027-02-30T09:00:00", ""]
    {
        assert!(serde_json::from_value::<BookAppointment>(placed(start)).is_err(), "{start}");
    }
}
