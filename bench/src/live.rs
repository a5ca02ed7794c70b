//! The whole path: commands over HTTP, the relay and the projections catching up with what they wrote, and the delay until a subscriber hears of a booking.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use domain::{TenantId, UserId};
use futures::{SinkExt, StreamExt};
use gate::{Authority, Claims, Role};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use uuid::Uuid;

use crate::append::appends_a_second;
use crate::server::Server;
use crate::setup::Databases;

const CLIENTS: usize = 64;
const LOAD: Duration = Duration::from_secs(8);
const BOOKINGS: usize = 200;

/// Prints the figures of the whole path.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
#[expect(clippy::cast_precision_loss, reason = "rates for people")]
pub async fn run() -> anyhow::Result<()> {
    let databases = Databases::make().await?;
    let in_process = appends_a_second(&databases, CLIENTS).await?;
    let client = Client::new(&databases)?;

    let commands = Server::start(&databases, "command", false).await?;
    let start = Instant::now();
    let done = client.register_patients(&commands).await?;
    let over_http = done as f64 / start.elapsed().as_secs_f64();
    println!("\nthe whole command path, {CLIENTS} clients");
    println!("{:>40} {over_http:>10.0} a second, {:.2} of appending in process", "register-patient over HTTP", over_http / in_process);
    drop(commands);

    let head = databases.store().await?.head().await?.0;
    println!("\ncatching up with {head} events");
    let relay = Server::start(&databases, "relay", true).await?;
    let seconds = until(|| async { Ok(relay.gauge("carelog_relay_published_position").await? >= head as f64) }).await?;
    println!("{:>40} {:>10.0} events a second, {:.2} of appending in process", "relay", head as f64 / seconds, head as f64 / seconds / in_process);
    drop(relay);
    let project = Server::start(&databases, "project", false).await?;
    let read = databases.read().await?;
    let seconds = until(|| async {
        let reached: Option<i64> = sqlx::query_scalar("select min(position) from projection.cursor").fetch_one(&read).await?;
        Ok(reached.is_some_and(|reached| reached >= head))
    })
    .await?;
    println!(
        "{:>40} {:>10.0} events a second, {:.2} of appending in process",
        "all projections together",
        head as f64 / seconds,
        head as f64 / seconds / in_process
    );
    drop(project);

    let serve = Server::start(&databases, "serve", true).await?;
    let mut delays = client.delays(&serve).await?;
    delays.sort_unstable();
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    println!("\nfrom a command's answer to the subscription's message, {} bookings", delays.len());
    println!("{:>40} {:>10.1} ms median, {:.1} ms at 95 %, {:.1} ms at most", "delay", at(50), at(95), at(100));
    drop(serve);
    databases.drop().await
}

