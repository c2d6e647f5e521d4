//! Whoever comes with an organization that another region's relay serves is told its address, before anything is read of
//! them or kept: the organization stands in the path, or in a Microsoft token. The token is not verified for it, as all that
//! is told is where to go.

use std::sync::Arc;

use axum::extract::{MatchedPath, RawPathParams, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestExt};
use roomed_protocol::ProblemCode;

use super::language::Language;
use super::limits::FOR_PATIENTS;
use super::problem::Refusal;
use super::{html, patient_page};
use crate::config::{Config, Elsewhere};
use crate::identity::jwt;
use crate::relay::Relay;

/// Refuses for the region's sake, or goes on.
pub(super) async fn own_only(State(relay): State<Arc<Relay>>, mut request: Request, next: Next) -> Response {
    if relay.config.elsewhere.is_empty() {
        return next.run(request).await;
    }
    let named = request.extract_parts::<RawPathParams>().await.ok();
    let named = named.as_ref().and_then(|all| all.iter().find(|(name, _)| matches!(*name, "organization" | "key")));
    let by_path = named.and_then(|(_, key)| relay.config.elsewhere_by_key(key));
    let Some(way) = by_path.or_else(|| by_token(&relay.config, &request)) else { return next.run(request).await };
    tracing::debug!(region = ?way.region, "somebody of another region's organization was told where to go");
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if route.starts_with("/api/") {
        return problem(way);
    }
    match FOR_PATIENTS.contains(&route) {
        true => patient_page::elsewhere(&way.address, Language::of(request.headers())),
        false => html::elsewhere(&way.address),
    }
}

fn by_token<'a>(config: &'a Config, request: &Request) -> Option<&'a Elsewhere> {
    let token = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let claims = jwt::peek(token, 1)?;
    config.elsewhere_by_tenant(claims.get("tid")?.as_str()?)
}

/// With the address as an extension member (RFC 9457, 3.2), and in the words.
fn problem(way: &Elsewhere) -> Response {
    let refusal = Refusal(ProblemCode::OtherRegion);
    let mut problem = refusal.problem();
    problem.detail = format!("{} {}", problem.detail, way.address);
    let status = problem.status;
    let mut body = serde_json::to_value(problem).unwrap_or_default();
    body["address"] = way.address.clone().into();
    refusal.respond(status, Json(body)).into_response()
}
