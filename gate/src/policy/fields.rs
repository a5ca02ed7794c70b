//! The fields that not everybody sees in what they may see: one table, by what each is called wherever it shows. Which roles see which group is in
//! `gate/policies/fields.cedar`.

use domain::Context;

/// A field that not everybody sees.
#[derive(PartialEq, Eq, Debug)]
pub struct ProtectedField {
    /// What it is for, as the policies name it.
    pub group: &'static str,
    /// The field in GraphQL, `Type.field`: by this the policies are asked for it, and whoever does not see it is told so.
    pub graphql: &'static str,
    /// The elements of FHIR resources that say the same, `Resource.element`.
    pub fhir: &'static [&'static str],
    /// The details of histories that say the same, by the context of their events and their label.
    pub details: &'static [(Context, &'static str)],
}

/// All of them. Where one is shown in a further place, its name there belongs here: a test looks for each in each place.
pub const PROTECTED_FIELDS: [ProtectedField; 4] = [
    ProtectedField { group: "social", graphql: "Patient.maritalStatus", fhir: &["Patient.maritalStatus"], details: &[(Context::Patients, "Marital status")] },
    ProtectedField {
        group: "contact",
        graphql: "Patient.contact",
        fhir: &["Patient.telecom", "Patient.address"],
        details: &[(Context::Patients, "Telecom"), (Context::Patients, "Address")],
    },
    ProtectedField { group: "visit-reason", graphql: "Appointment.reason", fhir: &[], details: &[(Context::Scheduling, "For")] },
    ProtectedField { group: "visit-reason", graphql: "Appointment.statusReason", fhir: &[], details: &[(Context::Scheduling, "Reason")] },
];

impl ProtectedField {
    /// The one that a field in GraphQL is, `Type.field`.
    pub(crate) fn in_graphql(of: &str, field: &str) -> Option<&'static Self> {
        PROTECTED_FIELDS.iter().find(|protected| is(protected.graphql, of, field))
    }

    /// The one that an element of a FHIR resource says.
    pub(crate) fn in_fhir(resource: &str, element: &str) -> Option<&'static Self> {
        PROTECTED_FIELDS.iter().find(|protected| protected.fhir.iter().any(|path| is(path, resource, element)))
    }

    /// The one that a detail of a history says.
    pub(crate) fn in_history(context: Context, label: &str) -> Option<&'static Self> {
        PROTECTED_FIELDS.iter().find(|protected| protected.details.contains(&(context, label)))
    }
}

/// Whether a path is that of a field of a type.
fn is(path: &str, of: &str, field: &str) -> bool {
    path.split_once('.') == Some((of, field))
}

/// Which field is in which group, as it is kept beside the policies.
pub(super) fn text() -> String {
    let lines = PROTECTED_FIELDS.iter().map(|field| format!("// Field::\"{}\" in FieldGroup::\"{}\"", field.graphql, field.group));
    lines.collect::<Vec<_>>().join("\n")
}
