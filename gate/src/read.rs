//! Reading: one operation is one read-only snapshot on one connection, of one tenant and within the caller's reach.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::Mutex as SyncMutex;

use chrono::{DateTime, NaiveDate, Utc};
use domain::patients::AccessTerm;
use domain::{PatientId, Permission, Phi, Role, Subject};
use event_store::{EventStore, Position, partition_of};
use sqlx::{PgConnection, Postgres, Transaction};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::Gate;
use crate::access::{Access, Unrecorded};
use crate::caller::{Caller, Unauthenticated};
use crate::decision_information::DecisionInformation;
use crate::policy::Reach;
use crate::unvalued::Unvalued;

/// How long one statement of a read may take, locks it waits for included.
const STATEMENT_AT_MOST: &str = "10s";

/// How many parked subjects an answer names; more are as bad.
const MOST_PARKED: usize = 100;

/// What is about to be read.
#[derive(Clone)]
pub struct Reading {
    /// The operation in the API's own terms, such as `query patients`; never with values.
    pub operation: String,
    /// The request, as traces and answers name it.
    pub correlation: Uuid,
    /// The answer must reflect at least this position.
    pub wait_for: Option<Position>,
    /// What is looked for, as JSON.
    pub criteria: Option<Phi<String>>,
    /// Whether it is one of many of the same, as a subscription's are: what finds nothing new leaves no record.
    pub following: bool,
}

impl Reading {
    /// One operation, of whatever position there is.
    pub fn of(operation: impl Into<String>, correlation: Uuid) -> Self {
        Self { operation: operation.into(), correlation, wait_for: None, criteria: None, following: false }
    }
}

/// An answer, and how much of the log it reflects.
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// Every event of the tenant up to here is in it.
    pub reflects: Position,
    /// Subjects within the caller's reach whose read models are parked: something about them could not be applied, so the answer may lack it.
    pub parked: Vec<String>,
    /// What must go with the answer.
    pub notices: BTreeSet<&'static str>,
    /// What is masked: fields that the caller does not need, as `Type.field`, and types of which something is there that they may not see.
    pub masked: BTreeSet<&'static str>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadRefusal {
    /// The read models did not reach the position in time.
    #[error("the read models have not reached position {} yet", .wanted.0)]
    PositionTimeout {
        /// What was asked for.
        wanted: Position,
        /// Where they are.
        reached: Position,
    },
    /// The sessions of the caller were ended.
    #[error(transparent)]
    Unauthenticated(#[from] Unauthenticated),
    /// The read database is not there.
    #[error("the read models are not available")]
    Unavailable(#[from] Unvalued),
    /// That it was seen could not be recorded, so it is not shown.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
}

impl From<sqlx::Error> for ReadRefusal {
    fn from(error: sqlx::Error) -> Self {
        Unvalued::from(error).into()
    }
}

/// The caller may not read this.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the permission {0:?} is needed")]
pub struct Forbidden(pub Permission);

/// A snapshot of the read models, as one caller may see them. The only way to a handle of the read database.
pub struct Snapshot {
    caller: Caller,
    transaction: Mutex<Option<Transaction<'static, Postgres>>>,
    access: SyncMutex<Access>,
    parked: Vec<Subject>,
    /// How far the row-level security of this snapshot reaches.
    pub(crate) opened: Option<Reach>,
    /// The patients that it admits where it does not reach everyone.
    pub(crate) own: BTreeSet<PatientId>,
    /// Those of them that are the caller's own person.
    pub(crate) themself: BTreeSet<PatientId>,
    /// What the caller was granted, of what holds.
    pub(crate) grants: Vec<Grant>,
    /// What the caller is to patients, as far as that was asked.
    pub(crate) information: SyncMutex<HashMap<PatientId, Arc<DecisionInformation>>>,
    /// When it was opened.
    pub(crate) now: DateTime<Utc>,
    /// The log, for what is read of the past.
    pub(crate) store: EventStore,
    /// The access log, for who saw it.
    pub(crate) access_log: EventStore,
}

/// The snapshot's connection, for one statement after the other.
pub struct ConnectionGuard<'snapshot>(MutexGuard<'snapshot, Option<Transaction<'static, Postgres>>>);

impl Deref for ConnectionGuard<'_> {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        self.0.as_ref().expect("the snapshot is open as long as the operation runs")
    }
}

