//! What a signed-in companion asks. Every route proves the Microsoft token first; a visit is shown only to its members
//! and to delegates who were told of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;
use jiff::SignedDuration;
use roomed_protocol::{
    CallbackRegistration, EhrConnection, Ending, JoinView, LaunchRedirect, MeView, NonceRequest, NonceView, NotRemoved,
    Notice, NoticeKind, NoticesView, PROTOCOL_HEADER, PROTOCOL_VERSION, ProblemCode, SignInView, VisitView, VisitsView,
};
use roomed_visit::{Command, Oid, ParticipantId, VisitEvent};
use serde::Deserialize;

use super::problem::{Answer, Refusal};
use crate::arrivals::{Along, Opened};
use crate::config;
use crate::config::SendingConfig;
use crate::identity::Clinician;
use crate::keys::one_time;
use crate::meeting::{Capability, RefusalReason, links};
use crate::relay::Relay;
use crate::store::{NonceBinding, OneTime, OneTimeKind, Recipient};
use crate::wire;

/// Most notices in one answer.
const PAGE: u32 = 200;

/// A clinician whose Microsoft token holds.
pub(super) struct Caller(pub(super) Clinician, /* The protocol version their companion speaks. */ u32);

impl Caller {
    /// Somebody who is signed in with a browser: what they are told is always of this version.
    pub(super) fn of_browser(clinician: Clinician) -> Self {
        Self(clinician, PROTOCOL_VERSION)
    }

    /// True if their companion knows what to do with `first-link`.
    pub(super) fn can_answer_questions(&self) -> bool {
        self.1 >= 2
    }

    /// A visit in words their companion knows.
    fn words(&self, view: VisitView) -> VisitView {
        if self.1 < 2 { wire::visit_of_before(view) } else { view }
    }

    pub(super) fn recipient(&self) -> Recipient {
        let Clinician { organization, tid, oid, .. } = self.0.clone();
        Recipient { organization, tid, oid }
    }
}

impl FromRequestParts<Arc<Relay>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, relay: &Arc<Relay>) -> Result<Self, Refusal> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal(ProblemCode::NotSignedIn))?;
        let version = parts.headers.get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Self(relay.identity.clinician(token).await?, version.unwrap_or(1)))
    }
}

/// A body that cannot be read is a bad request, without quoting it.
pub(super) fn body<T>(body: Result<Json<T>, JsonRejection>) -> Answer<T> {
    body.map(|Json(body)| body).map_err(|_| Refusal(ProblemCode::BadRequest))
}

/// `GET /organizations/{key}/sign-in`: the one route nobody must be signed in for.
pub(super) async fn sign_in(State(relay): State<Arc<Relay>>, Path(key): Path<String>) -> Answer<Json<SignInView>> {
    let organization = relay.organization(&key).ok_or(Refusal(ProblemCode::UnknownIss))?;
    Ok(Json(SignInView {
        organization: organization.name.clone(),
        authority: organization.entra.authority.clone(),
        client_id: organization.entra.companion_client_id.clone(),
        scope: organization.entra.scope.clone(),
    }))
}

/// `GET /me`.
pub(super) async fn me(State(relay): State<Arc<Relay>>, caller: Caller) -> Answer<Json<MeView>> {
    let organization = relay.organization(&caller.0.organization).ok_or(Refusal(ProblemCode::WrongTenant))?;
    let connection = |ehr: &config::EhrConfig| EhrConnection {
        iss: ehr.iss.clone(),
        client_id: ehr.companion_client_id.clone(),
        redirect: match ehr.redirect {
            config::LaunchRedirect::Loopback => LaunchRedirect::Loopback,
            config::LaunchRedirect::Relay => LaunchRedirect::Relay,
        },
        environment: ehr.environment.as_str().to_owned(),
    };
    Ok(Json(MeView {
        organization: organization.name.clone(),
        display_name: caller.0.called().to_owned(),
        ehr_connections: organization.ehr.iter().map(connection).collect(),
        callback_url: format!("{}/oauth/callback", relay.config.public_url),
        alert_repeat_seconds: relay.config.visit.alert_repeat_seconds,
        delegate: organization.is_delegate(&caller.0.oid),
        waiting: wire::waiting(&relay.config.visit),
        sends: organization.sending.iter().flat_map(SendingConfig::ways).map(str::to_owned).collect(),
    }))
}

