//! The client against a small EHR of its own: what it asks, and what it does not put up with.
//! The whole exchange against the stand-in Epic is in the package `e2e`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use roomed_smart::backend::BackendClient;
use roomed_smart::fhir::{Appointment, FhirClient, Patient};
use roomed_smart::id_token::{Expected, IdTokenError, verify};
use roomed_smart::jwks::JwksCache;
use roomed_smart::keys::{SigningKey, jwks};
use roomed_smart::{Error, SystemRandom, UrlPolicy, discovery, http};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const DEV: UrlPolicy = UrlPolicy::AllowLoopbackHttp;
const NOW: i64 = 1_800_000_000;

struct Ehr {
    base: String,
    key: SigningKey,
    published: Mutex<Value>,
    jwks_asked: AtomicUsize,
    tokens: AtomicUsize,
    assertions: Mutex<Vec<String>>,
}

fn new_key() -> SigningKey {
    SigningKey::from_pem(SigningKey::generate_pem().unwrap().expose_secret()).unwrap()
}

async fn ehr() -> Arc<Ehr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let key = new_key();
    let published = Mutex::new(serde_json::to_value(jwks([&key])).unwrap());
    let ehr = Arc::new(Ehr {
        base,
        key,
        published,
        jwks_asked: AtomicUsize::new(0),
        tokens: AtomicUsize::new(0),
        assertions: Mutex::default(),
    });
    let app = Router::new()
        .route("/R4/.well-known/smart-configuration", get(configuration))
        .route("/moved/.well-known/smart-configuration", get(async || Redirect::temporary("/R4")))
        .route("/huge/.well-known/smart-configuration", get(async || "x".repeat(600_000)))
        .route(
            "/plain/.well-known/smart-configuration",
            get(async || Json(json!({"token_endpoint":"/t","code_challenge_methods_supported":["plain"]}))),
        )
        .route("/keys", get(keys))
        .route("/token", post(token))
        .route("/R4/Patient/{id}", get(patient))
        .route("/R4/Appointment", get(search))
        .with_state(ehr.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    ehr
}

async fn configuration(State(ehr): State<Arc<Ehr>>) -> Json<Value> {
    Json(json!({"issuer": format!("{}/oauth2", ehr.base), "jwks_uri": format!("{}/keys", ehr.base),
        "authorization_endpoint": "../authorize", "token_endpoint": format!("{}/token", ehr.base),
        "capabilities": ["launch-ehr"], "code_challenge_methods_supported": ["S256"]}))
}

async fn keys(State(ehr): State<Arc<Ehr>>) -> Json<Value> {
    ehr.jwks_asked.fetch_add(1, Ordering::SeqCst);
    Json(ehr.published.lock().unwrap().clone())
}

async fn token(State(ehr): State<Arc<Ehr>>, Form(form): Form<Vec<(String, String)>>) -> impl IntoResponse {
    let field = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "unsupported_grant_type"}))).into_response();
    }
    ehr.assertions.lock().unwrap().push(field("client_assertion"));
    let n = ehr.tokens.fetch_add(1, Ordering::SeqCst);
    Json(json!({"access_token": format!("t{n}"), "token_type": "Bearer", "expires_in": 300, "scope": ""}))
        .into_response()
}

async fn patient(Path(id): Path<String>) -> impl IntoResponse {
    match id.as_str() {
        "p1" => Json(json!({"resourceType":"Patient","id":"p1","name":[{"text":"A B"}]})).into_response(),
        "other" => Json(json!({"resourceType":"Device","id":"p1"})).into_response(),
        "slow-down" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "2.1")], "").into_response(),
        "forbidden" => (
            StatusCode::FORBIDDEN,
            Json(json!({"resourceType":"OperationOutcome","issue":[{"severity":"fatal","code":"forbidden",
                "details":{"coding":[{"system":"urn:oid:1.2.840.114350.1.13.0.1.7.2.657369","code":"4118"}]},
                "diagnostics":"a name that must not be kept"}]})),
        )
            .into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn search(State(ehr): State<Arc<Ehr>>, uri: axum::http::Uri) -> Json<Value> {
    let query = uri.query().unwrap_or_default();
    let entry = |id: &str| json!({"resource":{"resourceType":"Appointment","id":id,"status":"booked"}});
    let outcome = json!({"resource":{"resourceType":"OperationOutcome","issue":[]}});
    Json(match query {
        "patient=p1" => {
            json!({"entry":[entry("1"), outcome],"link":[{"relation":"next","url":format!("{}/R4/Appointment?page=2", ehr.base)}]})
        }
        "page=2" => json!({"entry":[entry("2")],"link":[{"relation":"self","url":"x"}]}),
        "patient=elsewhere" => json!({"link":[{"relation":"next","url":"http://127.0.0.2:9/R4/Appointment?page=2"}]}),
        _ => json!({"link":[{"relation":"next","url":"Appointment?patient=endless"}]}),
    })
}

