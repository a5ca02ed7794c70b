//! The access log: one record for each operation that showed something of a patient, or sought it, committed before the first byte of the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::access::{AccessDecision, AccessOutcome, AccessRecorded, Authority, DecisionOutcome};
use domain::{Event, PatientId, Permission, Phi, Query, ServerId, Subject};
use event_store::{Append, AppendError, CommandKey, EventStore, Position, fresh_id};
use tokio::time::error::Elapsed;
use uuid::Uuid;

use crate::answers::{self, Answers, Unsent};
use crate::caller::Caller;
use crate::policy;

/// How long a record may take: the answer waits for it.
const RECORDED_WITHIN: Duration = Duration::from_secs(5);
/// How many patients one record names; a read of more leaves several records of the same request.
const PATIENTS_AT_MOST: usize = 500;
/// How many bytes are kept of what was looked for.
const CRITERIA_AT_MOST: usize = 8 * 1024;

/// Who saw what of whom, gathered while an operation runs: the content of its access record.
#[derive(Clone)]
pub struct Access {
    /// The operation in the API's own terms, such as `query patients`; never with values.
    pub operation: String,
    /// The request, as traces and answers name it.
    pub request: Uuid,
    /// What is looked for, as JSON; sealed.
    pub criteria: Option<Phi<String>>,
    /// Every patient of whom something was shown.
    pub patients: BTreeSet<PatientId>,
    /// How many things of theirs.
    pub count: u64,
    /// Under which permissions it was sought.
    pub permissions: BTreeSet<Permission>,
    /// What was refused.
    pub refused: BTreeSet<Permission>,
    /// The fields that were resolved, by their type.
    pub fields: BTreeMap<String, BTreeSet<String>>,
    /// The position of the clinical log that was seen.
    pub reflects: Position,
    /// What was decided, and how often.
    pub decisions: BTreeMap<AccessDecision, u64>,
    /// What must go with the answer.
    pub notices: BTreeSet<&'static str>,
    /// Whether it is a command that was carried out and changed nothing.
    pub changes_nothing: bool,
    /// What is masked: fields that the caller does not see, as `Type.field`, and types of which something is there that they may not see.
    pub masked: BTreeSet<&'static str>,
}