/// Seconds until a condition holds; a minute at most.
async fn until<F: Future<Output = anyhow::Result<bool>>>(condition: impl Fn() -> F) -> anyhow::Result<f64> {
    let start = Instant::now();
    while !condition().await? {
        ensure!(start.elapsed() < Duration::from_mins(5), "it does not catch up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(start.elapsed().as_secs_f64())
}

struct Client {
    http: reqwest::Client,
    token: String,
}

impl Client {
    fn new(databases: &Databases) -> anyhow::Result<Self> {
        let (_, issuer) = Authority::development(&databases.keys)?;
        let roles = BTreeSet::from([Role::Administrator, Role::Clinician]);
        let (sub, tenant) = (UserId(event_store::fresh_id()), TenantId(event_store::fresh_id()));
        let claims = Claims {
            iss: String::new(),
            aud: "".into(),
            sub,
            tenant,
            roles,
            facility_roles: std::collections::BTreeMap::new(),
            patient: None,
            practitioner: None,
            iat: 0,
            exp: i64::from(u32::MAX),
        };
        Ok(Self { http: reqwest::Client::new(), token: issuer.issue(claims)? })
    }

    async fn send(&self, server: &str, command: &str, body: &Value) -> anyhow::Result<i64> {
        let answer: Value = self.http.post(format!("{server}/v1/{command}")).bearer_auth(&self.token).json(body).send().await?.json().await?;
        answer["position"].as_i64().with_context(|| format!("{command}: {answer}"))
    }

    async fn register_patients(&self, server: &Server) -> anyhow::Result<u64> {
        let (until, done) = (Instant::now() + LOAD, Arc::new(AtomicU64::new(0)));
        let clients = (0..CLIENTS).map(|_| async {
            while Instant::now() < until {
                let name = json!([{ "family": "Medhurst", "given": ["Sumiko", "Larue"], "prefix": ["Mrs."] }]);
                let body = json!({ "patient": event_store::fresh_id(), "demographics": { "name": name, "gender": "female", "birthDate": "1927-05-21" } });
                self.send(&server.at, "patients/register-patient", &body).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
        futures::future::try_join_all(clients).await?;
        Ok(done.load(Ordering::Relaxed))
    }

    /// Books one appointment after the other, and takes the time from each answer to its message.
    async fn delays(&self, server: &Server) -> anyhow::Result<Vec<Duration>> {
        let (facility, practitioner, patient) = (event_store::fresh_id(), event_store::fresh_id(), event_store::fresh_id());
        self.send(&server.at, "organizations/open-facility", &json!({ "facility": facility, "name": "Main", "timeZone": "America/Chicago" })).await?;
        self.send(&server.at, "providers/onboard-practitioner", &json!({ "practitioner": practitioner, "name": [{ "family": "Blackwell" }] })).await?;
        let all_day = json!({ "start": "00:00:00", "end": "00:00:00" });
        let weekly: Vec<Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().map(|day| json!({ "day": day, "hours": all_day })).collect();
        let availability = json!({ "practitioner": practitioner, "facility": facility, "from": "2026-01-01", "weekly": weekly, "slot": 30 });
        self.send(&server.at, "providers/set-availability", &availability).await?;
        let registered = self.send(&server.at, "patients/register-patient", &json!({ "patient": patient })).await?;

        let mut socket = self.subscribe(server, facility, registered).await?;
        let mut delays = Vec::with_capacity(BOOKINGS);
        for number in 0..BOOKINGS {
            let start = format!("2031-03-{:02}T{:02}:{:02}:00", number / 48 + 1, number % 48 / 2, number % 2 * 30);
            let placement = json!({ "practitioner": practitioner, "facility": facility, "start": start, "minutes": 30 });
            self.send(
                &server.at,
                "scheduling/book-appointment",
                &json!({ "appointment": event_store::fresh_id(), "patient": patient, "placement": placement }),
            )
            .await?;
            let answered = Instant::now();
            loop {
                let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await?.context("the socket ended")??;
                if message.to_text().is_ok_and(|text| text.contains("\"next\"")) {
                    break;
                }
            }
            delays.push(answered.elapsed());
        }
        Ok(delays)
    }

    async fn subscribe(
        &self,
        server: &Server,
        facility: Uuid,
        position: i64,
    ) -> anyhow::Result<impl futures::Stream<Item = Result<Message, tokio_tungstenite::tungstenite::Error>> + Unpin> {
        let mut request = format!("{}/graphql/ws", server.at.replacen("http", "ws", 1)).into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", "graphql-transport-ws".parse()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
        let init = json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {}", self.token) } });
        socket.send(Message::text(init.to_string())).await?;
        socket.next().await.context("the socket ended")??;
        let query = "subscription($facility: ID!) { facilityAppointments(facility: $facility) { appointments { id } } }";
        let extensions = json!({ "carelog": { "waitFor": position } });
        let payload = json!({ "query": query, "variables": { "facility": facility }, "extensions": extensions });
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": payload });
        socket.send(Message::text(subscribe.to_string())).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(socket)
    }
}
