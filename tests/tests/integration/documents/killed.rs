//! The process is killed in the middle of an upload or a download, as a power cut would.

use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::desk::{Desk, pdf};
use super::storages::S3;
use crate::app::App;

/// More than what the kernel takes in before anyone reads it.
const LARGE: usize = 30_000_000;

#[tokio::test]
async fn in_an_upload_to_a_folder() {
    uploads(Desk::open(&[("CARELOG_DOCUMENT_LIMIT", "40")]).await).await;
}

#[tokio::test]
async fn in_an_upload_to_s3() {
    let Some(s3) = S3::start().await else { return };
    uploads(s3.desk().await).await;
}

#[tokio::test]
async fn in_a_download_from_a_folder() {
    downloads(Desk::open(&[("CARELOG_DOCUMENT_LIMIT", "40")]).await).await;
}

#[tokio::test]
async fn in_a_download_from_s3() {
    let Some(s3) = S3::start().await else { return };
    downloads(s3.desk().await).await;
}

/// It leaves a stage at most, and nothing that was accepted is lost.
async fn uploads(mut desk: Desk) {
    let bytes = pdf(LARGE);
    let mut accepted = Vec::new();
    for milliseconds in [20_u64, 120, 300, 500, 900] {
        let document = event_store::fresh_id();
        let (metadata, pid) = (desk.metadata(document), desk.app.pid(0));
        let killing = async {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            App::kill_pid(pid);
        };
        let (answer, ()) = tokio::join!(desk.try_upload(&metadata, &bytes, None), killing);
        if answer.is_ok_and(|(status, _)| status == StatusCode::OK) {
            accepted.push(document);
        }
        desk.app.restart(0, "serve").await;
    }
    let head = desk.count("select max(position) from clinical.event").await.to_string();
    for document in &accepted {
        desk.get(*document, &[("Carelog-Wait-For", &head)]).await;
        assert!(desk.download(*document).await == bytes);
    }
    desk.grow_old();
    let collected = desk.app.command(&["collect-documents"]).output().unwrap();
    assert!(collected.status.success(), "{}", String::from_utf8_lossy(&collected.stderr));
    let named: i64 = desk.count("select count(*) from clinical.event where type = 'documents.DocumentUploaded'").await;
    assert_eq!(i64::try_from(desk.stored().len()).unwrap(), named, "what is stored is what events name: {:?}", desk.stored());
}

/// Who reads sees that the answer was cut off, gets the same bytes afterwards, and a link that was in use is used up.
async fn downloads(mut desk: Desk) {
    let bytes = pdf(LARGE);
    let document = desk.accepted(event_store::fresh_id(), &bytes).await;
    let part = 1_000_001..LARGE - 5;
    let range = [("Range", format!("bytes={}-{}", part.start, part.end - 1))];
    let range: Vec<(&str, &str)> = range.iter().map(|(name, value)| (*name, value.as_str())).collect();

    for (headers, expected) in [(&[][..], &bytes[..]), (&range, &bytes[part])] {
        let answer = desk.get(document, headers).await;
        cut_off(&mut desk, answer, expected).await;
        let again = desk.get(document, headers).await.bytes().await.unwrap();
        assert!(again == expected, "the same bytes once it runs again");
    }

    let (used, unused) = (desk.link(document).await, desk.link(document).await);
    let answer = open(&desk, &used).await;
    assert_eq!(answer.status(), StatusCode::OK);
    cut_off(&mut desk, answer, &bytes).await;
    let looks = desk.app.command(&["access", "--tenant", &desk.app.tenant.to_string(), "--patient", &desk.patient.to_string()]).output().unwrap();
    let looks = String::from_utf8(looks.stdout).unwrap();
    assert_eq!(looks.matches("download document by link").count(), 1, "whose link was followed was recorded before the first byte: {looks}");
    let answer = open(&desk, &used).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], json!("link-unknown"), "it is used up");
    assert!(open(&desk, &unused).await.bytes().await.unwrap() == bytes, "one that was not in use is not");
}

async fn open(desk: &Desk, link: &str) -> Response {
    desk.client.get(desk.app.at(0, link)).send().await.unwrap()
}

/// Reads the beginning of an answer, kills the process, reads on, and starts it again.
async fn cut_off(desk: &mut Desk, mut answer: Response, expected: &[u8]) {
    assert_eq!(answer.content_length(), Some(expected.len() as u64));
    let mut read = answer.chunk().await.unwrap().expect("the first bytes").to_vec();
    App::kill_pid(desk.app.pid(0));
    let end = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            end => break end,
        }
    };
    assert!(end.is_err() && read.len() < expected.len(), "{} of {} bytes, and it does not say that it was cut off", read.len(), expected.len());
    assert!(read == expected[..read.len()], "what came is right");
    desk.app.restart(0, "serve").await;
}
