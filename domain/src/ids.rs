//! Typed ids. Callers make them (`UUIDv7`; importers derive `UUIDv5`), so that a retry names the same thing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$documentation:meta])* $name:ident,)*) => {$(
        $(#[$documentation])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )*};
}

ids! {
    /// The customer, and the wall of isolation: everything lives inside one tenant.
    TenantId,
    /// The person or machine that acts, as its token names it.
    UserId,
    /// FHIR `Organization`.
    OrganizationId,
    /// FHIR `Location` with the physical type site: where care is given.
    FacilityId,
    /// FHIR `Location` with the physical type room, inside a facility.
    RoomId,
    /// FHIR `Patient`.
    PatientId,
    /// FHIR `Practitioner`.
    PractitionerId,
    /// FHIR `PractitionerRole`.
    PractitionerRoleId,
    /// FHIR `Appointment`.
    AppointmentId,
    /// A clinical fact: the id of the FHIR resource that it is.
    FactId,
    /// FHIR `DocumentReference`: a file in a patient's record.
    DocumentId,
    /// A stretch of a practitioner's calendar that is closed to booking.
    BlockId,
    /// FHIR `Consent`.
    ConsentId,
    /// A restriction that a patient asked for (45 CFR 164.522(a)).
    RestrictionId,
    /// A time for which somebody broke the glass.
    BreakGlassId,
    /// A disclosure to somebody outside (45 CFR 164.528).
    DisclosureId,
    /// A process of Carelog, from its start to its end.
    ServerId,
}