fn claims(ehr: &Ehr) -> Value {
    json!({"iss": format!("{}/oauth2", ehr.base), "sub": "u1", "aud": "client", "exp": NOW + 300, "iat": NOW,
        "nonce": "n1", "fhirUser": format!("{}/R4/Practitioner/e1", ehr.base)})
}

#[tokio::test]
async fn discovery_is_bounded_and_does_not_follow() {
    let ehr = ehr().await;
    let client = http::client(DEV).unwrap();
    let found = discovery::discover(&client, &format!("{}/R4", ehr.base), DEV).await.unwrap();
    assert_eq!(found.authorization_endpoint.unwrap().as_str(), format!("{}/authorize", ehr.base));
    assert_eq!(found.issuer.unwrap(), format!("{}/oauth2", ehr.base));
    let ask = async |path: &str| discovery::discover(&client, &format!("{}{path}", ehr.base), DEV).await.unwrap_err();
    assert!(matches!(ask("/moved").await, Error::Refused { status: 307, .. }));
    assert_eq!(ask("/huge").await, Error::TooLarge);
    assert!(matches!(ask("/plain").await, Error::Malformed(_)));
    assert!(matches!(ask("/none").await, Error::Refused { status: 404, .. }));
    let strict = discovery::discover(&client, &ehr.base, UrlPolicy::HttpsOnly).await;
    assert!(matches!(strict, Err(Error::Address(_))));
}

#[tokio::test]
async fn an_id_token_must_hold_in_every_point() {
    let ehr = ehr().await;
    let client = http::client(DEV).unwrap();
    let issuer = format!("{}/oauth2", ehr.base);
    let fhir_base = format!("{}/R4", ehr.base);
    let expected = Expected { issuer: &issuer, client_id: "client", nonce: "n1", fhir_base: &fhir_base, now: NOW };
    let cache = JwksCache::new(format!("{}/keys", ehr.base).parse().unwrap(), DEV);
    let good = ehr.key.sign(&claims(&ehr)).unwrap();
    let identity = verify(&client, &cache, &good, &expected).await.unwrap();
    assert!(identity.fhir_user.is_practitioner());
    assert_eq!(identity.fhir_user.id, "e1");

    type Break = fn(&mut Value);
    let cases: [(Break, IdTokenError); 11] = [
        (|c| c["iss"] = json!("https://evil.example"), IdTokenError::Issuer),
        (|c| c["aud"] = json!("another"), IdTokenError::Audience),
        (|c| c["aud"] = json!(["client", "another"]), IdTokenError::Audience),
        (|c| c["azp"] = json!("another"), IdTokenError::Audience),
        (|c| c["exp"] = json!(NOW - 121), IdTokenError::Expired),
        (|c| c["iat"] = json!(NOW + 121), IdTokenError::Future),
        (|c| c["nonce"] = json!("n2"), IdTokenError::Nonce),
        (|c| drop(c.as_object_mut().unwrap().remove("nonce")), IdTokenError::Nonce),
        (|c| c["fhirUser"] = json!("https://evil.example/R4/Practitioner/e1"), IdTokenError::FhirUser),
        (|c| drop(c.as_object_mut().unwrap().remove("fhirUser")), IdTokenError::FhirUser),
        (|c| drop(c.as_object_mut().unwrap().remove("exp")), IdTokenError::Malformed),
    ];
    for (spoil, wanted) in cases {
        let mut claims = claims(&ehr);
        spoil(&mut claims);
        let token = ehr.key.sign(&claims).unwrap();
        assert_eq!(verify(&client, &cache, &token, &expected).await.unwrap_err(), wanted);
    }
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let other = ehr.key.sign(&json!({"iss": "x"})).unwrap();
    let forged = format!("{head}.{}.{signature}", other.split('.').nth(1).unwrap());
    assert_eq!(verify(&client, &cache, &forged, &expected).await.unwrap_err(), IdTokenError::Signature);
    for rubbish in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &"x".repeat(20_000)] {
        assert_eq!(verify(&client, &cache, rubbish, &expected).await.unwrap_err(), IdTokenError::Malformed);
    }
}

