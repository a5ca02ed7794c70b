//! Who saw what of whom, and why: for compliance officers everyone's, for patients their own.

mod questions;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use domain::access::{AccessAnswered, AccessOutcome, DataKind, PurposeOfUse};
use domain::{PatientId, Permission, Phi, UserId};
use gate::AccessSearch;
use uuid::Uuid;

use crate::connection::{Connection, End};
use crate::errors::{Code, Failure};
use crate::ids::{global, optional};
use crate::paging::{Page, cost_at_root};
use crate::reads::permitted;
use crate::scalars::{DateTime, Position};
use crate::viewer::PermissionName;

pub use questions::AccessQuestions;

/// The queries of this context.
#[derive(Default)]
pub struct AccessQueries;

#[Object]
impl AccessQueries {
    /// Who saw what of whom, the newest first. A patient sees who saw something of them. A page may be shorter than asked for, or empty, though there are more: then
    /// what was asked for is rare, and the search goes on with the next page.
    #[graphql(complexity = "cost_at_root(first, child_complexity) + COST_OF_A_SEARCH")]
    async fn access_records(
        &self,
        context: &Context<'_>,
        search: Option<AccessRecordSearch>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<i64, AccessRecord>> {
        let page: Page<i64> = Page::of(first, after.as_deref())?;
        let permitted = permitted(context, Permission::ReadAccessRecords)?;
        let search = search.unwrap_or_default().search()?;
        let found = permitted.access_records(&search, page.after.map(event_store::Position), page.most()).await?;
        let records = found.records.into_iter().map(|record| (record.position.0, AccessRecord::from(record)));
        // The search goes on where it stopped, which may be after the last that it found.
        Ok(Connection::new(records, page.after.is_some(), found.next.map_or(End::OfAll, |next| End::After(next.0))))
    }

    /// What was decided about a request, by which policies, and what that rested on: a record for each access it led to, and one with the outcome `CARRIED_OUT` for
    /// each command that it carried out. None of a request that showed and sought nothing of a patient and changed nothing. A patient finds no commands but
    /// their own. A request to which more than 1,000 records belong is refused: `accessRecords` has them page by page.
    #[graphql(complexity = "child_complexity + COST_OF_A_SEARCH")]
    async fn access_decision(&self, context: &Context<'_>, request: Uuid) -> Result<Vec<AccessRecord>> {
        let permitted = permitted(context, Permission::ReadAccessRecords)?;
        let found = permitted.access_log().explained(request, MOST_OF_A_REQUEST).await.map_err(Failure::from)?;
        if found.next.is_some() {
            return Err(
                Failure::Refused(Code::TooComplex, "more access records belong to this request than one answer holds; page through accessRecords").into()
            );
        }
        Ok(found.records.into_iter().map(AccessRecord::from).collect())
    }
}

/// How many records of one request are explained at once.
const MOST_OF_A_REQUEST: usize = 1_000;

/// What counts for a search of the access log towards the limit of complexity.
const COST_OF_A_SEARCH: usize = 200;

/// What is asked of the access log; everything given must hold.
#[derive(Default, InputObject)]
pub struct AccessRecordSearch {
    /// Of whom something was shown, under any of their records.
    patient: Option<ID>,
    /// Who looked.
    user: Option<Uuid>,
    /// The request, as `extensions.carelog.requestId` and `X-Request-Id` name it.
    request: Option<Uuid>,
    /// What was sought.
    kind: Option<AccessedKind>,
    /// Why.
    purpose: Option<Purpose>,
    /// What came of it.
    outcome: Option<Outcome>,
    /// The network address that it came from.
    address: Option<String>,
    /// Recorded at or after this moment.
    from: Option<DateTime>,
    /// Recorded before this moment.
    to: Option<DateTime>,
}

impl AccessRecordSearch {
    fn search(self) -> Result<AccessSearch, Failure> {
        Ok(AccessSearch {
            patient: optional::<PatientId>("patient", self.patient.as_ref())?,
            user: self.user.map(UserId),
            request: self.request,
            kind: self.kind.map(DataKind::from),
            purpose: self.purpose.map(PurposeOfUse::from),
            outcome: self.outcome.map(AccessOutcome::from),
            address: self.address.map(Phi::Known),
            from: self.from.map(|from| from.0.to_utc()),
            to: self.to.map(|to| to.0.to_utc()),
        })
    }
}

/// An operation that showed something of a patient, or sought it, or a command that was carried out.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct AccessRecord {
    /// Where it is in the access log; of a command that is in the log itself, where its first event is there.
    position: Position,
    /// When it was recorded: before the first byte of the answer.
    recorded: DateTime,
    /// The access in one sentence.
    summary: String,
    /// Who looked.
    user: Uuid,
    /// What they were to the tenant, separated by commas.
    role: String,
    /// The request.
    request: Uuid,
    /// The API's operation: `query patients`, `fhir read Condition`.
    operation: String,
    /// Why.
    purpose: Purpose,
    /// What came of it.
    outcome: Outcome,
    /// The kinds of data that were sought.
    kinds: Vec<AccessedKind>,
    /// The permissions that were refused.
    refused: Vec<PermissionName>,
    /// The fields that were read, as `Type.field`.
    fields: Vec<String>,
    /// How many things were shown; of a command that is in the log itself, how many events there are.
    count: i64,
    /// What was looked for, as JSON; not told to patients.
    criteria: Option<String>,
    /// The network address that it came from; not told to patients.
    address: Option<String>,
    /// What the client said it was; not told to patients.
    agent: Option<String>,
    /// The policies by which it was decided: a digest of all that they say.
    policy: String,
    /// What was decided, and by what; not told to patients.
    decisions: Vec<AccessDecision>,
    /// The position of the log that was seen.
    reflects: Position,
    /// Whether the answer was handed to the network; null of a command that is in the log itself, whose answer can be asked for again.
    answered: Option<Answered>,
    #[graphql(skip)]
    shown: Vec<PatientId>,
}

