//! Carelog on servers of its own, with a folder for every place that is looked through.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use event_store::PARTITIONS;
use gate::Role;
use kafka::KafkaConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use super::answers;
use super::script::Cast;
use super::searcher::{BORN, NAME, NUMBER, PHONE, Searcher, TEXT};
use crate::app::App;
use crate::documents::desk::form;
use crate::kafka::outage::OwnKafka;
use crate::kafka::plain;
use crate::servers::{OwnPostgres, Relay};

pub struct World {
    pub app: App,
    /// Every answer that is an error, with its headers.
    pub answers: Vec<String>,
    client: reqwest::Client,
    postgres: OwnPostgres,
    log_relay: Relay,
    access_relay: Relay,
    kafka: OwnKafka,
    temporary: PathBuf,
    position: i64,
}

impl World {
    /// `None` where the servers are not to be had.
    pub async fn open() -> Option<Self> {
        let (postgres, kafka) = (OwnPostgres::start()?, OwnKafka::start()?);
        let port = postgres.options().get_port();
        let (log_relay, access_relay) = (Relay::to("127.0.0.1".to_owned(), port).await, Relay::to("127.0.0.1".to_owned(), port).await);
        let over = |relay: &Relay, name: &str| postgres.url(name).replace(&format!(":{port}/"), &format!(":{}/", relay.port));
        let temporary = std::env::temp_dir().join(format!("carelog-needle-{}", event_store::fresh_id().simple()));
        std::fs::create_dir(&temporary).unwrap();
        let environment = [
            ("DATABASE_URL", over(&log_relay, "needle_log")),
            ("CARELOG_VAULT_DATABASE_URL", postgres.url("needle_vault")),
            ("CARELOG_ACCESS_DATABASE_URL", over(&access_relay, "needle_access")),
            ("KAFKA", "on".to_owned()),
            ("KAFKA_BROKERS", format!("127.0.0.1:{}", kafka.port)),
            ("TMPDIR", temporary.to_str().unwrap().to_owned()),
            ("RUST_LOG", "trace".to_owned()),
            ("CARELOG_LOG_JSON", "true".to_owned()),
            ("CARELOG_DOCUMENT_TYPES", "text/plain".to_owned()),
        ];
        let environment = environment.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut app = App::without_processes(&environment).await;
        app.start("serve").await;
        let client = reqwest::Client::new();
        let world = Self { app, answers: vec![], client, postgres, log_relay, access_relay, kafka, temporary, position: 0 };
        world.uncompressed().await;
        Some(world)
    }

    fn kafka_config(&self) -> KafkaConfig {
        KafkaConfig::new(format!("127.0.0.1:{}", self.kafka.port))
    }

    /// From here on the broker keeps what it is given as it reads, so that its files can be searched.
    async fn uncompressed(&self) {
        let config = self.kafka_config();
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
        let topic = ResourceSpecifier::Topic(&config.log_topic);
        let give_up = Instant::now() + Duration::from_mins(1);
        loop {
            let altered = admin.alter_configs([&AlterConfig::new(topic).set("compression.type", "uncompressed")], &AdminOptions::new()).await;
            if altered.is_ok_and(|altered| altered[0].is_ok()) {
                return;
            }
            assert!(Instant::now() < give_up, "the relay makes the topic");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// A request to the process.
    pub fn request(&self, method: &str, path: &str, role: Option<Role>) -> RequestBuilder {
        let request = self.client.request(method.parse().unwrap(), self.app.at(0, path)).timeout(Duration::from_secs(60));
        if let Some(role) = role { request.bearer_auth(self.app.token(role)) } else { request }
    }

    /// Sends it, and keeps the answer where it is an error.
    pub async fn send(&mut self, request: RequestBuilder) -> (StatusCode, Value) {
        // A server that hangs up has repeated nothing.
        let Ok(answer) = request.send().await else { return (StatusCode::BAD_GATEWAY, Value::Null) };
        let (status, headers) = (answer.status(), format!("{:?}", answer.headers()));
        let body = answer.text().await.unwrap_or_default();
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        if !status.is_success() || value.get("errors").is_some() {
            self.answers.push(format!("{status} {headers}\n{body}"));
        }
        (status, value)
    }

    /// Sends a command; what came of it where it is not accepted.
    pub async fn accepted(&mut self, path: &str, role: Role, body: &Value) -> Result<(), String> {
        let request = self.request("POST", path, Some(role)).json(body);
        let (status, answer) = self.send(request).await;
        self.position = answer["position"].as_i64().unwrap_or(self.position);
        if status == StatusCode::OK { Ok(()) } else { Err(format!("{path} {body}: {answer}")) }
    }

    pub async fn upload(&mut self, metadata: &Value, content: &[u8], expected: StatusCode) {
        let (kind, body) = form(&metadata.to_string(), content);
        let request = self.request("POST", "/v1/documents/upload", Some(Role::FrontDesk)).header("Content-Type", kind).body(body);
        let (status, answer) = self.send(request).await;
        assert_eq!(status, expected, "{answer}");
        self.position = answer["position"].as_i64().unwrap_or(self.position);
    }

    /// What was written comes back to those who may read it, in every API.
    pub async fn read_everything(&mut self, cast: &Cast) {
        let position = self.position.to_string();
        let search = format!(
            r#"{{ patients(search: {{ name: "{NAME}", birthDate: "{BORN}" }}) {{ nodes {{ displayName birthDate history(first: 50) {{ nodes {{ summary }} }} chart(first: 50) {{ nodes {{ title }} }} }} }} }}"#
        );
        let request = self.request("POST", "/graphql", Some(Role::Clinician)).json(&json!({ "query": search })).header("Carelog-Wait-For", &position);
        let (status, answer) = self.send(request).await;
        assert!(status.is_success() && answer.to_string().contains(NAME), "{answer}");
        for path in [format!("/fhir/Patient/{}", cast.ada), format!("/fhir/Patient/{}/$everything", cast.ada)] {
            let request = self.request("GET", &path, Some(Role::Clinician));
            let (status, answer) = self.send(request).await;
            assert!(status.is_success() && answer.to_string().contains(NAME), "{answer}");
        }
        let request = self.request("GET", &format!("/v1/documents/{}", cast.document), Some(Role::Clinician));
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), super::NEEDLES.join("\n"));
    }

