//! FHIR's value types. The read models keep them in FHIR's JSON shape, and this is how they read.

use async_graphql::{ComplexObject, Enum, SimpleObject};
use serde::Deserialize;

/// An identifier: a value that is unique within its system.
#[derive(Clone, Deserialize, SimpleObject)]
pub struct Identifier {
    /// Who assigned it, a URI.
    system: String,
    /// The value.
    value: String,
    /// What kind it is, from HL7's table 0203: `MR`, `SS`, `DL` …
    r#type: Option<String>,
}

/// A person's name.
#[derive(Clone, Deserialize, SimpleObject)]
#[graphql(complex)]
pub struct HumanName {
    /// What the name is for.
    r#use: NameUse,
    /// The family name.
    family: Option<String>,
    /// The given names in order.
    #[serde(default)]
    given: Vec<String>,
    /// Titles before the name.
    #[serde(default)]
    prefix: Vec<String>,
    /// What follows the name.
    #[serde(default)]
    suffix: Vec<String>,
}

#[ComplexObject]
impl HumanName {
    /// The whole name as a person reads it: `Dr. Ada Lovelace`.
    async fn text(&self) -> String {
        let parts = self.prefix.iter().chain(&self.given).chain(&self.family).chain(&self.suffix);
        parts.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// FHIR `name-use`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Enum)]
#[serde(rename_all = "lowercase")]
pub enum NameUse {
    Usual,
    Official,
    Temp,
    Nickname,
    Anonymous,
    Old,
    Maiden,
}

/// FHIR `administrative-gender`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Enum)]
#[serde(rename_all = "lowercase")]
pub enum AdministrativeGender {
    Male,
    Female,
    Other,
    Unknown,
}

/// A way to reach somebody.
#[derive(Clone, Deserialize, SimpleObject)]
pub struct ContactPoint {
    /// By what means.
    system: ContactPointSystem,
    /// The number or address.
    value: String,
    /// Where it reaches them.
    r#use: Option<ContactPointUse>,
}

/// FHIR `contact-point-system`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Enum)]
#[serde(rename_all = "lowercase")]
pub enum ContactPointSystem {
    Phone,
    Fax,
    Email,
    Pager,
    Url,
    Sms,
    Other,
}

/// FHIR `contact-point-use`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Enum)]
#[serde(rename_all = "lowercase")]
pub enum ContactPointUse {
    Home,
    Work,
    Temp,
    Old,
    Mobile,
}

/// A postal address.
#[derive(Clone, Deserialize, SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// Street, number, and the like.
    #[serde(default)]
    line: Vec<String>,
    /// City or town.
    city: Option<String>,
    /// State or region.
    state: Option<String>,
    /// Postal code.
    postal_code: Option<String>,
    /// Country.
    country: Option<String>,
}

/// A code from a code system.
#[derive(Clone, Deserialize, SimpleObject)]
pub struct Coding {
    /// The code system, a URI.
    system: String,
    /// The code.
    code: String,
    /// How the code system names it.
    display: Option<String>,
}

/// Why something is there and not shown. Whoever needs it asks the patient for consent, or breaks the glass in an emergency.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "gate::Masked")]
pub enum Masked {
    /// No policy opens it to your roles, here and for this purpose.
    Role,
    /// It is of a sensitive kind, and nothing opens that to you.
    Label,
    /// The patient's dissent closes it to you.
    Dissent,
    /// A restriction closes it to you that was agreed to.
    Restriction,
}
