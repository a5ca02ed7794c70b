//! Whether the answers that access records tell of went out, as the processes that made them have said.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{AccessAnswered, AccessEvent, AnswersSent, NO_TENANT, NotSent, ServingEnded};
use domain::{Event, Named, Query, ServerId, Tag};
use event_store::{Position, ReadError, Recorded, Unreadable};
use uuid::Uuid;

use crate::access_records::AccessRecord;
use crate::read::Snapshot;

/// How many exceptions are looked at. A client that names all its requests alike and leaves them all may have made more: of what lies before them nothing is known.
const EXCEPTIONS_AT_MOST: u32 = 1000;

/// What processes have said.
#[derive(Default)]
struct Said {
    ended: BTreeSet<ServerId>,
    through: BTreeMap<ServerId, i64>,
    except: BTreeMap<Uuid, Vec<NotSent>>,
    /// Every exception for what lies from here on is known.
    except_from: Position,
}

impl Snapshot {
    /// Tells of each of these records whether its answer went out. What it reads grows with the processes and requests that they name, and with no log.
    pub(crate) async fn tell_answered(&self, records: &mut [AccessRecord]) -> Result<(), ReadError> {
        if records.is_empty() {
            return Ok(());
        }
        let servers: BTreeSet<ServerId> = records.iter().filter_map(|record| record.access.server).collect();
        let requests: BTreeSet<Uuid> = records.iter().map(|record| record.access.request).collect();
        let mut said = Said::default();
        let ended = servers.iter().fold(Query::new(), |query, server| query.and(&[ServingEnded::TYPE], Tag::server(*server)));
        for recorded in self.access_log.read(NO_TENANT, &ended, self.access_log.head().await?).await? {
            said.apply(recorded);
        }
        for server in servers.iter().filter(|server| !said.ended.contains(server)).copied().collect::<Vec<_>>() {
            self.heard(&mut said, &Query::new().and(&[AnswersSent::TYPE], Tag::server(server)), 1).await?;
        }
        let except = requests.iter().fold(Query::new(), |query, request| query.and(&[AnswersSent::TYPE], Tag::request(*request)));
        said.except_from = self.heard(&mut said, &except, EXCEPTIONS_AT_MOST).await?;
        for record in records {
            record.answered = Some(said.of(record));
        }
        Ok(())
    }

    /// The newest of what matches; everything from the position given back on was looked at.
    async fn heard(&self, said: &mut Said, query: &Query, most: u32) -> Result<Position, ReadError> {
        let back = self.access_log.read_back(NO_TENANT, query, Position(i64::MAX), most).await?;
        for recorded in back.events {
            said.apply(recorded.map_err(|Unreadable { position, error, .. }| ReadError::Unreadable { position, error })?);
        }
        Ok(if back.more { back.down_to } else { Position::default() })
    }
}

impl Said {
    fn apply(&mut self, recorded: Recorded) {
        match recorded.event {
            Event::Access(AccessEvent::ServingEnded(ended)) => {
                self.ended.insert(ended.server);
            }
            Event::Access(AccessEvent::AnswersSent(sent)) => {
                let through = self.through.entry(sent.server).or_default();
                *through = sent.through.max(*through);
                for except in sent.except {
                    self.except.entry(except.request).or_default().push(except);
                }
            }
            _ => {}
        }
    }

    fn of(&self, record: &AccessRecord) -> AccessAnswered {
        let position = record.position.0;
        let excepts = |except: &&NotSent| except.first <= position && except.last.is_none_or(|last| position <= last);
        let excepted = self.except.get(&record.access.request).into_iter().flatten().filter(excepts).map(|except| except.last.is_some());
        match excepted.max() {
            Some(true) => return AccessAnswered::No,
            Some(false) => return AccessAnswered::Unknown,
            None => {}
        }
        let Some(server) = record.access.server else { return AccessAnswered::Unknown };
        let sent = self.ended.contains(&server) || self.through.get(&server).is_some_and(|through| position <= *through);
        // What a process says of a record comes after it.
        if sent && record.position >= self.except_from { AccessAnswered::Yes } else { AccessAnswered::Unknown }
    }
}
