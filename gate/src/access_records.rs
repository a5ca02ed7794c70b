//! Reading the access log: by patient, person, request and time through its tags, by anything else by looking. The newest first.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::access::{AccessAnswered, AccessEvent, AccessOutcome, AccessRecorded, DataKind, PurposeOfUse};
use domain::patients::LinkedPatients;
use domain::{Event, Named, PatientId, Permission, Phi, Query, Tag, UserId};
use event_store::{Actor, Position, ReadError, Recorded, Unreadable};
use uuid::Uuid;

use crate::policy::Reach;
use crate::read::{Forbidden, Snapshot};
use crate::relation::read_person;
use crate::strangers::came_from;

/// How many records are read at once, and how many at most are looked at for one page: who looks for what is rare gets a page that is not full, and goes on after it.
const AT_ONCE: u32 = 500;
const LOOKED_AT_MOST: u32 = 10_000;

/// What is asked of the access log; everything given must hold.
#[derive(Clone, Default)]
pub struct AccessSearch {
    /// Of whom something was shown, under any of their records.
    pub patient: Option<PatientId>,
    /// Who looked.
    pub user: Option<UserId>,
    /// In which request.
    pub request: Option<Uuid>,
    /// What was sought.
    pub kind: Option<DataKind>,
    /// Why.
    pub purpose: Option<PurposeOfUse>,
    /// What came of it.
    pub outcome: Option<AccessOutcome>,
    /// From which network address.
    pub address: Option<Phi<String>>,
    /// Recorded at or after.
    pub from: Option<DateTime<Utc>>,
    /// Recorded before.
    pub to: Option<DateTime<Utc>>,
}

/// A record of the access log.
#[derive(Clone)]
pub struct AccessRecord {
    /// Its id: the event's.
    pub id: Uuid,
    /// Where it is in the access log.
    pub position: Position,
    /// When it was committed.
    pub recorded: DateTime<Utc>,
    /// Who looked, as what.
    pub actor: Actor,
    /// The command under which it was committed, which the records of one operation share.
    pub command: Uuid,
    /// What they saw. To a patient: of themself alone, and without what was looked for and from where.
    pub access: AccessRecorded,
    /// Whether the answer went out, where that was asked; never of a command that is in the log itself.
    pub answered: Option<AccessAnswered>,
}

/// Some records, and where to go on.
pub struct AccessRecords {
    /// The newest first.
    pub records: Vec<AccessRecord>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Position>,
}

/// Why the access log is not shown.
#[derive(Debug, thiserror::Error)]
pub enum AccessRefusal {
    /// The caller may not read it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// One of the logs is not there, or does not read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

impl Snapshot {
    /// Who saw what of whom, before a position of the access log or from its end on. A patient asks for themself: for no other, and not for whoever granted them access.
    pub async fn access_records(&self, search: &AccessSearch, before: Option<Position>, most: usize) -> Result<AccessRecords, AccessRefusal> {
        let reach = self.require(Permission::ReadAccessRecords)?;
        let patients = self.patients_of(search, reach).await?;
        // Whoever is not told from where it came cannot ask for it either.
        let beyond = reach != Reach::Tenant && search.address.is_some();
        if beyond || patients.as_ref().is_some_and(BTreeSet::is_empty) {
            return Ok(AccessRecords { records: Vec::new(), next: None });
        }
        let query = query(search, patients.as_ref());
        let (earliest, end) = self.stretch(search.from, search.to).await?;
        let mut before = before.unwrap_or(Position(i64::MAX)).min(Position(end.0 + 1));
        let (mut records, mut looked) = (Vec::new(), 0);
        loop {
            let back = self.access_log.read_back(self.caller().tenant, &query, before, AT_ONCE).await?;
            for recorded in back.events {
                let recorded = recorded.map_err(|Unreadable { position, error, .. }| ReadError::Unreadable { position, error })?;
                if recorded.position <= earliest {
                    return Ok(self.shown(records, None).await?);
                }
                if records.len() == most {
                    return Ok(self.shown(records, Some(before)).await?);
                }
                before = recorded.position;
                records.extend(found(search, recorded));
            }
            before = back.down_to;
            looked += AT_ONCE;
            if !back.more || before <= earliest {
                return Ok(self.shown(records, None).await?);
            }
            if looked >= LOOKED_AT_MOST {
                return Ok(self.shown(records, Some(before)).await?);
            }
        }
    }

    /// The same, page after page from the end of the access log on, until there are so many or there are no more.
    pub async fn all_access_records(&self, search: &AccessSearch, most: usize) -> Result<AccessRecords, AccessRefusal> {
        let mut found = AccessRecords { records: Vec::new(), next: None };
        loop {
            let wanted = (AT_ONCE as usize).min(most - found.records.len());
            let page = self.access_records(search, found.next, wanted).await?;
            found.records.extend(page.records);
            found.next = page.next;
            if found.next.is_none() || found.records.len() >= most {
                return Ok(found);
            }
        }
    }

