//! What the FHIR servers beside Epic share: who is known there, tokens at the door, answers, and how values are searched.
//! What each server holds and lets one do is its own (`oracle`, `r4`); Epic's FHIR is in `epic`.

mod gate;
pub(crate) mod launch;
pub(crate) mod matching;
mod outcome;
pub(crate) mod people;
pub(crate) mod search;
mod site;

pub(crate) use gate::{Caller, caller, no};
pub(crate) use launch::Booked;
pub(crate) use outcome::{FHIR_JSON, Outcome};
pub(crate) use site::{Kind, Known, Server, Site};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::Value;

/// A FHIR answer.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, FHIR_JSON), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

/// Adds `ETag` and `Last-Modified`.
pub(crate) fn stamp(headers: &mut HeaderMap, version: Option<&str>, updated: Timestamp) {
    let tag = version.and_then(|it| HeaderValue::from_str(&format!("W/\"{it}\"")).ok());
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    let date = updated.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        headers.insert(header::LAST_MODIFIED, date);
    }
}

/// `If-Match` as the version it names: `None` without the header, an error when it is not a weak tag.
pub(crate) fn if_match(headers: &HeaderMap) -> Option<Result<String, Outcome>> {
    let value = headers.get(header::IF_MATCH)?;
    Some(value.to_str().ok().and_then(weak_tag).ok_or_else(|| Outcome::precondition("If-Match must be W/\"version\".")))
}

/// The version in `W/"version"`.
pub(crate) fn weak_tag(text: &str) -> Option<String> {
    let version = text.trim().strip_prefix("W/\"")?.strip_suffix('"')?;
    (!version.is_empty() && !version.contains('"')).then(|| version.to_owned())
}

/// The media type of a body, without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let whole = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim()
}

/// An instant as FHIR servers write it, to the millisecond.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Business identifiers of a resource as `system|value`.
pub(crate) fn identifiers(resource: &Value) -> Vec<String> {
    let own = resource["identifier"].as_array().into_iter().flatten();
    own.map(|it| format!("{}|{}", it["system"].as_str().unwrap_or_default(), it["value"].as_str().unwrap_or_default()))
        .collect()
}
