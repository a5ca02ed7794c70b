//! What is refused, why, and that nothing of it is left.

use std::time::Duration;

use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::desk::{Desk, form, pdf};

#[tokio::test]
async fn what_is_not_what_it_says_or_not_allowed_is_refused_and_leaves_nothing() {
    let desk = Desk::open(&[]).await;
    let declared = |kind: &str| {
        let mut metadata = desk.metadata(event_store::fresh_id());
        metadata["content"]["attachment"]["contentType"] = json!(kind);
        metadata
    };
    let mut program = b"MZ\x90\0\x03\0\0\0".to_vec();
    program.resize(300_000, 0);
    let late = [b"plain text ".repeat(100_000).as_slice(), &[0xFF]].concat();
    let elsewhere = {
        let mut metadata = declared("application/pdf");
        metadata["patient"] = json!(event_store::fresh_id());
        metadata
    };
    let during = {
        let mut metadata = declared("application/pdf");
        metadata["content"]["context"] = json!({ "encounter": [{ "reference": format!("Encounter/{}", event_store::fresh_id()) }] });
        metadata
    };
    let cases = [
        (declared("application/pdf"), program.clone(), "content-type-mismatch"),
        (declared("image/png"), pdf(1000), "content-type-mismatch"),
        (declared("text/plain"), late, "content-type-mismatch"),
        (declared("application/zip"), b"PK\x03\x04".to_vec(), "content-type-not-allowed"),
        (declared("application/x-msdownload"), program, "content-type-not-allowed"),
        (elsewhere, pdf(6_000_000), "patient-unknown"),
        (during, pdf(1000), "encounter-unknown"),
    ];
    for (metadata, bytes, code) in cases {
        let (status, problem) = desk.upload_as(&metadata, &bytes, None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)), "{problem}");
        assert!(!problem.to_string().contains("Needle"), "{problem}");
    }
    assert_eq!(desk.stored(), Vec::<std::path::PathBuf>::new());
    assert_eq!(desk.count("select count(*) from clinical.event where type like 'documents.%'").await, 0);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_leaves_nothing() {
    let desk = Desk::open(&[("CARELOG_DOCUMENT_LIMIT", "100")]).await;
    let largest = 100 * 1024 * 1024;
    let (status, problem) = desk.upload_as(&desk.metadata(event_store::fresh_id()), &pdf(largest + 1), None).await;
    assert_eq!((status, &problem["code"], &problem["parameters"]["limit"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("document-too-large"), &json!(largest)));
    let (status, problem) = desk.upload_as(&desk.metadata(event_store::fresh_id()), &pdf(largest + 2_000_000), None).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("document-too-large")));
    assert_eq!(desk.stored(), Vec::<std::path::PathBuf>::new());
    desk.accepted(event_store::fresh_id(), &pdf(largest)).await;
    let resident = std::fs::read_to_string(format!("/proc/{}/status", desk.app.pid(0))).unwrap();
    let kilobytes: u64 = resident.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 300_000, "{kilobytes} kB were in memory at most: documents are never whole there");
}

