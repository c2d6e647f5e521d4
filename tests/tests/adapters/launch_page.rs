//! The clinician's launch page and the https callback: what a hostile or broken link gets, and that it gets nothing else.

use anyhow::Context;
use e2e::clinician::http;
use reqwest::Method;
use roomed_smart::SystemRandom;
use roomed_smart::pkce::State;
use serde_json::json;

use crate::ground::Ground;
use crate::visitor::{location, shown};

const LINK_REFUSED: (u16, &str, &str) = (400, "link-refused", "it");
const UNKNOWN_ISS: (u16, &str, &str) = (403, "unknown-iss", "ehr-analyst");

/// Stands in every link; a refusal must not repeat it.
const MARKER: &str = "marker7Qx";

#[tokio::test]
async fn hostile_links_are_refused_with_one_reason_and_keep_nothing() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let before = ground.written().await?;
    let iss: String = url::form_urlencoded::byte_serialize(ground.northside.text("/ehr/iss")?.as_bytes()).collect();
    let other: String = url::form_urlencoded::byte_serialize(ground.harbor.text("/ehr/iss")?.as_bytes()).collect();
    let launch = format!("launch={MARKER}");
    let long = "a".repeat(9_000);
    let page = "/o/northside/launch";
    let cases = [
        ("a query that is too long", format!("{page}?iss={iss}&{launch}&x={long}"), LINK_REFUSED),
        ("a line break in a value", format!("{page}?iss={iss}&{launch}%0d%0aSet-Cookie:x=1"), LINK_REFUSED),
        ("a zero byte in a value", format!("{page}?iss={iss}&{launch}%00"), LINK_REFUSED),
        ("an escape in a name", format!("{page}?iss={iss}&{launch}&a%1b=1"), LINK_REFUSED),
        ("iss twice", format!("{page}?iss={iss}&iss={iss}&{launch}"), LINK_REFUSED),
        ("launch twice", format!("{page}?iss={iss}&{launch}&{launch}2"), LINK_REFUSED),
        ("sessionId twice", format!("{page}?iss={iss}&{launch}&sessionId=1&sessionId=2"), LINK_REFUSED),
        ("no launch", format!("{page}?iss={iss}&sessionId={MARKER}"), LINK_REFUSED),
        ("an empty launch", format!("{page}?iss={iss}&launch=&sessionId={MARKER}"), LINK_REFUSED),
        ("no iss", format!("{page}?{launch}"), LINK_REFUSED),
        ("no query", page.to_owned(), LINK_REFUSED),
        ("an EHR nobody approved", format!("{page}?iss=https%3A%2F%2F{MARKER}.example%2FR4&{launch}"), UNKNOWN_ISS),
        ("another hospital's EHR", format!("{page}?iss={other}&{launch}"), UNKNOWN_ISS),
        ("the approved EHR with a slash too many", format!("{page}?iss={iss}%2F&{launch}"), UNKNOWN_ISS),
        ("a hospital that is not here", format!("/o/westside/launch?iss={iss}&{launch}"), UNKNOWN_ISS),
        ("a script for an EHR", format!("{page}?iss=javascript%3A{MARKER}&{launch}"), UNKNOWN_ISS),
    ];
    let http = http()?;
    for (what, path, expected) in cases {
        let answer = http.get(format!("{}{path}", ground.stack.relay)).send().await?;
        let policy = answer.headers().get("content-security-policy").and_then(|it| it.to_str().ok());
        assert!(policy.is_some_and(|it| it.contains("script-src 'none'")), "{what}: the page may run scripts");
        let refusal = shown(answer).await.context(what)?;
        assert_eq!((refusal.status, refusal.code.as_str(), refusal.who), expected, "{what}");
        assert!(!refusal.text.contains(MARKER), "{what}: the page repeats the link");
        assert!(!refusal.text.contains("roomed://"), "{what}: the page still opens the companion");
    }
    assert_eq!(ground.written().await?, before);
    let log = std::fs::read_to_string(ground.stack.directory.join("logs/relay.log"))?;
    assert!(!log.contains(MARKER), "the log repeats a link");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_callback_goes_on_once_and_only_to_the_loopback_port_it_was_registered_for() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let before = ground.written().await?;
    let http = http()?;
    let callback = |query: String| http.get(format!("{}/oauth/callback?{query}", ground.stack.relay)).send();

    let state = State::new(&SystemRandom);
    let registration = json!({ "state_sha256": state.sha256_hex(), "port": 49_153 });
    let registered = clinician.ask(Method::PUT, "/callbacks", Some(&registration)).await?;
    assert_eq!(registered.status, 204);

    let query = format!("code={MARKER}&state={}", state.expose());
    let doubled = format!("{query}&state={}", state.expose());
    let unknown = format!("code={MARKER}&state={}", State::new(&SystemRandom).expose());
    let expired = (410, "handle-unknown", "clinician");
    for (what, query, expected) in [
        ("an unknown state", unknown, expired),
        ("no state", format!("code={MARKER}"), LINK_REFUSED),
        ("two states", doubled, LINK_REFUSED),
        ("a line break", format!("{query}%0d%0a"), LINK_REFUSED),
    ] {
        let refusal = shown(callback(query).await?).await.context(what)?;
        assert_eq!((refusal.status, refusal.code.as_str(), refusal.who), expected, "{what}");
        assert!(!refusal.text.contains(MARKER), "{what}: the page repeats the link");
    }
    // None of that has used the registration up.
    let moved = callback(query.clone()).await?;
    assert_eq!(moved.status().as_u16(), 303);
    assert_eq!(location(&moved)?, format!("http://127.0.0.1:49153/callback?{query}"));
    assert_eq!(moved.headers().get("referrer-policy").and_then(|it| it.to_str().ok()), Some("no-referrer"));
    let replayed = shown(callback(query).await?).await?;
    assert_eq!((replayed.status, replayed.code.as_str(), replayed.who), expired);

    let bad =
        [json!({ "state_sha256": "00", "port": 49_153 }), json!({ "state_sha256": state.sha256_hex(), "port": 80 })];
    for registration in bad {
        let answer = clinician.ask(Method::PUT, "/callbacks", Some(&registration)).await?;
        crate::ground::refused("a registration that makes no sense", &answer, (400, "bad-request", "it"));
    }
    assert_eq!(ground.written().await?, before);
    let log = std::fs::read_to_string(ground.stack.directory.join("logs/relay.log"))?;
    assert!(!log.contains(MARKER) && !log.contains(state.expose()), "the log repeats a link");
    ground.no_leaks().await
}
