//! The page by which a visit that was begun in a browser is offered to the clinician's own companion, and waits for what is
//! answered there. Who may offer what is `offers.rs`; the answer comes in by the companion's routes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use roomed_protocol::ProblemCode;
use serde_json::json;

use super::sign_in::{self, Then};
use super::{WebCaller, page, visit};
use crate::http::companion::proven;
use crate::http::problem::{Answer, Refusal};
use crate::relay::Relay;
use crate::wire;

/// `POST /o/{organization}/visits/{id}/offers`.
pub(in crate::http) async fn make(
    State(relay): State<Arc<Relay>>,
    Path((key, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    page::answer(offer(&relay, &key, &id, &headers).await)
}

async fn offer(relay: &Relay, key: &str, id: &str, headers: &HeaderMap) -> Answer<Response> {
    let caller = WebCaller::acting(relay, headers, key).await?.caller();
    let (opened, _) = proven(relay, &caller, id).await?;
    let to = caller.recipient();
    if !relay.has_companion(&to).await {
        // It went away since the page was drawn: the page as it is now says so.
        return Ok(page::on_to(&visit::path(key, id)));
    }
    let start = wire::from_rules(opened.record.visit.plan().start);
    let offer = relay.offer(&to, id, start).await?;
    Ok(page::on_to(&format!("{}/offers/{offer}", visit::path(key, id))))
}

/// `GET /o/{organization}/visits/{id}/offers/{offer}`.
pub(in crate::http) async fn show(
    State(relay): State<Arc<Relay>>,
    Path((key, id, offer)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    page::answer(look(&relay, &key, &id, &offer, &headers).await)
}

async fn look(relay: &Relay, key: &str, id: &str, offer: &str, headers: &HeaderMap) -> Answer<Response> {
    let Some(caller) = WebCaller::at(relay, headers, key).await? else {
        return sign_in::begin_for(relay, key, headers, Then::Visit(id.to_owned())).await;
    };
    let standing = relay.offer_stands(&caller.caller().recipient(), id, offer).await?;
    Ok(page::offered(&visit::path(key, id), offer, standing, &relay.random.token()))
}

/// `GET /o/{organization}/visits/{id}/offers/{offer}/answer`: answers when there is one, or after a while.
pub(in crate::http) async fn wait(
    State(relay): State<Arc<Relay>>,
    Path((key, id, offer)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    let caller = WebCaller::at(&relay, &headers, &key).await?.ok_or(Refusal(ProblemCode::NotSignedIn))?;
    let state = relay.offer_answered(&caller.caller().recipient(), &id, &offer).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "state": state }))).into_response())
}
