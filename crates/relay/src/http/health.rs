//! What operators and load balancers ask, and the public keys EHRs fetch. Nothing here knows a visit.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use crate::relay::Relay;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// The store takes writes: send people here.
pub(super) async fn ready(State(relay): State<Arc<Relay>>) -> impl IntoResponse {
    match relay.store.ready().await {
        Ok(()) => (StatusCode::OK, "ready"),
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not take writes")
        }
    }
}

/// Prometheus' text format.
pub(super) async fn metrics(State(relay): State<Arc<Relay>>) -> impl IntoResponse {
    if let Ok(counts) = relay.store.outbox_counts().await {
        for (state, count) in [
            ("waiting", counts.waiting),
            ("in-flight", counts.in_flight),
            ("waiting-for-identifier", counts.waiting_for_identifier),
            ("parked", counts.parked),
            ("unsupported", counts.unsupported),
            ("quarantined", counts.quarantined),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and no outbox holds 2^52 rows")]
            metrics::gauge!("roomed_outbox_entries", "state" => state).set(count as f64);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and nobody has 2^52 sockets")]
    metrics::gauge!("roomed_companions_online").set(relay.hub.companions_online() as f64);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], relay.metrics.render())
}

/// The public keys of our Backend Services client (RFC 7517).
pub(super) async fn jwks(State(relay): State<Arc<Relay>>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(relay.jwks.clone()))
}
