//! The small world: its state, its start, and the relay's side of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use jiff::SignedDuration;
use roomed_companion::clock::{Clock, SystemClock};
use roomed_protocol::{
    ChartState, Ending, MessageView, Notice, NoticeKind, PROTOCOL_HEADER, ParticipantView, Presence, Problem,
    ProblemCode, Role, StageView, VisitView,
};
use roomed_smart::keys::SigningKey;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use crate::identity::{self, Pending};

#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) counter: u32,
    pub(crate) codes: HashMap<String, Pending>,
    pub(crate) refresh_token: Option<String>,
    pub(crate) access_token: String,
    pub(crate) refreshes: u32,
    pub(crate) refresh_error: Option<String>,
    pub(crate) authorize_error: Option<String>,
    pub(crate) prompts: Vec<String>,
    /// The browser's tab is closed, whatever it was opened for.
    pub(crate) nobody_answers: bool,
    /// Who signs in to Microsoft; `object-1` where nobody is named.
    pub(crate) account: Option<String>,
    pub(crate) ehr_asked: u32,
    pub(crate) ehr_status: Option<u16>,
    pub(crate) ehr_token_error: Option<String>,
    pub(crate) no_id_token: bool,
    /// Who is signed in to the EHR; `Practitioner/e1` where nobody is named.
    pub(crate) ehr_user: Option<String>,
    pub(crate) redirect_by_relay: bool,
    pub(crate) callbacks: BTreeMap<String, u16>,
    /// By how many seconds the relay's clock is before the world's.
    pub(crate) clock_ahead: i64,
    pub(crate) nonces: u32,
    /// Seconds that a nonce is good for; five minutes where nothing is said.
    pub(crate) nonce_seconds: Option<i64>,
    pub(crate) proofs: Vec<Value>,
    /// What `POST launches` answers, first to last; nothing left is a proven visit.
    pub(crate) launch_answers: Vec<(u16, Value)>,
    pub(crate) patient_waits: bool,
    /// The relay is still making meetings.
    pub(crate) no_meeting: bool,
    pub(crate) visits: Vec<VisitView>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) page_size: usize,
    pub(crate) pulls: Vec<u32>,
    /// The days that were asked for.
    pub(crate) days: Vec<(String, String)>,
    pub(crate) sockets: u32,
    /// Where the next lines are cut, the last one first; with none left, a line stands.
    pub(crate) cuts: Vec<Cut>,
    /// The notice that comes into being between two of them.
    pub(crate) between: Vec<(usize, String, NoticeKind)>,
    /// Seconds between repeats of an alert; 5 where nothing is said.
    pub(crate) repeat_seconds: Option<u32>,
    pub(crate) relay_down: bool,
    /// Requests, by how their line begins, that are not heard once each: answered with this, or with nothing.
    pub(crate) failing: Vec<(String, Option<(u16, Value)>)>,
    /// What the relay has heard and done is answered with nothing.
    pub(crate) answers_lost: bool,
    /// Method, path and body of everything the relay was asked.
    pub(crate) requests: Vec<String>,
}

/// Where a line is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Before a word.
    BeforeHello,
    /// After the hello, whatever is asked then.
    AfterHello,
    /// So that what has happened is not heard.
    AtTheNotices,
    /// So that what has happened is heard, and how things are is not.
    AtTheList,
}

pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) key: SigningKey,
    pub(crate) clock: SystemClock,
    pub(crate) state: Mutex<Facts>,
    pub(crate) to_sockets: broadcast::Sender<String>,
    /// Requests whose answer is kept back, by how their line begins.
    holding: watch::Sender<Option<String>>,
}

pub(crate) fn problem(code: ProblemCode, status: u16) -> (u16, Value) {
    let problem =
        Problem { kind: "about:blank".into(), title: "t".into(), status, code, detail: "d".into(), who: code.who() };
    (status, serde_json::to_value(problem).unwrap())
}