    /// One record by its id, if the caller may see it.
    pub async fn access_record(&self, id: Uuid) -> Result<Option<AccessRecord>, AccessRefusal> {
        let reach = self.require(Permission::ReadAccessRecords)?;
        let found = self.access_log.by_id(self.caller().tenant, id).await?.and_then(|recorded| found(&AccessSearch::default(), recorded));
        let visible = |record: &AccessRecord| reach == Reach::Tenant || record.access.patients.iter().any(|patient| self.themself.contains(patient));
        Ok(self.shown(found.into_iter().filter(visible).collect(), None).await?.records.pop())
    }

    /// The positions between which what was recorded in a time lies: after the first, up to the second.
    pub(crate) async fn stretch(&self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Result<(Position, Position), ReadError> {
        let before = |time: DateTime<Utc>| self.access_log.position_at(time - chrono::TimeDelta::microseconds(1));
        let earliest = match from {
            Some(from) => before(from).await?,
            None => Position::default(),
        };
        let end = match to {
            Some(to) => before(to).await?,
            None => self.access_log.head().await?,
        };
        Ok((earliest, end))
    }

    /// Whose records are asked for; `None` where everyone's are.
    async fn patients_of(&self, search: &AccessSearch, reach: Reach) -> Result<Option<BTreeSet<PatientId>>, ReadError> {
        let own = &self.themself;
        match (search.patient, reach) {
            (None, Reach::Tenant) => Ok(None),
            (Some(patient), Reach::Tenant) => {
                let merges = Query::new().and(LinkedPatients::TYPES, Tag::patient(patient));
                let (linked, _) = read_person(&self.store, self.caller().tenant, &merges, self.store.head().await?).await?;
                Ok(Some(linked.records_of(patient)))
            }
            (Some(patient), Reach::OwnPatients | Reach::Facilities) if !own.contains(&patient) => Ok(Some(BTreeSet::new())),
            // Whoever answers for the records does so for the whole tenant, or for none.
            (_, Reach::OwnPatients | Reach::Facilities) => Ok(Some(own.clone())),
        }
    }

    /// To look at who looked is to see something of those whom they saw.
    async fn shown(&self, mut records: Vec<AccessRecord>, next: Option<Position>) -> Result<AccessRecords, ReadError> {
        self.tell_answered(&mut records).await?;
        self.show_records(&mut records);
        Ok(AccessRecords { records, next })
    }

    /// Leaves of records what the caller is told, and notes it as shown.
    pub(crate) fn show_records(&self, records: &mut [AccessRecord]) {
        let everyone = self.caller().reach(Permission::ReadAccessRecords) == Some(Reach::Tenant);
        for AccessRecord { access, .. } in &mut *records {
            if !everyone {
                access.patients.retain(|patient| self.themself.contains(patient));
                access.own_patient = access.own_patient.filter(|own| self.themself.contains(own));
                (access.criteria, access.origin, access.decisions) = (None, Phi::Known(domain::access::Origin::default()), None);
            }
        }
        let mut own = self.lock();
        own.count += records.len() as u64;
        own.patients.extend(records.iter().flat_map(|record| &record.access.patients));
    }
}

pub(crate) fn query(search: &AccessSearch, patients: Option<&BTreeSet<PatientId>>) -> Query {
    let types = &[AccessRecorded::TYPE];
    let mut tags: Vec<Tag> = search.user.map(Tag::user).into_iter().chain(search.request.map(Tag::request)).collect();
    let Some(patients) = patients else {
        if tags.is_empty() {
            tags.push(Tag::TENANT);
        }
        return Query::new().and_all(types, tags);
    };
    patients.iter().fold(Query::new(), |query, patient| {
        let tags = tags.iter().cloned().chain([Tag::patient(*patient)]).collect();
        query.and_all(types, tags)
    })
}

pub(crate) fn found(search: &AccessSearch, recorded: Recorded) -> Option<AccessRecord> {
    let Recorded { event_id, position, recorded, actor, command, event, .. } = recorded;
    let Event::Access(AccessEvent::AccessRecorded(access)) = event else { return None };
    let from = |wanted: &Phi<String>| access.origin.known().zip(wanted.known()).is_some_and(|(origin, address)| came_from(origin, address));
    let wanted = search.kind.is_none_or(|kind| access.kinds.contains(&kind))
        && search.purpose.is_none_or(|purpose| access.purpose == purpose)
        && search.outcome.is_none_or(|outcome| access.outcome == outcome)
        && search.address.as_ref().is_none_or(from);
    wanted.then_some(AccessRecord { id: event_id, position, recorded, actor, command, access, answered: None })
}
