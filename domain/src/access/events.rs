//! What the access log holds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::AccessDecision;
use super::purpose::PurposeOfUse;
use super::serving::{AnswersSent, ServingEnded, ServingStarted};
use crate::event::{EventData, Subject};
use crate::ids::{PatientId, PractitionerId, ServerId, UserId};
use crate::permission::Permission;
use crate::phi::Phi;
use crate::query::Tag;

events! {
    /// The events of this context.
    #[expect(clippy::large_enum_variant, reason = "nearly all of them are the large one")]
    "access" AccessEvent {
        AccessRecorded 1,
        PoliciesAdopted 1,
        ServingStarted 1,
        AnswersSent 1,
        ServingEnded 1,
    }
}

named! {
    /// A kind of what is known of a patient.
    DataKind name from_name {
        /// Who they are and how to reach them.
        Demographics "demographics",
        /// When they come, to whom, and what for.
        Appointments "appointments",
        /// Clinical facts.
        Chart "chart",
        /// Documents.
        Documents "documents",
        /// What happened to their records.
        History "history",
        /// Who saw what of them, and who broke the glass.
        AccessRecords "access-records",
        /// What they consented to, what was restricted, and whom they let in.
        Consents "consents",
        /// To whom outside something of theirs was disclosed.
        Disclosures "disclosures",
    }
}

/// What came of an access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessOutcome {
    /// Something was shown.
    Shown,
    /// Nothing was found that could be shown.
    NothingFound,
    /// It was refused, and nothing was shown. What was refused of an operation that showed something is in `refused`.
    Refused,
    /// A command was carried out. In the access log stands one that changed nothing, because what it asked for held already; what changed something is in the log.
    CarriedOut,
}

/// Where a request came from.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// The network address, as the server saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What the client says it is (`User-Agent`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Where several were refused of whom nobody knows who they are: the network addresses, or the networks, that they came from, and how often they did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub addresses: BTreeMap<String, u64>,
}

/// Somebody saw something of a patient, or sought it.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessRecorded {
    /// Who.
    pub user: UserId,
    /// The request, as traces and answers name it.
    pub request: Uuid,
    /// The operation, in its API's own terms: `query patients`, `fhir read Condition`, `command scheduling.book-appointment`; never with values.
    pub operation: String,
    /// Why.
    pub purpose: PurposeOfUse,
    /// What came of it.
    pub outcome: AccessOutcome,
    /// The kinds of data that were sought.
    pub kinds: Vec<DataKind>,
    /// What was refused.
    pub refused: Vec<Permission>,
    /// The fields that were resolved, as `Type.field`.
    pub fields: Vec<String>,
    /// Every patient of whom something was shown; more than a record holds are in further records of the request.
    pub patients: Vec<PatientId>,
    /// How many things of theirs were shown.
    pub count: u64,
    /// What was looked for, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Phi<String>>,
    /// From where.
    pub origin: Phi<Origin>,
    /// The policies by which it was decided: a digest of them all.
    pub policy: String,
    /// What was decided, and by what; the first records have none. Which label was asked about says something about the patients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Phi<Vec<AccessDecision>>>,
    /// The position of the clinical log that was seen.
    pub reflects: i64,
    /// Their own record, where they are a patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_patient: Option<PatientId>,
    /// Their own calendar, where they are a practitioner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practitioner: Option<PractitionerId>,
    /// The process that recorded it, which says whether the answer went out; the first records have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerId>,
}

impl EventData for AccessRecorded {
    fn subject(&self) -> Subject {
        Subject::User(self.user)
    }
    fn tags(&self) -> Vec<Tag> {
        let patients = self.patients.iter().copied().map(Tag::patient);
        [Tag::user(self.user), Tag::request(self.request)].into_iter().chain(patients).collect()
    }
}

/// These policies decide from now on. The text is kept, so that what was decided by them can be explained for ever.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoliciesAdopted {
    /// Who adopted them: the installation.
    pub user: UserId,
    /// The digest by which access records name them.
    pub version: String,
    /// The schema that they are valid by.
    pub schema: String,
    /// All that they say, in Cedar.
    pub policies: String,
}

impl EventData for PoliciesAdopted {
    fn subject(&self) -> Subject {
        Subject::User(self.user)
    }
    fn tags(&self) -> Vec<Tag> {
        vec![Tag::user(self.user)]
    }
}