/// `POST /nonces`.
pub(super) async fn nonce(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    request: Result<Json<NonceRequest>, JsonRejection>,
) -> Answer<Json<NonceView>> {
    let request = body(request)?;
    let organization = relay.organization(&caller.0.organization).ok_or(Refusal(ProblemCode::WrongTenant))?;
    let ehr = organization.ehr(&request.iss).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let binding = NonceBinding { tid: caller.0.tid.clone(), oid: caller.0.oid.clone(), iss: ehr.iss.clone() };
    let nonce = relay.random.token();
    let payload = serde_json::to_vec(&binding).map_err(|_| Refusal(ProblemCode::Internal))?;
    let expires_at = put_once(&relay, &organization.key, OneTimeKind::Nonce, one_time::hash(&nonce), payload).await?;
    Ok(Json(NonceView { nonce, expires_at }))
}

/// `PUT /callbacks`.
pub(super) async fn callback(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    request: Result<Json<CallbackRegistration>, JsonRejection>,
) -> Answer<StatusCode> {
    let request = body(request)?;
    let is_hash = request.state_sha256.len() == 64 && request.state_sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hash || request.port < 1024 {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let payload = request.port.to_string().into_bytes();
    let hash = request.state_sha256.to_ascii_lowercase();
    put_once(&relay, &caller.0.organization, OneTimeKind::Callback, hash, payload).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn put_once(
    relay: &Relay,
    organization: &str,
    kind: OneTimeKind,
    hash: String,
    payload: Vec<u8>,
) -> Answer<String> {
    let now = relay.clock.now();
    let lifetime = SignedDuration::from_secs(i64::from(relay.config.launch.one_time_seconds));
    let expires_at = now.saturating_add(lifetime).unwrap_or(now);
    let value = OneTime { kind, hash, organization: organization.to_owned(), payload, expires_at };
    relay.store.put_once(value).await?;
    Ok(expires_at.to_string())
}

/// `GET /visits`: the caller's open visits; for a delegate also those nobody else could be told of.
pub(super) async fn visits(State(relay): State<Arc<Relay>>, caller: Caller) -> Answer<Json<VisitsView>> {
    let recipient = caller.recipient();
    // The cursor is read first: a change committed in between is then told of once more, never missed.
    let cursor = relay.store.cursor(&recipient).await?;
    let stored = if relay.is_delegate(&recipient) {
        relay.store.open_visits(&recipient.organization).await?
    } else {
        relay.store.open_visits_of(&recipient).await?
    };
    let now = relay.clock.now();
    let mut views = Vec::new();
    for stored in stored {
        // One that this version cannot read keeps nobody from seeing the others.
        let Ok(opened) = relay.arrivals.open(stored) else { continue };
        if may_see(&relay, &opened, &recipient) {
            views.push(view(&relay, &opened, &caller).await?);
        }
    }
    // By time: RFC 3339 in UTC sorts as text. Who needs the clinician first is the companion's to say.
    views.sort_by(|a: &VisitView, b| (&a.start, &a.id).cmp(&(&b.start, &b.id)));
    Ok(Json(VisitsView { now: now.to_string(), cursor, visits: views }))
}

/// `GET /visits/{id}`.
pub(super) async fn visit(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<VisitView>> {
    let recipient = caller.recipient();
    let opened = find(&relay, &recipient, &id).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// `POST /visits/{id}/join`: calls the patient and says how to open the meeting.
pub(super) async fn join(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<JoinView>> {
    let (_, by) = proven(&relay, &caller, &id).await?;
    let meeting = relay.ensure_meeting(&id).await?;
    relay.arrivals.update(&id, &[VisitEvent::Decided(Command::Call { by })], Along::default()).await?;
    Ok(Json(JoinView { teams_url: links::teams_url(&meeting.join_web_url), https_url: meeting.join_web_url }))
}

/// `GET /visits/{id}/join`: how to open the meeting, for the time when the relay cannot be asked. Calls nobody, and makes no
/// meeting where there is none yet.
pub(super) async fn door(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<JoinView>> {
    proven(&relay, &caller, &id).await?;
    // After whoever is making it at this moment, and as it stands then.
    let meeting = relay.in_turn(&id, async { relay.arrivals.meeting(&relay.arrivals.load(&id).await?).await });
    let meeting = meeting.await?.ok_or(Refusal(ProblemCode::VisitNotFound))?;
    Ok(Json(JoinView { teams_url: links::teams_url(&meeting.join_web_url), https_url: meeting.join_web_url }))
}

/// `POST /visits/{id}/acknowledge`.
pub(super) async fn acknowledge(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<VisitView>> {
    let recipient = caller.recipient();
    find(&relay, &recipient, &id).await?;
    let command = Command::Acknowledge { by: Oid::new(&recipient.oid) };
    let opened = relay.arrivals.update(&id, &[VisitEvent::Decided(command)], Along::default()).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// `POST /visits/{id}/end`.
pub(super) async fn end(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<VisitView>> {
    let (_, by) = proven(&relay, &caller, &id).await?;
    let opened = relay.arrivals.update(&id, &[VisitEvent::Decided(Command::End { by })], Along::default()).await?;
    Ok(Json(view(&relay, &opened, &caller).await?))
}

/// The cursor of the last notice seen.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u32,
}

/// `GET /notices?after=N`. Handing out an arrival's notice is what "your clinician has been told" rests on.
pub(super) async fn notices(
    State(relay): State<Arc<Relay>>,
    caller: Caller,
    after: Result<Query<After>, axum::extract::rejection::QueryRejection>,
) -> Answer<Json<NoticesView>> {
    let Query(After { after }) = after.map_err(|_| Refusal(ProblemCode::BadRequest))?;
    let recipient = caller.recipient();
    let stored = relay.store.notices_after(&recipient, after, PAGE).await?;
    let more = stored.len() == PAGE as usize;
    let mut notices = Vec::new();
    for notice in stored {
        let Ok(kind) = serde_json::from_str::<NoticeKind>(&notice.kind) else { continue };
        if let NoticeKind::PatientReady { as_delegate, .. } = kind {
            relay.told(&notice.visit, as_delegate).await;
        }
        let kind = if caller.1 < 2 { wire::notice_of_before(kind) } else { kind };
        notices.push(Notice { seq: notice.seq, visit: notice.visit, at: notice.at.to_string(), kind });
    }
    Ok(Json(NoticesView { notices, more }))
}

pub(super) async fn find(relay: &Relay, recipient: &Recipient, id: &str) -> Answer<Opened> {
    let opened = relay.arrivals.load(id).await?;
    let own = opened.stored.row.organization == recipient.organization;
    if own && may_see(relay, &opened, recipient) { Ok(opened) } else { Err(Refusal(ProblemCode::VisitNotFound)) }
}

/// Members see their visits; a delegate sees those whose arrival nobody else could be told of.
fn may_see(relay: &Relay, opened: &Opened, recipient: &Recipient) -> bool {
    let member = opened.stored.members.iter().any(|it| it.tid == recipient.tid && it.oid == recipient.oid);
    member || (opened.record.delegates_told && relay.is_delegate(recipient))
}

/// The visit, and the caller's place in it, if they have proven a launch of it.
pub(super) async fn proven(relay: &Relay, caller: &Caller, id: &str) -> Answer<(Opened, ParticipantId)> {
    let recipient = caller.recipient();
    let opened = find(relay, &recipient, id).await?;
    if opened.record.visit.is_closed() {
        return Err(Refusal(ProblemCode::VisitClosed));
    }
    let launched = opened.stored.members.iter().any(|it| it.oid == recipient.oid && it.proven);
    let place = opened.record.visit.practitioner(&Oid::new(&recipient.oid)).map(|(id, _)| id.clone());
    match place {
        Some(place) if launched => Ok((opened, place)),
        _ => Err(Refusal(ProblemCode::VisitNotFound)),
    }
}

/// What ending for all does to whoever stays inside, and why not more; while it is closing, what came of it.
async fn ending(relay: &Relay, opened: &Opened) -> Answer<(Ending, Option<NotRemoved>)> {
    let row = &opened.stored.row;
    let Some(meetings) = relay.meetings.get(&row.organization) else { return Ok((Ending::Asks, None)) };
    let tried = match opened.record.visit.is_closing() {
        true => relay.store.removal_refused(&row.id).await?,
        false => None,
    };
    let word = |it: String| RefusalReason::of_removal(&it).unwrap_or(RefusalReason::Request);
    let refused = tried.map(word).or_else(|| meetings.not_removed());
    Ok(match (meetings.ending(), refused) {
        (Capability::Verified, None) => (Ending::Removes, None),
        (_, refused) => {
            let words = |it: RefusalReason| NotRemoved { detail: it.detail().to_owned(), who: it.who() };
            (Ending::Asks, refused.map(words))
        }
    })
}

/// The visit as the caller sees it.
pub(super) async fn view(relay: &Relay, opened: &Opened, caller: &Caller) -> Answer<VisitView> {
    let chart = relay.store.chart(&opened.stored.row.id).await?;
    let view = wire::visit_view(&opened.stored, &opened.record, &chart, &caller.0.oid, relay.clock.now());
    let (ending, not_removed) = ending(relay, opened).await?;
    Ok(caller.words(VisitView { ending, not_removed, ..view }))
}