pub(crate) fn visit(id: &str, presence: Presence, proven: bool) -> VisitView {
    let participant = |role, presence, me| ParticipantView {
        id: format!("{role:?}"),
        role,
        me,
        presence,
        since: None,
        source: None,
        chart: ChartState::Nothing,
        test: None,
        help_since: None,
        left_unseen_after: None,
        invitation: None,
        assigned_to: None,
    };
    VisitView {
        id: id.into(),
        stage: if presence == Presence::Absent { StageView::Planned } else { StageView::Arrived },
        start: "2026-11-22T08:30:00Z".into(),
        end: "2026-11-22T09:00:00Z".into(),
        arrived_at: None,
        proven,
        covering: false,
        covered: false,
        acknowledged: false,
        closing: false,
        participants: vec![
            participant(Role::Patient, presence, false),
            participant(Role::Practitioner, Presence::Absent, true),
        ],
        timeline: Vec::new(),
        roomed_at: None,
        late_until: None,
        undo_until: None,
        messages: Vec::new(),
        ending: Ending::Asks,
        not_removed: None,
        called_off_at: None,
    }
}

pub(crate) fn ready(proven: bool) -> NoticeKind {
    NoticeKind::PatientReady { start: "2026-11-22T08:30:00Z".into(), role: Role::Patient, proven, as_delegate: false }
}

pub(crate) fn asks_for_help() -> NoticeKind {
    NoticeKind::HelpWanted { start: "2026-11-22T08:30:00Z".into(), role: Role::Patient }
}

/// A visit whose patient asks for help.
pub(crate) fn in_need(id: &str) -> VisitView {
    let mut visit = visit(id, Presence::Waiting, true);
    visit.participants[0].help_since = Some("2026-11-22T08:27:00Z".into());
    visit
}

impl World {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let world = Arc::new(Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            key: SigningKey::from_pem(SigningKey::generate_pem().unwrap().expose_secret()).unwrap(),
            clock: SystemClock,
            state: Mutex::new(Facts { page_size: 200, ..Facts::default() }),
            to_sockets: broadcast::channel(64).0,
            holding: watch::Sender::new(None),
        });
        let relay = Router::new()
            .route("/relay/api/v1/me", get(me))
            .route("/relay/api/v1/nonces", post(nonce))
            .route("/relay/api/v1/callbacks", put(callback))
            .route("/relay/api/v1/launches", post(launch))
            .route("/relay/api/v1/visits", get(visits))
            .route("/relay/api/v1/visits/{id}", get(one_visit))
            .route("/relay/api/v1/visits/{id}/join", get(join).post(join))
            .route("/relay/api/v1/visits/{id}/{act}", post(act))
            .route("/relay/api/v1/visits/{id}/help-taken/{participant}", post(help_taken))
            .route("/relay/api/v1/visits/{id}/invitations", post(invite))
            .route("/relay/api/v1/visits/{id}/invitations/{participant}", delete(seen))
            .route("/relay/api/v1/offers/{offer}", post(answer_offer))
            .route("/relay/api/v1/late", post(async || StatusCode::NO_CONTENT))
            .route("/relay/api/v1/notices", get(notices))
            .route("/relay/api/v1/agenda", get(agenda))
            .route("/relay/api/v1/socket", get(socket))
            .layer(middleware::from_fn_with_state(world.clone(), bearer))
            .route("/relay/api/v1/organizations/northside/sign-in", get(sign_in))
            .route("/relay/oauth/callback", get(oauth_callback));
        let app = relay.merge(identity::routes()).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        world
    }

    pub(crate) fn iss(&self) -> String {
        format!("{}/ehr/R4", self.base)
    }

    pub(crate) fn link(&self, launch: &str) -> String {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", &self.iss())
            .append_pair("launch", launch)
            .append_pair("handle", "handle-1")
            .finish();
        format!("roomed://launch?{query}")
    }

    /// Commits a notice without telling anybody.
    pub(crate) fn commit(&self, visit: &str, kind: NoticeKind) -> u32 {
        let mut state = self.state.lock().unwrap();
        let seq = state.notices.len() as u32 + 1;
        state.notices.push(Notice { seq, visit: visit.into(), at: format!("2026-11-22T08:2{}:00Z", seq % 10), kind });
        seq
    }

    pub(crate) fn hint(&self, cursor: u32) {
        let _ = self.to_sockets.send(json!({"type": "hint", "cursor": cursor}).to_string());
    }

    pub(crate) fn drop_sockets(&self) {
        let _ = self.to_sockets.send("drop".into());
    }

    pub(crate) fn put_visit(&self, visit: VisitView) {
        let mut state = self.state.lock().unwrap();
        state.visits.retain(|v| v.id != visit.id);
        state.visits.push(visit);
    }

    /// Keeps the answers to these back until [`Self::release`]; they are heard and done all the same.
    pub(crate) fn hold(&self, what: &str) {
        self.holding.send_replace(Some(what.into()));
    }

    pub(crate) fn release(&self) {
        self.holding.send_replace(None);
    }

    pub(crate) fn fail(&self, what: &str, times: usize, with: Option<(u16, Value)>) {
        self.state.lock().unwrap().failing.extend(vec![(what.to_owned(), with); times]);
    }

    pub(crate) fn asked(&self, what: &str) -> usize {
        self.state.lock().unwrap().requests.iter().filter(|r| r.starts_with(what)).count()
    }
}

