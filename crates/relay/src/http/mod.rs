//! The relay's URL table, on one page. Each concern has a file; none of them holds a rule about visits.

mod acts;
mod agenda;
mod caller;
mod companion;
mod encrypted_link;
mod entering;
mod first_link;
mod graph;
mod health;
mod html;
mod invitation;
mod language;
mod launch;
mod limits;
mod page_acts;
mod patient_launch;
mod patient_page;
mod patient_words;
mod portal;
mod problem;
mod proof;
mod regions;
mod seats;
mod socket;
mod staff;
mod visit_page;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

pub use limits::Limits;
pub use problem::{Answer, Refusal};

use crate::relay::Relay;

/// Every address the relay answers at.
pub fn router(relay: Arc<Relay>) -> Router {
    let bounds = &relay.config.limits;
    let companion = Router::new()
        .route("/me", get(companion::me))
        .route("/nonces", post(companion::nonce))
        .route("/callbacks", put(companion::callback))
        .route("/launches", post(proof::launch))
        .route("/visits", get(companion::visits))
        .route("/visits/{id}", get(companion::visit))
        .route("/visits/{id}/join", get(companion::door).post(companion::join))
        .route("/visits/{id}/acknowledge", post(companion::acknowledge))
        .route("/visits/{id}/end", post(companion::end))
        .route("/visits/{id}/undo", post(acts::undo))
        .route("/visits/{id}/say", post(acts::say))
        .route("/visits/{id}/help-taken/{participant}", post(acts::help_taken))
        .route("/visits/{id}/assign", post(acts::assign))
        .route("/visits/{id}/invitations", post(acts::invite))
        .route("/visits/{id}/invitations/{participant}", delete(acts::revoke))
        .route("/late", post(acts::late))
        .route("/notices", get(companion::notices))
        .route("/agenda", get(agenda::agenda))
        .route("/offers/{offer}", post(acts::answer_offer))
        .route_layer(from_fn_with_state(Arc::clone(&relay), limits::by_person));
    let anonymous = Router::new()
        .route("/api/v1/organizations/{key}/sign-in", get(companion::sign_in))
        .route("/o/{organization}/launch", get(launch::launch))
        .route("/oauth/callback", get(launch::callback))
        .route("/o/{organization}/launch/browser", get(web::launch::begin))
        .route("/o/{organization}/launch/callback", get(web::launch::callback))
        .route("/o/{organization}/launch/covering", post(web::launch::covering))
        .route("/o/{organization}/launch/first-link", post(web::launch::same_person))
        .route("/o/{organization}/visits/{id}", get(web::visit::show))
        .route("/o/{organization}/visits/{id}/join", post(web::visit::join))
        .route("/o/{organization}/visits/{id}/offers", post(web::offer::make))
        .route("/o/{organization}/visits/{id}/offers/{offer}", get(web::offer::show))
        .route("/o/{organization}/sign-in", get(web::sign_in::begin))
        .route("/o/{organization}/signed-in", get(web::sign_in::home))
        .route("/o/{organization}/sign-out", post(web::sign_in::out))
        .route("/sign-in/callback", get(web::sign_in::callback))
        .route("/o/{organization}/patient", get(patient_launch::launch))
        .route("/o/{organization}/patient/callback", get(patient_launch::callback))
        .route("/i/{token}", get(invitation::show))
        .route("/i", post(invitation::take))
        .route_layer(from_fn_with_state(Arc::clone(&relay), limits::by_address));
    let asked = Router::new()
        .nest("/v/p/{place}/api", visit_pages())
        // A page that was open before pages had a path of their own.
        .nest("/v/api", visit_pages())
        .route("/o/{organization}/visits/{id}/offers/{offer}/answer", get(web::offer::wait))
        .route("/staff/api/me", get(staff::me))
        .route("/staff/api/visits", get(staff::visits))
        .route("/staff/api/visits/{id}/room", post(staff::room))
        .route("/staff/api/visits/{id}/help", post(staff::help))
        .route("/staff/api/visits/{id}/say", post(staff::say))
        .route("/staff/api/late", post(staff::late))
        .nest("/portal/api", portal_pages())
        .route_layer(from_fn_with_state(Arc::clone(&relay), limits::by_page));
    let pages = Router::new()
        .route("/o/{organization}/test", get(visit_page::practice))
        .route("/v/", get(visit_page::resume))
        .route("/v/p/{place}/", get(visit_page::index))
        .route("/v/{*file}", get(visit_page::asset))
        .route("/staff/", get(staff::index))
        .route("/staff/{*file}", get(staff::asset))
        .route("/portal/", get(portal::index))
        .route("/portal/{*file}", get(portal::asset));
    let operators = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/.well-known/jwks.json", get(health::jwks));
    let requests = Router::new()
        .nest("/api/v1", companion)
        .merge(anonymous)
        .merge(asked)
        .merge(pages)
        .merge(operators)
        .layer(DefaultBodyLimit::max(bounds.body_bytes as usize))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(bounds.request_seconds.into()),
        ));
    let graph = Router::new()
        .route("/graph/notifications", post(graph::notifications))
        .route("/graph/lifecycle", post(graph::lifecycle))
        .route("/graph/calls", post(graph::calls))
        .layer(DefaultBodyLimit::max(bounds.webhook_body_bytes as usize));
    // Sockets live long: no time limit on them.
    let sockets = Router::new()
        .route("/api/v1/socket", get(socket::companion))
        .route("/v/p/{place}/api/socket", get(visit_page::socket))
        .route("/v/api/socket", get(visit_page::socket))
        .route("/staff/api/socket", get(staff::socket));
    Router::new()
        .merge(requests)
        .merge(graph)
        .merge(sockets)
        .layer(from_fn_with_state(Arc::clone(&relay), regions::own_only))
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("x-content-type-options"),
            HeaderValue::from_static("nosniff"),
        ))
        .layer(CatchPanicLayer::new())
        .layer(TraceLayer::new_for_http().make_span_with(span).on_response(answered))
        .with_state(relay)
}

/// What visit pages ask.
fn visit_pages() -> Router<Arc<Relay>> {
    Router::new()
        .route("/visit", get(visit_page::visit))
        .route("/ready", post(visit_page::ready))
        .route("/handed-over", post(visit_page::handed_over))
        .route("/devices", post(page_acts::devices))
        .route("/leave", post(page_acts::leave))
        .route("/help", post(page_acts::help))
        .route("/answer", post(page_acts::answer))
        .route("/take-over", post(page_acts::take_over))
        .route("/probe", get(page_acts::probe).post(page_acts::probed))
}

/// What the portal asks.
fn portal_pages() -> Router<Arc<Relay>> {
    Router::new()
        .route("/me", get(portal::me))
        .route("/doctor", get(portal::doctor::look).post(portal::doctor::examine))
        .route("/records", get(portal::records::records))
        .route("/write-backs", get(portal::write_backs::list))
        .route("/write-backs/replay", post(portal::write_backs::replay))
        .route("/write-backs/{id}", get(portal::write_backs::one))
        .route("/write-backs/{id}/retry", post(portal::write_backs::retry))
        .route("/write-backs/{id}/skip", post(portal::write_backs::skip))
        .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
}

/// Our own words about an answer: the library's would be cut off with everybody else's below `warn`.
fn answered(response: &Response, took: Duration, _: &tracing::Span) {
    tracing::debug!(status = response.status().as_u16(), ms = took.as_millis(), "answered");
}

/// The route as it stands in the table: a query or a path segment may hold what no log may.
fn span(request: &Request) -> tracing::Span {
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str);
    tracing::info_span!("request", method = %request.method(), route)
}
