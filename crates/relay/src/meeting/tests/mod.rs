//! The calls to Graph against a small scripted stand-in over real HTTP: what is sent, in which order, and what each
//! refusal becomes. The strict stand-in hospital has its say in package e2e.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ensure;
mod watch;

use std::sync::{Arc, Mutex, OnceLock};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::graph::Certificates;
use super::graph::certificate::Paper;
use super::teams::{Policy, Teams};
use super::{MeetingError, MeetingRequest, Meetings, RefusalReason};
use crate::clock::ManualClock;
use crate::config::{self, Organization};
use crate::identity::testing::http;

const JOIN: &str = "https://teams.example/l/meetup-join/19%3am/0?context=%7b%7d";
const OID: &str = "f92ca67f-0564-414b-8caa-8c95b8099928";

struct Scripted {
    call: &'static str,
    status: u16,
    retry_after: Option<&'static str>,
    body: Value,
}

#[derive(Default)]
struct Fake {
    seen: Mutex<Vec<(String, Value)>>,
    script: Mutex<Vec<Scripted>>,
}

type Shared = Arc<Fake>;

async fn answer(State(fake): State<Shared>, method: Method, uri: Uri, body: Bytes) -> Response {
    let call = format!("{method} {}", uri.path_and_query().unwrap());
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    fake.seen.lock().unwrap().push((call.clone(), body));
    let mut script = fake.script.lock().unwrap();
    if let Some(at) = script.iter().position(|it| call.contains(it.call)) {
        let it = script.remove(at);
        let status = StatusCode::from_u16(it.status).unwrap();
        let mut response = (status, axum::Json(it.body)).into_response();
        if let Some(seconds) = it.retry_after {
            response.headers_mut().insert("retry-after", seconds.parse().unwrap());
        }
        return response;
    }
    let (status, body) = match call.as_str() {
        it if it.starts_with("POST /token") => (200, json!({"access_token": "t", "expires_in": 3599})),
        it if it.ends_with("createOrGet") => {
            (201, json!({"id": "M=", "joinWebUrl": JOIN, "chatInfo": {"threadId": "19:m"}}))
        }
        it if it.ends_with("JoinWebUrl") => (200, json!({"value": "https://visit.example/route?x"})),
        it if it.starts_with("POST /beta/subscriptions") => {
            (201, json!({"id": "sub", "expirationDateTime": "2027-01-16T00:00:00Z"}))
        }
        it if it.starts_with("DELETE") => (204, Value::Null),
        _ => (200, json!({})),
    };
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

struct Bench {
    fake: Shared,
    teams: Teams,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// One for all tests: making RSA keys is slow.
fn certificates() -> &'static Arc<Certificates> {
    static CERTIFICATES: OnceLock<Arc<Certificates>> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        Arc::new(Certificates::open(Arc::new(Paper::default()), Arc::new(ManualClock::new(now()))).unwrap())
    })
}

async fn bench(script: Vec<Scripted>) -> Bench {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let fake = Shared::new(Fake { script: Mutex::new(script), ..Fake::default() });
    let router = axum::Router::new().fallback(answer).with_state(Arc::clone(&fake));
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let organization: Organization = serde_json::from_value(json!({
        "key": "northside", "name": "Northside", "region": "emea", "tid": OID, "organizer_oid": OID,
        "entra": {"authority": base, "companion_client_id": "c", "relay_client_id": "r", "relay_client_secret": "s",
            "scope": "api://r/access_as_user"},
        "graph": {"base": format!("{base}/v1.0"), "subscriptions_base": format!("{base}/beta"),
            "token_endpoint": format!("{base}/token"), "validation_keys": base, "validation_issuer": base,
            "notification_app_id": "g"},
        "ehr": [],
    }))
    .unwrap();
    let clock = Arc::new(ManualClock::new(now()));
    let certificates = Arc::clone(certificates());
    let meeting = config::Meeting { request_seconds: 5, watch_minutes: 9_999, renew_before_minutes: 60 };
    let relay = "http://relay.example";
    let teams = Teams::of(&organization, &meeting, relay, Policy::default(), &http(), certificates, clock).unwrap();
    Bench { fake, teams, task }
}

fn once(call: &'static str, status: u16, message: &str) -> Scripted {
    Scripted { call, status, retry_after: None, body: json!({"error": {"code": "x", "message": message}}) }
}

fn request() -> MeetingRequest {
    MeetingRequest {
        external_id: "random".into(),
        organizer: OID.into(),
        co_organizers: vec!["clinician".into(), OID.into()],
        start: now(),
        end: now() + SignedDuration::from_mins(30),
    }
}

impl Bench {
    fn calls(&self) -> Vec<String> {
        self.fake.seen.lock().unwrap().iter().map(|(call, _)| call.clone()).collect()
    }

    fn body(&self, call: &str) -> Value {
        self.fake.seen.lock().unwrap().iter().find(|(it, _)| it.contains(call)).unwrap().1.clone()
    }

    fn count(&self, call: &str) -> usize {
        self.calls().iter().filter(|it| it.contains(call)).count()
    }

    async fn watch(&self) -> Result<super::Watch, MeetingError> {
        let meeting = self.teams.ensure(&request()).await.unwrap();
        self.teams.watch(&meeting, &SecretString::from("state".to_owned())).await
    }
}

fn refused(reason: RefusalReason) -> MeetingError {
    MeetingError::Refused { reason }
}