    /// The same command again, spoilt in every way.
    pub async fn refused(&mut self, path: &str, role: Role, body: &Value) {
        for spoilt in answers::spoilt(body) {
            let request = self.request("POST", path, Some(role)).json(&spoilt);
            self.send(request).await;
        }
        let request = self.request("POST", path, Some(Role::Analyst)).json(body);
        assert_eq!(self.send(request).await.0, StatusCode::FORBIDDEN);
        let broken = body.to_string();
        let request = self.request("POST", path, Some(role)).header("Content-Type", "application/json").body(broken[..broken.len() - 1].to_owned());
        assert_eq!(self.send(request).await.0, StatusCode::BAD_REQUEST);
        let request = self.request("POST", path, Some(role)).json(body);
        self.send(request).await;
    }

    /// What is asked for wrongly, of every API.
    pub async fn ask_wrongly(&mut self, cast: &Cast) {
        for (name, value) in answers::headers() {
            let request = self.request("POST", "/v1/patients/register-patient", Some(Role::FrontDesk)).json(&json!({})).header(name, value);
            self.send(request).await;
            let request = self.request("POST", "/graphql", Some(Role::FrontDesk)).json(&json!({ "query": "{ nothing }" })).header(name, value);
            self.send(request).await;
        }
        for (method, path) in answers::paths(cast.ada) {
            for role in [None, Some(Role::Clinician)] {
                let request = self.request(method, &path, role);
                self.send(request).await;
            }
        }
        for body in answers::graphql() {
            for role in [Role::FrontDesk, Role::Analyst] {
                let request = self.request("POST", "/graphql", Some(role)).json(&body);
                let (_, answer) = self.send(request).await;
                assert!(answer.get("errors").is_some() || role == Role::FrontDesk, "{body} is refused: {answer}");
            }
        }
    }

    /// Uploads whose parts, types and names are not as they should be.
    pub async fn upload_wrongly(&mut self, cast: &Cast) {
        let metadata = cast.metadata(event_store::fresh_id()).to_string();
        for (part, file, content_type, metadata) in [
            (NAME, "a.txt", "text/plain", metadata.as_str()),
            ("content", NUMBER, "application/x-xerophthalmic", metadata.as_str()),
            ("content", "a.txt", "text/plain", &metadata.replace("\"patient\"", &format!("\"{NAME}\""))),
            ("content", "a.txt", "text/plain", &metadata.replace("\"current\"", &format!("\"{TEXT}\""))),
            ("content", "a.txt", "text/plain", &metadata[..metadata.len() - 9]),
            ("content", "a.txt", "text/plain", &metadata.replace(&cast.ada.to_string(), NUMBER)),
        ] {
            let body = format!(
                "--part\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n--part\r\nContent-Disposition: form-data; name=\"{part}\"; \
                 filename=\"{file}\"\r\nContent-Type: {content_type}\r\n\r\n{NAME} {TEXT}\r\n--part--\r\n"
            );
            let request = self.request("POST", "/v1/documents/upload", Some(Role::FrontDesk)).header("Content-Type", "multipart/form-data; boundary=part");
            self.send(request.body(body)).await;
        }
        let request = self.request("POST", "/v1/documents/upload", Some(Role::FrontDesk)).header("Content-Type", format!("multipart/form-data; {NAME}={TEXT}"));
        assert!(self.send(request.body(NAME)).await.0.is_client_error());
    }