#[tokio::test]
async fn keys_are_cached_and_an_unknown_one_asks_once_a_minute() {
    let ehr = ehr().await;
    let client = http::client(DEV).unwrap();
    let (issuer, fhir_base) = (format!("{}/oauth2", ehr.base), format!("{}/R4", ehr.base));
    let at = |now| Expected { issuer: &issuer, client_id: "client", nonce: "n1", fhir_base: &fhir_base, now };
    let cache = JwksCache::new(format!("{}/keys", ehr.base).parse().unwrap(), DEV);
    let good = ehr.key.sign(&claims(&ehr)).unwrap();
    for _ in 0..3 {
        verify(&client, &cache, &good, &at(NOW)).await.unwrap();
    }
    assert_eq!(ehr.jwks_asked.load(Ordering::SeqCst), 1);

    let next = new_key();
    let rotated = next.sign(&claims(&ehr)).unwrap();
    for _ in 0..3 {
        assert_eq!(verify(&client, &cache, &rotated, &at(NOW + 1)).await.unwrap_err(), IdTokenError::UnknownKey);
    }
    assert_eq!(ehr.jwks_asked.load(Ordering::SeqCst), 1, "too soon to ask again");
    *ehr.published.lock().unwrap() = serde_json::to_value(jwks([&next, &ehr.key])).unwrap();
    verify(&client, &cache, &rotated, &at(NOW + 61)).await.unwrap();
    verify(&client, &cache, &good, &at(NOW + 61)).await.unwrap();
    assert_eq!(ehr.jwks_asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn several_at_once_wait_for_the_first_to_fetch_the_keys() {
    let ehr = ehr().await;
    let client = http::client(DEV).unwrap();
    let (issuer, fhir_base) = (format!("{}/oauth2", ehr.base), format!("{}/R4", ehr.base));
    let at = Expected { issuer: &issuer, client_id: "client", nonce: "n1", fhir_base: &fhir_base, now: NOW };
    let cache = JwksCache::new(format!("{}/keys", ehr.base).parse().unwrap(), DEV);
    let good = ehr.key.sign(&claims(&ehr)).unwrap();
    let one = || verify(&client, &cache, &good, &at);
    let (a, b, c) = tokio::join!(one(), one(), one());
    assert!([a, b, c].iter().all(Result::is_ok));
    assert_eq!(ehr.jwks_asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_backend_token_is_asked_for_once_and_with_a_new_jti_each_time() {
    let ehr = ehr().await;
    let client = http::client(DEV).unwrap();
    let key = Arc::new(new_key());
    let endpoint: url::Url = format!("{}/token", ehr.base).parse().unwrap();
    let backend = BackendClient::new(
        "backend",
        endpoint.clone(),
        "system/Appointment.read",
        key.clone(),
        Arc::new(SystemRandom),
        DEV,
    );
    assert_eq!(backend.access_token(&client, NOW).await.unwrap().expose_secret(), "t0");
    assert_eq!(backend.access_token(&client, NOW + 269).await.unwrap().expose_secret(), "t0");
    assert_eq!(backend.access_token(&client, NOW + 271).await.unwrap().expose_secret(), "t1");
    backend.forget();
    assert_eq!(backend.access_token(&client, NOW + 272).await.unwrap().expose_secret(), "t2");

    let mut seen = std::collections::HashSet::new();
    for assertion in ehr.assertions.lock().unwrap().iter() {
        let jwk = key.public_jwk();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES384);
        validation.set_audience(&[endpoint.as_str()]);
        validation.validate_exp = false;
        let decoded =
            jsonwebtoken::decode::<Value>(assertion, &jsonwebtoken::DecodingKey::from_jwk(jwk).unwrap(), &validation)
                .unwrap();
        assert_eq!(decoded.claims["iss"], "backend");
        assert_eq!(decoded.claims["sub"], "backend");
        assert!(decoded.claims["exp"].as_i64().unwrap() - decoded.claims["iat"].as_i64().unwrap() <= 300);
        assert!(seen.insert(decoded.claims["jti"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn fhir_reads_searches_and_refuses() {
    let ehr = ehr().await;
    let fhir = FhirClient::new(http::client(DEV).unwrap(), &format!("{}/R4", ehr.base), DEV).unwrap();
    let token = "t".to_owned().into();
    let patient: Patient = fhir.read(&token, "p1").await.unwrap();
    assert_eq!(patient.display_name().as_deref(), Some("A B"));
    let read = async |id: &str| fhir.read::<Patient>(&token, id).await.unwrap_err();
    assert_eq!(read("none").await, Error::NotFound);
    assert_eq!(read("../../token").await, Error::NotFound);
    assert_eq!(read("..").await, Error::NotFound);
    assert!(matches!(read("other").await, Error::Malformed(_)));
    assert_eq!(read("slow-down").await, Error::Refused { status: 429, code: None, retry_after: Some(3) });
    let forbidden = read("forbidden").await;
    assert_eq!(forbidden, Error::Refused { status: 403, code: Some("4118".into()), retry_after: None });
    assert!(!format!("{forbidden} {forbidden:?}").contains("name"));

    let find = async |patient: &str| fhir.search::<Appointment>(&token, &[("patient", patient)], 10).await;
    let ids: Vec<_> = find("p1").await.unwrap().into_iter().filter_map(|a| a.id).collect();
    assert_eq!(ids, ["1", "2"]);
    assert!(matches!(find("elsewhere").await, Err(Error::Malformed(_))));
    assert_eq!(find("endless").await, Err(Error::TooLarge));
    let few = fhir.search::<Appointment>(&token, &[("patient", "p1")], 1).await;
    assert_eq!(few, Err(Error::TooLarge));

    let nobody = FhirClient::new(http::client(DEV).unwrap(), "http://127.0.0.1:9/R4", DEV).unwrap();
    assert!(nobody.read::<Patient>(&token, "p1").await.unwrap_err().outcome_unknown());
}
