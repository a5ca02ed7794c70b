//! What surrounds every route: the pages, and what pages of other origins may do.

use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_SECURITY_POLICY, HeaderMap, LOCATION};
use reqwest::{Client, Method, StatusCode};

use crate::app::App;
use crate::clinic::BOOK;

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web");
const FRONTEND: &str = "http://localhost:5173";

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn get(app: &App, path: &str) -> (StatusCode, HeaderMap, String) {
    let answer = client().get(app.at(0, path)).send().await.unwrap();
    (answer.status(), answer.headers().clone(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_first_page_leads_to_the_others_and_hidden_files_are_not_served() {
    let mut app = App::without_processes(&[("CARELOG_WEB", WEB)]).await;
    app.start("serve").await;
    let (status, headers, page) = get(&app, "/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers.contains_key(CONTENT_SECURITY_POLICY) && !page.contains("<script"));
    for linked in page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|link| link.starts_with('/')) {
        assert_eq!(get(&app, linked).await.0, StatusCode::OK, "{linked}");
    }
    for page in ["/docs", "/graphiql"] {
        let (status, headers, _) = get(&app, &format!("{page}/")).await;
        assert_eq!((status, headers[LOCATION].to_str().unwrap()), (StatusCode::PERMANENT_REDIRECT, page));
    }
    assert_eq!(get(&app, "/assets/graphql/package.json").await.0, StatusCode::OK);
    for hidden in ["/assets/.package-lock.json", "/assets/%2Epackage-lock.json", "/assets/%2F.package-lock.json", "/assets/graphql/../.package-lock.json"] {
        assert_eq!(get(&app, hidden).await.0, StatusCode::NOT_FOUND, "{hidden}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_gets_an_answer_only_where_its_origin_is_named() {
    let mut app = App::without_processes(&[("CARELOG_CORS_ORIGINS", "https://clinic.example,http://localhost:5173")]).await;
    app.start("serve").await;
    for path in [BOOK, "/graphql"] {
        let asked = |origin: &str| {
            let request = client().request(Method::OPTIONS, app.at(0, path)).header("Origin", origin).header("Access-Control-Request-Method", "POST");
            request.header("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,carelog-wait-for,x-request-id").send()
        };
        let answer = asked(FRONTEND).await.unwrap();
        assert_eq!((answer.status(), answer.headers()[ACCESS_CONTROL_ALLOW_ORIGIN].to_str().unwrap()), (StatusCode::OK, FRONTEND));
        let allowed = answer.headers()["access-control-allow-headers"].to_str().unwrap();
        for header in ["authorization", "content-type", "idempotency-key", "carelog-wait-for", "x-request-id"] {
            assert!(allowed.contains(header), "{header}: {allowed}");
        }
        assert!(!asked("http://localhost:5174").await.unwrap().headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        let refused = client().post(app.at(0, path)).header("Origin", FRONTEND).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], FRONTEND, "a page can read why it is refused");
        assert_eq!(refused.headers()[ACCESS_CONTROL_EXPOSE_HEADERS], "x-request-id");
    }
    let mut app = App::without_processes(&[]).await;
    app.start("command").await;
    let answer = client().post(app.at(0, BOOK)).header("Origin", FRONTEND).send().await.unwrap();
    assert!(!answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "none unless named");
    for wrong in ["*", "localhost:5173", "http://localhost:5173/"] {
        let refused = app.command(&["command"]).env("CARELOG_CORS_ORIGINS", wrong).output().unwrap();
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("must be an origin"), "{wrong}");
    }
}
