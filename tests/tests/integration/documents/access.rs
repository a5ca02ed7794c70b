//! Who may upload and read documents.

use domain::{PatientId, TenantId, UserId};
use gate::Role;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::desk::{Desk, pdf};

/// Who may what: every route of documents that is no plain command, written out.
const WHO_MAY: &[(&str, &str, &[Role])] = {
    use Role::{Clinician as C, ComplianceOfficer as O, FrontDesk as F, Patient as P};
    &[
        ("post", "/v1/documents/upload", &[C, F]),
        ("get", "/v1/documents/{document}", &[C, O, P]),
        ("post", "/v1/documents/{document}/link", &[C, O, P]),
        // The link is the token.
        ("get", "/v1/documents/links/{token}", &[]),
    ]
};

async fn ask(desk: &Desk, method: &str, path: &str, token: Option<&str>) -> (StatusCode, Value) {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let mut request = desk.client.request(method, desk.app.at(0, path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

#[tokio::test]
async fn every_route_asks_for_a_token_and_for_its_permission() {
    let desk = Desk::open(&[]).await;
    let document = desk.accepted(event_store::fresh_id(), &pdf(1000)).await;
    let commands = command_api::openapi(&command_api::endpoints(), |_| serde_json::Map::new());
    let described = command_api::openapi(&command_api::endpoints(), documents::describe);
    let more = described["paths"].as_object().unwrap().iter().filter(|(path, _)| commands["paths"].get(path.as_str()).is_none());
    let offered: Vec<(String, String)> =
        more.flat_map(|(path, operations)| operations.as_object().unwrap().keys().map(|method| (method.clone(), path.clone()))).collect();
    let listed: Vec<(String, String)> = WHO_MAY.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert!(offered.len() == listed.len() && offered.iter().all(|route| listed.contains(route)), "a route without a line in WHO_MAY: {offered:?}");
    for (method, path, roles) in WHO_MAY {
        let path = path.replace("{document}", &document.to_string()).replace("{token}", "0000");
        let of_a_link = path.contains("/links/");
        for token in [None, Some("nonsense")] {
            let (status, problem) = ask(&desk, method, &path, token).await;
            let expected = if of_a_link { (StatusCode::NOT_FOUND, "link-unknown") } else { (StatusCode::UNAUTHORIZED, "unauthenticated") };
            assert_eq!((status, problem["code"].as_str().unwrap()), expected, "{path}");
        }
        for role in Role::ALL {
            let token = desk.app.token_for(desk.app.tenant, role, UserId(event_store::fresh_id()), Some(PatientId(desk.patient)));
            let (status, problem) = ask(&desk, method, &path, Some(&token)).await;
            let refused = status == StatusCode::FORBIDDEN && problem["code"] == "forbidden";
            assert_eq!(!refused, roles.contains(&role) || of_a_link, "{path} as {}: {status} {problem}", role.name());
        }
    }
}

#[tokio::test]
async fn without_the_permission_no_byte_of_the_body_is_read() {
    let desk = Desk::open(&[]).await;
    let address = desk.app.at(0, "").trim_start_matches("http://").to_owned();
    for (token, expected) in [("nonsense".to_owned(), "401"), (desk.app.token(Role::Administrator), "403")] {
        let mut connection = tokio::net::TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /v1/documents/upload HTTP/1.1\r\nHost: carelog\r\nAuthorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=part\r\nContent-Length: 9000000\r\n\r\n"
        );
        tokio::io::AsyncWriteExt::write_all(&mut connection, head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        let read = tokio::io::AsyncReadExt::read_exact(&mut connection, &mut answer);
        tokio::time::timeout(std::time::Duration::from_secs(2), read).await.expect("an answer before the body").unwrap();
        assert!(String::from_utf8_lossy(&answer).contains(expected));
    }
}

#[tokio::test]
async fn a_document_is_there_within_reach_only() {
    let desk = Desk::open(&[]).await;
    let document = desk.accepted(event_store::fresh_id(), &pdf(1000)).await;
    let (download, link) = (format!("/v1/documents/{document}"), format!("/v1/documents/{document}/link"));
    let other = event_store::fresh_id();
    desk.app.accepted("/v1/patients/register-patient", Role::FrontDesk, json!({ "patient": other })).await;
    let user = UserId(event_store::fresh_id());
    let patient = |patient: Uuid| desk.app.token_for(desk.app.tenant, Role::Patient, user, Some(PatientId(patient)));
    let stranger = desk.app.token_for(TenantId(event_store::fresh_id()), Role::Clinician, user, None);
    for token in [patient(other), stranger] {
        for (method, path) in [("get", &download), ("post", &link)] {
            let (status, problem) = ask(&desk, method, path, Some(&token)).await;
            assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("document-unknown")));
        }
    }
    let unknown = ask(&desk, "get", &format!("/v1/documents/{}", event_store::fresh_id()), Some(&patient(desk.patient))).await;
    assert_eq!((unknown.0, &unknown.1["code"]), (StatusCode::NOT_FOUND, &json!("document-unknown")));
    assert_eq!(ask(&desk, "get", "/v1/documents/not-an-id", Some(&patient(desk.patient))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&desk, "get", &download, Some(&patient(desk.patient))).await.0, StatusCode::OK);

    // An access that is granted reaches the documents, also by a link that was made before it ended, and no longer.
    let grant = json!({ "patient": desk.patient, "grantee": user });
    let position = desk.app.accepted("/v1/patients/grant-access", Role::Administrator, grant.clone()).await["position"].to_string();
    let token = patient(other);
    let granted = desk.client.get(desk.app.at(0, &download)).bearer_auth(&token).header("Carelog-Wait-For", position).send().await.unwrap();
    assert_eq!(granted.status(), StatusCode::OK);
    let (_, made) = ask(&desk, "post", &link, Some(&token)).await;
    let position = desk.app.accepted("/v1/patients/revoke-access", Role::Administrator, grant).await["position"].to_string();
    let revoked = desk.client.get(desk.app.at(0, &download)).bearer_auth(&token).header("Carelog-Wait-For", position).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::NOT_FOUND);
    assert_eq!(ask(&desk, "get", made["path"].as_str().unwrap(), None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_protected_is_in_clear_beside_the_log() {
    let desk = Desk::open(&[]).await;
    let document = desk.accepted(event_store::fresh_id(), &pdf(300_000)).await;
    let sealed = std::fs::read(desk.file(document)).unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"Needle") && !sealed.windows(4).any(|window| window == b"%PDF"));
    let mut log = PgConnection::connect(&desk.app.url(0)).await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar("select payload::text from clinical.event where type like 'documents.%'").fetch_all(&mut log).await.unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| !row.contains("Needle") && !row.contains("application/pdf")), "{rows:?}");
}
