//! A guest's link. Opening it shows one page with one button, the same for every link, so that a mail scanner that looks
//! at links uses none up and learns nothing. Pressing the button uses the link up and opens the visit page.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use roomed_protocol::ProblemCode;
use serde::Deserialize;

use super::entering::on_to_page;
use super::language::Language;
use super::patient_page;
use super::problem::Refusal;
use super::visit_page::same_origin;
use crate::invitations;
use crate::relay::Relay;

/// Longer than any link of ours.
const MOST: usize = 64;

/// `GET /i/{token}`.
pub(super) async fn show(language: Language, Path(token): Path<String>) -> Response {
    match is_plain(&token) {
        true => patient_page::invitation(&token, language),
        false => patient_page::guest_refusal(Refusal(ProblemCode::GuestUnknown), language),
    }
}

/// What the button sends.
#[derive(Deserialize)]
pub(super) struct Pressed {
    token: String,
}

/// `POST /i`.
pub(super) async fn take(
    State(relay): State<Arc<Relay>>,
    language: Language,
    headers: HeaderMap,
    pressed: Result<Form<Pressed>, FormRejection>,
) -> Response {
    // Another site's button would put its visitor into a visit of its choice.
    let is_ours = same_origin(&relay, &headers).is_ok();
    let taken = match pressed {
        Ok(Form(Pressed { token })) if is_ours && is_plain(&token) => invitations::take(&relay, &token).await,
        _ => Err(Refusal(ProblemCode::GuestUnknown)),
    };
    match taken {
        Ok(secret) => on_to_page(&relay, &secret),
        Err(refusal) => patient_page::guest_refusal(refusal, language),
    }
}

fn is_plain(token: &str) -> bool {
    token.len() <= MOST && token.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}
