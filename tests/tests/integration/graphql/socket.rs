//! The protocol `graphql-transport-ws`, message by message.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use gate::Role;
use query_api::Patience;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::World;

const PATIENCE: Duration = Duration::from_secs(20);

/// A client's end.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connected, and nothing said.
    pub async fn connect(world: &World, protocol: Option<&str>) -> Self {
        Self::connect_to(&world.at, protocol).await
    }

    async fn connect_to(at: &str, protocol: Option<&str>) -> Self {
        let mut request = format!("{}/graphql/ws", at.replacen("http", "ws", 1)).into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("Sec-WebSocket-Protocol", protocol.parse().unwrap());
        }
        Self(tokio_tungstenite::connect_async(request).await.unwrap().0)
    }

    /// Connected and acknowledged.
    pub async fn open(world: &World, token: &str) -> Self {
        Self::open_at(&world.at, token).await
    }

    /// The same, to a server anywhere.
    pub async fn open_at(at: &str, token: &str) -> Self {
        let mut socket = Self::connect_to(at, Some("graphql-transport-ws")).await;
        socket.say(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })).await;
        assert_eq!(socket.next().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn say(&mut self, message: &Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, payload: &Value) {
        self.say(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
    }

    /// The next message but pings.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message comes").expect("the socket is open").unwrap();
            let text = message.to_text().unwrap_or_else(|_| panic!("{message:?} is not text"));
            let message: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{text} is not JSON"));
            if message["type"] != "ping" {
                return message;
            }
        }
    }

    /// The message that comes though none should, within a moment.
    pub async fn silence(&mut self) -> Option<Value> {
        timeout(Duration::from_millis(300), self.next()).await.ok()
    }

    /// With which code the other end closes, whatever it says before.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("the socket closes") {
                Some(Ok(Message::Close(frame))) => return frame.expect("a close has a code").code.into(),
                Some(Ok(_)) => {}
                other => panic!("the socket ended without a code: {other:?}"),
            }
        }
    }
}

async fn impatient() -> World {
    World::with(Duration::from_secs(20), Patience { initialisation: Duration::from_millis(300), ping: Duration::from_millis(300) }).await
}

