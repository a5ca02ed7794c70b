//! The same over every storage: a folder, and a real S3 server, which `make test` installs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use super::desk::{Desk, pdf};

/// A `versitygw` over a folder of its own, which is gone at the end.
pub struct S3 {
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Option<Child>,
}

const BUCKET: &str = "carelog";

impl S3 {
    /// `None` where it is not installed; CI must have it.
    pub async fn start() -> Option<Self> {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/s3/versitygw");
        let binary = std::env::var_os("CARELOG_TEST_S3").map_or(installed, PathBuf::from);
        if !binary.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", binary.display());
            eprintln!("SKIPPED: {} is not there; `scripts/install s3` installs it", binary.display());
            return None;
        }
        let folder = std::env::temp_dir().join(format!("carelog-s3-{}", event_store::fresh_id().simple()));
        std::fs::create_dir_all(folder.join(BUCKET)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut s3 = Self { binary, folder, port, process: None };
        s3.run().await;
        Some(s3)
    }

    async fn run(&mut self) {
        let mut command = Command::new(&self.binary);
        command.args(["--access", "carelog", "--secret", "carelog-secret", "--port", &format!("127.0.0.1:{}", self.port), "posix"]).arg(&self.folder);
        self.process = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("versitygw runs"));
        for _ in 0..100 {
            if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("versitygw does not answer");
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        [
            ("CARELOG_DOCUMENTS", "s3://carelog/documents"),
            ("AWS_ENDPOINT", &endpoint),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "carelog"),
            ("AWS_SECRET_ACCESS_KEY", "carelog-secret"),
            ("AWS_REGION", "us-east-1"),
            ("CARELOG_DOCUMENT_LIMIT", "30"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub async fn desk(&self) -> Desk {
        let environment = self.environment();
        let environment: Vec<(&str, &str)> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut desk = Desk::open(&environment).await;
        // The server keeps objects as files of their names.
        std::fs::remove_dir_all(&desk.app.documents).ok();
        desk.app.documents = self.folder.join(BUCKET).join("documents");
        desk
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.stop();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Documents of every length go in and come out, whole and in parts; what is refused leaves nothing; what is left over is collected.
async fn suite(desk: Desk) {
    let part = 5 * 1024 * 1024;
    let mut documents = Vec::new();
    for size in [9, 65_535, 65_536, 65_537, part - 81 - 80 * 16, part, 2 * part + 1, 20_000_000] {
        let document = desk.accepted(event_store::fresh_id(), &pdf(size)).await;
        documents.push((document, size));
    }
    for (document, size) in &documents {
        let bytes = pdf(*size);
        assert!(desk.download(*document).await == bytes, "{size}");
        let middle = desk.get(*document, &[("Range", &format!("bytes={}-{}", size / 3, size / 2))]).await;
        assert!(middle.bytes().await.unwrap() == bytes[size / 3..=size / 2], "{size}");
    }
    let mut metadata = desk.metadata(event_store::fresh_id());
    metadata["patient"] = json!(event_store::fresh_id());
    for size in [1000, 12_000_000] {
        assert_eq!(desk.upload_as(&metadata, &pdf(size), None).await.1["code"], "patient-unknown");
    }
    let too_large = desk.upload_as(&desk.metadata(event_store::fresh_id()), &pdf(30 * 1024 * 1024 + 1), None).await;
    assert_eq!(too_large.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(desk.stored().len(), documents.len(), "what is refused leaves nothing: {:?}", desk.stored());
    let path = desk.file(documents[0].0);
    let orphan = path.with_file_name(path.file_name().unwrap().to_string_lossy().replace(&documents[0].0.to_string(), &event_store::fresh_id().to_string()));
    std::fs::copy(&path, &orphan).unwrap();
    desk.grow_old();
    let collected = desk.app.command(&["collect-documents"]).output().unwrap();
    assert!(collected.status.success(), "{}", String::from_utf8_lossy(&collected.stderr));
    let expected = format!("{} documents kept; deleted: 0 uploads that were cut off, 1 documents that no event names", documents.len());
    assert_eq!(String::from_utf8_lossy(&collected.stdout).trim(), expected);
    for (document, size) in &documents {
        assert_eq!(desk.download(*document).await.len(), *size);
    }
}

#[tokio::test]
async fn over_a_folder() {
    suite(Desk::open(&[("CARELOG_DOCUMENT_LIMIT", "30")]).await).await;
}

#[tokio::test]
async fn over_s3() {
    let Some(s3) = S3::start().await else { return };
    suite(s3.desk().await).await;
}

#[tokio::test]
async fn without_s3_there_is_an_answer_and_with_it_again_there_are_documents() {
    let Some(mut s3) = S3::start().await else { return };
    let desk = s3.desk().await;
    let (kept, bytes) = (event_store::fresh_id(), pdf(7_000_000));
    desk.accepted(kept, &bytes).await;
    s3.stop();
    let (document, key) = (event_store::fresh_id(), event_store::fresh_id());
    let (status, problem) = desk.upload_as(&desk.metadata(document), &bytes, Some(key)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("storage-unavailable")), "{problem}");
    let answer = desk.get(kept, &[]).await;
    assert_eq!((answer.status(), &answer.json::<serde_json::Value>().await.unwrap()["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("storage-unavailable")));
    assert_eq!(desk.count("select count(*) from clinical.event where type like 'documents.%'").await, 1, "nothing half-done");
    let health: serde_json::Value = desk.client.get(desk.app.at(0, "/health")).send().await.unwrap().json().await.unwrap();
    assert_eq!((&health["status"], &health["checks"]["documents"]["status"]), (&json!("degraded"), &json!("degraded")));
    s3.run().await;
    let (status, accepted) = desk.upload_as(&desk.metadata(document), &bytes, Some(key)).await;
    assert_eq!(status, StatusCode::OK, "{accepted}");
    assert!(desk.download(kept).await == bytes);
}
