//! The clinicians' client for browsers: a registration of its own, whose code goes to one page of the relay and to no other.

use crate::desk::{Desk, RELAY, VERIFIER, challenge, sent_to, text};
use reqwest::{Response, StatusCode};
use serde_json::json;

#[tokio::test]
async fn the_browsers_client_has_its_own_address_and_its_code_is_nobody_elses() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let ehr = &desk.northside["ehr"];
    let (browser, companion) = (text(ehr, "/browser_client_id"), text(ehr, "/companion_client_id"));
    let (page, loopback) = (format!("{RELAY}/o/northside/launch/callback"), format!("{RELAY}/oauth/callback"));
    assert_ne!(browser, companion);
    let known = format!("{}/.well-known/smart-configuration", text(ehr, "/iss"));
    let known: serde_json::Value = desk.http.get(known).send().await.unwrap().json().await.unwrap();
    let authorize = async |client: &str, redirect: &str| -> Response {
        let press = json!({ "emp_user": "MOKAFOR", "appointment_id": appointment["appointment_id"] });
        let launch = desk.launch(press).await["launch"].clone();
        let challenge = challenge(VERIFIER);
        let query = [
            ("response_type", "code"),
            ("client_id", client),
            ("redirect_uri", redirect),
            ("scope", "launch openid fhirUser"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("aud", text(ehr, "/iss")),
            ("launch", launch.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        desk.http.get(text(&known, "/authorization_endpoint")).query(&query).send().await.unwrap()
    };
    for (client, redirect) in [(browser, &loopback), (companion, &page)] {
        assert_eq!(authorize(client, redirect).await.status(), StatusCode::BAD_REQUEST, "{redirect}");
    }
    for (redeemer, expected) in [(companion, StatusCode::BAD_REQUEST), (browser, StatusCode::OK)] {
        let code = sent_to(&authorize(browser, &page).await)["code"].clone();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", page.as_str()),
            ("client_id", redeemer),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(desk.form(text(&known, "/token_endpoint"), &form).await.status(), expected, "{redeemer}");
    }
}
