//! Microsoft Graph, as far as online meetings go: meetings, their call events, attendance reports. Strict as Graph.
//! Everything answers under `/v1.0` and `/beta` alike. Left out: delegated permissions, `/me`, `$batch`, `$select`.
//!
//! Fault targets (control API): `graph.create`, `graph.meeting` (`graph.meeting.delete`), `graph.virtual_join_url`, `graph.attendance`,
//! `graph.subscribe`, `graph.renew`, `graph.calls` for requests; `graph.access_policy` with mode `refuse`; `graph.notify` with
//! `delay`, `duplicate`, `reorder`, `drop_before`, `drop_after_apply`, `status` for deliveries; and
//! `graph.notify.<spoil>` (any mode) for notifications spoilt on purpose, see `spoil.rs`. More under `switches.rs`.

mod attendance;
mod bearer;
mod call_request;
mod calls;
mod changes;
mod delivery;
mod envelope;
mod error;
mod meeting;
mod meetings;
mod notice;
mod outgoing;
mod spoil;
mod subscription;
mod subscriptions;
mod switches;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, OnceLock};

use axum::Router;
use axum::routing::{delete, get, post};

use crate::core::{Shared, SigningKey};

pub(crate) use delivery::publish;
pub(crate) use meeting::OnlineMeeting;
pub(crate) use meetings::rules_of;

/// What Graph remembers.
#[derive(Default)]
pub struct State {
    meetings: Mutex<Vec<OnlineMeeting>>,
    subscriptions: Mutex<BTreeMap<String, delivery::Line>>,
    calls: Mutex<BTreeMap<String, calls::AppCall>>,
    reports: Mutex<BTreeMap<String, Vec<attendance::Report>>>,
    /// Organizers the application access policy was granted for, besides each organization's own.
    granted: Mutex<BTreeSet<String>>,
    client: OnceLock<reqwest::Client>,
    stranger: OnceLock<SigningKey>,
}

/// Its routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .nest("/v1.0", version())
        .nest("/beta", version())
        .nest("/_sandbox", switches::router())
        .fallback(bearer::nowhere)
}

fn version() -> Router<Shared> {
    let meeting = "/users/{oid}/onlineMeetings/{id}";
    Router::new()
        .route("/users/{oid}/onlineMeetings", post(meetings::create).get(meetings::find))
        .route("/users/{oid}/onlineMeetings/createOrGet", post(meetings::create_or_get))
        .route(meeting, get(meetings::read).patch(meetings::update).delete(meetings::delete))
        .route(&format!("{meeting}/getVirtualAppointmentJoinWebUrl"), get(meetings::virtual_join_url))
        .route(&format!("{meeting}/getVirtualAppointmentJoinWebUrl()"), get(meetings::virtual_join_url))
        .route(&format!("{meeting}/attendanceReports"), get(attendance::list))
        .route(&format!("{meeting}/attendanceReports/{{report}}"), get(attendance::read))
        .route(&format!("{meeting}/attendanceReports/{{report}}/attendanceRecords"), get(attendance::records))
        .route("/communications/calls", post(calls::join))
        .route("/communications/calls/{id}", get(calls::look).delete(calls::hang_up))
        .route("/communications/calls/{id}/participants", get(calls::participants))
        .route("/communications/calls/{id}/participants/{participant}", delete(calls::remove))
        .route("/subscriptions", post(subscriptions::create).get(subscriptions::list))
        .route(
            "/subscriptions/{id}",
            get(subscriptions::read).patch(subscriptions::renew).delete(subscriptions::delete),
        )
        .route("/subscriptions/{id}/reauthorize", post(subscriptions::reauthorize))
}
