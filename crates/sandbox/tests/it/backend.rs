//! Backend Services: assertions signed by a stand-in relay whose JWKS the sandbox fetches, and everything it refuses.

use crate::desk::{Desk, person, text};
use axum::{Json, Router, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::sync::OnceLock;
use tokio::net::TcpListener;

/// A relay that does nothing but publish keys.
pub(crate) struct Keys {
    p384: KeyPair,
    other: KeyPair,
    rsa: &'static KeyPair,
}

impl Keys {
    pub(crate) async fn publish(desk: &Desk) -> Self {
        let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        let other = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
        // RSA keys take their time; one does for all tests.
        static RSA: OnceLock<KeyPair> = OnceLock::new();
        let rsa = RSA.get_or_init(|| KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap());
        let point = p384.public_key_raw();
        let private = aws_lc_rs::signature::RsaKeyPair::from_pkcs8(rsa.serialized_der()).unwrap();
        let public = aws_lc_rs::signature::KeyPair::public_key(&private);
        let jwks = json!({ "keys": [
            { "kty": "EC", "crv": "P-384", "kid": "ec", "x": B64.encode(&point[1..49]), "y": B64.encode(&point[49..97]) },
            {
                "kty": "RSA", "kid": "rsa", "n": B64.encode(public.modulus().big_endian_without_leading_zero()),
                "e": B64.encode(public.exponent().big_endian_without_leading_zero()),
            },
        ] });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/.well-known/jwks.json", get(async move || Json(jwks)));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        desk.register(&base).await;
        Self { p384, other, rsa }
    }

    /// Asks an EHR beside Epic for a token, with an assertion changed as `change` says.
    pub(crate) async fn ask_elsewhere(
        &self,
        desk: &Desk,
        ehr: &Value,
        scope: &str,
        change: impl FnOnce(&mut Value),
    ) -> (StatusCode, Value) {
        let (client, endpoint) = (text(ehr, "/backend_client_id"), text(ehr, "/token_endpoint"));
        let mut claims = usual(desk).await;
        (claims["iss"], claims["sub"], claims["aud"]) = (json!(client), json!(client), json!(endpoint));
        change(&mut claims);
        ask_at(desk, endpoint, &self.sign(Algorithm::ES384, Some("ec"), &claims), scope).await
    }

    fn sign(&self, alg: Algorithm, kid: Option<&str>, claims: &Value) -> String {
        let mut header = Header::new(alg);
        header.kid = kid.map(str::to_owned);
        let key = match (alg, kid) {
            (Algorithm::ES384, Some("forged")) => {
                header.kid = Some("ec".to_owned());
                EncodingKey::from_ec_pem(self.other.serialize_pem().as_bytes())
            }
            (Algorithm::ES384, _) => EncodingKey::from_ec_pem(self.p384.serialize_pem().as_bytes()),
            _ => EncodingKey::from_rsa_pem(self.rsa.serialize_pem().as_bytes()),
        };
        encode(&header, claims, &key.unwrap()).unwrap()
    }

    /// A system token of Northside.
    pub(crate) async fn system_token(&self, desk: &Desk, scope: &str) -> String {
        let assertion = self.sign(Algorithm::ES384, Some("ec"), &usual(desk).await);
        let (status, body) = ask(desk, &assertion, scope).await;
        assert_eq!(status, StatusCode::OK);
        text(&body, "/access_token").to_owned()
    }
}

async fn usual(desk: &Desk) -> Value {
    let clock = desk.ask("/clock").await;
    let now: jiff::Timestamp = text(&clock, "/now").parse().unwrap();
    let client = text(&desk.northside, "/ehr/backend_client_id");
    json!({
        "iss": client, "sub": client, "aud": format!("{}/oauth2/token", text(&desk.northside, "/ehr/interconnect")),
        "exp": now.as_second() + 240, "jti": desk.running.hospital.random.guid(),
    })
}

async fn ask(desk: &Desk, assertion: &str, scope: &str) -> (StatusCode, Value) {
    ask_at(desk, &desk.epic("/interconnect-fhir-oauth/oauth2/token"), assertion, scope).await
}

async fn ask_at(desk: &Desk, endpoint: &str, assertion: &str, scope: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        ("scope", scope),
    ];
    let answer = desk.form(endpoint, &form).await;
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn both_algorithms_work_and_a_token_lasts_five_minutes() {
    let desk = Desk::open().await;
    let keys = Keys::publish(&desk).await;
    let practitioner = text(person(&desk.northside, "MOKAFOR"), "/practitioner_id");
    let url = format!("{}/Practitioner/{practitioner}", text(&desk.northside, "/ehr/iss"));
    for (alg, kid) in [(Algorithm::ES384, "ec"), (Algorithm::RS384, "rsa")] {
        let assertion = keys.sign(alg, Some(kid), &usual(&desk).await);
        let (status, body) = ask(&desk, &assertion, "system/Practitioner.read system/Observation.read").await;
        assert_eq!(
            (status, &body["expires_in"], text(&body, "/scope")),
            (StatusCode::OK, &json!(300), "system/Practitioner.read")
        );
        assert!(body.get("refresh_token").is_none());
        let read = || desk.http.get(&url).bearer_auth(text(&body, "/access_token")).send();
        assert_eq!(read().await.unwrap().status(), StatusCode::OK);
        desk.advance(301).await;
        assert_eq!(read().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn assertions_are_refused_as_epic_refuses_them() {
    let desk = Desk::open().await;
    let keys = Keys::publish(&desk).await;
    let other_hospital = format!("{}/oauth2/token", text(&desk.harbor, "/ehr/interconnect"));
    let now = usual(&desk).await["exp"].as_i64().unwrap() - 240;
    for (name, value) in [
        ("aud", json!(other_hospital)),
        ("aud", json!(text(&desk.northside, "/ehr/iss"))),
        ("iss", json!(text(&desk.northside, "/ehr/companion_client_id"))),
        ("sub", json!("somebody else")),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 400)),
        ("nbf", json!(now + 60)),
        ("jti", json!("")),
        ("jti", json!("x".repeat(152))),
    ] {
        let mut claims = usual(&desk).await;
        claims[name] = value;
        let (status, body) = ask(&desk, &keys.sign(Algorithm::ES384, Some("ec"), &claims), "").await;
        assert_eq!(
            (status, text(&body, "/error")),
            (StatusCode::BAD_REQUEST, "invalid_client"),
            "{name}: {}",
            claims[name]
        );
        assert_eq!(body["error_description"], Value::Null);
    }
    for (alg, kid) in [
        (Algorithm::ES384, Some("forged")),
        (Algorithm::ES384, Some("unpublished")),
        (Algorithm::ES384, None),
        (Algorithm::RS384, Some("ec")),
        (Algorithm::RS256, Some("rsa")),
        (Algorithm::PS384, Some("rsa")),
    ] {
        let (_, body) = ask(&desk, &keys.sign(alg, kid, &usual(&desk).await), "").await;
        assert_eq!(body["error"], "invalid_client", "{alg:?} {kid:?}");
    }
    let claims = usual(&desk).await;
    let assertion = keys.sign(Algorithm::ES384, Some("ec"), &claims);
    assert_eq!(ask(&desk, &assertion, "").await.0, StatusCode::OK);
    assert_eq!(ask(&desk, &assertion, "").await.1["error"], "invalid_client", "a replayed jti");
    let again = keys.sign(Algorithm::ES384, Some("ec"), &usual(&desk).await);
    assert_eq!(ask(&desk, &again, "user/Patient.read").await.1["error"], "invalid_scope");
}