type W = State<Arc<World>>;

async fn bearer(State(world): W, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 100_000).await.unwrap_or_default();
    let line = format!("{} {} ", parts.method, parts.uri.path().trim_start_matches("/relay/api/v1"));
    let mut failed = None;
    {
        let mut state = world.state.lock().unwrap();
        if state.relay_down {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        let path = parts.uri.path().trim_start_matches("/relay/api/v1");
        state.requests.push(format!("{} {path} {}", parts.method, String::from_utf8_lossy(&body)));
        // The socket says its version in its hello.
        if path != "/socket" && parts.headers.get(PROTOCOL_HEADER).is_none_or(|v| v != "2") {
            return answer(problem(ProblemCode::BadRequest, 400));
        }
        let wanted = format!("Bearer {}", state.access_token);
        if parts.headers.get("authorization").is_none_or(|v| v != wanted.as_str()) {
            return answer(problem(ProblemCode::TokenRefused, 401));
        }
        if let Some(at) = state.failing.iter().position(|(what, _)| line.starts_with(what)) {
            failed = Some(state.failing.remove(at).1);
        }
    }
    let response = match failed {
        Some(with) => with.map_or_else(|| StatusCode::BAD_GATEWAY.into_response(), answer),
        None => next.run(Request::from_parts(parts, body.into())).await,
    };
    let mut holding = world.holding.subscribe();
    let _ = holding.wait_for(|what| what.as_ref().is_none_or(|what| !line.starts_with(what))).await;
    let lost = world.state.lock().unwrap().answers_lost;
    if lost { StatusCode::BAD_GATEWAY.into_response() } else { response }
}

fn answer((status, body): (u16, Value)) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

