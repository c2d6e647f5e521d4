//! The relay's URL table, on one page. Each concern has a file; none of them holds a rule about visits.

mod companion;
mod graph;
mod health;
mod html;
mod launch;
mod patient_launch;
mod problem;
mod proof;
mod socket;
mod visit_page;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::routing::{get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

pub use problem::{Answer, Refusal};

use crate::relay::Relay;

/// No request of ours is larger; Graph's batches are the largest.
const LARGEST_BODY: usize = 1024 * 1024;
const SMALL_BODY: usize = 64 * 1024;

/// Every address the relay answers at.
pub fn router(relay: Arc<Relay>) -> Router {
    let companion = Router::new()
        .route("/me", get(companion::me))
        .route("/nonces", post(companion::nonce))
        .route("/callbacks", put(companion::callback))
        .route("/launches", post(proof::launch))
        .route("/visits", get(companion::visits))
        .route("/visits/{id}", get(companion::visit))
        .route("/visits/{id}/join", post(companion::join))
        .route("/visits/{id}/acknowledge", post(companion::acknowledge))
        .route("/visits/{id}/end", post(companion::end))
        .route("/notices", get(companion::notices))
        .route("/organizations/{key}/sign-in", get(companion::sign_in));
    let pages = Router::new()
        .route("/o/{organization}/launch", get(launch::launch))
        .route("/oauth/callback", get(launch::callback))
        .route("/o/{organization}/patient", get(patient_launch::launch))
        .route("/o/{organization}/patient/callback", get(patient_launch::callback))
        .route("/v/api/visit", get(visit_page::visit))
        .route("/v/api/ready", post(visit_page::ready))
        .route("/v/api/handed-over", post(visit_page::handed_over))
        .route("/v/", get(visit_page::index))
        .route("/v/{*file}", get(visit_page::asset));
    let operators = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/.well-known/jwks.json", get(health::jwks));
    let requests = Router::new()
        .nest("/api/v1", companion)
        .merge(pages)
        .merge(operators)
        .layer(DefaultBodyLimit::max(SMALL_BODY))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(60)));
    let graph = Router::new()
        .route("/graph/notifications", post(graph::notifications))
        .route("/graph/lifecycle", post(graph::lifecycle))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    // Sockets live long: no time limit on them.
    let sockets =
        Router::new().route("/api/v1/socket", get(socket::companion)).route("/v/api/socket", get(visit_page::socket));
    Router::new()
        .merge(requests)
        .merge(graph)
        .merge(sockets)
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .with_state(relay)
}

/// The route as it stands in the table: a query or a path segment may hold what no log may.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route)
}
