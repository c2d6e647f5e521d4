//! The clinician's launch as the EHR opens it, and the https redirect some EHRs insist on. The page keeps the record's
//! context tokens under a one-time handle, because a deep link must carry nothing clinical; the callback keeps nothing.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use roomed_protocol::ProblemCode;
use serde::{Deserialize, Serialize};

use super::html;
use super::problem::{Answer, Refusal};
use super::web;
use super::web::launch::{About, Launch};
use crate::keys::one_time;
use crate::query::Query;
use crate::relay::Relay;
use crate::store::{OneTime, OneTimeKind};

/// The context tokens of the EHR's launch record, kept sealed under the handle until the proof arrives.
#[derive(Serialize, Deserialize)]
pub(super) struct ContextTokens {
    /// The EHR that was launched from.
    pub(super) iss: String,
    /// `sessionId=%CSN%`.
    pub(super) session_id: String,
    /// `departmentId`.
    pub(super) department: Option<String>,
}

/// `GET /o/{organization}/launch`.
pub(super) async fn launch(
    State(relay): State<Arc<Relay>>,
    Path(organization): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match hand_over(&relay, &organization, query.as_deref().unwrap_or_default()).await {
        Ok((link, browser)) => html::open_companion(&link, &relay.random.token(), browser.as_deref()),
        Err(refusal) => html::refusal(refusal),
    }
}

/// The companion's link, and the way on without one.
async fn hand_over(relay: &Relay, organization: &str, query: &str) -> Answer<(String, Option<String>)> {
    let query = Query::parse(query)?;
    let known = relay.organization(organization).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let iss = query.required("iss")?;
    let launch = query.required("launch")?;
    let ehr = known.ehr(iss).ok_or(Refusal(ProblemCode::UnknownIss))?;
    let session_id = query.get("sessionId").filter(|id| !id.is_empty());
    let mut link = url::Url::parse("roomed://launch").expect("a constant");
    link.query_pairs_mut().append_pair("iss", iss).append_pair("launch", launch);
    // A record without the session token still launches: the appointment is then found by the chart's encounter.
    if let Some(session_id) = session_id {
        let handle = relay.random.token();
        let tokens = ContextTokens {
            iss: iss.to_owned(),
            session_id: session_id.to_owned(),
            department: query.get("departmentId").filter(|id| !id.is_empty()).map(str::to_owned),
        };
        let now = relay.clock.now();
        let lifetime = SignedDuration::from_secs(i64::from(relay.config.launch.one_time_seconds));
        let value = OneTime {
            kind: OneTimeKind::LaunchHandle,
            hash: one_time::hash(&handle),
            organization: organization.to_owned(),
            payload: one_time::seal(&handle, &serde_json::to_vec(&tokens).map_err(|_| Refusal(ProblemCode::Internal))?),
            expires_at: now.saturating_add(lifetime).unwrap_or(now),
        };
        relay.store.put_once(value).await?;
        link.query_pairs_mut().append_pair("handle", &handle);
    }
    let about = About {
        session_id: session_id.map(str::to_owned),
        department: query.get("departmentId").filter(|id| !id.is_empty()).map(str::to_owned),
    };
    let launch = Launch { iss: iss.to_owned(), launch: launch.to_owned(), about };
    let browser = web::launch::keep(relay, organization, ehr, launch).await?;
    Ok((link.into(), browser))
}

/// `GET /oauth/callback`: 303 to the loopback port registered under the hash of `state`. The answer of the EHR goes on
/// exactly as it came; nothing of it is kept.
pub(super) async fn callback(State(relay): State<Arc<Relay>>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    match loopback_of(&relay, &query).await {
        Ok(port) => {
            let location = format!("http://127.0.0.1:{port}/callback?{query}");
            let Ok(location) = HeaderValue::from_str(&location) else {
                return html::refusal(Refusal(ProblemCode::LinkRefused));
            };
            let headers = [
                (header::LOCATION, location),
                (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        Err(refusal) => html::refusal(refusal),
    }
}

async fn loopback_of(relay: &Relay, query: &str) -> Answer<u16> {
    let parsed = Query::parse(query)?;
    let hash = one_time::hash(parsed.required("state")?);
    let found = relay.store.take_once(OneTimeKind::Callback, &hash, relay.clock.now()).await?;
    let port = found.and_then(|value| String::from_utf8(value.payload).ok()?.parse().ok());
    port.ok_or(Refusal(ProblemCode::HandleUnknown))
}