async fn sign_in(State(world): W) -> Response {
    if world.state.lock().unwrap().relay_down {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(
        json!({"organization": "Northside Health", "authority": format!("{}/idp", world.base), "client_id": "companion",
        "scope": "api://relay/access_as_user"}),
    )
    .into_response()
}

async fn me(State(world): W) -> Json<Value> {
    let redirect = if world.state.lock().unwrap().redirect_by_relay { "relay" } else { "loopback" };
    let repeats = world.state.lock().unwrap().repeat_seconds.unwrap_or(5);
    Json(
        json!({"organization": "Northside Health", "display_name": "Maya Okafor", "alert_repeat_seconds": repeats, "delegate": false,
        "callback_url": format!("{}/relay/oauth/callback", world.base),
        "ehr_connections": [{"iss": world.iss(), "client_id": "ehr-companion", "redirect": redirect, "environment": "test"}]}),
    )
}

async fn nonce(State(world): W) -> Json<Value> {
    let mut state = world.state.lock().unwrap();
    state.nonces += 1;
    let seconds = state.clock_ahead + state.nonce_seconds.unwrap_or(300);
    let until = world.clock.now() + SignedDuration::from_secs(seconds);
    Json(json!({"nonce": format!("nonce-{}", state.nonces), "expires_at": until.to_string()}))
}

async fn callback(State(world): W, Json(body): Json<Value>) -> StatusCode {
    let port = body["port"].as_u64().unwrap() as u16;
    world.state.lock().unwrap().callbacks.insert(body["state_sha256"].as_str().unwrap().into(), port);
    StatusCode::NO_CONTENT
}

async fn oauth_callback(State(world): W, uri: Uri) -> Redirect {
    let query = uri.query().unwrap();
    let state = url::form_urlencoded::parse(query.as_bytes()).find(|(k, _)| k == "state").unwrap().1;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, state.as_bytes());
    let port = world.state.lock().unwrap().callbacks[&hex::encode(digest)];
    Redirect::to(&format!("http://127.0.0.1:{port}/callback?{query}"))
}

async fn launch(State(world): W, Json(proof): Json<Value>) -> Response {
    let mut state = world.state.lock().unwrap();
    state.proofs.push(proof);
    if !state.launch_answers.is_empty() {
        let (status, body) = state.launch_answers.remove(0);
        if status != 200 {
            return answer((status, body));
        }
    }
    let presence = if state.patient_waits { Presence::Waiting } else { Presence::Absent };
    let id = format!("v{}", state.visits.len() + 1);
    let visit = visit(&id, presence, true);
    state.visits.push(visit.clone());
    Json(visit).into_response()
}

async fn visits(State(world): W) -> Json<Value> {
    let state = world.state.lock().unwrap();
    let now = world.clock.now() + SignedDuration::from_secs(state.clock_ahead);
    Json(json!({"now": now.to_string(), "cursor": state.notices.len(), "visits": state.visits}))
}

async fn one_visit(State(world): W, Path(id): Path<String>) -> Response {
    let found = world.state.lock().unwrap().visits.iter().find(|v| v.id == id).cloned();
    found.map_or_else(|| answer(problem(ProblemCode::VisitNotFound, 404)), |v| Json(v).into_response())
}

async fn join(State(world): W, Path(id): Path<String>) -> Response {
    if !world.state.lock().unwrap().visits.iter().any(|v| v.id == id) || world.state.lock().unwrap().no_meeting {
        return answer(problem(ProblemCode::VisitNotFound, 404));
    }
    Json(json!({"teams_url": format!("msteams:/l/meetup-join/{id}"), "https_url": format!("{}/meet/{id}", world.base)}))
        .into_response()
}

async fn act(State(world): W, Path((id, act)): Path<(String, String)>, body: Bytes) -> Response {
    let mut state = world.state.lock().unwrap();
    let Some(visit) = state.visits.iter_mut().find(|v| v.id == id) else {
        return answer(problem(ProblemCode::VisitNotFound, 404));
    };
    match act.as_str() {
        "acknowledge" => visit.acknowledged = true,
        "undo" => visit.stage = StageView::InProgress,
        "say" => visit.messages.push(said(&String::from_utf8_lossy(&body), world.clock.now())),
        "assign" => visit.late_until = Some("2026-11-22T08:45:00Z".into()),
        _ => visit.stage = StageView::Finished,
    }
    Json(visit.clone()).into_response()
}

/// A message as the relay shows it once it has been said.
pub(crate) fn said(body: &str, at: jiff::Timestamp) -> MessageView {
    let request: roomed_protocol::SayRequest = serde_json::from_str(body).unwrap();
    let (preset, minutes) = (request.preset, request.minutes);
    MessageView { id: "m".into(), at: at.to_string(), preset, minutes, to: None, answers: vec![], answered: None }
}

