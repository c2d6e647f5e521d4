//! Who has proven something comes in: the patient, somebody who acts for them, a guest by link. Each has their own place
//! in the visit; what stays in the browser is a cookie that means nothing elsewhere.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use roomed_protocol::ProblemCode;
use roomed_visit::{Command, Expected, ParticipantId, Role, VisitEvent};

use super::language::Language;
use super::patient_page;
use super::problem::{Answer, Refusal};
use super::visit_page::{self, COOKIE, PLACE_COOKIE};
use crate::arrivals::{Along, Opened};
use crate::config::{EhrConfig, Organization};
use crate::ehr::{AppointmentFacts, Together};
use crate::keys::one_time;
use crate::relay::Relay;
use crate::store::PageSession;

/// Whom the EHR has proven somebody to be.
pub(super) enum Entrant {
    /// The patient of the appointment.
    Patient,
    /// Somebody who acts for them: the EHR's word for who, never a bare id, which another kind of person may have too.
    Proxy(String),
}

/// Lets them into their visit. Answers with what the page's cookies hold.
pub(super) async fn enter(
    relay: &Relay,
    organization: &Organization,
    ehr: &EhrConfig,
    scheduled: &Together,
    own: &AppointmentFacts,
    entrant: Entrant,
) -> Answer<String> {
    let opened = relay.open_visit(organization, ehr, scheduled, None).await?;
    let patient = own.patient.as_deref().and_then(|patient| opened.record.patient(patient)).cloned();
    // Who was booked into a group after it was over has no place in it.
    let visit = &opened.record.visit;
    let nobody = match (visit.is_closed(), visit.has_room()) {
        (true, _) => ProblemCode::VisitClosed,
        (_, false) => ProblemCode::TooManyRequests,
        _ => ProblemCode::Internal,
    };
    let patient = patient.ok_or(Refusal(nobody))?;
    let who = match entrant {
        Entrant::Patient => patient,
        Entrant::Proxy(reference) => proxy(relay, &opened, patient, reference).await?,
    };
    let secret = relay.random.token();
    let hours = SignedDuration::from_hours(i64::from(relay.config.launch.page_session_hours));
    let now = relay.clock.now();
    let session = PageSession {
        hash: one_time::hash(&secret),
        visit: opened.stored.row.id.clone(),
        participant: who.as_str().to_owned(),
        expires_at: now.saturating_add(hours).unwrap_or(now),
    };
    let hash = session.hash.clone();
    relay.store.put_page_session(session).await?;
    // Whoever comes in anew comes with their place: on a device they left behind it says so, and offers the way back.
    if opened.record.places.contains_key(&who) {
        let along = Along { place: Some((who, hash)), ..Along::default() };
        relay.arrivals.update(&opened.stored.row.id, &[], along).await?;
    }
    Ok(secret)
}

fn place(opened: &Opened, reference: &str, is_one: impl Fn(&Role) -> bool) -> Option<ParticipantId> {
    let visit = &opened.record.visit;
    let mut known = opened.record.ehr.people.iter().filter(|(_, known)| *known == reference);
    let found = known.find(|(who, _)| visit.participant(who).is_some_and(|person| is_one(&person.role)));
    found.map(|(who, _)| who.clone())
}

/// The proxy's own place, the same each time they come.
async fn proxy(relay: &Relay, opened: &Opened, of: ParticipantId, reference: String) -> Answer<ParticipantId> {
    if let Some(known) = place(opened, &reference, |role| matches!(role, Role::Proxy { .. })) {
        return Ok(known);
    }
    let who = ParticipantId::new(relay.random.id());
    let expect = Command::Expect { participant: who.clone(), whom: Expected::Proxy { of } };
    let along = Along { people: vec![(who.clone(), reference)], ..Along::default() };
    let id = &opened.stored.row.id;
    let opened = relay.arrivals.update(id, &[VisitEvent::Decided(expect)], along).await?;
    match opened.record.visit.participant(&who) {
        Some(_) => Ok(who),
        None => Err(Refusal(ProblemCode::TooManyRequests)),
    }
}

/// On to the page of their own.
pub(super) fn on_to_page(relay: &Relay, secret: &str) -> Response {
    let (path, seconds) = (visit_page::path(secret), i64::from(relay.config.launch.page_session_hours) * 3_600);
    let mut response = see_other(&path, &set_cookie(relay, COOKIE, secret, "/v/", seconds));
    if let Ok(own) = HeaderValue::from_str(&set_cookie(relay, PLACE_COOKIE, secret, &path, seconds)) {
        response.headers_mut().append(header::SET_COOKIE, own);
    }
    response
}

/// `Lax`, because both cookies must come along when the EHR sends the browser back to us.
pub(super) fn set_cookie(relay: &Relay, name: &str, value: &str, path: &str, seconds: i64) -> String {
    let secure = if relay.config.public_url.starts_with("https://") { "; Secure" } else { "" };
    format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}")
}

/// On to another page, with a cookie.
pub(super) fn see_other(to: &str, cookie: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return patient_page::refusal(Refusal(ProblemCode::LinkRefused), Language::default());
    };
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}