#[tokio::test]
async fn a_form_of_another_shape_is_refused() {
    let desk = Desk::open(&[]).await;
    let metadata = desk.metadata(event_store::fresh_id());
    let (kind, body) = form(&metadata.to_string(), &pdf(1000));
    let text = String::from_utf8_lossy(&body).into_owned();
    let twice = text.replace("--part--", "--part\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nmore\r\n--part--");
    let broken = form("{ \"document\": ", &pdf(1000)).1;
    let mut untitled = metadata.clone();
    untitled["content"] = json!({ "status": "current" });
    let cases: Vec<(&str, Vec<u8>, StatusCode, &str)> = vec![
        ("application/json", metadata.to_string().into_bytes(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type"),
        (&kind, text.replace("name=\"metadata\"", "name=\"meta\"").into_bytes(), StatusCode::BAD_REQUEST, "invalid-request"),
        (&kind, text.replace("name=\"content\"", "name=\"file\"").into_bytes(), StatusCode::BAD_REQUEST, "invalid-request"),
        (&kind, twice.into_bytes(), StatusCode::BAD_REQUEST, "invalid-request"),
        (&kind, broken, StatusCode::BAD_REQUEST, "invalid-body"),
        (&kind, form(&untitled.to_string(), &pdf(1000)).1, StatusCode::BAD_REQUEST, "invalid-body"),
        (&kind, form(&" ".repeat(300_000), &pdf(1000)).1, StatusCode::BAD_REQUEST, "invalid-request"),
        (&kind, body[..body.len() - 12].to_vec(), StatusCode::BAD_REQUEST, "unreadable-body"),
        (&kind, Vec::new(), StatusCode::BAD_REQUEST, "unreadable-body"),
    ];
    for (kind, body, status, code) in cases {
        let request = desk.client.post(desk.app.at(0, "/v1/documents/upload")).bearer_auth(desk.app.token(Role::FrontDesk));
        let answer = request.header("Content-Type", kind).body(body).send().await.unwrap();
        let (answered, problem) = (answer.status(), answer.json::<Value>().await.unwrap());
        assert_eq!((answered, problem["code"].as_str().unwrap()), (status, code), "{problem}");
    }
    assert_eq!(desk.stored(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn an_upload_that_dies_half_way_leaves_nothing() {
    let desk = Desk::open(&[("CARELOG_DOCUMENT_LIMIT", "50")]).await;
    let (kind, body) = form(&desk.metadata(event_store::fresh_id()).to_string(), &pdf(20_000_000));
    for sent in [100, 1000, 1_000_000, 12_000_000, body.len() - 5] {
        let address = desk.app.at(0, "").trim_start_matches("http://").to_owned();
        let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
        let token = desk.app.token(Role::FrontDesk);
        let head = format!(
            "POST /v1/documents/upload HTTP/1.1\r\nHost: carelog\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&body[..sent]).await.unwrap();
        drop(connection);
    }
    for _ in 0..100 {
        if desk.stored().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(desk.stored(), Vec::<std::path::PathBuf>::new());
    assert_eq!(desk.count("select count(*) from clinical.event where type like 'documents.%'").await, 0);
}

#[tokio::test]
async fn a_full_storage_says_so_and_takes_documents_again_when_there_is_room() {
    let folder = std::env::temp_dir().join(format!("carelog-full-{}", event_store::fresh_id().simple()));
    std::fs::create_dir_all(&folder).unwrap();
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&folder).status();
    if !mounted.is_ok_and(|mounted| mounted.success()) {
        eprintln!("skipped: a small disk cannot be mounted here");
        return;
    }
    let unmount = || {
        std::process::Command::new("umount").arg("-l").arg(&folder).status().ok();
        std::fs::remove_dir(&folder).ok();
    };
    let desk = Desk::open(&[("CARELOG_DOCUMENTS", folder.to_str().unwrap())]).await;
    let kept = desk.accepted(event_store::fresh_id(), &pdf(1_000_000)).await;
    for _ in 0..3 {
        let (status, problem) = desk.upload_as(&desk.metadata(event_store::fresh_id()), &pdf(9_000_000), None).await;
        assert_eq!((status, &problem["code"]), (StatusCode::INSUFFICIENT_STORAGE, &json!("storage-full")), "{problem}");
    }
    desk.accepted(event_store::fresh_id(), &pdf(5_500_000)).await;
    assert_eq!(desk.download(kept).await.len(), 1_000_000);
    unmount();
}

#[tokio::test]
async fn as_many_upload_at_once_as_there_is_room_for() {
    let desk = Desk::open(&[]).await;
    let address = desk.app.at(0, "").trim_start_matches("http://").to_owned();
    let token = desk.app.token(Role::FrontDesk);
    let mut stalled = Vec::new();
    let busy = loop {
        let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /v1/documents/upload HTTP/1.1\r\nHost: carelog\r\nAuthorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=part\r\nContent-Length: 9000\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 2000];
        let read = tokio::io::AsyncReadExt::read(&mut connection, &mut answer);
        if let Ok(read) = tokio::time::timeout(Duration::from_millis(100), read).await {
            break String::from_utf8_lossy(&answer[..read.unwrap()]).into_owned();
        }
        stalled.push(connection);
        assert!(stalled.len() < 100, "no upload is told to come later");
    };
    assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("retry-after") && busy.contains("too-many-uploads"), "{busy}");
    drop(stalled);
    let give_up = tokio::time::Instant::now() + Duration::from_secs(20);
    while desk.upload_as(&desk.metadata(event_store::fresh_id()), &pdf(1000), None).await.0 != StatusCode::OK {
        assert!(tokio::time::Instant::now() < give_up, "who goes away makes room");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
