//! The live side of the schedule: server-sent events that carry every row's status and marks, at once and at each change.

use super::super::sessions;
use crate::core::{Hospital, Shared};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::stream;
use serde_json::{Value, json};
use std::convert::Infallible;

/// `GET /hyperspace/events`
pub(super) async fn events(State(hospital): State<Shared>, headers: HeaderMap) -> Response {
    let Some((organization, _)) = sessions::clinician(&hospital, &headers) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let key = organization.key;
    let mut changes = hospital.epic.chart.subscribe();
    changes.mark_changed();
    let stream = stream::unfold((hospital, changes), move |(hospital, mut changes)| async move {
        changes.changed().await.ok()?;
        if *changes.borrow_and_update() == u64::MAX {
            return None;
        }
        let event = Event::default().data(rows(&hospital, key).to_string());
        Some((Ok::<_, Infallible>(event), (hospital, changes)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default()).into_response()
}

fn rows(hospital: &Hospital, key: &str) -> Value {
    let appointments = hospital.epic.chart.appointments(|it| it.organization == key);
    let rows = appointments.iter().map(|it| {
        let (patient, practitioner) = crate::epic::marks::marks(hospital, it);
        json!({
            "id": it.id, "status": it.status,
            "marks": { "patient": patient.words(), "practitioner": practitioner.words() },
        })
    });
    Value::Array(rows.collect())
}
