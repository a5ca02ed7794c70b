//! The GraphQL API from outside, over HTTP and WebSocket, on a log and read models of each test's own.

mod access;
mod authority;
pub mod authorization;
mod calendars;
mod clinic;
mod consents;
pub mod crawl;
mod disclosure;
mod disclosures;
mod documents;
mod emergency;
mod errors;
mod everything;
mod history;
mod listening;
mod masked;
mod onlookers;
mod paging;
mod people;
mod policy;
mod protocol;
mod records;
mod scheduling;
mod sessions;
pub mod socket;
mod statements;
mod subscriptions;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ::documents::{Documents, Rules, Storage};
use domain::access::{AccessEvent, AccessRecorded};
use domain::{Event, Named, PatientId, Query, Subject, Tag, TenantId, UserId};
use event_store::{Actor, Append, Clock, CommandKey, EventStore, Log, Position};
use gate::{Authority, Claims, Gate, Role, TokenIssuer};
use query_api::{Patience, QueryApi};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::watch;
use uuid::Uuid;

use crate::documents::desk::form;
use crate::harness::Kind;
use crate::projections::{ReadSide, Running};
use crate::servers::Relay;

/// How long a read waits for a position that does not come.
const WAIT_AT_MOST: Duration = Duration::from_secs(20);