    /// A bulk file of FHIR with needles in every value (its report names the fields that have no place, as the file does), and a line that breaks off in the middle of one.
    pub async fn import(&mut self) {
        let input = std::env::temp_dir().join(format!("carelog-needle-input-{}", event_store::fresh_id().simple()));
        std::fs::create_dir(&input).unwrap();
        let patient = json!({ "resourceType": "Patient", "id": NUMBER, "birthDate": BORN, "name": [{ "family": NAME }],
            "telecom": [{ "system": "phone", "value": PHONE }] });
        let condition = json!({ "resourceType": "Condition", "id": "c", "subject": { "reference": format!("Patient/{NUMBER}") }, "code": { "text": TEXT },
            "onsetDateTime": BORN, "note": [{ "text": PHONE }] });
        let broken = format!("{{\"resourceType\":\"Condition\",\"code\":{{\"text\":\"{TEXT}");
        std::fs::write(input.join("Patient.ndjson"), format!("{patient}\n")).unwrap();
        std::fs::write(input.join("Condition.ndjson"), format!("{condition}\n{broken}\n")).unwrap();
        let arguments =
            ["import", "fhir", input.to_str().unwrap(), "--tenant", &self.app.tenant.to_string(), "--source", "needle", "--time-zone", "America/Chicago"]
                .map(str::to_owned);
        let imported = self.app.command(&arguments.each_ref().map(String::as_str)).output().unwrap();
        std::fs::remove_dir_all(&input).unwrap();
        let said = [imported.stdout, imported.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(said.contains("Condition"), "{said}");
        self.answers.push(said);
    }

    /// Everything is on Kafka.
    pub async fn published(&self) {
        let mut log = PgConnection::connect(&self.postgres.url("needle_log")).await.unwrap();
        let head: i64 = sqlx::query_scalar("select max(position) from clinical.event").fetch_one(&mut log).await.unwrap();
        let give_up = Instant::now() + Duration::from_mins(1);
        while plain::read(&self.kafka_config(), "read_committed").await.len() < usize::try_from(head).unwrap() {
            assert!(Instant::now() < give_up, "the relay publishes");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// The same while one thing after the other is away.
    pub async fn during_faults(&mut self, cast: &Cast) {
        self.access_relay.stop(true);
        self.failing(cast, "the access log").await;
        self.access_relay.stop(false);
        self.log_relay.stop(true);
        self.failing(cast, "the log").await;
        self.log_relay.stop(false);
        // A file where a folder was: nothing can be kept in it.
        let aside = self.app.documents.with_extension("aside");
        std::fs::rename(&self.app.documents, &aside).unwrap();
        std::fs::write(&self.app.documents, "").unwrap();
        self.failing(cast, "the documents' storage").await;
        std::fs::remove_file(&self.app.documents).unwrap();
        std::fs::rename(&aside, &self.app.documents).unwrap();
        let mut access = PgConnection::connect(&self.postgres.url("needle_access")).await.unwrap();
        sqlx::raw_sql("revoke insert on access.event from carelog_log").execute(&mut access).await.unwrap();
        self.failing(cast, "the right to record").await;
        sqlx::raw_sql("grant insert on access.event to carelog_log").execute(&mut access).await.unwrap();
        // Without a broker everything goes on, and the relay says that it waits.
        self.kafka.run("stop");
        self.try_everything(cast).await;
        self.kafka.run("start");
        self.led().await;
    }

    /// A broker that came back leads its partitions again a moment later.
    async fn led(&self) {
        let config = self.kafka_config();
        let leads = move || {
            let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
            let ready = || (0..i32::from(PARTITIONS)).all(|partition| consumer.fetch_watermarks(&config.log_topic, partition, Duration::from_secs(5)).is_ok());
            let give_up = Instant::now() + Duration::from_mins(1);
            while !ready() {
                assert!(Instant::now() < give_up, "the broker does not come back");
                std::thread::sleep(Duration::from_millis(200));
            }
        };
        tokio::task::spawn_blocking(leads).await.unwrap();
    }

    async fn failing(&mut self, cast: &Cast, away: &str) {
        assert!(self.try_everything(cast).await.iter().any(StatusCode::is_server_error), "{away} is away, and nothing fails");
    }

    async fn try_everything(&mut self, cast: &Cast) -> Vec<StatusCode> {
        let (_, registration) = Cast::new().script().into_iter().find(|(name, _)| *name == "patients/register-patient").unwrap();
        let query = format!(r#"{{ patients(search: {{ name: "{NAME}", birthDate: "{BORN}" }}) {{ nodes {{ displayName }} }} }}"#);
        let (kind, body) = form(&cast.metadata(event_store::fresh_id()).to_string(), NAME.as_bytes());
        let mut requests = vec![
            self.request("POST", "/v1/patients/register-patient", Some(Role::FrontDesk)).json(&registration),
            self.request("POST", "/graphql", Some(Role::Clinician)).json(&json!({ "query": query })),
            self.request("POST", "/v1/documents/upload", Some(Role::FrontDesk)).header("Content-Type", kind).body(body),
        ];
        for path in [format!("/fhir/Patient/{}", cast.ada), format!("/v1/documents/{}", cast.document), "/health".to_owned()] {
            requests.push(self.request("GET", &path, Some(Role::Clinician)));
        }
        let mut came = Vec::new();
        for request in requests {
            came.push(self.send(request).await.0);
        }
        came
    }

    /// What a stock client reads of the log's topic.
    pub async fn records(&self) -> Vec<Vec<u8>> {
        let records = plain::read(&self.kafka_config(), "read_uncommitted").await;
        records.into_iter().map(|record| [record.key, format!("{:?}", record.headers).into_bytes(), record.value].concat()).collect()
    }

    /// Some of the read models, as text.
    pub async fn read_models(&self) -> String {
        let mut read = PgConnection::connect(&self.app.url(2)).await.unwrap();
        let mut text = String::new();
        for table in ["patients_v%.patient", "records_v%.chart_fact", "scheduling_v%.appointment"] {
            let (schema, table) = table.split_once('.').unwrap();
            let schema: String = sqlx::query_scalar("select schema_name from projection.version where active and schema_name like $1")
                .bind(schema)
                .fetch_one(&mut read)
                .await
                .unwrap();
            let rows: String = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select string_agg(row::text, ' ') from {schema}.{table} row")))
                .fetch_one(&mut read)
                .await
                .unwrap();
            text.push_str(&rows);
        }
        text
    }

    /// As a crash leaves them: what was only in memory is in the files as well.
    pub fn stop(&mut self) {
        self.app.kill(0);
        self.postgres.crash_and_restart();
        self.postgres.stop();
        self.kafka.run("stop");
    }

    /// Every file of the servers, the documents, the keys, the log and what is temporary.
    pub fn in_files(&self, searcher: &Searcher) -> Vec<String> {
        [self.postgres.folder(), &self.kafka.folder, &self.app.documents, &self.app.keys, &self.temporary]
            .into_iter()
            .flat_map(|folder| searcher.in_files(folder))
            .collect()
    }

    /// A needle that is in one of the places is found there.
    pub async fn plant_and_find(&mut self, searcher: &Searcher) {
        self.postgres.restart();
        self.kafka.run("start");
        for database in ["needle_log", "needle_vault", "needle_access"] {
            let mut connection = PgConnection::connect(&self.postgres.url(database)).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create table planted (at text); insert into planted values ('{TEXT} in {database}')")))
                .execute(&mut connection)
                .await
                .unwrap();
            // The server's own log: a refused statement, where it is logged.
            sqlx::raw_sql(sqlx::AssertSqlSafe(format!("set log_min_messages = error; set log_min_error_statement = error; select '{NAME}'::integer")))
                .execute(&mut connection)
                .await
                .unwrap_err();
        }
        self.led().await;
        let config = self.kafka_config();
        let producer: FutureProducer = ClientConfig::new().set("bootstrap.servers", &config.brokers).create().unwrap();
        producer.send(FutureRecord::to(&config.log_topic).key("planted").payload(NUMBER), Duration::from_secs(30)).await.unwrap();
        std::fs::write(self.app.documents.join("planted"), BORN).unwrap();
        std::fs::write(self.app.keys.join("planted.log"), NAME).unwrap();
        std::fs::write(self.temporary.join("planted"), PHONE).unwrap();
        self.postgres.crash_and_restart();
        self.postgres.stop();
        self.kafka.run("stop");
        let found = self.in_files(searcher);
        let places = ["/base/", "/pg_wal/", "/postgres.log", "carelog.log.v1", "documents", "planted.log", self.temporary.to_str().unwrap()];
        let blind: Vec<&str> = places.into_iter().filter(|place| !found.iter().any(|found| found.contains(place))).collect();
        assert!(blind.is_empty(), "what was planted is not found in {blind:?}: {found:#?}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.temporary).ok();
    }
}
