//! A FHIR server that answers as a test tells it and remembers what it was asked. The whole stand-ins are in the sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use roomed_smart::UrlPolicy;
use roomed_smart::keys::SigningKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::clock::{Clock, ManualClock, Random, SystemRandomness};
use crate::config::{Config, EhrConfig, NORTHSIDE, Vendor};
use crate::ehr::{Attempt, Ehr, Gate, Said, connect};
use crate::outbox::{About, Attendance, Presence, Role, WriteBack};
use crate::store::Channel;

/// A request to the FHIR base.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `GET Appointment/a1`; the query is decoded.
    pub(crate) what: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}

/// An answer, or a connection that is cut.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

pub(crate) fn reply(status: u16, body: Value) -> Reply {
    Reply { status, headers: Vec::new(), body }
}

/// No byte of an answer.
pub(crate) fn cut() -> Reply {
    reply(0, Value::Null)
}

pub(crate) fn found(resources: &[Value]) -> Reply {
    let entry: Vec<Value> = resources.iter().map(|it| json!({ "resource": it })).collect();
    reply(200, json!({ "resourceType": "Bundle", "type": "searchset", "entry": entry }))
}

/// An OperationOutcome with a vendor's code.
pub(crate) fn outcome(status: u16, code: &str) -> Reply {
    let details = json!({ "coding": [{ "code": code }] });
    let issue =
        json!([{ "severity": "error", "code": "processing", "details": details, "diagnostics": "CANARY-BODY" }]);
    reply(status, json!({ "resourceType": "OperationOutcome", "issue": issue }))
}

impl Reply {
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

type Script = Box<dyn Fn(&Asked, &[Asked]) -> Reply + Send + Sync>;

struct Server {
    /// Answers a request, given those before it.
    script: Script,
    asked: Mutex<Vec<Asked>>,
    tokens: AtomicU32,
    scope: Mutex<String>,
}

/// A vendor's connection to the fake.
pub(crate) struct Place {
    pub(crate) ehr: Arc<dyn Ehr>,
    pub(crate) clock: Arc<ManualClock>,
    server: Arc<Server>,
}

impl Place {
    /// Starts the fake.
    pub(crate) async fn start(
        vendor: Vendor,
        change: impl FnOnce(&mut EhrConfig),
        script: impl Fn(&Asked, &[Asked]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = Arc::new(Server {
            script: Box::new(script),
            asked: Mutex::default(),
            tokens: AtomicU32::new(0),
            scope: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let endpoints = json!({"issuer": format!("{base}/fhir"), "token_endpoint": format!("{base}/token"),
            "authorization_endpoint": format!("{base}/authorize"), "jwks_uri": format!("{base}/jwks"),
            "grant_types_supported": ["client_credentials"], "code_challenge_methods_supported": ["S256"],
            "capabilities": ["client-confidential-asymmetric"]});
        let app = Router::new()
            .route("/fhir/.well-known/smart-configuration", get(move || async move { Json(endpoints) }))
            .route("/token", post(token))
            .fallback(answer)
            .with_state(Arc::clone(&server));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut config = Config::assemble(NORTHSIDE, std::path::Path::new("test"), Vec::new()).unwrap();
        let mut ehr = config.organizations.remove(0).ehr.remove(0);
        ehr.iss = format!("{base}/fhir");
        ehr.vendor = vendor;
        change(&mut ehr);
        let key = Arc::new(SigningKey::from_pem(SigningKey::generate_pem().unwrap().expose_secret()).unwrap());
        let policy = UrlPolicy::AllowLoopbackHttp;
        let http = roomed_smart::http::client(policy).unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-22T10:00:00Z".parse().unwrap()));
        let as_clock: Arc<dyn Clock> = clock.clone();
        let random: Arc<dyn Random> = Arc::new(SystemRandomness::default());
        let ehr = connect(&ehr, "northside", &config, &key, &http, policy, &as_clock, &random);
        Self { ehr, clock, server }
    }

    /// One attempt, and what it said. Whatever arrived here was counted for the connection's pace.
    pub(crate) async fn say(&self, intent: &WriteBack, key: &str, uncertain: bool) -> Said {
        let arrived = || i64::try_from(self.server.asked.lock().unwrap().len()).unwrap();
        let requests = self.ehr.requests().unwrap();
        let (before, _) = (arrived(), requests.owed());
        let said = self.ehr.write_back(intent, &Attempt { key, uncertain, gate: &Passing(true) }).await;
        assert_eq!(requests.owed(), arrived() - before, "requests that are counted");
        said
    }

    /// One attempt whose lease is lost.
    pub(crate) async fn say_without_lease(&self, intent: &WriteBack) -> Said {
        self.ehr.write_back(intent, &Attempt { key: "k", uncertain: false, gate: &Passing(false) }).await
    }

    /// What was asked since the last look.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.server.asked.lock().unwrap())
    }

    /// The same, method and path only.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|it| it.what).collect()
    }

    pub(crate) fn tokens(&self) -> u32 {
        self.server.tokens.load(Ordering::SeqCst)
    }

    pub(crate) fn scope(&self) -> String {
        self.server.scope.lock().unwrap().clone()
    }
}

/// What a server can do, as a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Can {
    pub(crate) conditional: bool,
    pub(crate) put: bool,
    pub(crate) transaction: bool,
    pub(crate) versioned: bool,
}

/// All but transactions.
pub(crate) const ALL: Can = Can { conditional: true, put: true, transaction: false, versioned: true };
/// Update as create only.
pub(crate) const PUT: Can = Can { conditional: false, ..ALL };
/// Neither.
pub(crate) const PLAIN: Can = Can { put: false, ..PUT };

/// Its CapabilityStatement.
pub(crate) fn statement(can: Can) -> Reply {
    let named = |all: &[&str], name: &str| -> Vec<Value> { all.iter().map(|it| json!({ name: it })).collect() };
    let kind = |name: &str, params: &[&str]| {
        json!({ "type": name, "interaction": named(&["create", "update", "read", "search-type"], "code"),
            "conditionalCreate": can.conditional, "updateCreate": can.put,
            "versioning": if can.versioned { "versioned" } else { "no-version" }, "searchParam": named(params, "name") })
    };
    let interaction: &[&str] = if can.transaction { &["transaction"] } else { &[] };
    reply(
        200,
        json!({ "resourceType": "CapabilityStatement", "rest": [{ "mode": "server",
        "interaction": named(interaction, "code"),
        "resource": [kind("Encounter", &["appointment", "identifier"]), kind("Location", &["identifier"]),
            kind("AuditEvent", &["patient", "date"]), kind("Communication", &["identifier"])] }] }),
    )
}

struct Passing(bool);

#[async_trait]
impl Gate for Passing {
    async fn may_send(&self) -> bool {
        self.0
    }
}

async fn token(State(server): State<Arc<Server>>, form: String) -> Json<Value> {
    let scope = url::form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "scope").unwrap().1.into_owned();
    *server.scope.lock().unwrap() = scope.clone();
    let n = server.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    Json(json!({"access_token": format!("t{n}"), "token_type": "Bearer", "expires_in": 300, "scope": scope}))
}