#[ComplexObject]
impl AccessRecord {
    /// Every patient of whom something was shown; to a patient, themself alone.
    async fn patients(&self) -> Vec<ID> {
        self.shown.iter().copied().map(global).collect()
    }
}

impl From<gate::AccessRecord> for AccessRecord {
    fn from(record: gate::AccessRecord) -> Self {
        let gate::AccessRecord { position, recorded, actor, access, answered, .. } = record;
        let summary = access.in_words(&actor.role);
        let origin = access.origin.into_known().unwrap_or_default();
        Self {
            position: Position(position.0),
            recorded: recorded.into(),
            summary,
            user: access.user.0,
            role: actor.role,
            request: access.request,
            operation: access.operation,
            purpose: access.purpose.into(),
            outcome: access.outcome.into(),
            kinds: access.kinds.into_iter().map(AccessedKind::from).collect(),
            refused: access.refused.into_iter().map(PermissionName::from).collect(),
            fields: access.fields,
            count: i64::try_from(access.count).unwrap_or(i64::MAX),
            criteria: access.criteria.and_then(Phi::into_known),
            address: origin.address,
            agent: origin.agent,
            decisions: decisions(access.decisions, &access.policy),
            policy: access.policy,
            reflects: Position(access.reflects),
            answered: answered.map(Answered::from),
            shown: access.patients,
        }
    }
}

/// What the policies said to one question that an access put to them.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct AccessDecision {
    /// What was asked: to use a permission, by its name in the policies, or to `open` what bears a label.
    action: String,
    /// The sensitive label that it was about: a code of HL7 v3.
    label: Option<String>,
    /// What came of it.
    outcome: DecisionOutcome,
    /// What the caller was to the patient, as far as it rested on that.
    facts: Vec<DecisionFact>,
    /// For how many things it was so.
    count: i64,
    #[graphql(skip)]
    version: String,
    #[graphql(skip)]
    policy_ids: Vec<String>,
}

/// What a caller was to a patient.
#[derive(SimpleObject)]
pub struct DecisionFact {
    /// `own-record`, `grant`, `care-relation`, `author`, `consent`, `dissent`, `restriction`, `broken-glass`, `facility-role` or `operator`.
    kind: String,
    /// Which, of those that have an id.
    id: Option<Uuid>,
}

/// A policy as it was in force when it decided.
#[derive(SimpleObject)]
pub struct Policy {
    /// By which decisions name it.
    id: String,
    /// What it is for.
    description: String,
    /// What it says, in Cedar.
    text: String,
}

