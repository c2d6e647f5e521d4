//! Entra: one sign-in from picker to refresh, and the refusals with their AADSTS numbers.

use crate::desk::{Desk, VERIFIER, challenge, claims, sent_to, text};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};

const REDIRECT: &str = "http://localhost:51234/callback";

fn address(organization: &Value, path: &str) -> String {
    text(organization, "/entra/authority").replace("/v2.0", path)
}

fn request(organization: &Value, change: &[(&str, Option<&str>)]) -> String {
    let challenge = challenge(VERIFIER);
    let scope = format!("openid profile offline_access {}", text(organization, "/entra/scope"));
    let usual = [
        ("client_id", text(organization, "/entra/companion_client_id")),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("response_mode", "query"),
        ("scope", &scope),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let changed = |name: &str| change.iter().find(|(it, _)| *it == name).map(|(_, value)| *value);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in usual {
        if let Some(value) = changed(name).unwrap_or(Some(value)) {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

async fn pick(desk: &Desk, organization: &Value, account: &str) -> Response {
    let url = address(organization, "/pick");
    desk.form(&url, &[("account", account), ("request", &request(organization, &[]))]).await
}

async fn redeem(desk: &Desk, organization: &Value, code: &str, change: &[(&str, &str)]) -> (StatusCode, Value) {
    let mut form = vec![
        ("client_id", text(organization, "/entra/companion_client_id")),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    form.retain(|(name, _)| !change.iter().any(|(it, _)| it == name));
    form.extend_from_slice(change);
    let answer = desk.form(&address(organization, "/oauth2/v2.0/token"), &form).await;
    (answer.status(), answer.json().await.unwrap())
}

fn number(body: &Value) -> u64 {
    body["error_codes"][0].as_u64().unwrap_or_else(|| panic!("not refused: {body}"))
}

#[tokio::test]
async fn a_clinician_signs_in_and_stays_signed_in() {
    let desk = Desk::open().await;
    let northside = &desk.northside;
    let authorize = format!("{}?{}", address(northside, "/oauth2/v2.0/authorize"), request(northside, &[]));
    let picker = desk.http.get(&authorize).send().await.unwrap().text().await.unwrap();
    assert!(picker.contains("data-account=\"maya.okafor@northside.example\""));
    assert!(!picker.contains("harbor.example"));

    let picked = pick(&desk, northside, "maya.okafor@northside.example").await;
    let back = sent_to(&picked);
    assert_eq!(back["state"], "the-state");
    let cookie = picked.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let (status, tokens) = redeem(&desk, northside, &back["code"], &[]).await;
    assert_eq!(status, StatusCode::OK);

    // Against the published key, as a resource server would.
    let configuration: Value = desk
        .http
        .get(address(northside, "/v2.0/.well-known/openid-configuration"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(configuration["issuer"], northside["entra"]["authority"]);
    let keys: JwkSet = desk.http.get(text(&configuration, "/jwks_uri")).send().await.unwrap().json().await.unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[text(northside, "/entra/relay_client_id")]);
    validation.set_issuer(&[text(northside, "/entra/authority")]);
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let access = decode::<Value>(text(&tokens, "/access_token"), &key, &validation).unwrap().claims;
    let maya = crate::desk::person(northside, "MOKAFOR");
    assert_eq!(access["oid"], maya["oid"]);
    assert_eq!(access["tid"], northside["tid"]);
    assert_eq!(access["scp"], "access_as_user");
    assert_eq!(access["azp"], northside["entra"]["companion_client_id"]);
    assert_eq!(access["ver"], "2.0");
    let id = claims(&tokens["id_token"]);
    assert_eq!(id["nonce"], "the-nonce");
    assert_eq!(id["aud"], northside["entra"]["companion_client_id"]);

    // Single sign-on in the same browser, unless the picker is asked for.
    let again = desk.http.get(&authorize).header(header::COOKIE, &cookie).send().await.unwrap();
    assert!(sent_to(&again).contains_key("code"));
    let asked = format!("{authorize}&prompt=select_account");
    let again = desk.http.get(&asked).header(header::COOKIE, &cookie).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK);
    let silent = format!("{authorize}&prompt=none");
    let refused = desk.http.get(&silent).send().await.unwrap();
    assert_eq!(sent_to(&refused)["error"], "login_required");

    // Refresh replaces the token and leaves the old one good, until an administrator revokes.
    let refresh = |token: &str| {
        let form = [
            ("client_id".to_owned(), text(northside, "/entra/companion_client_id").to_owned()),
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), token.to_owned()),
        ];
        desk.http.post(address(northside, "/oauth2/v2.0/token")).form(&form).send()
    };
    let first = text(&tokens, "/refresh_token");
    let second: Value = refresh(first).await.unwrap().json().await.unwrap();
    assert_ne!(text(&second, "/refresh_token"), first);
    let third: Value = refresh(first).await.unwrap().json().await.unwrap();
    assert!(third["access_token"].is_string());
    let revoke = desk.control(&format!("/people/{}/revoke-sessions", text(maya, "/oid")));
    let revoked: Value = desk.http.post(revoke).send().await.unwrap().json().await.unwrap();
    assert_eq!(revoked["revoked"], 3);
    let refused: Value = refresh(text(&second, "/refresh_token")).await.unwrap().json().await.unwrap();
    assert_eq!((text(&refused, "/error"), number(&refused)), ("invalid_grant", 50_173));
}

#[tokio::test]
async fn authorize_refuses_what_entra_refuses() {
    let desk = Desk::open().await;
    let northside = &desk.northside;
    let ask = async |change: &[(&str, Option<&str>)]| {
        let url = format!("{}?{}", address(northside, "/oauth2/v2.0/authorize"), request(northside, change));
        desk.http.get(url).send().await.unwrap()
    };
    // Back to the client, because the redirect URI is its own.
    for (change, number) in [
        (("code_challenge", None), "900144"),
        (("code_challenge", Some("short")), "501491"),
        (("code_challenge_method", Some("plain")), "501491"),
        (("code_challenge_method", None), "501491"),
        (("response_type", Some("token")), "700054"),
        (("response_mode", Some("fragment")), "90049"),
        (("scope", None), "900144"),
        (("scope", Some("openid https://graph.microsoft.com/Mail.Read")), "70011"),
    ] {
        let back = sent_to(&ask(&[change]).await);
        assert!(back["error_description"].contains(&format!("AADSTS{number}:")), "{change:?}: {back:?}");
        assert_eq!(back["state"], "the-state");
        assert!(!back.contains_key("code"));
    }
    // Never to an address that is not the client's.
    for change in [
        ("client_id", Some("00000000-0000-0000-0000-000000000000")),
        ("redirect_uri", Some("http://localhost:51234/elsewhere")),
        ("redirect_uri", Some("http://localhost.evil.example/callback")),
        ("redirect_uri", Some("https://localhost:51234/callback")),
        ("redirect_uri", Some("http://localhost:51234/callback?a=b")),
        ("redirect_uri", Some("http://[::1]:51234/callback")),
        ("redirect_uri", None),
    ] {
        assert_eq!(ask(&[change]).await.status(), StatusCode::BAD_REQUEST, "{change:?}");
    }
    for fine in ["http://127.0.0.1:1/callback", "http://localhost", "http://127.0.0.1:9/"] {
        assert_eq!(ask(&[("redirect_uri", Some(fine))]).await.status(), StatusCode::OK, "{fine}");
    }
    // Somebody of the other tenant.
    let stranger = pick(&desk, northside, "daniel.cho@harbor.example").await;
    assert_eq!(stranger.status(), StatusCode::BAD_REQUEST);
    assert!(stranger.text().await.unwrap().contains("AADSTS50020"));
}

#[tokio::test]
async fn the_token_endpoint_refuses_what_entra_refuses() {
    let desk = Desk::open().await;
    let (northside, harbor) = (&desk.northside, &desk.harbor);
    let code = async || sent_to(&pick(&desk, northside, "maya.okafor@northside.example").await)["code"].clone();

    let wrong = "another-code-verifier-of-more-than-forty-three-characters";
    for (change, expected) in [
        (("code_verifier", wrong), 501_481),
        (("redirect_uri", "http://localhost:1/callback"), 70_000),
        (("client_secret", "a"), 700_025),
        (("client_id", text(northside, "/entra/relay_client_id")), 7_000_218),
        (("client_id", "00000000-0000-0000-0000-000000000000"), 700_016),
        (("grant_type", "password"), 70_003),
        (("code", "1.unknown"), 9_002_313),
        (("scope", "https://graph.microsoft.com/.default"), 65_001),
    ] {
        let (status, body) = redeem(&desk, northside, &code().await, &[change]).await;
        assert!(status.is_client_error());
        assert_eq!(number(&body), expected, "{change:?}");
    }
    let once = code().await;
    assert_eq!(redeem(&desk, northside, &once, &[]).await.0, StatusCode::OK);
    assert_eq!(number(&redeem(&desk, northside, &once, &[]).await.1), 54_005);
    assert_eq!(number(&redeem(&desk, harbor, &code().await, &[]).await.1), 700_005);
    let old = code().await;
    desk.advance(601).await;
    assert_eq!(number(&redeem(&desk, northside, &old, &[]).await.1), 70_008);

    desk.fault(json!({ "target": "entra.token", "mode": "status", "status": 503, "retry_after": 2 })).await;
    let form = [("grant_type", "client_credentials")];
    let answer = desk.form(&address(northside, "/oauth2/v2.0/token"), &form).await;
    assert_eq!(
        (answer.status(), &answer.headers()[header::RETRY_AFTER]),
        (StatusCode::SERVICE_UNAVAILABLE, &header::HeaderValue::from(2))
    );
}

#[tokio::test]
async fn the_relay_gets_a_token_of_its_own() {
    let desk = Desk::open().await;
    let northside = &desk.northside;
    let usual = [
        ("client_id", text(northside, "/entra/relay_client_id")),
        ("client_secret", text(northside, "/entra/relay_client_secret")),
        ("grant_type", "client_credentials"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let url = text(northside, "/graph/token_endpoint");
    let body: Value = desk.form(url, &usual).await.json().await.unwrap();
    let token = claims(&body["access_token"]);
    assert_eq!(
        (text(&token, "/aud"), &token["tid"], text(&token, "/idtyp")),
        ("https://graph.microsoft.com", &northside["tid"], "app")
    );
    assert!(token["roles"].as_array().unwrap().iter().any(|it| it == "OnlineMeetings.ReadWrite.All"));

    for (change, expected) in [
        (("client_secret", "wrong"), 7_000_215),
        (("client_secret", ""), 7_000_215),
        (("scope", "https://graph.microsoft.com/OnlineMeetings.Read.All"), 1_002_012),
        (("client_id", text(northside, "/entra/companion_client_id")), 700_027),
    ] {
        let form: Vec<_> = usual.iter().map(|it| if it.0 == change.0 { change } else { *it }).collect();
        let body: Value = desk.form(url, &form).await.json().await.unwrap();
        assert_eq!(number(&body), expected, "{change:?}");
    }
    let common = url.replace(text(northside, "/tid"), "common");
    let body: Value = desk.form(&common, &usual).await.json().await.unwrap();
    assert_eq!(number(&body), 53_003);
}
