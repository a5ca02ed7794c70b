//! What compliance officers ask of the access log. Each answer is folded record by record, so what is held is the answer and not the log; and each is for those
//! alone who read everyone's records.

use chrono::NaiveDate;
use domain::access::{CareRelations, CareWindow, Onlooker, Onlookers, Period, Seen, USUAL_DAYS, Unusual, Volume, Volumes};
use domain::time::Zone;
use domain::{InvalidValue, PatientId, Permission, Query, UserId};
use event_store::{Position, ReadError, Unreadable};

use crate::access_records::{AccessRecord, AccessRefusal, AccessSearch, found, query};
use crate::read::Snapshot;
use crate::relation::read_person;

/// How many records are read at once.
const AT_ONCE: u32 = 2000;

/// Is told how many more records were looked at.
pub type Looked<'told> = &'told mut (dyn FnMut(usize) + Send);

impl Snapshot {
    /// Who saw something of a patient in a period, under any of their records, and what they were to them at that time.
    pub async fn onlookers(&self, patient: PatientId, period: Period, window: CareWindow, looked: Looked<'_>) -> Result<Vec<Onlooker>, AccessRefusal> {
        self.require_of_everyone(Permission::ReadAccessRecords)?;
        let tenant = self.caller().tenant;
        let (linked, events) = read_person(&self.store, tenant, &CareRelations::query(patient), self.store.head().await?).await?;
        let records = linked.records_of(patient);
        let mut relations = CareRelations::default();
        for recorded in &events {
            relations.apply(&recorded.event, recorded.actor.user, recorded.recorded);
        }
        let mut onlookers = Onlookers::default();
        let query = query(&AccessSearch::default(), Some(&records));
        let add = |AccessRecord { recorded, actor, access, .. }: AccessRecord| {
            onlookers.add(&access, &actor.role, recorded, relations.of(&access, recorded, &records, window));
        };
        self.each_access(&query, period, looked, add).await?;
        let onlookers = onlookers.into_all();
        if !onlookers.is_empty() {
            self.tells(onlookers.len(), [patient]);
        }
        Ok(onlookers)
    }

    /// What a person saw in a period, patient by patient.
    pub async fn seen_by(&self, user: UserId, period: Period, looked: Looked<'_>) -> Result<Seen, AccessRefusal> {
        self.require_of_everyone(Permission::ReadAccessRecords)?;
        let mut seen = Seen::default();
        let query = query(&AccessSearch { user: Some(user), ..AccessSearch::default() }, None);
        self.each_access(&query, period, looked, |record| seen.add(&record.access, record.command, record.recorded)).await?;
        let patients = seen.patients().into_iter().map(|seen| seen.patient);
        self.tells(patients.len(), patients);
        Ok(seen)
    }

    /// How many patients each person saw on each of some days, where that is unusual; or everywhere.
    pub async fn volumes(&self, asked: &VolumesAsked, looked: Looked<'_>) -> Result<Vec<Volume>, AccessRefusal> {
        self.require_of_everyone(Permission::ReadAccessRecords)?;
        let mut volumes = Volumes::default();
        let add = |record: AccessRecord| volumes.add(record.recorded.with_timezone(&asked.zone.0).date_naive(), &record.access, &record.actor.role);
        self.each_access(&query(&AccessSearch::default(), None), asked.period.reaching_back(USUAL_DAYS), looked, add).await?;
        let found = volumes.unusual(asked.first, asked.last, asked.unusual, asked.all);
        self.tells(found.len(), []);
        Ok(found)
    }

    /// Every record of a query in a period, from the newest to the oldest, one after the other.
    async fn each_access(&self, query: &Query, period: Period, looked: Looked<'_>, mut add: impl FnMut(AccessRecord)) -> Result<(), ReadError> {
        let (earliest, end) = self.stretch(Some(period.from()), Some(period.to())).await?;
        let mut before = Position(end.0 + 1);
        loop {
            let back = self.access_log.read_back(self.caller().tenant, query, before, AT_ONCE).await?;
            looked(back.events.len());
            for recorded in back.events {
                let recorded = recorded.map_err(|Unreadable { position, error, .. }| ReadError::Unreadable { position, error })?;
                if recorded.position <= earliest {
                    return Ok(());
                }
                if let Some(record) = found(&AccessSearch::default(), recorded) {
                    add(record);
                }
            }
            before = back.down_to;
            if !back.more || before <= earliest {
                return Ok(());
            }
        }
    }

    /// Notes that so many answers are shown, which tell something of these patients.
    fn tells(&self, answers: usize, patients: impl IntoIterator<Item = PatientId>) {
        let mut own = self.lock();
        own.count += u64::try_from(answers).unwrap_or(u64::MAX);
        own.patients.extend(patients);
    }
}

/// Which volumes are asked for.
#[derive(Clone, Copy)]
pub struct VolumesAsked {
    first: NaiveDate,
    last: NaiveDate,
    zone: Zone,
    period: Period,
    unusual: Unusual,
    all: bool,
}

impl VolumesAsked {
    /// Those of the days from `first` to `last` on the calendar of a place that are unusual.
    pub fn of_days(first: NaiveDate, last: NaiveDate, zone: Zone, unusual: Unusual) -> Result<Self, InvalidValue> {
        Ok(Self { first, last, zone, period: Period::of_days(first, last, zone)?, unusual, all: false })
    }

    /// Those that are not unusual too.
    #[must_use]
    pub fn with_all(self, all: bool) -> Self {
        Self { all, ..self }
    }
}
