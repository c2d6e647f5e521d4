//! `/subscriptions` for `meetingCallEvents`: create after the handshake, read, renew, reauthorize, delete.
//! One per application and meeting (G-OVERVIEW); what a body may say is in `subscription.rs`.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::bearer::{answer, enter, finish, json_body};
use super::delivery::{Line, Parcel};
use super::error::GraphError;
use super::outgoing::validate;
use super::subscription::{self, Subscription};
use crate::core::{Hospital, Shared, lock};
use crate::entra::tokens::AppCaller;

/// Application permissions for call events; delegated ones do not exist (G-CALLEV).
const READ: [&str; 2] = ["OnlineMeetings.Read.All", "OnlineMeetings.ReadWrite.All"];

/// `POST /subscriptions`: 201 only after both endpoints have answered the handshake.
pub(crate) async fn create(State(hospital): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.subscribe").await?;
        let asked = subscription::read(&json_body(&headers, &body)?, hospital.clock.now())?;
        let thread = {
            let meetings = lock(&hospital.graph.meetings);
            let mut own = meetings.iter().filter(|it| it.organizer.tenant_id == call.caller.tid);
            own.find(|it| it.join_web_url == asked.join_web_url).map(|it| it.thread.clone())
        };
        let thread =
            thread.ok_or_else(|| GraphError::not_found("The online meeting in the resource was not found."))?;
        quota(&hospital, &call.caller, &thread)?;
        for url in [Some(&asked.notification_url), asked.lifecycle_url.as_ref()].into_iter().flatten() {
            validate(&hospital, url).await?;
            hospital.log("graph", "subscription.validated", json!({"thread": thread, "path": url.path()}));
        }
        let subscription = Subscription {
            id: hospital.random.guid(),
            app_id: call.caller.app_id.clone(),
            tenant_id: call.caller.tid.clone(),
            thread,
            asked,
            paused: false,
        };
        let detail = json!({
            "subscription": subscription.id, "thread": subscription.thread, "expires": subscription.asked.expires.to_string(),
        });
        let json = subscription.to_json(&context(&hospital));
        {
            let mut lines = lock(&hospital.graph.subscriptions);
            // Two at once pass the first look; only one may stay
            taken(&lines, &call.caller, &subscription.thread)?;
            // Opened under the lock: the line looks its subscription up and would end at once if it were not there
            lines.insert(subscription.id.clone(), Line::open(&hospital, subscription.clone()));
        }
        if let Some(secret) = &subscription.asked.client_state {
            hospital.canaries.secret("graph.client_state", secret);
        }
        hospital.log("graph", "subscription.created", detail);
        call.applied();
        Ok(answer(StatusCode::CREATED, json))
    };
    finish(&hospital, result.await)
}

fn quota(hospital: &Hospital, caller: &AppCaller, thread: &str) -> Result<(), GraphError> {
    taken(&lock(&hospital.graph.subscriptions), caller, thread)
}

fn taken(lines: &std::collections::BTreeMap<String, Line>, caller: &AppCaller, thread: &str) -> Result<(), GraphError> {
    let same = |it: &Subscription| it.thread == thread && it.app_id == caller.app_id && it.tenant_id == caller.tid;
    if lines.values().any(|it| same(&it.subscription)) {
        return Err(GraphError::forbidden(
            "Operation: Create; Exception: [Status Code: Forbidden; Reason: The limit of '1' subscriptions per \
             application and online meeting has been reached.]",
        ));
    }
    Ok(())
}

/// `GET /subscriptions`: the caller's own.
pub(crate) async fn list(State(hospital): State<Shared>, headers: HeaderMap) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.renew").await?;
        let context = context(&hospital);
        let lines = lock(&hospital.graph.subscriptions);
        let own = lines.values().map(|it| &it.subscription).filter(|it| owned(it, &call.caller));
        let own: Vec<Value> = own.map(|it| it.to_json(&context)).collect();
        Ok(answer(StatusCode::OK, json!({"@odata.context": context, "value": own})))
    };
    finish(&hospital, result.await)
}

/// `GET /subscriptions/{id}`.
pub(crate) async fn read(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.renew").await?;
        let context = context(&hospital);
        with_line(&hospital, &call.caller, &id, |it| Ok(answer(StatusCode::OK, it.subscription.to_json(&context))))
    };
    finish(&hospital, result.await)
}

/// `PATCH /subscriptions/{id}` with a new `expirationDateTime`: 200. Also ends a pause.
pub(crate) async fn renew(
    State(hospital): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.renew").await?;
        let body = json_body(&headers, &body)?;
        let context = context(&hospital);
        let now = hospital.clock.now();
        let (json, expires) = with_line(&hospital, &call.caller, &id, |line| {
            let it = &mut line.subscription;
            it.asked.expires = subscription::read_renewal(&body, it.asked.lifecycle_url.is_some(), now)?;
            it.paused = false;
            line.put(Parcel::Renewed);
            Ok((line.subscription.to_json(&context), line.subscription.asked.expires))
        })?;
        hospital.log("graph", "subscription.renewed", json!({"subscription": id, "expires": expires.to_string()}));
        call.applied();
        Ok(answer(StatusCode::OK, json))
    };
    finish(&hospital, result.await)
}

/// `POST /subscriptions/{id}/reauthorize`: 204, ends a pause, does not extend the life.
pub(crate) async fn reauthorize(
    State(hospital): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.renew").await?;
        with_line(&hospital, &call.caller, &id, |line| {
            line.subscription.paused = false;
            Ok(())
        })?;
        hospital.log("graph", "subscription.reauthorized", json!({"subscription": id}));
        call.applied();
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    finish(&hospital, result.await)
}

/// `DELETE /subscriptions/{id}`: 204.
pub(crate) async fn delete(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.renew").await?;
        with_line(&hospital, &call.caller, &id, |_| Ok(()))?;
        lock(&hospital.graph.subscriptions).remove(&id);
        hospital.log("graph", "subscription.deleted", json!({"subscription": id}));
        call.applied();
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    finish(&hospital, result.await)
}

fn owned(it: &Subscription, caller: &AppCaller) -> bool {
    it.app_id == caller.app_id && it.tenant_id == caller.tid
}

fn with_line<T>(
    hospital: &Hospital,
    caller: &AppCaller,
    id: &str,
    act: impl FnOnce(&mut Line) -> Result<T, GraphError>,
) -> Result<T, GraphError> {
    let now = hospital.clock.now();
    let mut lines = lock(&hospital.graph.subscriptions);
    let line = lines.get_mut(id).filter(|it| owned(&it.subscription, caller) && it.subscription.asked.expires > now);
    act(line.ok_or_else(|| GraphError::not_found(format!("Subscription '{id}' not found.")))?)
}

fn context(hospital: &Hospital) -> String {
    format!("{}/beta/$metadata#subscriptions/$entity", hospital.addresses().graph)
}
