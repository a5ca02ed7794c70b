//! What a consent or a restriction covers.

use async_graphql::{ComplexObject, Context, Enum, SimpleObject};
use domain::consents::{self, Recipient as Whom};
use domain::{FacilityId, Label, Permission};
use uuid::Uuid;

use crate::access::{AccessedKind, Purpose};
use crate::organizations::Facility;
use crate::reads::permitted;
use crate::scalars::DateTime;
use crate::viewer::ViewerRole;

/// Whether what is covered is opened or closed (FHIR `consent-provision-type`).
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "consents::ProvisionType")]
pub enum ProvisionType {
    /// It is opened.
    Permit,
    /// It is closed.
    Deny,
}

/// What is opened or closed, to whom, what for and when.
#[derive(SimpleObject)]
pub struct Provision {
    /// To whom.
    recipient: Recipient,
    /// For which purposes; none: for any.
    purposes: Vec<Purpose>,
    /// Which kinds of data; none: any.
    kinds: Vec<AccessedKind>,
    /// HL7 codes. What is permitted: which sensitive data are opened with the rest; none: no sensitive ones. What is denied: only data that bear one of these; none: all.
    labels: Vec<String>,
    /// The first moment at which it holds.
    start: Option<DateTime>,
    /// The first moment at which it does not hold any more.
    end: Option<DateTime>,
}

impl From<consents::Provision> for Provision {
    fn from(provision: consents::Provision) -> Self {
        Self {
            recipient: provision.recipient.into(),
            purposes: provision.purposes.into_iter().map(Purpose::from).collect(),
            kinds: provision.kinds.into_iter().map(AccessedKind::from).collect(),
            labels: provision.labels.into_iter().map(Label::code).map(str::to_owned).collect(),
            start: provision.period.start().map(DateTime::from),
            end: provision.period.end().map(DateTime::from),
        }
    }
}

/// Whom a provision is about.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Recipient {
    /// What sort of recipient.
    kind: RecipientKind,
    /// The user, where it is one.
    user: Option<Uuid>,
    /// The role, where it is everyone in one.
    role: Option<ViewerRole>,
    #[graphql(skip)]
    facility_id: Option<FacilityId>,
}

/// What sort of recipient a provision has.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub enum RecipientKind {
    /// Everyone.
    Anyone,
    /// One person or machine that acts.
    User,
    /// Everyone in a role.
    Role,
    /// Everyone who works at a facility.
    Facility,
}

impl From<Whom> for Recipient {
    fn from(whom: Whom) -> Self {
        let nobody = |kind| Self { kind, user: None, role: None, facility_id: None };
        match whom {
            Whom::Anyone => nobody(RecipientKind::Anyone),
            Whom::User(user) => Self { user: Some(user.0), ..nobody(RecipientKind::User) },
            Whom::Role(role) => Self { role: Some(role.into()), ..nobody(RecipientKind::Role) },
            Whom::Facility(facility) => Self { facility_id: Some(facility), ..nobody(RecipientKind::Facility) },
        }
    }
}

#[ComplexObject]
impl Recipient {
    /// The facility, where it is everyone who works at one.
    async fn facility(&self, context: &Context<'_>) -> async_graphql::Result<Option<Facility>> {
        let permitted = permitted(context, Permission::ReadOrganizations)?;
        let Some(facility) = self.facility_id else { return Ok(None) };
        Ok(permitted.load(facility).await?)
    }
}