#[tokio::test]
async fn a_connection_that_breaks_the_protocol_is_closed_with_its_code() {
    let world = World::new().await;
    let token = world.token(Role::FrontDesk);
    for wrong in [
        Message::text("nonsense"),
        Message::text("{}"),
        Message::text(r#"{"type":"start","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","payload":{"query":"{ __typename }"}}"#),
        Message::text(r#"{"type":"subscribe","id":"1"}"#),
        Message::text(r#"{"type":"subscribe","id":1,"payload":{"query":"{ __typename }"}}"#),
        Message::text(r#"{"type":"complete"}"#),
        Message::binary(r#"{"type":"ping"}"#.as_bytes().to_vec()),
    ] {
        let mut socket = Socket::open(&world, &token).await;
        socket.send(wrong.clone()).await;
        assert_eq!(socket.closed().await, 4400, "{wrong:?}");
    }

    let mut early = Socket::connect(&world, Some("graphql-transport-ws")).await;
    early.subscribe("1", &json!({ "query": "{ __typename }" })).await;
    assert_eq!(early.closed().await, 4401);

    for payload in [json!({}), json!({ "Authorization": "Bearer x" }), json!({ "Authorization": 7 })] {
        let mut socket = Socket::connect(&world, Some("graphql-transport-ws")).await;
        socket.say(&json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.closed().await, 4403);
    }

    let mut twice = Socket::open(&world, &token).await;
    twice.say(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } })).await;
    assert_eq!(twice.closed().await, 4429);

    assert_eq!(Socket::connect(&world, None).await.closed().await, 4406);
}

#[tokio::test]
async fn an_id_names_one_operation_at_a_time() {
    let world = World::new().await;
    world.tell(Role::Administrator, "organizations/open-facility", json!({ "facility": world.tenant.0, "name": "Main", "timeZone": "America/Chicago" })).await;
    let follow = json!({
        "query": format!("subscription {{ facilityAppointments(facility: \"{}\") {{ position }} }}", world.tenant),
        "extensions": { "carelog": { "waitFor": world.position() } },
    });
    let mut socket = Socket::open(&world, &world.token(Role::FrontDesk)).await;
    socket.subscribe("1", &follow).await;
    socket.say(&json!({ "type": "complete", "id": "1" })).await;
    socket.subscribe("1", &follow).await;
    assert_eq!(socket.silence().await, None);
    socket.subscribe("1", &follow).await;
    assert_eq!(socket.closed().await, 4409);
}

#[tokio::test]
async fn operations_are_answered_over_the_socket() {
    let world = World::new().await;
    let mut socket = Socket::open(&world, &world.token(Role::FrontDesk)).await;
    socket.say(&json!({ "type": "ping" })).await;
    assert_eq!(socket.next().await, json!({ "type": "pong" }));

    socket.subscribe("q", &json!({ "query": "{ viewer { roles } }" })).await;
    let next = socket.next().await;
    assert_eq!((&next["type"], &next["id"]), (&json!("next"), &json!("q")));
    assert_eq!(next["payload"]["data"], json!({ "viewer": { "roles": ["FRONT_DESK"] } }));
    assert!(next["payload"]["extensions"]["carelog"]["reflects"].is_i64(), "{next}");
    assert_eq!(socket.next().await, json!({ "type": "complete", "id": "q" }));

    let refused = [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { book }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { facilityAppointments(facility: \"x\") { position } }", "BAD_USER_INPUT"),
        ("subscription { facilityAppointments(facility: \"01900000-0000-7000-8000-000000000001\") { position } }", "NOT_FOUND"),
        ("subscription { facilityAppointments(facility: \"x\") { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
    ];
    for (query, code) in refused {
        socket.subscribe("e", &json!({ "query": query })).await;
        let error = socket.next().await;
        assert_eq!((&error["type"], &error["id"]), (&json!("error"), &json!("e")), "{query}: {error}");
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{query}: {error}");
    }
    // The id is free again, and the connection has survived all of it.
    socket.subscribe("e", &json!({ "query": "{ __typename }" })).await;
    assert_eq!(socket.next().await["payload"]["data"], json!({ "__typename": "Query" }));
}

#[tokio::test]
async fn whoever_says_nothing_is_not_waited_for() {
    let world = impatient().await;
    assert_eq!(Socket::connect(&world, Some("graphql-transport-ws")).await.closed().await, 4408);

    let mut socket = Socket::open(&world, &world.token(Role::FrontDesk)).await;
    for _ in 0..4 {
        let ping = timeout(PATIENCE, socket.0.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(ping.to_text().unwrap(), r#"{"type":"ping"}"#);
        socket.say(&json!({ "type": "pong" })).await;
    }
    assert_eq!(socket.closed().await, 1001, "without a pong");
}

#[tokio::test]
async fn a_connection_ends_with_its_token_and_with_the_process() {
    let world = World::new().await;
    let short = world.token_of(|claims| claims.exp = claims.iat + 2);
    assert_eq!(Socket::open(&world, &short).await.closed().await, 4403);

    let mut socket = Socket::open(&world, &world.token(Role::FrontDesk)).await;
    world.stop();
    assert_eq!(socket.closed().await, 1001);
}

#[tokio::test]
async fn a_connection_has_so_many_operations_and_no_more() {
    let world = World::new().await;
    world.tell(Role::Administrator, "organizations/open-facility", json!({ "facility": world.tenant.0, "name": "Main", "timeZone": "America/Chicago" })).await;
    let follow = json!({
        "query": format!("subscription {{ facilityAppointments(facility: \"{}\") {{ position }} }}", world.tenant),
        "extensions": { "carelog": { "waitFor": world.position() } },
    });
    let mut socket = Socket::open(&world, &world.token(Role::FrontDesk)).await;
    for number in 0..101 {
        socket.subscribe(&number.to_string(), &follow).await;
    }
    let error = socket.next().await;
    assert_eq!((&error["id"], &error["payload"][0]["extensions"]["code"]), (&json!("100"), &json!("TOO_MANY_OPERATIONS")), "{error}");
}
