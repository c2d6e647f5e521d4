//! Signing in to the relay's web page: a confidential client with registered addresses, and the app roles its tokens carry.

use crate::desk::{Desk, RELAY, VERIFIER, challenge, claims, person, query, sent_to, text};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ACCOUNT: &str = "sam.whitfield@northside.example";

fn callback() -> String {
    format!("{RELAY}/o/northside/sign-in/callback")
}

fn at(desk: &Desk, path: &str) -> String {
    text(&desk.northside, "/entra/authority").replace("/v2.0", path)
}

fn request(desk: &Desk, client: &str, redirect: &str) -> String {
    let api = text(&desk.northside, "/entra/scope");
    // A page signs people in; only the companion asks for the relay's API.
    let is_page = client == text(&desk.northside, "/entra/relay_client_id");
    let scope = if is_page { "openid profile offline_access".to_owned() } else { format!("openid {api}") };
    let challenge = challenge(VERIFIER);
    let pairs = [
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", redirect),
        ("scope", &scope),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

async fn pick(desk: &Desk, client: &str, redirect: &str) -> reqwest::Response {
    let request = request(desk, text(&desk.northside, client), redirect);
    desk.form(&at(desk, "/pick"), &[("account", ACCOUNT), ("request", &request)]).await
}

async fn token(desk: &Desk, form: &[(&str, &str)]) -> (StatusCode, Value) {
    let answer = desk.form(&at(desk, "/oauth2/v2.0/token"), form).await;
    (answer.status(), answer.json().await.unwrap())
}

/// Signs in and redeems.
async fn tokens(desk: &Desk) -> Value {
    let picked = pick(desk, "/entra/relay_client_id", &callback()).await;
    let code = sent_to(&picked)["code"].clone();
    let callback = callback();
    let form = [
        ("client_id", text(&desk.northside, "/entra/relay_client_id")),
        ("client_secret", text(&desk.northside, "/entra/relay_client_secret")),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &callback),
        ("code_verifier", VERIFIER),
    ];
    let (status, body) = token(desk, &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

#[tokio::test]
async fn roles_stand_in_the_relays_tokens_from_the_next_one_on() {
    let desk = Desk::open().await;
    let sam = person(&desk.northside, "SWHITFIELD");
    let path = format!("/people/{}/app-roles", text(sam, "/oid"));
    let first = tokens(&desk).await;
    assert!(claims(&first["id_token"]).get("roles").is_none(), "nobody has a role at first");
    desk.tell(Method::PUT, &path, &json!({ "roles": ["Staff.Rooming", "Desk", "Desk"] })).await;
    assert_eq!(desk.ask(&path).await, json!({ "roles": ["Desk", "Staff.Rooming"] }));

    let second = tokens(&desk).await;
    let id = claims(&second["id_token"]);
    let relay = &desk.northside["entra"]["relay_client_id"];
    assert_eq!((&id["aud"], &id["nonce"], &id["oid"]), (relay, &json!("the-nonce"), &sam["oid"]));
    assert_eq!(id["roles"], json!(["Desk", "Staff.Rooming"]));
    assert!(second["access_token"].is_string());
    // Taken away, they are gone with the next refresh.
    desk.tell(Method::PUT, &path, &json!({ "roles": [] })).await;
    let form = [
        ("client_id", text(&desk.northside, "/entra/relay_client_id")),
        ("client_secret", text(&desk.northside, "/entra/relay_client_secret")),
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&second, "/refresh_token")),
    ];
    let (_, refreshed) = token(&desk, &form).await;
    assert!(claims(&refreshed["id_token"]).get("roles").is_none());

    for (path, body, status) in [
        (path.as_str(), json!({ "roles": ["two words"] }), StatusCode::UNPROCESSABLE_ENTITY),
        (path.as_str(), json!({ "roles": [".dot"] }), StatusCode::UNPROCESSABLE_ENTITY),
        ("/people/nobody/app-roles", json!({ "roles": ["Desk"] }), StatusCode::NOT_FOUND),
    ] {
        let answer = desk.http.put(desk.control(path)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
    }
}

#[tokio::test]
async fn the_companions_id_token_has_no_roles_but_its_access_token_for_the_relay_has() {
    let desk = Desk::open().await;
    let path = format!("/people/{}/app-roles", text(person(&desk.northside, "SWHITFIELD"), "/oid"));
    desk.tell(Method::PUT, &path, &json!({ "roles": ["Desk"] })).await;
    let redirect = "http://localhost:51234/callback";
    let code = sent_to(&pick(&desk, "/entra/companion_client_id", redirect).await)["code"].clone();
    let client = text(&desk.northside, "/entra/companion_client_id");
    let form = [
        ("client_id", client),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect),
        ("code_verifier", VERIFIER),
    ];
    let (_, body) = token(&desk, &form).await;
    assert_eq!(claims(&body["access_token"])["roles"], json!(["Desk"]));
    assert!(claims(&body["id_token"]).get("roles").is_none());
}

#[tokio::test]
async fn a_web_page_proves_itself_and_comes_back_only_where_it_is_registered() {
    let desk = Desk::open().await;
    for redirect in [
        format!("{RELAY}/o/northside/sign-in/callback/"),
        format!("{RELAY}/o/elsewhere/sign-in/callback"),
        "http://localhost:51234/callback".to_owned(),
        "http://127.0.0.1:9999/o/northside/sign-in/callback".to_owned(),
    ] {
        let refused = pick(&desk, "/entra/relay_client_id", &redirect).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{redirect}");
        assert!(refused.text().await.unwrap().contains("AADSTS50011"), "{redirect}");
    }
    let greedy = request(&desk, text(&desk.northside, "/entra/relay_client_id"), &callback());
    let greedy = greedy.replace(
        "scope=",
        &format!("scope={}+", text(&desk.northside, "/entra/scope").replace(':', "%3A").replace('/', "%2F")),
    );
    let itself = desk.form(&at(&desk, "/pick"), &[("account", ACCOUNT), ("request", &greedy)]).await;
    assert!(sent_to(&itself)["error_description"].contains("AADSTS90009"), "a token for itself");
    let web = pick(&desk, "/entra/companion_client_id", &callback()).await;
    assert_eq!(web.status(), StatusCode::BAD_REQUEST, "the companion has no web address");

    let (relay, companion) =
        (text(&desk.northside, "/entra/relay_client_id"), text(&desk.northside, "/entra/companion_client_id"));
    let secret = text(&desk.northside, "/entra/relay_client_secret");
    for (change, number) in [
        (vec![("client_secret", None)], 7_000_218),
        (vec![("client_secret", Some("wrong"))], 7_000_215),
        (vec![("client_id", Some(companion)), ("client_secret", None)], 70_000),
        (vec![("code_verifier", Some("another-code-verifier-of-more-than-forty-three-characters"))], 501_481),
    ] {
        let picked = pick(&desk, "/entra/relay_client_id", &callback()).await;
        let code = query(picked.headers()["location"].to_str().unwrap())["code"].clone();
        let callback = callback();
        let mut form = vec![
            ("client_id", relay),
            ("client_secret", secret),
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", &callback),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in &change {
            form.retain(|(it, _)| it != name);
            form.extend(value.map(|value| (*name, value)));
        }
        assert_eq!(token(&desk, &form).await.1["error_codes"][0], number, "{change:?}");
    }
    // A refresh token is of the application it was given to.
    let body = tokens(&desk).await;
    let form =
        [("client_id", companion), ("grant_type", "refresh_token"), ("refresh_token", text(&body, "/refresh_token"))];
    assert_eq!(token(&desk, &form).await.1["error"], "invalid_grant");
}