/// The access record could not be committed, so there is no answer either.
#[derive(Debug, thiserror::Error)]
pub enum Unrecorded {
    /// It took too long. It may be written yet: a record without an answer.
    #[error("the access record was not written in time")]
    Late(#[from] Elapsed),
    /// The access log did not take it.
    #[error("the access record was not written")]
    NotTaken(#[from] AppendError),
}

impl Access {
    /// Nothing yet, of an operation.
    pub fn of(operation: impl Into<String>, request: Uuid) -> Self {
        Self {
            operation: operation.into(),
            request,
            criteria: None,
            patients: BTreeSet::new(),
            count: 0,
            permissions: BTreeSet::new(),
            refused: BTreeSet::new(),
            fields: BTreeMap::new(),
            reflects: Position::default(),
            decisions: BTreeMap::new(),
            notices: BTreeSet::new(),
            changes_nothing: false,
            masked: BTreeSet::new(),
        }
    }

    /// An operation that was refused for want of a permission.
    pub(crate) fn refused(operation: impl Into<String>, request: Uuid, permission: Permission) -> Self {
        let mut access = Self::of(operation, request);
        access.refuses(permission);
        access
    }

    /// Notes that a permission was refused, which no policy permits.
    pub(crate) fn refuses(&mut self, permission: Permission) -> bool {
        self.decides(AccessDecision {
            action: permission.name().to_owned(),
            label: None,
            outcome: DecisionOutcome::Refused,
            policies: Vec::new(),
            facts: Vec::new(),
            count: 1,
        });
        self.refused.insert(permission)
    }

    /// Notes that the answer to a command tells something of its patient, where it is about one.
    pub(crate) fn tells_of(&mut self, permission: Permission, patient: Option<PatientId>) {
        self.permissions.insert(permission);
        self.count += u64::from(patient.is_some());
        self.patients.extend(patient);
    }

    /// Whether it showed something of a patient, or sought it.
    pub(crate) fn concerns_patients(&self) -> bool {
        !self.patients.is_empty() || self.permissions.union(&self.refused).any(|permission| permission.data_kind().is_some())
    }

    fn outcome(&self) -> AccessOutcome {
        if self.changes_nothing {
            return AccessOutcome::CarriedOut;
        }
        let something = !self.patients.is_empty() || self.count > 0;
        // What was refused before anything was allowed showed nothing: its count is of something else.
        if something && (self.refused.is_empty() || !self.permissions.is_empty()) {
            AccessOutcome::Shown
        } else if !self.refused.is_empty() {
            AccessOutcome::Refused
        } else {
            AccessOutcome::NothingFound
        }
    }

    /// The records: one, or as many as its patients need.
    fn records(self, caller: &Caller, server: ServerId) -> Vec<Event> {
        let decisions: Vec<_> = self.decisions.iter().map(|(decision, count)| AccessDecision { count: *count, ..decision.clone() }).collect();
        let kinds: BTreeSet<_> = self.permissions.union(&self.refused).filter_map(|permission| permission.data_kind()).collect();
        let fields = self.fields.iter().flat_map(|(of, names)| names.iter().map(move |name| format!("{of}.{name}"))).collect();
        let whole = AccessRecorded {
            user: caller.user,
            request: self.request,
            outcome: self.outcome(),
            purpose: caller.purpose,
            kinds: kinds.into_iter().collect(),
            refused: self.refused.into_iter().collect(),
            fields,
            patients: Vec::new(),
            count: self.count,
            criteria: self.criteria.map(|criteria| criteria.map(cut)),
            origin: caller.origin.clone(),
            policy: policy::version().to_owned(),
            decisions: Some(Phi::Known(decisions)),
            reflects: self.reflects.0,
            own_patient: caller.patient,
            practitioner: caller.practitioner,
            server: Some(server),
            operation: self.operation,
        };
        let patients: Vec<PatientId> = self.patients.into_iter().collect();
        if patients.is_empty() {
            return vec![whole.into()];
        }
        patients.chunks(PATIENTS_AT_MOST).map(|patients| AccessRecorded { patients: patients.to_vec(), ..whole.clone() }.into()).collect()
    }
}

fn cut(mut criteria: String) -> String {
    let end = (0..=CRITERIA_AT_MOST.min(criteria.len())).rev().find(|end| criteria.is_char_boundary(*end)).unwrap_or_default();
    criteria.truncate(end);
    criteria
}

/// Where access records go.
#[derive(Clone)]
pub(crate) struct AccessLog {
    pub(crate) store: EventStore,
    /// Which of this process's records are answered.
    pub(crate) answers: Answers,
    /// Off only where a benchmark compares with it.
    pub(crate) recording: bool,
}

impl AccessLog {
    /// Commits what was seen, or says that nothing may be answered.
    pub(crate) async fn record(&self, caller: &Caller, access: Access) -> Result<(), Unrecorded> {
        if !self.recording {
            return Ok(());
        }
        let (request, operation) = (access.request, access.operation.clone());
        let written = tokio::time::timeout(RECORDED_WITHIN, self.append(caller, access)).await.map_err(Unrecorded::from).flatten();
        let unsent = written.inspect_err(|error| tracing::error!(operation, request_id = %request, %error, "an answer is withheld"))?;
        answers::hold(unsent);
        Ok(())
    }

    async fn append(&self, caller: &Caller, access: Access) -> Result<Unsent, Unrecorded> {
        let request = access.request;
        let digest = self.store.vault().digest(caller.tenant, Subject::User(caller.user), request.as_bytes()).await.map_err(AppendError::from)?;
        let events = access.records(caller, self.answers.server());
        let count = events.len();
        let append = Append {
            tenant: caller.tenant,
            actor: caller.actor(),
            authority: Authority::Installation,
            // Nobody tries a record again: an operation that is repeated is seen again.
            command: CommandKey { id: fresh_id(), name: "access.record".to_owned(), digest },
            correlation: request,
            causation: None,
            events,
            boundary: Query::new(),
            read_at: Position::default(),
            answer: serde_json::Value::Null,
        };
        let (store, mut unsent) = (self.store.clone(), self.answers.begin());
        // Also where nobody waits for it any more: then it is a record whose answer is never sent.
        let appending = tokio::spawn(async move {
            let appended = store.append(append).await;
            match &appended {
                Ok(appended) => unsent.committed(request, appended.position, count),
                Err(AppendError::Unavailable(_)) => unsent.lost(request),
                Err(_) => {}
            }
            Ok(appended.map(|_| unsent)?)
        });
        appending.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}
