//! What a process says of itself in the access log: that it answers, how far its answers have come, that it ended in order. Of a process that broke off there is no
//! last word, so what it recorded after the last is not known to be answered.

use std::time::Duration;

use domain::access::{AnswersSent, Authority, NO_TENANT, NOBODY, NotSent, ServingEnded, ServingStarted};
use domain::{Event, Query, Subject};
use event_store::{Actor, Append, AppendError, CommandKey, Position, fresh_id};
use serde_json::Value;

use crate::Gate;
use crate::answers::Progress;

/// How often a process says how far its answers have come, as long as there is something new to say.
const SAID_EVERY: Duration = Duration::from_secs(10);
/// How long it waits at its end for the answers that are under way.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(2);
/// How many exceptions one event names.
const EXCEPT_AT_MOST: usize = 500;

impl Gate {
    /// Says that this process answers from now on.
    pub async fn serving_started(&self, version: &str) -> Result<(), AppendError> {
        self.say(vec![ServingStarted { server: self.access.answers.server(), version: version.to_owned() }.into()]).await
    }

    /// Says how far this process's answers have come, again and again, until it is to stop.
    pub async fn follow_answers(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut said = Position::default();
        loop {
            let Progress { through, .. } = self.access.answers.progress();
            // What was handed to the network before this pause has left the process after it. Only the pause is cut short: what is being said is said.
            tokio::select! {
                () = tokio::time::sleep(SAID_EVERY) => {}
                () = &mut stop => return,
            }
            match self.say_sent(said, through).await {
                Ok(()) => said = through,
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "how far the answers have come cannot be said"),
            }
        }
    }

    /// Says that this process ended in order, where all that it recorded is answered; otherwise how far the answers came. One that recorded nothing and never
    /// said that it began says nothing.
    pub async fn serving_ended(&self, started: bool) -> Result<(), AppendError> {
        let answers = &self.access.answers;
        let give_up = tokio::time::Instant::now() + LAST_ANSWERS_WITHIN;
        while !answers.progress().at_rest && tokio::time::Instant::now() < give_up {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let Progress { through, at_rest } = answers.progress();
        if through == Position::default() && !started {
            return Ok(());
        }
        let not_sent = answers.take_not_sent();
        let mut events = if at_rest && not_sent.is_empty() { Vec::new() } else { self.sent(through, &not_sent) };
        if at_rest {
            events.push(ServingEnded { server: answers.server() }.into());
        }
        self.say(events).await
    }

    /// Says it where there is something new.
    async fn say_sent(&self, said: Position, through: Position) -> Result<(), AppendError> {
        let not_sent = self.access.answers.take_not_sent();
        if through == said && not_sent.is_empty() {
            return Ok(());
        }
        let result = self.say(self.sent(through, &not_sent)).await;
        if result.is_err() {
            self.access.answers.put_back(not_sent);
        }
        result
    }

    /// Appended together: the exceptions are there as soon as what they are excepted from.
    fn sent(&self, through: Position, not_sent: &[NotSent]) -> Vec<Event> {
        let server = self.access.answers.server();
        let sent = |except: &[NotSent]| AnswersSent { server, through: through.0, except: except.to_vec() }.into();
        if not_sent.is_empty() { vec![sent(&[])] } else { not_sent.chunks(EXCEPT_AT_MOST).map(sent).collect() }
    }

    async fn say(&self, events: Vec<Event>) -> Result<(), AppendError> {
        let store = &self.access.store;
        let id = fresh_id();
        let digest = store.vault().digest(NO_TENANT, Subject::User(NOBODY), id.as_bytes()).await?;
        let append = Append {
            tenant: NO_TENANT,
            actor: Actor { user: NOBODY, role: String::new() },
            authority: Authority::Installation,
            command: CommandKey { id, name: "access.say".to_owned(), digest },
            correlation: id,
            causation: None,
            events,
            boundary: Query::new(),
            read_at: Position::default(),
            answer: Value::Null,
        };
        store.append(append).await.map(drop)
    }
}
