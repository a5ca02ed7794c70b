//! Documents over HTTP: what goes in comes out, what is refused leaves nothing, and who may.

mod access;
mod collecting;
pub mod desk;
mod killed;
mod refused;
pub mod storages;

use gate::Role;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

use desk::{Desk, pdf};

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_the_same_bytes_are_another_document() {
    let desk = Desk::open(&[]).await;
    let (first, key, bytes) = (event_store::fresh_id(), event_store::fresh_id(), pdf(200_000));
    let (status, accepted) = desk.upload_as(&desk.metadata(first), &bytes, Some(key)).await;
    assert_eq!((status, &accepted["repeated"]), (StatusCode::OK, &json!(false)), "{accepted}");
    let (status, again) = desk.upload_as(&desk.metadata(first), &bytes, Some(key)).await;
    assert_eq!((status, &again["repeated"], &again["eventIds"]), (StatusCode::OK, &json!(true), &accepted["eventIds"]), "{again}");
    let (status, problem) = desk.upload_as(&desk.metadata(first), &pdf(200_001), Some(key)).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency-key-reused")));
    let (status, problem) = desk.upload_as(&desk.metadata(first), &bytes, None).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("document-exists")));
    let second = desk.accepted(event_store::fresh_id(), &bytes).await;
    assert_eq!(desk.stored().len(), 2, "what came to nothing left nothing: {:?}", desk.stored());
    for document in [first, second] {
        assert!(desk.download(document).await == bytes);
    }
}

#[tokio::test]
async fn twenty_retries_at_once_make_one_document() {
    let desk = Desk::open(&[]).await;
    let (document, key, bytes) = (event_store::fresh_id(), event_store::fresh_id(), pdf(100_000));
    let metadata = desk.metadata(document);
    let answers = futures::future::join_all((0..20).map(|_| desk.upload_as(&metadata, &bytes, Some(key)))).await;
    assert!(answers.iter().all(|(status, answer)| *status == StatusCode::OK && answer["eventIds"] == answers[0].1["eventIds"]), "{answers:?}");
    assert_eq!(desk.stored().len(), 1);
    assert!(desk.download(document).await == bytes);
}