async fn help_taken(State(world): W, Path((id, participant)): Path<(String, String)>) -> Response {
    {
        let mut state = world.state.lock().unwrap();
        let people = state.visits.iter_mut().filter(|v| v.id == id).flat_map(|v| &mut v.participants);
        people.filter(|one| one.id == participant).for_each(|one| one.help_since = None);
    }
    one_visit(State(world), Path(id)).await
}

async fn seen(State(world): W, Path((id, _)): Path<(String, String)>) -> Response {
    one_visit(State(world), Path(id)).await
}

/// The offer named `over` is; every other one is of the first visit.
async fn answer_offer(State(world): W, Path(offer): Path<String>) -> Response {
    let first = world.state.lock().unwrap().visits.first().cloned();
    match first.filter(|_| offer != "over") {
        Some(visit) => Json(visit).into_response(),
        None => answer(problem(ProblemCode::OfferOver, 410)),
    }
}

async fn invite(State(world): W, Path(id): Path<String>) -> Json<Value> {
    let link = format!("{}/i/once", world.base);
    Json(json!({"participant": format!("guest-of-{id}"), "link": link, "expires_at": "2026-11-22T11:00:00Z"}))
}

async fn notices(State(world): W, Query(q): Query<HashMap<String, u32>>) -> Json<Value> {
    let mut state = world.state.lock().unwrap();
    let after = q["after"];
    state.pulls.push(after);
    let all: Vec<&Notice> = state.notices.iter().filter(|n| n.seq > after).collect();
    let page = &all[..all.len().min(state.page_size)];
    Json(json!({"notices": page, "more": all.len() > page.len()}))
}

async fn agenda(State(world): W, Query(day): Query<HashMap<String, String>>) -> Json<Value> {
    let mut state = world.state.lock().unwrap();
    state.days.push((day["from"].clone(), day["until"].clone()));
    let rows = [json!({"start": "2026-11-22T13:00:00Z", "end": "2026-11-22T13:30:00Z", "stage": "planned"})];
    Json(json!({"at": world.clock.now().to_string(), "incomplete": false, "rows": rows}))
}

async fn socket(State(world): W, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let mut told = world.to_sockets.subscribe();
        let cut = {
            let mut state = world.state.lock().unwrap();
            state.sockets += 1;
            let left = state.cuts.len();
            if let Some(at) = state.between.iter().position(|(when, ..)| *when == left) {
                let (_, visit, kind) = state.between.remove(at);
                let seq = state.notices.len() as u32 + 1;
                state.notices.push(Notice { seq, visit, at: "2026-11-22T08:20:00Z".into(), kind });
            }
            state.cuts.pop()
        };
        let lost = match cut {
            Some(Cut::AtTheNotices) => Some("GET /notices "),
            Some(Cut::AtTheList) => Some("GET /visits "),
            Some(Cut::BeforeHello) => return,
            Some(Cut::AfterHello) | None => None,
        };
        let hello = {
            let mut state = world.state.lock().unwrap();
            state.failing.extend(lost.map(|line| (line.to_owned(), None)));
            let now = world.clock.now() + SignedDuration::from_secs(state.clock_ahead);
            json!({"type": "hello", "version": 1, "cursor": state.notices.len(), "now": now.to_string()})
        };
        let _ = socket.send(Message::Text(hello.to_string().into())).await;
        if cut == Some(Cut::AfterHello) {
            return;
        }
        loop {
            tokio::select! {
                message = told.recv() => match message {
                    Ok(text) if text == "drop" => return,
                    // Held open and read no more, so that pings are not answered either.
                    Ok(text) if text == "silence" => std::future::pending().await,
                    Ok(text) => { let _ = socket.send(Message::Text(text.into())).await; }
                    Err(_) => return,
                },
                received = socket.recv() => if received.is_none_or(|r| r.is_err()) { return },
            }
        }
    })
}
