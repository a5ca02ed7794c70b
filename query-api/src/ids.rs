//! Global ids: a FHIR-like reference such as `Patient/0190…`. An argument that can only mean one type takes the bare UUID too, as commands have it.

use async_graphql::ID;
use domain::{AppointmentId, ConsentId, DocumentId, FacilityId, FactId, InvalidValue, OrganizationId, PatientId, PractitionerId, RestrictionId, RoomId};
use uuid::Uuid;

use crate::errors::Failure;

/// An id with a type that `node` knows.
pub trait Global: Copy {
    /// The object's type in the schema.
    const TYPE: &'static str;
    /// The id of such an object.
    fn of(id: Uuid) -> Self;
    /// The plain id.
    fn uuid(self) -> Uuid;
}

macro_rules! global {
    ($($id:ident $type:literal,)*) => {$(
        impl Global for $id {
            const TYPE: &'static str = $type;
            fn of(id: Uuid) -> Self {
                Self(id)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }
    )*};
}

global! {
    PatientId "Patient",
    PractitionerId "Practitioner",
    OrganizationId "Organization",
    FacilityId "Facility",
    RoomId "Room",
    AppointmentId "Appointment",
    FactId "ChartEntry",
    DocumentId "Document",
    ConsentId "Consent",
    RestrictionId "Restriction",
}

/// The id of an object, unique over all types.
pub fn global<T: Global>(id: T) -> ID {
    ID(format!("{}/{}", T::TYPE, id.uuid()))
}

/// An argument that names an object of one type.
pub fn argument<T: Global>(name: &'static str, id: &ID) -> Result<T, Failure> {
    let bare = match id.split_once('/') {
        Some((kind, bare)) if kind == T::TYPE => bare,
        Some(_) => return Err(Failure::Argument(name, InvalidValue("be the id of an object of the type that this argument names"))),
        None => id.as_str(),
    };
    bare.parse().map(T::of).map_err(|_| Failure::Argument(name, InvalidValue("be an id, as the field `id` has it, or its bare UUID")))
}

/// An argument that may be left out.
pub fn optional<T: Global>(name: &'static str, id: Option<&ID>) -> Result<Option<T>, Failure> {
    id.map(|id| argument(name, id)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_as_what_it_was_and_as_nothing_else() {
        let id = PatientId(Uuid::from_u128(7));
        assert_eq!(argument::<PatientId>("id", &global(id)).ok(), Some(id));
        assert_eq!(argument::<PatientId>("id", &ID(id.to_string())).ok(), Some(id));
        assert!(argument::<RoomId>("id", &global(id)).is_err());
        assert!(argument::<PatientId>("id", &ID("Needle".into())).is_err_and(|failure| !failure.to_string().contains("Needle")));
    }
}
