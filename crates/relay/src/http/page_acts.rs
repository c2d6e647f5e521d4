//! What people do on the visit page besides being ready: device tests, answers, asking for help, leaving, coming over
//! from another device, and the probe of their line. Everybody acts for themselves only.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomed_protocol::{AnswerRequest, DeviceReport, PatientView, ProbeView, ProblemCode};
use roomed_visit::{MessageId, Testimony};

use super::companion::body;
use super::problem::{Answer, Refusal};
use super::visit_page::{Visitor, acting, look, same_origin, witness};
use crate::arrivals::Along;
use crate::relay::Relay;
use crate::wire;

/// What the probe sends and takes at most.
const PROBE_BYTES: usize = 64 * 1024;

/// `POST api/devices`: no arrival, so at any time.
pub(super) async fn devices(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
    report: Result<Json<DeviceReport>, JsonRejection>,
) -> Answer<StatusCode> {
    same_origin(&relay, &headers)?;
    let test = wire::device_test_of(&body(report)?).ok_or(Refusal(ProblemCode::BadRequest))?;
    let opened = acting(&relay, &visitor).await?;
    // The same once more is no news, and a page that reports in a loop writes nothing.
    if opened.record.visit.device_test(&visitor.who).is_none_or(|(_, known)| known != test) {
        let at = wire::to_rules(relay.clock.now());
        witness(&relay, &visitor, Testimony::Tested { participant: visitor.who.clone(), test, at }).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// `POST api/leave`.
pub(super) async fn leave(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer<Json<PatientView>> {
    same_origin(&relay, &headers)?;
    let at = wire::to_rules(relay.clock.now());
    witness(&relay, &visitor, Testimony::Left { participant: visitor.who.clone(), at }).await?;
    Ok(Json(look(&relay, &visitor).await?))
}

/// `POST api/help`.
pub(super) async fn help(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer<Json<PatientView>> {
    same_origin(&relay, &headers)?;
    acting(&relay, &visitor).await?;
    let at = wire::to_rules(relay.clock.now());
    witness(&relay, &visitor, Testimony::Help { participant: visitor.who.clone(), at }).await?;
    Ok(Json(look(&relay, &visitor).await?))
}

/// `POST api/answer`: one of the answers the message offers.
pub(super) async fn answer(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
    request: Result<Json<AnswerRequest>, JsonRejection>,
) -> Answer<Json<PatientView>> {
    same_origin(&relay, &headers)?;
    let request = body(request)?;
    let answer = wire::answer(request.answer).ok_or(Refusal(ProblemCode::BadRequest))?;
    let opened = acting(&relay, &visitor).await?;
    let id = MessageId::new(request.message);
    let mut messages = opened.record.visit.messages().iter();
    let message = messages.find(|message| message.id == id && message.to.as_ref().is_none_or(|to| *to == visitor.who));
    if !message.is_some_and(|message| message.preset.answers().contains(&answer)) {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    let at = wire::to_rules(relay.clock.now());
    let said = Testimony::Answered { participant: visitor.who.clone(), message: id, answer, at };
    witness(&relay, &visitor, said).await?;
    Ok(Json(look(&relay, &visitor).await?))
}

/// `POST api/take-over`: the place comes to this device. The other one is told; nothing is lost.
pub(super) async fn take_over(
    State(relay): State<Arc<Relay>>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Answer<Json<PatientView>> {
    same_origin(&relay, &headers)?;
    acting(&relay, &visitor).await?;
    let along = Along { place: Some((visitor.who.clone(), visitor.session.clone())), ..Along::default() };
    relay.arrivals.update(&visitor.visit, &[], along).await?;
    Ok(Json(look(&relay, &visitor).await?))
}

/// `GET api/probe`: 64 KiB that mean nothing, for the page to time. Random, so that nothing on the way compresses them.
pub(super) async fn probe(State(relay): State<Arc<Relay>>) -> Response {
    let mut bytes = vec![0; PROBE_BYTES];
    relay.random.fill(&mut bytes);
    let plain = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "application/octet-stream")];
    (plain, bytes).into_response()
}

/// `POST api/probe`: says how much of what the page sent arrived; what it was is not looked at.
pub(super) async fn probed(
    State(relay): State<Arc<Relay>>,
    headers: HeaderMap,
    sent: Bytes,
) -> Answer<Json<ProbeView>> {
    same_origin(&relay, &headers)?;
    if sent.len() > PROBE_BYTES {
        return Err(Refusal(ProblemCode::BadRequest));
    }
    Ok(Json(ProbeView { received: u32::try_from(sent.len()).unwrap_or_default() }))
}
