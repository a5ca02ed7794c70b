//! The ids of the clinic, the same at every newcomer's, so that a guide can name them.

use domain::{FacilityId, OrganizationId, PatientId, PractitionerId, RoomId, TenantId};
use uuid::Uuid;

const fn demo(kind: u128, number: u128) -> Uuid {
    Uuid::from_u128(0xde30_0000_0000_4000_8000_0000_0000_0000 | kind << 96 | number)
}

/// The tenant.
pub const TENANT: TenantId = TenantId(demo(0, 1));
/// The patient whom a patient's token names.
pub const PATIENT: PatientId = patient(1);
/// The practitioner whom a clinician's token names. Every day from 07:00 to 19:00 they can be booked at [`FACILITY`] in slots of 30 minutes; from 10:00 to 11:00 the
/// clinic leaves them free.
pub const PRACTITIONER: PractitionerId = practitioner(1);
/// The facility in Chicago.
pub const FACILITY: FacilityId = FacilityId(demo(2, 1));
/// The facility in New York.
pub const EAST: FacilityId = FacilityId(demo(2, 2));
/// Who runs both.
pub const ORGANIZATION: OrganizationId = OrganizationId(demo(1, 1));

/// A room by its number: 1 to 3 in Chicago, 4 and 5 in New York.
pub const fn room(number: u128) -> RoomId {
    RoomId(demo(3, number))
}

/// A practitioner by number, from 1.
pub const fn practitioner(number: u128) -> PractitionerId {
    PractitionerId(demo(4, number))
}

/// A patient by number, from 1.
pub const fn patient(number: u128) -> PatientId {
    PatientId(demo(5, number))
}

/// A practitioner's role by the practitioner's number.
pub const fn role(number: u128) -> Uuid {
    demo(6, number)
}

/// An appointment by number, from 1.
pub const fn appointment(number: u128) -> Uuid {
    demo(7, number)
}

/// A block of a calendar by number, from 1.
pub const fn block(number: u128) -> Uuid {
    demo(8, number)
}
