//! From the browser into the meeting: one small page with two buttons. Pressing one calls the patient, as the companion's
//! *Join* does, and opens the meeting.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use roomed_protocol::ProblemCode;
use roomed_visit::{Command, VisitEvent};
use serde::Deserialize;

use super::sign_in::{self, Then};
use super::{WebCaller, page};
use crate::arrivals::Along;
use crate::http::companion::proven;
use crate::http::problem::{Answer, Refusal};
use crate::meeting::links;
use crate::relay::Relay;

/// Where a visit stands.
pub(super) fn path(organization: &str, visit: &str) -> String {
    format!("/o/{organization}/visits/{visit}")
}

/// `GET /o/{organization}/visits/{id}`.
pub(in crate::http) async fn show(
    State(relay): State<Arc<Relay>>,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    page::answer(look(&relay, &key, &id, &headers).await)
}

async fn look(relay: &Relay, key: &str, id: &str, headers: &HeaderMap) -> Answer<Response> {
    let Some(caller) = WebCaller::at(relay, headers, key).await? else {
        return sign_in::begin_for(relay, key, headers, Then::Visit(id.to_owned())).await;
    };
    proven(relay, &caller.caller(), id).await?;
    let meeting = relay.ensure_meeting(id).await?;
    let teams = links::teams_url(&meeting.join_web_url);
    let online = relay.has_companion(&caller.caller().recipient()).await;
    let ways = page::Ways { join_web_url: &meeting.join_web_url, teams: teams.is_some(), companion: online };
    Ok(page::visit(&path(key, id), key, &caller, &ways))
}

/// Where the meeting is to be opened.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Where {
    Browser,
    Teams,
}

/// What the buttons send.
#[derive(Deserialize)]
pub(in crate::http) struct Pressed {
    r#in: Where,
}

/// `POST /o/{organization}/visits/{id}/join`.
pub(in crate::http) async fn join(
    State(relay): State<Arc<Relay>>,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
    pressed: Result<Form<Pressed>, FormRejection>,
) -> Response {
    page::answer(go_in(&relay, &key, &id, &headers, pressed).await)
}

async fn go_in(
    relay: &Relay,
    key: &str,
    id: &str,
    headers: &HeaderMap,
    pressed: Result<Form<Pressed>, FormRejection>,
) -> Answer<Response> {
    let caller = WebCaller::acting(relay, headers, key).await?;
    let Form(Pressed { r#in }) = pressed.map_err(|_| Refusal(ProblemCode::BadRequest))?;
    let (_, by) = proven(relay, &caller.caller(), id).await?;
    let meeting = relay.ensure_meeting(id).await?;
    relay.arrivals.update(id, &[VisitEvent::Decided(Command::Call { by })], Along::default()).await?;
    let teams = links::teams_url(&meeting.join_web_url);
    let to = match (r#in, teams) {
        (Where::Teams, Some(teams)) => teams,
        _ => meeting.join_web_url,
    };
    Ok(page::on_to(&to))
}
