//! What the resolvers of one operation share: its snapshot, and the loads that batch over it.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use async_graphql::{Context, OutputType};
use chrono::{DateTime, Utc};
use domain::terminology::Terminology;
use domain::{PatientId, Permission};
use gate::{AccessRecords, AccessSearch, ConnectionGuard, MaskedRows, Moment, OfPatient, Past, Reach, Snapshot, Verdict};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::batches::Batches;
use crate::connection::{Connection, End};
use crate::errors::Failure;
use crate::ids::Global;
use crate::paging::Page;

/// How many rows are looked at for a page of those that the caller sees.
const LOOKED_AT_MOST: usize = 1_000;

/// Where the statements of every [`Loader`] run. Whoever asks for a load has shown the permission.
pub struct Loads(Arc<Snapshot>);

/// A row of somebody's or something's children.
#[derive(FromRow)]
struct Child<T> {
    of: Uuid,
    #[sqlx(flatten)]
    child: T,
}

/// Rows by whose children they are, and by the page that was asked for.
type Pages<T> = HashMap<(Uuid, Page<Uuid>), Vec<T>>;

impl Loads {
    /// The snapshot's connection, for one statement.
    pub async fn connection(&self) -> ConnectionGuard<'_> {
        self.0.connection().await
    }

    /// Who reads.
    pub fn caller(&self) -> &gate::Caller {
        self.0.caller()
    }

    /// A patient's events up to a moment, from the log.
    pub async fn past(&self, patient: PatientId, moment: Moment) -> Result<Past, Failure> {
        Ok(self.0.past(patient, moment).await?)
    }

    /// What is decided of each of these, of which no more goes out than what they come to together.
    pub async fn judge<T: OfPatient>(&self, rows: &[T]) -> Result<Vec<Verdict>, Failure> {
        Ok(self.0.judge(rows).await?)
    }

    /// The rows of these ids: `$1` in the statement.
    pub async fn rows<T>(&self, statement: &'static str, ids: &[impl Global]) -> Result<Vec<T>, Failure>
    where
        T: for<'row> FromRow<'row, PgRow> + Send + Unpin,
    {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        Ok(sqlx::query_as(statement).bind(ids).fetch_all(&mut *self.connection().await).await?)
    }

    /// Pages of children: `$1` are those whose children are meant, `$2` the last row of the page before, `$3` how many. Each row names its parent as `of`.
    pub async fn pages<T>(&self, statement: &'static str, keys: impl Iterator<Item = (Uuid, Page<Uuid>)>) -> Result<Pages<T>, Failure>
    where
        T: for<'row> FromRow<'row, PgRow> + Send + Unpin,
    {
        let mut pages: Pages<T> = HashMap::new();
        for (page, parents) in by_arguments(keys) {
            let rows: Vec<Child<T>> =
                sqlx::query_as(statement).bind(parents).bind(page.after).bind(page.limit()).fetch_all(&mut *self.connection().await).await?;
            for row in rows {
                pages.entry((row.of, page)).or_default().push(row.child);
            }
        }
        Ok(pages)
    }
}

/// Those that are asked for with the same arguments: one statement serves them all, however many there are.
pub fn by_arguments<K, A: Eq + Hash>(keys: impl Iterator<Item = (K, A)>) -> HashMap<A, Vec<K>> {
    let mut groups: HashMap<A, Vec<K>> = HashMap::new();
    for (key, arguments) in keys {
        groups.entry(arguments).or_default().push(key);
    }
    groups
}

/// Rows by their id.
pub fn by_id<K: Eq + Hash, T>(rows: Vec<T>, id: impl Fn(&T) -> K) -> HashMap<K, T> {
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

/// That it is known what the caller is to a patient.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Learned(PatientId);

impl Loader<Learned> for Loads {
    type Value = ();
    type Error = Failure;
    async fn load(&self, patients: &[Learned]) -> Result<HashMap<Learned, ()>, Failure> {
        self.0.learn(patients.iter().map(|patient| patient.0)).await?;
        Ok(patients.iter().map(|patient| (*patient, ())).collect())
    }
}

/// One operation's reads.
pub struct Reads {
    snapshot: Arc<Snapshot>,
    loader: DataLoader<Loads, HashMapCache>,
    now: DateTime<Utc>,
    terminology: Arc<Terminology>,
}

impl Reads {
    /// Reads on a snapshot, at a moment that is the same for the whole operation.
    pub fn of(snapshot: Arc<Snapshot>, batches: &Batches, now: DateTime<Utc>, terminology: Arc<Terminology>) -> Self {
        let batches = batches.clone();
        let loads = Loads(Arc::clone(&snapshot));
        let loader = DataLoader::with_cache(loads, move |load| batches.put_by(load), HashMapCache::default()).delay(Duration::ZERO);
        Self { snapshot, loader, now, terminology }
    }

    /// Notes that a field of a type is resolved, and tells whether the caller sees it.
    pub fn resolves(&self, of: &str, field: &str) -> bool {
        let sees = self.snapshot.sees_field(of, field);
        if sees {
            self.snapshot.resolves(of, field);
        }
        sees
    }
}

/// What a resolver may read after it has shown its permission: the only way to a statement in this crate.
#[derive(Clone, Copy)]
pub struct Permitted<'operation> {
    reads: &'operation Reads,
    reach: Reach,
}

/// Refuses unless the caller has the permission.
pub fn permitted<'context>(context: &Context<'context>, permission: Permission) -> Result<Permitted<'context>, Failure> {
    // Without a snapshot an operation is only validated, and no resolver runs.
    let reads = context.data_opt::<Reads>().ok_or(Failure::Internal)?;
    let reach = reads.snapshot.require(permission)?;
    Ok(Permitted { reads, reach })
}

