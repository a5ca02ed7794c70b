//! *Consents*: what a patient permits or denies beyond what holds for everyone (FHIR `Consent`), and the *restrictions* of use and disclosure that they ask for
//! (45 CFR 164.522(a)). A *provision* says whom either is about, for which purposes, which data and which time. A consent holds from when it is granted until it is revoked; a restriction is
//! requested, and holds as a denial from when it is agreed to until it is ended.

mod agree_to_restriction;
mod decline_restriction;
mod end_restriction;
mod events;
#[cfg(test)]
pub(crate) mod examples;
mod grant_consent;
mod provision;
mod request_restriction;
mod restriction;
mod revoke_consent;

pub use agree_to_restriction::{AgreeToRestriction, AgreeToRestrictionRejection};
pub use decline_restriction::{DeclineRestriction, DeclineRestrictionRejection};
pub use end_restriction::{EndRestriction, EndRestrictionRejection};
pub use events::{
    ConsentGranted, ConsentRevoked, ConsentsEvent, RestrictionAgreed, RestrictionDeclined, RestrictionEnd, RestrictionEnded, RestrictionRequested,
};
pub use grant_consent::{GrantConsent, GrantConsentRejection};
pub use provision::{Provision, ProvisionPeriod, ProvisionType, Recipient};
pub use request_restriction::{RequestRestriction, RequestRestrictionRejection};
pub use restriction::{RestrictionMandatory, RestrictionStanding, RestrictionStatus, RestrictionUnusable};
pub use revoke_consent::{RevokeConsent, RevokeConsentRejection};
