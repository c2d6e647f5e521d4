//! What every test needs: a running hospital, a client that follows nothing by itself, and the analyst's view of it.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use reqwest::{Client, Method, Response, StatusCode, header, redirect::Policy};
use roomed_sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};
use std::collections::HashMap;
use url::Url;

/// Where the tests say the relay is; nothing listens there.
pub(crate) const RELAY: &str = "http://127.0.0.1:8400";
/// An RFC 7636 verifier.
pub(crate) const VERIFIER: &str = "a-code-verifier-of-more-than-forty-three-characters";

/// A hospital and a client.
pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) http: Client,
    pub(crate) northside: Value,
    pub(crate) harbor: Value,
}

impl Desk {
    /// A hospital with a registered relay.
    pub(crate) async fn open() -> Self {
        let desk = Self::unregistered().await;
        desk.register(RELAY).await;
        desk
    }

    /// A hospital that does not know any relay.
    pub(crate) async fn unregistered() -> Self {
        let running = Sandbox::start(Options { seed: Some(7), ..Options::default() }).await.unwrap();
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        let control = running.addresses.control.clone();
        let describe = async |key: &str| -> Value {
            http.get(format!("{control}/organizations/{key}")).send().await.unwrap().json().await.unwrap()
        };
        let (northside, harbor) = (describe("northside").await, describe("harbor").await);
        Self { running, http, northside, harbor }
    }

    /// Registers a relay's address.
    pub(crate) async fn register(&self, base: &str) {
        let answer = self.http.put(self.control("/relay")).json(&json!({ "base": base })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    /// An address of the control API.
    pub(crate) fn control(&self, path: &str) -> String {
        format!("{}{path}", self.running.addresses.control)
    }

    /// An address of Epic.
    pub(crate) fn epic(&self, path: &str) -> String {
        format!("{}{path}", self.running.addresses.epic)
    }

    /// A control API answer.
    pub(crate) async fn ask(&self, path: &str) -> Value {
        self.http.get(self.control(path)).send().await.unwrap().json().await.unwrap()
    }

    /// Waits until the journal says that something happened; its detail.
    pub(crate) async fn journal_says(&self, what: &str) -> Value {
        let mut after = 0;
        loop {
            let page = self.ask(&format!("/journal?after={after}&wait_ms=20000")).await;
            let entries = page["entries"].as_array().unwrap();
            assert!(!entries.is_empty(), "the journal never said {what}");
            if let Some(found) = entries.iter().find(|it| it["what"] == what) {
                return found["detail"].clone();
            }
            after = entries.last().unwrap()["n"].as_u64().unwrap();
        }
    }

    /// Throws a named switch.
    pub(crate) async fn throw(&self, name: &str, value: &str) {
        self.tell(Method::PUT, &format!("/switches/{name}"), &json!({ "value": value })).await;
    }

    /// Moves the sandbox's clock.
    pub(crate) async fn advance(&self, seconds: u32) {
        self.http.put(self.control("/clock")).json(&json!({ "advance_seconds": seconds })).send().await.unwrap();
    }

    /// Sets a fault switch.
    pub(crate) async fn fault(&self, fault: Value) {
        let answer = self.http.put(self.control("/faults")).json(&fault).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    /// A virtual, booked appointment of a Hyperspace user of either hospital.
    pub(crate) async fn appointment(&self, emp_user: &str) -> Value {
        let people = [&self.northside, &self.harbor].map(|it| it["people"].as_array().unwrap()).into_iter().flatten();
        let practitioner = people.into_iter().find(|it| it["emp_user"] == emp_user).unwrap()["practitioner_id"].clone();
        let all = self.ask("/appointments").await;
        let found =
            all["appointments"].as_array().unwrap().iter().find(|it| {
                it["practitioner_id"] == practitioner && it["type"] == "VV-TEAMS" && it["status"] == "booked"
            });
        found.unwrap().clone()
    }

    /// Sends to the control API; the answer must be a good one.
    pub(crate) async fn tell(&self, method: Method, path: &str, body: &Value) -> Value {
        let answer = self.http.request(method, self.control(path)).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default()
    }

    /// Presses *Begin virtual visit*; gives the query of the https launch.
    pub(crate) async fn launch(&self, body: Value) -> HashMap<String, String> {
        let answer = self.http.post(self.control("/launch")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        query(answer["https_url"].as_str().unwrap())
    }

    /// A form post.
    pub(crate) async fn form(&self, url: &str, form: &[(&str, &str)]) -> Response {
        self.http.post(url).form(form).send().await.unwrap()
    }
}

/// A person by Hyperspace user.
pub(crate) fn person<'a>(organization: &'a Value, emp_user: &str) -> &'a Value {
    organization["people"].as_array().unwrap().iter().find(|it| it["emp_user"] == emp_user).unwrap()
}

/// A patient by FHIR id.
pub(crate) fn patient<'a>(organization: &'a Value, id: &Value) -> &'a Value {
    organization["patients"].as_array().unwrap().iter().find(|it| it["patient_id"] == *id).unwrap()
}

/// The S256 challenge of a verifier.
pub(crate) fn challenge(verifier: &str) -> String {
    B64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()))
}

/// A URL's query as a map.
pub(crate) fn query(url: &str) -> HashMap<String, String> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

/// The query of a redirect.
pub(crate) fn sent_to(answer: &Response) -> HashMap<String, String> {
    query(location(answer))
}

/// Where a redirect goes.
pub(crate) fn location(answer: &Response) -> &str {
    assert!(answer.status().is_redirection(), "{}", answer.status());
    answer.headers()[header::LOCATION].to_str().unwrap()
}

/// A JWT's claims, its signature left to the tests that are about it.
pub(crate) fn claims(jwt: &Value) -> Value {
    serde_json::from_slice(&B64.decode(jwt.as_str().unwrap().split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A text field.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer}"))
}