impl DerefMut for ConnectionGuard<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        self.0.as_mut().expect("the snapshot is open as long as the operation runs")
    }
}

impl Snapshot {
    /// Who reads.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether this is a record of the caller's own person.
    pub fn is_themself(&self, patient: PatientId) -> bool {
        self.themself.contains(&patient)
    }

    /// How much of the log it reflects.
    pub fn reflects(&self) -> Position {
        self.lock().reflects
    }

    /// Refuses unless the caller has the permission. Row-level security reaches as far as reading patients does, so a permission that reaches less far
    /// (as of someone who works here and is a patient here) is refused rather than widened.
    pub fn require(&self, permission: Permission) -> Result<Reach, Forbidden> {
        let reach = self.reach(permission);
        let mut access = self.lock();
        match reach {
            Some(_) => access.permissions.insert(permission),
            None => access.refuses(permission),
        };
        reach.ok_or(Forbidden(permission))
    }

    /// Refuses unless the caller has the permission over the whole tenant.
    pub fn require_of_everyone(&self, permission: Permission) -> Result<(), Forbidden> {
        if self.reach(permission) == Some(Reach::Tenant) {
            self.lock().permissions.insert(permission);
            return Ok(());
        }
        self.lock().refused.insert(permission);
        Err(Forbidden(permission))
    }

    /// Whether the caller has a permission that what they asked for does not need: without it they are shown less, and nothing is refused.
    pub fn allows(&self, permission: Permission) -> bool {
        let allowed = self.reach(permission).is_some();
        if allowed {
            self.lock().permissions.insert(permission);
        }
        allowed
    }

    fn reach(&self, permission: Permission) -> Option<Reach> {
        self.caller.reach(permission).filter(|reach| self.opened.is_none_or(|opened| *reach >= opened))
    }

    /// Notes that this patient was looked up: that is shown to whoever may ask for it, whatever the policies say of what there is.
    pub fn notes_look_up(&self, patient: PatientId) {
        let mut access = self.lock();
        access.patients.insert(patient);
        access.count += 1;
    }

    /// Notes that a field of a type is resolved.
    pub fn resolves(&self, of: &str, field: &str) {
        let mut access = self.lock();
        if !access.fields.get(of).is_some_and(|fields| fields.contains(field)) {
            access.fields.entry(of.to_owned()).or_default().insert(field.to_owned());
        }
    }

    /// The connection; others wait.
    pub async fn connection(&self) -> ConnectionGuard<'_> {
        ConnectionGuard(self.transaction.lock().await)
    }

    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The read models in force, as the registry says in this snapshot.
struct Registry {
    search_path: String,
    reflects: Position,
    parked: Vec<Subject>,
}

impl Gate {
    /// Runs one operation on a snapshot. What it gives back goes out only after its access record is committed; by then the connection is free again.
    pub async fn read<T, F>(&self, caller: &Caller, reading: Reading, operation: impl FnOnce(Arc<Snapshot>) -> F) -> Result<Answered<T>, ReadRefusal>
    where
        F: Future<Output = T>,
    {
        if let Some(position) = reading.wait_for {
            self.wait(caller, position).await?;
        }
        let following = reading.following;
        let snapshot = Arc::new(self.open(caller, reading).await?);
        self.refuse_ended(&snapshot).await?;
        let value = operation(Arc::clone(&snapshot)).await;
        if let Some(transaction) = snapshot.transaction.lock().await.take() {
            transaction.rollback().await?;
        }
        let access = snapshot.lock().clone();
        let (reflects, notices, masked) = (access.reflects, access.notices.clone(), access.masked.clone());
        let shown = !following || !access.patients.is_empty() || !access.refused.is_empty();
        if shown && access.concerns_patients() {
            self.access.record(caller, access).await?;
        }
        let parked = snapshot.parked.iter().map(Subject::to_string).collect();
        Ok(Answered { value, reflects, parked, notices, masked })
    }

