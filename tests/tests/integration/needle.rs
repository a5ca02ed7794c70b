//! Unmistakable values go through every command, refusal, search, import, upload and fault; then every place but the read models is looked through for them.

mod answers;
mod script;
mod searcher;
mod world;

use gate::Role;
use reqwest::StatusCode;
use serde_json::json;

use crate::commands::WHO_MAY;
use crate::documents::desk::form;
use script::{Cast, TOO_EARLY};
use searcher::{BORN, NAME, NEEDLES, NUMBER, Searcher, TEXT};
use world::World;

/// Who sends a command: a clinician where they may, who may do most besides.
fn role(command: &str) -> Role {
    let (_, roles) = WHO_MAY.iter().find(|(path, _)| path.strip_prefix("/v1/") == Some(command)).expect("WHO_MAY knows every command");
    *roles.iter().find(|role| **role == Role::Clinician).unwrap_or(&roles[0])
}

#[test]
fn every_command_is_in_the_script_with_needles_in_what_it_protects() {
    let script = Cast::new().script();
    let searcher = Searcher::new();
    for endpoint in command_api::endpoints() {
        let name = format!("{}/{}", endpoint.context, endpoint.name);
        let bodies: Vec<String> = script.iter().filter(|(command, _)| *command == name).map(|(_, body)| body.to_string()).collect();
        assert!(!bodies.is_empty(), "{name} is not in needle/script.rs: put needles into it");
        let protects = endpoint.root_schema().as_value().to_string().contains("x-phi");
        let hidden = bodies.iter().any(|body| !searcher.in_bytes(&name, body.as_bytes()).is_empty());
        assert!(hidden || !protects, "{name} takes protected values, and no needle is in it");
        let unprotected = bodies.iter().any(|body| !protects && !searcher.in_bytes(&name, body.as_bytes()).is_empty());
        assert!(!unprotected, "{name} protects nothing, so a needle in it would be found rightly");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_needle_is_anywhere_but_in_the_read_models() {
    let Some(mut world) = World::open().await else { return };
    let cast = Cast::new();
    let metrics = world.app.text(0, "/metrics").await;

    // Every command, accepted.
    let mut refused = Vec::new();
    for (name, body) in cast.script() {
        if name == "documents/supersede-document" {
            world.upload(&cast.metadata(cast.document), NEEDLES.join("\n").as_bytes(), StatusCode::OK).await;
            world.upload(&cast.metadata(cast.newer), format!("{NAME} {TEXT}").as_bytes(), StatusCode::OK).await;
        }
        if name == TOO_EARLY {
            continue;
        }
        refused.extend(world.accepted(&format!("/v1/{name}"), role(name), &body).await.err());
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    world.read_everything(&cast).await;
    // Refused in every way.
    for (name, body) in cast.script() {
        world.refused(&format!("/v1/{name}"), role(name), &body).await;
    }
    world.ask_wrongly(&cast).await;
    world.upload_wrongly(&cast).await;
    world.import().await;
    world.published().await;
    world.during_faults(&cast).await;
    let metrics = [metrics, world.app.text(0, "/metrics").await].concat();
    let log = world.app.log();
    assert!(log.contains("\"spans\"") && log.contains("TRACE"), "the most verbose log, with its spans");
    assert!(metrics.contains("carelog_log_append_seconds"));

    let searcher = Searcher::new();
    let (records, read) = (world.records().await, world.read_models().await);
    world.stop();
    let found = [
        searcher.in_bytes("the metrics", metrics.as_bytes()),
        world.answers.iter().flat_map(|answer| searcher.in_bytes("an error's answer", answer.as_bytes())).collect(),
        records.iter().flat_map(|record| searcher.in_bytes("a Kafka record", record)).collect(),
        world.in_files(&searcher),
    ]
    .concat();
    assert!(world.answers.len() > 300 && records.len() > 60, "{} answers, {} records", world.answers.len(), records.len());
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.iter().take(40).cloned().collect::<Vec<_>>().join("\n"));
    let clear: Vec<&str> = NEEDLES.into_iter().filter(|needle| !read.contains(*needle)).collect();
    assert!(clear.is_empty(), "the read models are the one place with clear values, and lack {clear:?}");
    world.plant_and_find(&searcher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_needle_is_in_a_bucket() {
    let Some(s3) = crate::documents::storages::S3::start().await else { return };
    let desk = s3.desk().await;
    let document = event_store::fresh_id();
    let metadata = json!({ "document": document, "patient": desk.patient,
        "content": { "status": "current", "attachment": { "contentType": "text/plain", "title": NAME } } });
    let (kind, body) = form(&metadata.to_string(), format!("{NAME} {NUMBER} {BORN}").as_bytes());
    let request = desk.client.post(desk.app.at(0, "/v1/documents/upload")).bearer_auth(desk.app.token(Role::FrontDesk));
    assert_eq!(request.header("Content-Type", kind).body(body).send().await.unwrap().status(), StatusCode::OK);
    assert!(!desk.stored().is_empty());
    let found = Searcher::new().in_files(&desk.app.documents);
    assert!(found.is_empty(), "{found:#?}");
}