/// The command API and the GraphQL API on loopback, with the projections behind them.
pub struct World {
    pub tenant: TenantId,
    pub at: String,
    pub client: reqwest::Client,
    pub side: ReadSide,
    /// Who saw what of whom.
    pub access: EventStore,
    issuer: TokenIssuer,
    shutdown: watch::Sender<bool>,
    /// The last position that a command returned.
    position: AtomicI64,
    running: Option<Running>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(WAIT_AT_MOST, Patience::default()).await
    }

    pub async fn with(wait_at_most: Duration, patience: Patience) -> Self {
        let side = ReadSide::of(&::projections::all()).await;
        let read = side.log.databases.pool(Kind::Read);
        Self::on(side, read, wait_at_most, patience).await
    }

    /// The queries connect as a role that owns nothing, and may do nothing but become the reading role.
    pub async fn reading_as_an_ordinary_role() -> Self {
        let side = ReadSide::of(&::projections::all()).await;
        let name = reader(&side);
        let made = format!(
            "create role {name} login password 'reader' in role carelog_query; \
             grant usage on schema projection to {name}; grant select on all tables in schema projection to {name};"
        );
        sqlx::raw_sql(AssertSqlSafe(made)).execute(&side.read).await.unwrap();
        let options = side.log.databases.options(Kind::Read).username(&name).password("reader");
        let read = PgPoolOptions::new().max_connections(6).connect_with(options).await.unwrap();
        Self::on(side, read, WAIT_AT_MOST, Patience::default()).await
    }

    /// Drops the role of [`Self::reading_as_an_ordinary_role`].
    pub async fn forget_reader(&self) {
        let name = reader(&self.side);
        let dropped = format!("drop owned by {name}; drop role {name};");
        sqlx::raw_sql(AssertSqlSafe(dropped)).execute(&self.side.read).await.unwrap();
    }

    /// The access log behind connections that a test can break.
    pub async fn with_access_over(relay: &Relay) -> Self {
        let side = ReadSide::of(&::projections::all()).await;
        let read = side.log.databases.pool(Kind::Read);
        let through = PgPoolOptions::new().connect_lazy_with(side.log.databases.options(Kind::Access).port(relay.port));
        Self::of(side, read, through, WAIT_AT_MOST, Patience::default()).await
    }

    async fn on(side: ReadSide, read: PgPool, wait_at_most: Duration, patience: Patience) -> Self {
        let access = side.log.databases.pool(Kind::Access);
        Self::of(side, read, access, wait_at_most, patience).await
    }

    async fn of(side: ReadSide, read: PgPool, access: PgPool, wait_at_most: Duration, patience: Patience) -> Self {
        let projections = ::projections::all();
        let running = side.start(&projections, ::projections::log_source(side.log.store.clone()));
        let (authority, issuer) = Authority::development(&side.log.databases.keys).unwrap();
        let access = EventStore::open(Log::Access, access, side.log.vault.clone(), Clock::system()).await.unwrap();
        let gate = Gate::new(side.log.store.clone(), access.clone(), read, authority, wait_at_most);
        let (shutdown, ends) = watch::channel(false);
        let queries = QueryApi::new(gate.clone(), Clock::system(), ends).with_patience(patience);
        let router = command_api::router(gate.clone()).merge(query_api::router(queries)).merge(fhir_api::router(gate.clone()));
        let router = router.merge(accounting::router(gate.clone(), Clock::system())).merge(document_routes(gate, &side));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            tenant: side.log.tenant,
            at,
            client: reqwest::Client::new(),
            side,
            access,
            issuer,
            shutdown,
            position: AtomicI64::new(0),
            running: Some(running),
        }
    }

    /// As if the process were told to stop.
    pub fn stop(&self) {
        self.shutdown.send_replace(true);
    }

    /// Stops the projections: from now on nothing changes, and nobody else asks the database.
    pub async fn at_rest(mut self) -> Self {
        if let Some(running) = self.running.take() {
            running.kill().await;
        }
        self
    }

    /// A token for a role, in this tenant.
    pub fn token(&self, role: Role) -> String {
        self.token_of(|claims| claims.roles = BTreeSet::from([role]))
    }

    /// A token of a patient.
    pub fn token_of_patient(&self, patient: Uuid) -> String {
        self.token_of(|claims| (claims.roles, claims.patient) = (BTreeSet::from([Role::Patient]), Some(PatientId(patient))))
    }

    /// Any token.
    pub fn token_of(&self, change: impl FnOnce(&mut Claims)) -> String {
        issue(&self.issuer, self.tenant, change)
    }

    /// Carries out a command that must be accepted; its position.
    pub async fn tell(&self, role: Role, command: &str, body: Value) -> i64 {
        self.tell_as(&self.token(role), command, body).await
    }

    /// The same under a token.
    pub async fn tell_as(&self, token: &str, command: &str, body: Value) -> i64 {
        let (status, answer) = self.try_to(token, command, &body).await;
        assert_eq!(status, StatusCode::OK, "{command}: {answer}");
        answer["position"].as_i64().unwrap()
    }

    /// Sends a command with any token; the status and the answer.
    pub async fn try_to(&self, token: &str, command: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.client.post(format!("{}/v1/{command}", self.at)).bearer_auth(token).json(body).send().await.unwrap();
        let (status, answer): (StatusCode, Value) = (answer.status(), answer.json().await.unwrap());
        self.position.fetch_max(answer["position"].as_i64().unwrap_or_default(), Ordering::Relaxed);
        (status, answer)
    }

    /// Uploads a document of a patient.
    pub async fn upload(&self, patient: Uuid) -> Uuid {
        let document = event_store::fresh_id();
        let content = json!({ "status": "current", "attachment": { "contentType": "text/plain", "title": "Needle" } });
        let (kind, body) = form(&json!({ "document": document, "patient": patient, "content": content }).to_string(), b"Needle");
        let request = self.client.post(format!("{}/v1/documents/upload", self.at)).bearer_auth(self.token(Role::FrontDesk));
        let answer: Value = request.header("Content-Type", kind).body(body).send().await.unwrap().json().await.unwrap();
        self.position.fetch_max(answer["position"].as_i64().expect("a position"), Ordering::Relaxed);
        document
    }

    /// A request to `/graphql` as a browser sends it.
    pub fn request(&self, token: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}/graphql", self.at)).bearer_auth(token).header("accept", "application/graphql-response+json").json(body)
    }

    /// The access records of a request.
    pub async fn access_of(&self, request: Uuid) -> Vec<AccessRecorded> {
        let query = Query::new().and(&[AccessRecorded::TYPE], Tag::request(request));
        let head = self.access.head().await.unwrap();
        let found = self.access.read(self.tenant, &query, head).await.unwrap();
        found
            .into_iter()
            .map(|recorded| if let Event::Access(AccessEvent::AccessRecorded(access)) = recorded.event { access } else { unreachable!() })
            .collect()
    }

    /// The access records of the request that was answered so.
    pub async fn access_of_answer(&self, answer: &Value) -> Vec<AccessRecorded> {
        self.access_of(answer["extensions"]["carelog"]["requestId"].as_str().expect("answers name their request").parse().unwrap()).await
    }

    /// Commits access records as those of one operation that somebody carried out.
    pub async fn looked(&self, user: UserId, role: Role, records: Vec<AccessRecorded>) {
        let digest = self.access.vault().digest(self.tenant, Subject::User(user), b"").await.unwrap();
        let append = Append {
            tenant: self.tenant,
            actor: Actor { user, role: role.name().to_owned() },
            authority: domain::access::Authority::Installation,
            command: CommandKey { id: event_store::fresh_id(), name: "access.record".to_owned(), digest },
            correlation: event_store::fresh_id(),
            causation: None,
            events: records.into_iter().map(Event::from).collect(),
            boundary: Query::new(),
            read_at: Position(0),
            answer: Value::Null,
        };
        self.access.append(append).await.unwrap();
    }

    /// The last position that a command returned.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Relaxed)
    }

    /// The whole answer to a query that sees every command so far.
    pub async fn ask(&self, token: &str, query: &str, variables: Value) -> Value {
        let extensions = json!({ "carelog": { "waitFor": self.position() } });
        let answer = self.request(token, &json!({ "query": query, "variables": variables, "extensions": extensions })).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// The data of a query that must have no errors.
    pub async fn data(&self, token: &str, query: &str, variables: Value) -> Value {
        let answer = self.ask(token, query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }
}

/// What an access record says of an operation that showed something of these patients.
pub fn access_record(user: UserId, request: Uuid, patients: &[Uuid], more: &Value) -> AccessRecorded {
    let mut record = json!({
        "user": user, "request": request, "operation": "query patients", "purpose": "TREAT", "outcome": "shown", "kinds": ["demographics"], "refused": [],
        "fields": [], "patients": patients, "count": patients.len(), "origin": {}, "policy": "", "reflects": 0,
    });
    for (field, value) in more.as_object().into_iter().flatten() {
        record[field] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

/// Documents, in a folder that is removed with the keys.
fn document_routes(gate: Gate, side: &ReadSide) -> axum::Router {
    let storage = Storage::open(side.log.databases.keys.join("documents").to_str().expect("a path in UTF-8")).unwrap();
    let rules = Arc::new(Rules::new(1_000_000, "text/plain".parse().unwrap()));
    let (store, links) = (side.log.store.clone(), side.log.databases.pool(Kind::Log));
    ::documents::router(Documents { gate, store, links, storage, rules })
}

/// The name of a role of this test's own.
fn reader(side: &ReadSide) -> String {
    format!("test_reader_{}", side.log.tenant.0.simple())
}

fn issue(issuer: &TokenIssuer, tenant: TenantId, change: impl FnOnce(&mut Claims)) -> String {
    let now = Clock::system().now().timestamp();
    let (sub, roles) = (UserId(Uuid::from_u128(7)), BTreeSet::from([Role::FrontDesk]));
    let mut claims = Claims {
        iss: String::new(),
        aud: "".into(),
        sub,
        tenant,
        roles,
        facility_roles: std::collections::BTreeMap::new(),
        patient: None,
        practitioner: None,
        iat: now,
        exp: now + 3600,
    };
    change(&mut claims);
    issuer.issue(claims).unwrap()
}