    async fn open(&self, caller: &Caller, reading: Reading) -> Result<Snapshot, sqlx::Error> {
        let mut transaction = self.read.begin_with("begin isolation level repeatable read read only").await?;
        let registry = registry(&mut transaction, caller).await?;
        let opened = caller.reach(Permission::ReadPatients);
        let (reach, own) = match opened {
            Some(Reach::Tenant) => ("tenant", Own::default()),
            Some(Reach::Facilities) => ("facilities", Own::default()),
            Some(Reach::OwnPatients) => {
                // Already in the reading role, which alone sees rows, whoever owns the tables.
                restrict(&mut transaction, caller, &registry.search_path, "tenant", &[]).await?;
                ("own", own_patients(&mut transaction, caller, self.store.clock().now()).await?)
            }
            None => ("none", Own::default()),
        };
        let own = match opened {
            // Whom a patient let in stays that, also where they work here.
            Some(Reach::Tenant | Reach::Facilities) if caller.roles.contains(&Role::Patient) => {
                restrict(&mut transaction, caller, &registry.search_path, "tenant", &[]).await?;
                Own { patients: Vec::new(), ..own_patients(&mut transaction, caller, self.store.clock().now()).await? }
            }
            _ => own,
        };
        let Own { patients, mut themself, grants } = own;
        themself.extend(caller.patient);
        restrict(&mut transaction, caller, &registry.search_path, reach, &patients).await?;
        let access = Access { criteria: reading.criteria, reflects: registry.reflects, ..Access::of(reading.operation, reading.correlation) };
        let within_reach = |subject: &Subject| match subject {
            Subject::Patient(patient) => opened >= Some(Reach::Facilities) || patients.contains(&patient.0),
            _ => true,
        };
        let parked = registry.parked.into_iter().filter(within_reach).take(MOST_PARKED).collect();
        Ok(Snapshot {
            caller: caller.clone(),
            transaction: Mutex::new(Some(transaction)),
            access: SyncMutex::new(access),
            parked,
            opened,
            own: patients.into_iter().map(PatientId).collect(),
            themself,
            grants,
            information: SyncMutex::default(),
            now: self.store.clock().now(),
            store: self.store.clone(),
            access_log: self.access.store.clone(),
        })
    }

    async fn wait(&self, caller: &Caller, wanted: Position) -> Result<(), ReadRefusal> {
        let mut moved = self.signals.subscribe();
        let give_up = tokio::time::Instant::now() + self.wait_at_most;
        loop {
            let reached = self.reached(caller).await?;
            if reached >= wanted {
                return Ok(());
            }
            // Lagging behind the signals is no matter: the cursors are asked again.
            if tokio::time::timeout_at(give_up, moved.recv()).await.is_err() {
                return Err(ReadRefusal::PositionTimeout { wanted, reached });
            }
        }
    }

    async fn reached(&self, caller: &Caller) -> Result<Position, sqlx::Error> {
        let mut connection = self.read.acquire().await?;
        registry(&mut connection, caller).await.map(|registry| registry.reflects)
    }
}