/// The caller, which takes no permission to know.
pub fn caller<'context>(context: &Context<'context>) -> Result<&'context gate::Caller, Failure> {
    context.data_opt::<Reads>().map(|reads| reads.snapshot.caller()).ok_or(Failure::Internal)
}

impl<'operation> Permitted<'operation> {
    /// The snapshot's connection, for one statement.
    pub async fn connection(self) -> ConnectionGuard<'operation> {
        self.reads.snapshot.connection().await
    }

    /// Loads together with whatever else the operation asks of the same kind.
    pub async fn load<K>(self, key: K) -> Result<Option<<Loads as Loader<K>>::Value>, Failure>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Loads: Loader<K, Error = Failure>,
    {
        self.reads.loader.load_one(key).await
    }

    /// What of each of these the caller sees, noted as shown: the only way for something of a patient into an answer.
    pub async fn show<T: OfPatient>(self, rows: Vec<T>) -> Result<Vec<Option<T>>, Failure> {
        self.reads.loader.load_many(rows.iter().map(|row| Learned(row.patient())).collect::<Vec<_>>()).await?;
        Ok(self.reads.snapshot.show(rows).await?)
    }

    /// The same, of one that there may be.
    pub async fn show_one<T: OfPatient>(self, row: Option<T>) -> Result<Option<T>, Failure> {
        let Some(row) = row else { return Ok(None) };
        Ok(self.show(vec![row]).await?.pop().flatten())
    }

    /// The same, of several, without those that the caller does not see.
    pub async fn show_all<T: OfPatient>(self, rows: Vec<T>) -> Result<Vec<T>, Failure> {
        Ok(self.show(rows).await?.into_iter().flatten().collect())
    }

    /// The same, of a page of what `rows` reads page by page. What is withheld is as if it were not there: the page is filled with what is behind it. Where it would take
    /// too long to come to something that the caller sees, the page is short, and says where to go on.
    pub async fn show_page<C, T, Rows>(
        self,
        page: Page<C>,
        masked: MaskedRows,
        cursor: impl Fn(&T) -> C,
        rows: impl Fn(Page<C>) -> Rows,
    ) -> Result<Connection<C, T>, Failure>
    where
        C: Copy + Serialize + DeserializeOwned + Send + Sync,
        T: OfPatient + OutputType,
        Rows: Future<Output = Result<Vec<T>, Failure>>,
    {
        let (mut stretch, mut shown, mut looked) = (page, Vec::new(), 0);
        let end = loop {
            let found = rows(stretch).await?;
            let (last, of_all) = (found.last().map(&cursor), found.len() <= stretch.most());
            looked += found.len();
            let cursors: Vec<C> = found.iter().map(&cursor).collect();
            self.reads.loader.load_many(found.iter().map(|row| Learned(row.patient())).collect::<Vec<_>>()).await?;
            let first = self.reads.snapshot.show_first(found, page.most() - shown.len(), masked).await?;
            shown.extend(first.shown.into_iter().map(|(place, row)| (cursors[place], row)));
            match last {
                _ if first.more => break End::AfterLast,
                Some(last) if !of_all && looked >= LOOKED_AT_MOST => break End::After(last),
                Some(last) if !of_all => stretch = Page::behind(last),
                _ => break End::OfAll,
            }
        };
        Ok(Connection::new(shown, page.after.is_some(), end))
    }

    /// Whether the caller may know that something of a patient is there; nothing is shown by it.
    pub async fn may_know_of<T: OfPatient>(self, row: T) -> Result<bool, Failure> {
        self.reads.loader.load_one(Learned(row.patient())).await?;
        let verdicts = self.reads.snapshot.judge(&[row]).await?;
        Ok(verdicts.first().is_some_and(|verdict| *verdict != Verdict::Withheld))
    }

    /// Whether the caller sees what a label says among the details of a history.
    pub fn sees_detail(self, of: domain::Context, label: &str) -> bool {
        self.reads.snapshot.sees_detail(of, label)
    }

    /// Whether the caller has a further permission, without which they are shown less.
    pub fn allows(self, permission: Permission) -> bool {
        self.reads.snapshot.allows(permission)
    }

    /// Who saw what of whom, before a position of the access log.
    pub async fn access_records(self, search: &AccessSearch, before: Option<event_store::Position>, most: usize) -> Result<AccessRecords, Failure> {
        Ok(self.reads.snapshot.access_records(search, before, most).await?)
    }

    /// What the policies of a version said.
    pub async fn policies(self, version: &str) -> Result<BTreeMap<String, gate::Policy>, Failure> {
        Ok(self.reads.snapshot.policies(version).await?)
    }

    /// The snapshot, for what is asked of the access log.
    pub fn access_log(self) -> &'operation Snapshot {
        &self.reads.snapshot
    }

    /// Who reads.
    pub fn caller(self) -> &'operation gate::Caller {
        self.reads.snapshot.caller()
    }

    /// How much of the log the snapshot reflects.
    pub fn reflects(self) -> i64 {
        self.reads.snapshot.reflects().0
    }

    /// The operation's moment.
    pub fn now(self) -> DateTime<Utc> {
        self.reads.now
    }

    /// What code systems know of each other.
    pub fn terminology(self) -> &'operation Terminology {
        &self.reads.terminology
    }

    /// Notes that this patient was looked up.
    pub fn notes_look_up(self, patient: PatientId) {
        self.reads.snapshot.notes_look_up(patient);
    }

    /// Whether the permission reaches the whole tenant, as it does in a role that holds there and does not for patients.
    pub fn reaches_whole_tenant(self) -> bool {
        self.reach == Reach::Tenant
    }
}