#[tokio::test]
async fn a_part_is_what_was_asked_for() {
    let desk = Desk::open(&[]).await;
    let bytes = pdf(3 * 65_536);
    let document = desk.accepted(event_store::fresh_id(), &bytes).await;
    desk.download(document).await;
    let tag = desk.get(document, &[]).await.headers()["etag"].to_str().unwrap().to_owned();
    for (range, expected) in
        [("bytes=0-0", 0..1), ("bytes=65535-65536", 65_535..65_537), ("bytes=131072-", 131_072..bytes.len()), ("bytes=-10", bytes.len() - 10..bytes.len())]
    {
        let answer = desk.get(document, &[("Range", range), ("If-Range", &tag)]).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        let content_range = format!("bytes {}-{}/{}", expected.start, expected.end - 1, bytes.len());
        assert_eq!(answer.headers()["content-range"], content_range.as_str());
        assert!(answer.bytes().await.unwrap() == bytes[expected], "{range}");
    }
    let whole = desk.get(document, &[("Range", "bytes=0-0"), ("If-Range", "\"another\"")]).await;
    assert_eq!((whole.status(), whole.content_length()), (StatusCode::OK, Some(bytes.len() as u64)));
    let outside = desk.get(document, &[("Range", "bytes=196608-")]).await;
    assert_eq!((outside.status(), outside.headers()["content-range"].to_str().unwrap()), (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */196608"));
    let head = desk.client.head(desk.app.at(0, &format!("/v1/documents/{document}"))).bearer_auth(desk.app.token(Role::Clinician)).send().await.unwrap();
    assert_eq!((head.status(), head.headers()["content-length"].to_str().unwrap()), (StatusCode::OK, "196608"));
}

#[tokio::test]
async fn a_document_is_superseded_and_removed() {
    let desk = Desk::open(&[]).await;
    let (old, new) = (desk.accepted(event_store::fresh_id(), &pdf(1000)).await, desk.accepted(event_store::fresh_id(), &pdf(2000)).await);
    let by = json!({ "document": old, "patient": desk.patient, "by": new });
    let position = desk.app.accepted("/v1/documents/supersede-document", Role::FrontDesk, by).await["position"].clone();
    assert_eq!(desk.download(old).await.len(), 1000, "what was superseded stays readable");
    let status = format!("{{ patient(id: \"{}\") {{ chart(first: 1) {{ documents {{ nodes {{ uuid status supersededBy }} }} }} }} }}", desk.patient);
    let superseded = json!([
        { "uuid": new, "status": "CURRENT", "supersededBy": null },
        { "uuid": old, "status": "SUPERSEDED", "supersededBy": new },
    ]);
    let seen = desk.app.graphql(&desk.app.token(Role::Clinician), &status, position.as_i64()).await;
    assert_eq!(seen["data"]["patient"]["chart"]["documents"]["nodes"], superseded, "{seen}");
    let removal = json!({ "document": new, "patient": desk.patient, "reason": "of another patient" });
    let position = desk.app.accepted("/v1/documents/remove-document", Role::Clinician, removal).await["position"].to_string();
    let answer = desk.get(new, &[("Carelog-Wait-For", &position)]).await;
    assert_eq!(answer.status(), StatusCode::GONE);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], "document-removed");
    let query = format!(
        "{{ patient(id: \"{}\") {{ chart(first: 1) {{ documents {{ nodes {{ uuid title contentType size status supersededBy removalReason download }} }} }} history {{ nodes {{ summary }} }} }} }}",
        desk.patient
    );
    let seen = desk.app.graphql(&desk.app.token(Role::Clinician), &query, position.parse().ok()).await;
    let path = format!("/v1/documents/{old}");
    let expected = json!([
        { "uuid": new, "title": "Needle-Referral", "contentType": "application/pdf", "size": 2000, "status": "ENTERED_IN_ERROR", "supersededBy": null,
          "removalReason": "of another patient", "download": null },
        { "uuid": old, "title": "Needle-Referral", "contentType": "application/pdf", "size": 1000, "status": "CURRENT", "supersededBy": null,
          "removalReason": null, "download": path },
    ]);
    assert_eq!(seen["data"]["patient"]["chart"]["documents"]["nodes"], expected, "{seen}");
    let summaries = [
        "Removed: a document that should not be there",
        "Superseded: a document by another",
        "Uploaded: the document Needle-Referral",
        "Uploaded: the document Needle-Referral",
    ];
    let told: Vec<&str> = seen["data"]["patient"]["history"]["nodes"].as_array().unwrap().iter().map(|entry| entry["summary"].as_str().unwrap()).collect();
    assert_eq!(told[..4], summaries);
}