async fn registry(connection: &mut PgConnection, caller: &Caller) -> Result<Registry, sqlx::Error> {
    let partition = i16::try_from(partition_of(caller.tenant)).unwrap_or_default();
    let row: (Option<String>, Option<i64>) = sqlx::query_as(
        "select string_agg(quote_ident(schema_name), ', ' order by name), min(position) \
         from projection.version join projection.cursor using (schema_name) where active and partition = $1",
    )
    .bind(partition)
    .fetch_one(&mut *connection)
    .await?;
    let parked: Vec<String> =
        sqlx::query_scalar("select distinct subject from projection.parked join projection.version using (schema_name) where active and tenant = $1")
            .bind(caller.tenant.0)
            .fetch_all(connection)
            .await?;
    let parked = parked.iter().filter_map(|subject| subject.parse().ok()).collect();
    Ok(Registry { search_path: row.0.unwrap_or_default(), reflects: Position(row.1.unwrap_or_default()), parked })
}

/// The patients within reach of someone who does not reach everyone.
#[derive(Default)]
struct Own {
    patients: Vec<Uuid>,
    themself: BTreeSet<PatientId>,
    /// What they were granted, of what holds.
    grants: Vec<Grant>,
}

/// Access that a patient granted to somebody, as the read models have it, and what it takes to say whether it holds.
#[derive(Clone, sqlx::FromRow)]
pub struct Grant {
    /// The patient's record.
    pub patient_id: Uuid,
    /// When it ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether it ends when the patient comes of age.
    pub until_majority: bool,
    /// The first day on which the patient can have been born.
    pub birth_earliest: Option<NaiveDate>,
    /// The kinds of data that they have access to, by name; none: all that is passed on.
    pub kinds: Vec<String>,
    /// The sensitive labels that it opens, as HL7 codes.
    pub labels: Vec<String>,
}

impl Grant {
    /// Whether it holds at a moment.
    pub fn holds(&self, now: DateTime<Utc>) -> bool {
        AccessTerm { ends: self.ends_at, until_majority: self.until_majority }.holds(self.birth_earliest, now)
    }
}

/// Every record of the caller's own person, and of those whose grant of access to them holds at this moment: merged records are of one person.
async fn own_patients(connection: &mut PgConnection, caller: &Caller, now: DateTime<Utc>) -> Result<Own, sqlx::Error> {
    let own = caller.patient.map(|patient| patient.0);
    let mut grants: Vec<Grant> = sqlx::query_as(
        "select patient_id, ends_at, until_majority, birth_earliest, kinds, labels from patient_grant join patient using (tenant, patient_id) where grantee = $1",
    )
    .bind(caller.user.0)
    .fetch_all(&mut *connection)
    .await?;
    grants.retain(|grant| grant.holds(now));
    let granted: Vec<Uuid> = grants.iter().map(|grant| grant.patient_id).collect();
    let linked: Vec<(Uuid, bool)> = sqlx::query_as(
        "select record_id, bool_or(patient_id is not distinct from $1) from patient_link where patient_id = $1 or patient_id = any($2) group by record_id",
    )
    .bind(own)
    .bind(granted)
    .fetch_all(connection)
    .await?;
    let themself = linked.iter().filter(|(_, own)| *own).map(|(record, _)| PatientId(*record)).chain(caller.patient).collect();
    Ok(Own { patients: linked.into_iter().map(|(record, _)| record).chain(own).collect(), themself, grants })
}

/// From here on the transaction sees one tenant and the patients within reach, whatever a statement asks for.
async fn restrict(connection: &mut PgConnection, caller: &Caller, search_path: &str, reach: &str, patients: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "select set_config('search_path', $1, true), set_config('carelog.tenant', $2, true), set_config('carelog.reach', $3, true), \
         set_config('carelog.patients', $4::uuid[]::text, true), set_config('carelog.facilities', $6::uuid[]::text, true), \
         set_config('statement_timeout', $5, true), set_config('role', 'carelog_query', true)",
    )
    .bind(search_path)
    .bind(caller.tenant.to_string())
    .bind(reach)
    .bind(patients)
    .bind(STATEMENT_AT_MOST)
    .bind(caller.facility_roles.keys().map(|facility| facility.0).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}
