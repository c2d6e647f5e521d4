//! A started sandbox with the relay's application at its desk: tokens, calls to Graph, calls to the Teams switches.

use reqwest::Method;
use roomed_sandbox::{Options, Running, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;

/// Every role the relay's application is granted.
pub(crate) const ROLES: [&str; 4] = [
    "OnlineMeetings.ReadWrite.All",
    "OnlineMeetings.Read.All",
    "VirtualAppointment.Read.All",
    "OnlineMeetingArtifact.Read.All",
];

/// One HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

pub(crate) struct Desk {
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
    pub(crate) tid: String,
    pub(crate) organizer: String,
    pub(crate) clinician: String,
    pub(crate) app: String,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let running = Sandbox::start(Options { seed: Some(7), ..Options::default() }).await.unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let organization = running.hospital.organization("northside").unwrap();
        let (tid, organizer) = (organization.tid.clone(), organization.organizer.oid.clone());
        let clinician = organization.emp_user("MOKAFOR").unwrap().oid.clone();
        let app = running.hospital.entra.apps.relay_client_id.clone();
        Self { running, http, tid, organizer, clinician, app }
    }

    pub(crate) fn token(&self, audience: &str, roles: &[&str], app: &str) -> String {
        let now = self.running.hospital.clock.unix();
        self.running.hospital.entra.key.sign(&json!({
            "aud": audience, "iss": format!("https://sts.windows.net/{}/", self.tid), "nbf": now - 5, "exp": now + 3600,
            "appid": app, "tid": self.tid, "roles": roles, "idtyp": "app", "ver": "1.0",
        }))
    }

    pub(crate) async fn graph(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.graph_as(&self.token("https://graph.microsoft.com", &ROLES, &self.app), method, path, body).await
    }

    pub(crate) async fn graph_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request =
            self.http.request(method, format!("{}{path}", self.running.addresses.graph)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        answer(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.graph(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.graph(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.graph(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.graph(Method::DELETE, path, None).await
    }

    pub(crate) fn meetings_path(&self) -> String {
        format!("/v1.0/users/{}/onlineMeetings", self.organizer)
    }

    pub(crate) async fn meeting(&self, external: &str) -> Value {
        let made = self.post(&format!("{}/createOrGet", self.meetings_path()), json!({"externalId": external})).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body
    }

    /// A call to the Teams switches of this meeting.
    pub(crate) async fn teams(&self, meeting: &Value, act: &str, body: Value) -> Answer {
        let thread = encode(meeting["chatInfo"]["threadId"].as_str().unwrap());
        let url = format!("{}/_sandbox/meetings/{thread}{act}", self.running.addresses.teams);
        answer(if act.is_empty() { self.http.get(url) } else { self.http.post(url).json(&body) }).await
    }

    /// Somebody joins; their leg.
    pub(crate) async fn join(&self, meeting: &Value, who: Value) -> String {
        let joined = self.teams(meeting, "/join", who).await;
        assert_eq!(joined.status, 201, "{joined:?}");
        joined.body["leg"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn switch(&self, path: &str, body: Value) -> Answer {
        answer(self.http.post(format!("{}/_sandbox{path}", self.running.addresses.graph)).json(&body)).await
    }

    /// Throws a named switch for every organization.
    pub(crate) fn throw(&self, name: &str, value: &str) {
        let hospital = &self.running.hospital;
        let keys: Vec<&str> = hospital.organizations.iter().map(|it| it.key).collect();
        hospital.switches.throw(name, value, None, &keys).unwrap();
    }

    pub(crate) fn fault(&self, fault: Value) {
        self.running.hospital.faults.put(serde_json::from_value(fault).unwrap());
    }

    /// Waits until the journal holds `count` entries named `what` and answers them.
    pub(crate) async fn journal(&self, what: &str, count: usize) -> Vec<Value> {
        let mut newest = self.running.hospital.journal.subscribe();
        within("the journal", async {
            loop {
                newest.mark_unchanged();
                let entries = self.running.hospital.journal.after(0).into_iter().filter(|it| it.what == what);
                let found: Vec<Value> = entries.map(|it| it.detail).collect();
                if found.len() >= count {
                    return found;
                }
                newest.changed().await.unwrap();
            }
        })
        .await
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    Answer { status, body: response.json().await.unwrap_or(Value::Null) }
}

/// The one wait of these tests: an event with a deadline.
pub(crate) async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), event).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Percent-encoding of everything but unreserved characters, as Python's `quote(url, safe='')`.
pub(crate) fn encode(text: &str) -> String {
    let unreserved = |it: u8| it.is_ascii_alphanumeric() || b"-_.~".contains(&it);
    text.bytes().map(|it| if unreserved(it) { char::from(it).to_string() } else { format!("%{it:02X}") }).collect()
}