/// What came of a question to the policies.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::access::DecisionOutcome")]
pub enum DecisionOutcome {
    /// It was allowed.
    Permitted,
    /// It was not: that something is there was shown, and not what.
    Masked,
    /// It was not: nothing of it was shown.
    Withheld,
    /// The operation was refused.
    Refused,
}

#[ComplexObject]
impl AccessDecision {
    /// The policies that made it so; none where no policy permits it.
    async fn policies(&self, context: &Context<'_>) -> Result<Vec<Policy>> {
        let known = permitted(context, Permission::ReadAccessRecords)?.policies(&self.version).await?;
        let unknown = |id: &String| gate::Policy { id: id.clone(), description: String::new(), text: String::new() };
        let policies = self.policy_ids.iter().map(|id| known.get(id).cloned().unwrap_or_else(|| unknown(id)));
        Ok(policies.map(|gate::Policy { id, description, text }| Policy { id, description, text }).collect())
    }
}

fn decisions(decisions: Option<Phi<Vec<domain::access::AccessDecision>>>, version: &str) -> Vec<AccessDecision> {
    let decision = |decision: domain::access::AccessDecision| AccessDecision {
        action: decision.action,
        label: decision.label.map(|label| label.code().to_owned()),
        outcome: decision.outcome.into(),
        facts: decision.facts.into_iter().map(DecisionFact::from).collect(),
        count: i64::try_from(decision.count).unwrap_or(i64::MAX),
        version: version.to_owned(),
        policy_ids: decision.policies,
    };
    decisions.and_then(Phi::into_known).into_iter().flatten().map(decision).collect()
}

impl From<domain::access::DecisionFact> for DecisionFact {
    fn from(fact: domain::access::DecisionFact) -> Self {
        let (kind, id) = fact.named();
        Self { kind: kind.to_owned(), id }
    }
}

/// A kind of what is known of a patient.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "DataKind", remote = "DataKind")]
pub enum AccessedKind {
    /// Who they are and how to reach them.
    Demographics,
    /// When they come, to whom, and what for.
    Appointments,
    /// Clinical facts.
    Chart,
    /// Documents.
    Documents,
    /// What happened to their records.
    History,
    /// Who saw what of them, and who broke the glass.
    AccessRecords,
    /// What they consented to, what was restricted, and whom they let in.
    Consents,
    /// To whom outside something of theirs was disclosed.
    Disclosures,
}

/// What came of an access.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AccessOutcome", remote = "AccessOutcome")]
pub enum Outcome {
    /// Something was shown.
    Shown,
    /// Nothing was found that could be shown.
    NothingFound,
    /// It was refused, and nothing was shown. What was refused of an operation that showed something is in `refused`.
    Refused,
    /// A command was carried out. Among the access records are those that changed nothing, because what they asked for held already.
    CarriedOut,
}

/// Whether the answer that an access record tells of went out.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "AccessAnswered", remote = "AccessAnswered")]
pub enum Answered {
    /// It was handed to the network.
    Yes,
    /// It never was: the client had gone before, or the answer failed.
    No,
    /// The process that recorded it broke off, or has not said so yet: it may be under way.
    Unknown,
}

/// Why protected data is used (HL7 v3 `PurposeOfUse`).
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(name = "PurposeOfUse", remote = "PurposeOfUse")]
pub enum Purpose {
    /// TREAT: to treat the patient.
    Treatment,
    /// ETREAT: to treat in an emergency.
    EmergencyTreatment,
    /// CAREMGT: to coordinate care.
    CareManagement,
    /// HPAYMT: to be paid for care.
    Payment,
    /// HOPERAT: to run the organization.
    Operations,
    /// RECORDMGT: to keep records in order.
    RecordManagement,
    /// HCOMPL: to see that rules are kept.
    Compliance,
    /// HSYSADMIN: to operate the system.
    SystemAdministration,
    /// PATRQT: the patient asks, for themself.
    PatientRequest,
    /// FAMRQT: someone of the family asks, for the patient.
    FamilyRequest,
    /// PUBHLTH: to protect the public's health.
    PublicHealth,
    /// HRESCH: to learn in general.
    Research,
    /// HLEGAL: to answer a court or another legal duty.
    Legal,
    /// BTG: to break the glass.
    BreakTheGlass,
}