#[tokio::test]
async fn what_was_removed_is_not_handed_out_while_the_read_models_lag() {
    let mut desk = Desk::open(&[]).await;
    let document = desk.accepted(event_store::fresh_id(), &pdf(1000)).await;
    let link = desk.link(document).await;
    // From here on nothing folds: only commands and queries are served.
    desk.app.kill(0);
    let command = desk.app.start("command").await;
    let query = desk.app.start("query").await;
    let removal = json!({ "document": document, "patient": desk.patient, "reason": "of another patient" });
    let (status, _) = desk.app.post_to(command, "/v1/documents/remove-document", &desk.app.token(Role::Clinician), &removal, None).await.unwrap();
    assert_eq!(status, StatusCode::OK);
    let asked = format!("{{ patient(id: \"{}\") {{ chart(first: 1) {{ documents {{ nodes {{ status }} }} }} }} }}", desk.patient);
    let token = desk.app.token(Role::Clinician);
    let seen = desk.client.post(desk.app.at(query, "/graphql")).bearer_auth(&token).json(&json!({ "query": asked })).send().await.unwrap();
    assert_eq!(seen.json::<Value>().await.unwrap()["data"]["patient"]["chart"]["documents"]["nodes"][0]["status"], "CURRENT", "the read models lag");
    let path = format!("/v1/documents/{document}");
    assert_eq!(desk.client.get(desk.app.at(command, &path)).bearer_auth(&token).send().await.unwrap().status(), StatusCode::GONE);
    assert_eq!(desk.client.post(desk.app.at(command, &format!("{path}/link"))).bearer_auth(&token).send().await.unwrap().status(), StatusCode::GONE);
    assert_eq!(desk.client.get(desk.app.at(command, &link)).send().await.unwrap().status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_link_opens_one_document_once() {
    let desk = Desk::open(&[]).await;
    let bytes = pdf(10_000);
    let document = desk.accepted(event_store::fresh_id(), &bytes).await;
    desk.download(document).await;
    let link = desk.link(document).await;
    let open = async |path: &str| desk.client.get(desk.app.at(0, path)).send().await.unwrap();
    let opened = futures::future::join_all((0..10).map(|_| open(&link))).await;
    let (won, lost): (Vec<_>, Vec<_>) = opened.into_iter().partition(|answer| answer.status() == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 9));
    assert!(lost.iter().all(|answer| answer.status() == StatusCode::NOT_FOUND));
    assert!(won.into_iter().next().unwrap().bytes().await.unwrap() == bytes);

    let mut log = PgConnection::connect(&desk.app.url(0)).await.unwrap();
    let over = desk.link(document).await;
    sqlx::query("update documents.link set expires_at = now() - interval '1 second'").execute(&mut log).await.unwrap();
    assert_eq!(open(&over).await.status(), StatusCode::NOT_FOUND, "a link that is over");
    let kept: String = sqlx::query_scalar("select string_agg(t::text, '') from documents.link t").fetch_one(&mut log).await.unwrap();
    assert!(!kept.contains(over.rsplit_once('/').unwrap().1), "the table holds no token");

    let kept = desk.link(document).await;
    let ask = async |name: &str, value: &str| desk.client.get(desk.app.at(0, &kept)).header(name, value).send().await.unwrap().status();
    assert_eq!(ask("Carelog-Wait-For", "nonsense").await, StatusCode::BAD_REQUEST);
    assert_eq!(ask("Range", "bytes=1000000-").await, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(ask("Range", "bytes=0-9").await, StatusCode::PARTIAL_CONTENT, "who got nothing by it has not used it up");
    assert_eq!(ask("Range", "bytes=0-9").await, StatusCode::NOT_FOUND);
    let garbled = open("/v1/documents/links/%ff").await;
    assert_eq!((garbled.status(), garbled.json::<Value>().await.unwrap()["code"].clone()), (StatusCode::NOT_FOUND, json!("link-unknown")));

    let removed = desk.link(document).await;
    let removal = json!({ "document": document, "patient": desk.patient, "reason": "of another patient" });
    let position = desk.app.accepted("/v1/documents/remove-document", Role::Clinician, removal).await["position"].to_string();
    desk.get(document, &[("Carelog-Wait-For", &position)]).await;
    assert_eq!(open(&removed).await.status(), StatusCode::GONE, "a link opens no more than its caller may read when it is used");
}

#[tokio::test]
async fn a_damaged_or_foreign_object_is_no_answer() {
    let desk = Desk::open(&[]).await;
    let (one, other) = (desk.accepted(event_store::fresh_id(), &pdf(150_000)).await, desk.accepted(event_store::fresh_id(), &pdf(150_000)).await);
    desk.download(one).await;
    desk.download(other).await;
    let (one_path, other_path) = (desk.file(one), desk.file(other));
    let whole = std::fs::read(&one_path).unwrap();
    let mut changed = whole.clone();
    changed[100] ^= 1;
    for damaged in [changed, whole[..100_000].to_vec(), std::fs::read(&other_path).unwrap(), Vec::new()] {
        std::fs::write(&one_path, damaged).unwrap();
        for part in [&[][..], &[("Range", "bytes=20-149999")]] {
            let answer = desk.get(one, part).await;
            assert!(!answer.status().is_success() || answer.bytes().await.is_err(), "{part:?}");
        }
    }
    std::fs::write(&one_path, whole).unwrap();
    assert_eq!(desk.download(one).await.len(), 150_000);
}