async fn answer(
    State(server): State<Arc<Server>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix("/fhir").unwrap_or(uri.path()).trim_start_matches('/');
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query: Vec<String> = query.map(|(name, value)| format!("{name}={value}")).collect();
    let what = format!("{method} {path}{}{}", if query.is_empty() { "" } else { "?" }, query.join("&"));
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let asked = Asked { what, headers, body };
    let reply = {
        let mut all = server.asked.lock().unwrap();
        let reply = (server.script)(&asked, &all);
        all.push(asked);
        reply
    };
    if reply.status == 0 {
        std::panic::resume_unwind(Box::new("cut"));
    }
    let mut response = (StatusCode::from_u16(reply.status).unwrap(), Json(reply.body)).into_response();
    for (name, value) in &reply.headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

pub(crate) fn attendance(role: Role, presence: Presence, at: &str) -> About {
    let (participant, fhir_id) = match role {
        Role::Patient => ("patient", "p1"),
        Role::Practitioner => ("clinician", "d1"),
    };
    let (participant, fhir_id) = (participant.to_owned(), fhir_id.to_owned());
    About::Attendance(Attendance { participant, role, fhir_id, presence, at: at.parse().unwrap() })
}

pub(crate) fn stage(stage: &str) -> About {
    About::Stage { stage: stage.into(), at: "2026-11-22T10:05:00Z".parse().unwrap() }
}

pub(crate) fn intent(channel: Channel, about: About) -> WriteBack {
    WriteBack {
        iss: "https://ehr.example/r4".into(),
        appointment: "a1".into(),
        conference_id: Some("1853".into()),
        patient: Some("p1".into()),
        channel,
        about,
    }
}

/// The patient is connected, at ten.
pub(crate) fn arrived(channel: Channel) -> WriteBack {
    intent(channel, attendance(Role::Patient, Presence::Connected, "2026-11-22T10:00:00Z"))
}
