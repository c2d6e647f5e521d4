//! The patient's page: its files, what it is told, and what it witnesses. A cookie set by a proven launch is all the
//! patient has; an open socket is the evidence that they are still there. Each coming in has a path of its own, and a cookie
//! for that path: somebody who is in two visits, a tab for each, acts in each tab in that visit only.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Path, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomed_protocol::{PageStage, PatientView, ProblemCode};
use roomed_visit::{LegId, ParticipantId, Source, Testimony, VisitEvent};

use super::entering;
use super::language::Language;
use super::patient_page;
use super::problem::{Answer, Refusal};
use super::socket::small;
use crate::arrivals::{Along, Opened};
use crate::config::Readers;
use crate::keys::one_time;
use crate::relay::Relay;
use crate::stop;
use crate::wire;
use crate::{neighbours, pages};

/// The visit that this browser came into last: for who comes back to `/v/`. It holds a random value and nothing else.
pub(super) const COOKIE: &str = "roomed-visit";
/// The same value, under the path of its own page only.
pub(super) const PLACE_COOKIE: &str = "roomed-place";
/// Enough of what the store knows a cookie by to tell a browser's visits apart. It opens nothing.
const PLACE_LETTERS: usize = 16;
const PING_EVERY: Duration = Duration::from_secs(15);

/// Somebody on our page: which visit, and who they are in it.
pub(super) struct Visitor {
    pub(super) visit: String,
    pub(super) who: ParticipantId,
    /// This device, as the store knows its cookie.
    pub(super) session: String,
}

impl FromRequestParts<Arc<Relay>> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, relay: &Arc<Relay>) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, relay).await.ok();
        let place = params.as_ref().and_then(|all| all.iter().find(|(name, _)| *name == "place").map(|(_, it)| it));
        let name = if place.is_some() { PLACE_COOKIE } else { COOKIE };
        let hash = cookie(&parts.headers, name).map(one_time::hash).ok_or(Refusal(ProblemCode::NotSignedIn))?;
        if place.is_some_and(|it| it != &hash[..PLACE_LETTERS]) {
            return Err(Refusal(ProblemCode::NotSignedIn));
        }
        let session = relay.store.page_session(&hash, relay.clock.now()).await?;
        let session = session.ok_or(Refusal(ProblemCode::NotSignedIn))?;
        Ok(Self { visit: session.visit, who: ParticipantId::new(session.participant), session: session.hash })
    }
}

/// A cookie of ours.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

/// A page of another site must not act or listen for the patient (SameSite=Lax does not cover sockets).
pub(super) fn same_origin(relay: &Relay, headers: &HeaderMap) -> Answer<()> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    if origin == Some(relay.config.public_url.as_str()) { Ok(()) } else { Err(Refusal(ProblemCode::BadRequest)) }
}

/// Where the page of somebody with this cookie is.
pub(super) fn path(cookie: &str) -> String {
    format!("/v/p/{}/", &one_time::hash(cookie)[..PLACE_LETTERS])
}

/// `GET /v/p/{place}/`.
pub(super) async fn index() -> Response {
    pages::visit("index.html")
}

/// `GET /v/`: on to the visit that this browser came into last.
pub(super) async fn resume(State(relay): State<Arc<Relay>>, headers: HeaderMap) -> Response {
    match cookie(&headers, COOKIE).filter(|it| is_plain(it)) {
        Some(cookie) => entering::on_to_page(&relay, cookie),
        None => pages::visit("index.html"),
    }
}

/// As we make them.
fn is_plain(cookie: &str) -> bool {
    cookie.len() <= 64 && cookie.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}

/// `GET /o/{organization}/test`: the same page, to test devices without a visit. It asks for nothing but the probe.
pub(super) async fn practice(
    State(relay): State<Arc<Relay>>,
    language: Language,
    Path(organization): Path<String>,
) -> Response {
    match relay.organization(&organization) {
        Some(_) => pages::visit("index.html"),
        None => patient_page::refusal(Refusal(ProblemCode::UnknownIss), language),
    }
}

/// `GET /v/{*file}`.
pub(super) async fn asset(Path(file): Path<String>) -> Response {
    pages::visit(&file)
}

/// `GET api/visit`.
pub(super) async fn visit(State(relay): State<Arc<Relay>>, visitor: Visitor) -> Answer<Response> {
    let view = look(&relay, &visitor).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(view)).into_response())
}

