//! The protocol `graphql-transport-ws` (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>), with its close codes.

use std::collections::HashMap;
use std::time::Duration;

use async_graphql::{Response, ServerError};
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use event_store::fresh_id;
use futures::stream::SplitSink;
use futures::{SinkExt, StreamExt};
use gate::{Caller, Credentials, Sending};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use crate::QueryApi;
use crate::document::{Document, GraphqlRequest, MOST_BYTES};
use crate::errors::{Code, Failure};
use crate::follow::operate;
use crate::operation::{Operation, named};

/// The name of the protocol.
const PROTOCOL: &str = "graphql-transport-ws";
/// The most operations that a connection has under way.
const MOST_OPERATIONS: usize = 100;
/// How long a client that does not read may hold a message up.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// How long the ends of a connection wait for each other.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the opening to `connection_init`.
    pub initialisation: Duration,
    /// Between our pings; a client that says nothing at all between two is gone.
    pub ping: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { initialisation: Duration::from_secs(10), ping: Duration::from_secs(20) }
    }
}

/// `GET /graphql/ws`
pub async fn upgrade(State(api): State<QueryApi>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> axum::response::Response {
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(MOST_BYTES).max_frame_size(MOST_BYTES);
    let speaks = upgrade.selected_protocol().is_some();
    let credentials = Credentials::of(&headers);
    let serve = move |socket: WebSocket| async move {
        let (sink, stream) = socket.split();
        if speaks { Connection::new(api, sink, credentials).serve(stream).await } else { Connection::new(api, sink, credentials).close(UNKNOWN_PROTOCOL).await }
    };
    upgrade.on_upgrade(serve).into_response()
}

/// Why we close: the code and its reason, which never repeats what the client sent.
type Close = (u16, &'static str);

const GOING_AWAY: Close = (1001, "Going away");
const SILENT: Close = (1001, "No sign of life");
const BAD_MESSAGE: Close = (4400, "Invalid message");
const UNAUTHORIZED: Close = (4401, "Unauthorized");
const FORBIDDEN: Close = (4403, "Forbidden");
const UNKNOWN_PROTOCOL: Close = (4406, "Subprotocol not acceptable");
const NOT_INITIALISED: Close = (4408, "Connection initialisation timeout");
const DUPLICATE: Close = (4409, "Subscriber for this id already exists");
const INITIALISED_TWICE: Close = (4429, "Too many initialisation requests");

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<serde_json::Map<String, serde_json::Value>>,
    },
    Ping {},
    Pong {},
    Subscribe {
        id: String,
        payload: GraphqlRequest,
    },
    Complete {
        id: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ServerMessage<'message> {
    ConnectionAck,
    Ping,
    Pong,
    Next { id: &'message str, payload: &'message Response },
    Error { id: &'message str, payload: &'message [ServerError] },
    Complete { id: &'message str },
}

/// What an operation has to say.
pub enum Said {
    /// A result; others may follow.
    Next(Response),
    /// It was refused or has broken off, and says no more.
    Refused(Response),
    /// It is done.
    Done,
    /// The token is void, and with it the whole connection.
    Ended,
}

/// What an operation says, what was recorded for it, and by which number it is known: its id may be used again after the client completed it.
pub type Saying = (u64, Said, Sending);

struct Running {
    number: u64,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until the process ends, as does one that has nobody left to say so.
async fn ended(shutdown: &mut watch::Receiver<bool>) {
    shutdown.wait_for(|ends| *ends).await.ok();
}

struct Connection {
    api: QueryApi,
    sink: SplitSink<WebSocket, Message>,
    credentials: Credentials,
    caller: Option<Caller>,
    running: HashMap<String, Running>,
    started: u64,
    outbox: mpsc::Sender<Saying>,
    inbox: mpsc::Receiver<Saying>,
    alive: bool,
}

impl Connection {
    fn new(api: QueryApi, sink: SplitSink<WebSocket, Message>, credentials: Credentials) -> Self {
        let (outbox, inbox) = mpsc::channel(16);
        Self { api, sink, credentials, caller: None, running: HashMap::new(), started: 0, outbox, inbox, alive: true }
    }

    async fn serve(mut self, mut stream: futures::stream::SplitStream<WebSocket>) {
        let patience = self.api.patience;
        let mut shutdown = self.api.shutdown.clone();
        let mut deadline = Instant::now() + patience.initialisation;
        let mut pings = interval_at(Instant::now() + patience.ping, patience.ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let close = loop {
            let initialised = self.caller.is_some();
            let step = tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(message)) => self.receive(message).await,
                    Some(Err(_)) | None => return,
                },
                Some((number, said, sending)) = self.inbox.recv() => self.say(number, said, sending).await,
                () = sleep_until(deadline) => Err(if initialised { FORBIDDEN } else { NOT_INITIALISED }),
                _ = pings.tick() => self.ping().await,
                () = ended(&mut shutdown) => Err(GOING_AWAY),
            };
            match step {
                Err(close) => break close,
                Ok(()) if !initialised => {
                    if let Some(caller) = &self.caller {
                        // Nothing is sent on a token that has ended.
                        deadline = Instant::now() + (caller.expires - self.api.clock.now()).to_std().unwrap_or_default();
                    }
                }
                Ok(()) => {}
            }
        };
        self.close(close).await;
    }

    async fn receive(&mut self, message: Message) -> Result<(), Close> {
        self.alive = true;
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(BAD_MESSAGE),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        match serde_json::from_str(&text).map_err(|_| BAD_MESSAGE)? {
            ClientMessage::ConnectionInit { payload } => self.initialise(payload.unwrap_or_default()).await,
            ClientMessage::Ping {} => self.send(&ServerMessage::Pong).await,
            ClientMessage::Pong {} => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.start(id, payload).await,
            ClientMessage::Complete { id } => {
                self.running.remove(&id);
                Ok(())
            }
        }
    }

    /// The token is `Authorization` in the payload, as the header of a request has it; and so is the purpose of use.
    async fn initialise(&mut self, payload: serde_json::Map<String, serde_json::Value>) -> Result<(), Close> {
        if self.caller.is_some() {
            return Err(INITIALISED_TWICE);
        }
        let said = |name: &str| payload.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str());
        let credentials = self.credentials.clone().with(said("authorization"), said(gate::PURPOSE));
        self.caller = Some(self.api.gate.admit(credentials).await.map_err(|_| FORBIDDEN)?);
        self.send(&ServerMessage::ConnectionAck).await
    }

    async fn start(&mut self, id: String, request: GraphqlRequest) -> Result<(), Close> {
        let caller = self.caller.clone().ok_or(UNAUTHORIZED)?;
        if self.running.contains_key(&id) {
            return Err(DUPLICATE);
        }
        let request_id = fresh_id();
        let prepared = || {
            if self.running.len() >= MOST_OPERATIONS {
                return Err(Failure::Refused(Code::TooManyOperations, "this connection has as many operations as it may"));
            }
            let wait_for = request.wait_for()?;
            Ok(Operation { caller, document: Document::parse(request)?, wait_for, request_id })
        };
        match prepared() {
            Err(failure) => {
                let refused = named(failure.response(), request_id);
                self.send(&ServerMessage::Error { id: &id, payload: &refused.errors }).await
            }
            Ok(operation) => {
                self.started += 1;
                let task = tokio::spawn(operate(self.api.clone(), operation, self.started, self.outbox.clone()));
                self.running.insert(id, Running { number: self.started, task: task.abort_handle() });
                Ok(())
            }
        }
    }

    async fn say(&mut self, number: u64, said: Said, sending: Sending) -> Result<(), Close> {
        let Some(id) = self.running.iter().find(|(_, running)| running.number == number).map(|(id, _)| id.clone()) else { return Ok(()) };
        if !matches!(said, Said::Next(_)) {
            self.running.remove(&id);
        }
        match said {
            Said::Next(response) => self.send(&ServerMessage::Next { id: &id, payload: &response }).await?,
            Said::Refused(response) => self.send(&ServerMessage::Error { id: &id, payload: &response.errors }).await?,
            Said::Ended => {
                // The connection is closed, and that is the answer.
                sending.sent();
                return Err(FORBIDDEN);
            }
            Said::Done => self.send(&ServerMessage::Complete { id: &id }).await?,
        }
        sending.sent();
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Close> {
        if !std::mem::replace(&mut self.alive, false) {
            return Err(SILENT);
        }
        self.send(&ServerMessage::Ping).await
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Result<(), Close> {
        let text = serde_json::to_string(message).map_err(|_| GOING_AWAY)?;
        match timeout(SEND_WITHIN, self.sink.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(SILENT),
        }
    }

    /// Ends everything; the operations end with what holds them.
    async fn close(mut self, (code, reason): Close) {
        tracing::debug!(code, reason, operations = self.running.len(), "closing a connection");
        let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        timeout(SEND_WITHIN, self.sink.send(frame)).await.ok();
        timeout(SEND_WITHIN, self.sink.close()).await.ok();
    }
}
