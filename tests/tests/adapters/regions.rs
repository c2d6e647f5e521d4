//! An organization that another region's relay serves: at every door its people are told that relay's address, and nothing of
//! them is read, asked or kept. The doors are those of the relay's own table.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use e2e::clinician::http;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::ground::Ground;
use crate::visitor::shown;

const ROUTES: &str = include_str!("../../../crates/relay/src/http/mod.rs");
const APAC: &str = "https://apac.roomed.example";

/// Methods and path of every door that the path or a Microsoft token opens, the latter under `/api/v1`.
fn doors() -> Vec<(Method, String)> {
    let (companion, others) =
        ROUTES.split_once("route_layer(from_fn_with_state(Arc::clone(&relay), limits::by_person))").unwrap();
    let read = |text: &str, base: &str| {
        let mut all = Vec::new();
        for route in text.split(".route(\"").skip(1) {
            let (path, handlers) = route.split_once("\", ").unwrap();
            let handlers = handlers.lines().next().unwrap();
            for (word, method) in
                [("get(", Method::GET), ("post(", Method::POST), ("put(", Method::PUT), ("delete(", Method::DELETE)]
            {
                if handlers.contains(word) {
                    all.push((method, format!("{base}{path}")));
                }
            }
        }
        all
    };
    let mut doors = read(companion, "/api/v1");
    doors.extend(
        read(others, "")
            .into_iter()
            .filter(|(_, path)| path.starts_with("/o/{organization}") || path.starts_with("/api/v1/")),
    );
    let filled = |path: String| {
        let path = path.replace("{organization}", "northside").replace("{key}", "northside");
        path.split('/').map(|it| if it.starts_with('{') { "x" } else { it }).collect::<Vec<_>>().join("/")
    };
    doors.into_iter().map(|(method, path)| (method, filled(path))).collect()
}

/// Every table with the number of its rows, but for who sits where in this process' life.
async fn tables(ground: &Ground) -> anyhow::Result<Vec<(String, i64)>> {
    let file = SqliteConnectOptions::new().filename(ground.stack.directory.join("relay.sqlite")).read_only(true);
    let mut database = SqliteConnection::connect_with(&file).await?;
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .fetch_all(&mut database)
        .await?;
    let mut all = Vec::new();
    for name in names {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM \"{name}\""));
        all.push((name, sqlx::query_scalar(count).fetch_one(&mut database).await?));
    }
    database.close().await?;
    Ok(all)
}

#[tokio::test]
async fn another_regions_people_are_sent_there_and_nothing_of_them_is_kept() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    // They have a Microsoft token already, as from their own region's relay.
    let clinician = ground.clinician(0).await?;
    ground
        .stack
        .reconfigure(|it| {
            it["organizations"][0]["region"] = json!("apac");
            it["regions"] = json!({ "apac": APAC });
        })
        .await?;
    let (tables_before, before) = (tables(&ground).await?, ground.written().await?);
    let asked_before = ground.stack.sandbox.journal().await?.len();
    let (http, relay) = (http()?, ground.stack.relay.clone());
    let iss: String = url::form_urlencoded::byte_serialize(ground.northside.text("/ehr/iss")?.as_bytes()).collect();
    let doors = doors();
    assert!(doors.len() > 35 && doors.iter().any(|(_, path)| path == "/o/northside/patient"), "{doors:?}");
    for (method, path) in &doors {
        let query = "iss=".to_owned() + &iss + "&launch=marker7Qx&state=marker7Qx&code=marker7Qx";
        let asked = http.request(method.clone(), format!("{relay}{path}?{query}")).header("origin", &relay);
        let asked = match path.starts_with("/api/v1/") && !path.starts_with("/api/v1/organizations/") {
            true => asked.bearer_auth(&clinician.token),
            false => asked,
        };
        let answer = asked.send().await?;
        let what = format!("{method} {path}");
        assert_eq!(answer.headers().get("set-cookie"), None, "{what}");
        if path.starts_with("/api/") {
            assert_eq!(answer.status().as_u16(), 421, "{what}");
            let problem: Value = answer.json().await?;
            let said = (&problem["code"], &problem["who"], &problem["address"]);
            assert_eq!(said, (&json!("other-region"), &json!("it"), &json!(APAC)), "{what}");
            assert!(problem["detail"].as_str().is_some_and(|it| it.ends_with(APAC)), "{what}: {problem}");
        } else {
            let page = shown(answer).await?;
            assert_eq!((page.status, page.code.as_str()), (421, "other-region"), "{what}");
            assert!(page.text.contains(APAC) && !page.text.contains("marker7Qx"), "{what}: {}", page.text);
        }
    }
    assert_eq!(tables(&ground).await?, tables_before);
    assert_eq!(ground.written().await?, before);
    assert_eq!(ground.stack.sandbox.journal().await?.len(), asked_before, "the hospital was asked");
    ground.holds_nowhere(&["marker7Qx"])?;

    // Whom this region serves notices nothing.
    let ours = http.get(format!("{relay}/api/v1/organizations/harbor/sign-in")).send().await?;
    assert_eq!(ours.status().as_u16(), 200);
    ground.no_leaks().await
}