/// `POST api/ready`: refused before the window, so that a device test the day before is no arrival.
pub(super) async fn ready(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer<Json<PatientView>> {
    same_origin(&relay, &headers)?;
    let now = wire::to_rules(relay.clock.now());
    let opened = acting(&relay, &visitor).await?;
    if opened.record.visit.is_closed() {
        return Err(Refusal(ProblemCode::VisitClosed));
    }
    if now < opened.record.visit.opens_at() {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    if !has_place(&opened, &visitor) {
        // On the other device they are ready already: this one says so, and offers to take over.
        return Ok(Json(look(&relay, &visitor).await?));
    }
    let said = Testimony::Ready { participant: visitor.who.clone(), at: now, source: Source::VisitPage };
    let along = Along { place: Some((visitor.who.clone(), visitor.session.clone())), ..Along::default() };
    relay.arrivals.update(&visitor.visit, &[VisitEvent::Witnessed(said)], along).await?;
    Ok(Json(look(&relay, &visitor).await?))
}

/// The visit, for somebody who may still act in it: a guest who was sent away may not.
pub(super) async fn acting(relay: &Relay, visitor: &Visitor) -> Answer<Opened> {
    let opened = relay.arrivals.load(&visitor.visit).await?;
    match opened.record.visit.is_welcome(&visitor.who) {
        true => Ok(opened),
        false => Err(Refusal(ProblemCode::GuestUnknown)),
    }
}

/// Their place is on this device, or on none yet.
pub(super) fn has_place(opened: &Opened, visitor: &Visitor) -> bool {
    opened.record.places.get(&visitor.who).is_none_or(|session| *session == visitor.session)
}

/// `POST api/handed-over`: the page is about to open the meeting for this person.
pub(super) async fn handed_over(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    same_origin(&relay, &headers)?;
    let at = wire::to_rules(relay.clock.now());
    let opened = acting(&relay, &visitor).await?;
    let visit = &opened.record.visit;
    // Whose turn it is not, or who is not on this device, is not on the way, whatever a page says.
    if !visit.is_open() || !has_place(&opened, &visitor) {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let handed_over = VisitEvent::Witnessed(Testimony::HandedOver { participant: visitor.who.clone(), at });
    let along = Along { enters: Some(visitor.who.clone()), ..Along::default() };
    relay.arrivals.update(&visitor.visit, &[handed_over], along).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET api/socket`.
pub(super) async fn socket(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Answer<Response> {
    same_origin(&relay, &headers)?;
    let place = relay.limits.page_socket(&visitor)?;
    Ok(small(upgrade).on_upgrade(move |socket| async move {
        let mut leg = None;
        serve(&relay, &visitor, socket, &mut leg).await;
        there(&relay, &visitor, &mut leg, false).await;
        drop(place);
    }))
}

/// An open socket says that its person is there, as long as their place is on this device. True if that is kept.
async fn there(relay: &Relay, visitor: &Visitor, leg: &mut Option<LegId>, is_here: bool) -> bool {
    let at = wire::to_rules(relay.clock.now());
    let who = visitor.who.clone();
    let said = match (leg.clone(), is_here) {
        (None, true) => {
            let opened = neighbours::page_leg(&relay.node, &*relay.random);
            *leg = Some(opened.clone());
            Testimony::PageOpened { participant: who, leg: opened, at }
        }
        (Some(closed), false) => {
            *leg = None;
            Testimony::PageClosed { participant: who, leg: closed, at }
        }
        _ => return true,
    };
    match witness(relay, visitor, said).await {
        Ok(()) => true,
        Err(Refusal(code)) => {
            tracing::warn!(?code, "that a visit page opened or closed could not be kept");
            false
        }
    }
}

async fn serve(relay: &Arc<Relay>, visitor: &Visitor, mut socket: WebSocket, leg: &mut Option<LegId>) {
    // Before a leg is open: whoever has closed it behind our back tells us here.
    let mut sent_away = relay.hub.sent_away();
    let mut versions = relay.hub.page(&visitor.visit);
    let mut stopping = relay.stopping.clone();
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut unanswered = 0;
    let mut shown = None;
    loop {
        // Who came in by a link that was taken back has no page any more.
        if !matches!(relay.store.page_session(&visitor.session, relay.clock.now()).await, Ok(Some(_))) {
            return;
        }
        // Time alone may change what the page shows (the window opens), so every ping looks as well.
        // Boxed: a socket waits for hours, and what it needs for a moment would be kept within it all that time.
        let Ok(view) = Box::pin(look(relay, visitor)).await else { return };
        if !Box::pin(there(relay, visitor, leg, view.stage != PageStage::AnotherDevice)).await {
            return;
        }
        let news = news(&view);
        if shown != Some(news) {
            let text = serde_json::to_string(&view).expect("a view is plain data");
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
            shown = Some(news);
        }
        tokio::select! {
            changed = versions.changed() => if changed.is_err() { return },
            message = socket.recv() => match message {
                Some(Ok(Message::Pong(_))) => unanswered = 0,
                Some(Ok(Message::Ping(_) | Message::Text(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
            },
            _ = ping.tick() => {
                unanswered += 1;
                if unanswered > 2 || socket.send(Message::Ping(axum::body::Bytes::new())).await.is_err() { return; }
            }
            _ = sent_away.changed() => return,
            () = stop::begun(&mut stopping) => return,
        }
    }
}

/// Tells views apart; the clock alone is no news.
fn news(view: &PatientView) -> u64 {
    let view = PatientView { now: String::new(), ..view.clone() };
    let mut hasher = DefaultHasher::new();
    serde_json::to_vec(&view).expect("a view is plain data").hash(&mut hasher);
    hasher.finish()
}

pub(super) async fn witness(relay: &Relay, visitor: &Visitor, testimony: Testimony) -> Answer<()> {
    relay.arrivals.update(&visitor.visit, &[VisitEvent::Witnessed(testimony)], Along::default()).await?;
    Ok(())
}

pub(super) async fn look(relay: &Relay, visitor: &Visitor) -> Answer<PatientView> {
    let opened = relay.arrivals.load(&visitor.visit).await?;
    let meeting = relay.arrivals.meeting(&opened).await?;
    let organization = relay.organization(&opened.stored.row.organization).ok_or(Refusal(ProblemCode::Internal))?;
    let here = has_place(&opened, visitor);
    let now = relay.clock.now();
    let mut view = wire::patient_view(organization, &opened.record, &visitor.who, here, meeting.as_ref(), now);
    view.clinician =
        Some(relay.clinician_names(&opened, Readers::VisitPage).join(", ")).filter(|names| !names.is_empty());
    Ok(view)
}
