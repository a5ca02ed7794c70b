//! A front desk that uploads, and a clinician who reads.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::app::App;

/// Carelog with one patient.
pub struct Desk {
    pub app: App,
    pub client: reqwest::Client,
    pub patient: Uuid,
}

/// Bytes that begin as a PDF does, and are like themselves nowhere else.
pub fn pdf(size: usize) -> Vec<u8> {
    let rest = (0_u32..).flat_map(|word| word.wrapping_mul(2_654_435_761).to_be_bytes());
    b"%PDF-1.7\nNeedle in the document\n".iter().copied().chain(rest).take(size).collect()
}

/// The body of a form, and its content type.
pub fn form(metadata: &str, content: &[u8]) -> (String, Vec<u8>) {
    let mut body = format!("--part\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{metadata}\r\n").into_bytes();
    body.extend_from_slice(b"--part\r\nContent-Disposition: form-data; name=\"content\"; filename=\"scan.pdf\"\r\nContent-Type: application/pdf\r\n\r\n");
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--part--\r\n");
    ("multipart/form-data; boundary=part".to_owned(), body)
}

impl Desk {
    pub async fn open(environment: &[(&str, &str)]) -> Self {
        let mut app = App::without_processes(environment).await;
        app.start("serve").await;
        let patient = event_store::fresh_id();
        app.accepted("/v1/patients/register-patient", Role::FrontDesk, json!({ "patient": patient })).await;
        Self { app, client: reqwest::Client::new(), patient }
    }

    pub fn metadata(&self, document: Uuid) -> Value {
        let attachment = json!({ "contentType": "application/pdf", "title": "Needle-Referral" });
        json!({ "document": document, "patient": self.patient, "content": { "status": "current", "attachment": attachment } })
    }

    pub async fn upload_as(&self, metadata: &Value, content: &[u8], key: Option<Uuid>) -> (StatusCode, Value) {
        self.try_upload(metadata, content, key).await.expect("the process answers")
    }

    pub async fn try_upload(&self, metadata: &Value, content: &[u8], key: Option<Uuid>) -> Result<(StatusCode, Value), reqwest::Error> {
        let (content_type, body) = form(&metadata.to_string(), content);
        let mut request = self.client.post(self.app.at(0, "/v1/documents/upload")).bearer_auth(self.app.token(Role::FrontDesk));
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key.to_string());
        }
        let answer = request.header("Content-Type", content_type).body(body).timeout(Duration::from_mins(3)).send().await?;
        Ok((answer.status(), answer.json().await?))
    }

    /// Uploads a document that must be accepted, and waits until it can be read.
    pub async fn accepted(&self, document: Uuid, content: &[u8]) -> Uuid {
        let (status, accepted) = self.upload_as(&self.metadata(document), content, None).await;
        assert_eq!(status, StatusCode::OK, "{accepted}");
        let answer = self.get(document, &[("Carelog-Wait-For", &accepted["position"].to_string()), ("Range", "bytes=0-0")]).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        document
    }

    pub async fn get(&self, document: Uuid, headers: &[(&str, &str)]) -> reqwest::Response {
        let request = self.client.get(self.app.at(0, &format!("/v1/documents/{document}"))).bearer_auth(self.app.token(Role::Clinician));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.expect("the process answers")
    }

    /// A document whole, which must be there.
    pub async fn download(&self, document: Uuid) -> Vec<u8> {
        let answer = self.get(document, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        assert_eq!(answer.headers()["content-disposition"], format!("attachment; filename=\"{document}.pdf\"").as_str());
        assert_eq!((answer.headers()["accept-ranges"].to_str().unwrap(), answer.headers()["cache-control"].to_str().unwrap()), ("bytes", "no-store"));
        answer.bytes().await.expect("the whole document").to_vec()
    }

    /// A link to a document, made by a clinician.
    pub async fn link(&self, document: Uuid) -> String {
        let path = format!("/v1/documents/{document}/link");
        let answer = self.client.post(self.app.at(0, &path)).bearer_auth(self.app.token(Role::Clinician)).send().await.expect("the process answers");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.expect("JSON")["path"].as_str().expect("a path").to_owned()
    }

    /// Every file in the folder of documents.
    pub fn stored(&self) -> Vec<PathBuf> {
        files(&self.app.documents)
    }

    /// The file of a document.
    pub fn file(&self, document: Uuid) -> PathBuf {
        let name = document.to_string();
        self.stored().into_iter().find(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name))).expect("it is stored")
    }

    /// Two days pass for every file.
    pub fn grow_old(&self) {
        for path in self.stored() {
            let touched = std::process::Command::new("touch").args(["-d", "2 days ago"]).arg(path).status().expect("touch is there");
            assert!(touched.success());
        }
    }

    /// A number from the log's database.
    pub async fn count(&self, statement: &str) -> i64 {
        let mut log = PgConnection::connect(&self.app.url(0)).await.expect("the log's database");
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned())).fetch_one(&mut log).await.expect("a number")
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { vec![entry.path()] }).collect()
}
