use domain::scheduling::{
    AppointmentBooked, AppointmentCancelled, AppointmentCheckedIn, AppointmentFulfilled, AppointmentNoShow, AppointmentRescheduled, AppointmentStatusReverted,
};
use serde_json::{Value, json};

use super::{APPOINTMENT, Example, FACILITY, PATIENT, PRACTITIONER, ROOM, full, further, minimal};

fn placement() -> Value {
    json!({
        "practitioner": PRACTITIONER,
        "facility": FACILITY,
        "room": ROOM,
        // In the hour that the clocks show twice.
        "time": { "start": "2026-11-01T01:30:00", "zone": "America/Chicago", "repeated": "later", "minutes": 20 },
    })
}

fn simple_placement() -> Value {
    json!({
        "practitioner": PRACTITIONER,
        "facility": FACILITY,
        "room": null,
        "time": { "start": "2026-03-02T09:00:00", "zone": "America/Chicago", "minutes": 20 },
    })
}

pub(super) fn examples() -> Vec<Example> {
    [bookings(), progress()].into_iter().flatten().collect()
}

fn bookings() -> Vec<Example> {
    vec![
        full::<AppointmentBooked>(json!({
            "appointment": APPOINTMENT,
            "patient": PATIENT,
            "placement": placement(),
            "reason": "A cough that does not go away",
            "exception": { "kind": "back-entered", "reason": "Walked in during the outage" },
        })),
        minimal::<AppointmentBooked>(json!({
            "appointment": APPOINTMENT, "patient": PATIENT, "placement": simple_placement(), "reason": null, "exception": null,
        })),
        full::<AppointmentRescheduled>(json!({
            "appointment": APPOINTMENT,
            "patient": PATIENT,
            "from": simple_placement(),
            "to": placement(),
            "reason": "No ride in the morning",
            "exception": { "kind": "overbooked", "reason": "Cannot wait until next week" },
        })),
        minimal::<AppointmentRescheduled>(json!({
            "appointment": APPOINTMENT, "patient": PATIENT, "from": simple_placement(), "to": placement(), "reason": null, "exception": null,
        })),
        full::<AppointmentCancelled>(json!({
            "appointment": APPOINTMENT, "patient": PATIENT, "placement": simple_placement(), "reason": "Feels better",
        })),
        further::<AppointmentCancelled>(json!({
            "appointment": APPOINTMENT, "patient": PATIENT, "placement": placement(), "reason": "Feels better",
        })),
    ]
}

fn progress() -> Vec<Example> {
    let event = json!({ "appointment": APPOINTMENT, "patient": PATIENT, "placement": simple_placement() });
    let in_a_room = json!({ "appointment": APPOINTMENT, "patient": PATIENT, "placement": placement() });
    vec![
        full::<AppointmentCheckedIn>(event.clone()),
        full::<AppointmentFulfilled>(event.clone()),
        full::<AppointmentNoShow>(event),
        further::<AppointmentCheckedIn>(in_a_room.clone()),
        further::<AppointmentFulfilled>(in_a_room.clone()),
        further::<AppointmentNoShow>(in_a_room),
        full::<AppointmentStatusReverted>(json!({
            "appointment": APPOINTMENT,
            "patient": PATIENT,
            "placement": simple_placement(),
            "from": "noshow",
            "to": "booked",
            "reason": "Clicked on the wrong line",
        })),
        further::<AppointmentStatusReverted>(json!({
            "appointment": APPOINTMENT,
            "patient": PATIENT,
            "placement": placement(),
            "from": "fulfilled",
            "to": "checked-in",
            "reason": "Clicked on the wrong line",
        })),
    ]
}
