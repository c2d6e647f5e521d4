//! `onlineMeetings` under `/users/{oid}`: createOrGet, create, find, read, update, delete, the patients' join link.
//! The meeting's own shape is in `meeting.rs`, what a body may say in `changes.rs`.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::bearer::{access_policy, answer, enter, enter_any, finish, json_body};
use super::changes::{Change, external_id, read_create, read_patch};
use super::error::GraphError;
use super::meeting::{DirectoryUser, OnlineMeeting, default_settings, meeting_id};
use crate::core::{Hospital, Shared, lock};
use crate::entra::tokens::AppCaller;
use crate::teams::{Rules, links};

/// Application permissions that may write meetings.
const WRITE: [&str; 1] = ["OnlineMeetings.ReadWrite.All"];
/// Application permissions that may read meetings.
const READ: [&str; 2] = ["OnlineMeetings.Read.All", "OnlineMeetings.ReadWrite.All"];
/// Application permissions for the virtual appointment's join link.
const VIRTUAL: [&str; 2] = ["VirtualAppointment.Read.All", "VirtualAppointment.ReadWrite.All"];

/// `POST /users/{oid}/onlineMeetings/createOrGet`: 201 for a new meeting, 200 for one that was there.
pub(crate) async fn create_or_get(
    State(hospital): State<Shared>,
    Path(oid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &WRITE, "graph.create").await?;
        access_policy(&hospital, &call.caller, &oid, "Create")?;
        let body = json_body(&headers, &body)?;
        let external = external_id(&body)?;
        let (status, meeting) = made(&hospital, &call.caller, &oid, &body, Some(external))?;
        call.applied();
        Ok(answer(status, meeting))
    };
    finish(&hospital, result.await)
}

/// `POST /users/{oid}/onlineMeetings`.
pub(crate) async fn create(
    State(hospital): State<Shared>,
    Path(oid): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &WRITE, "graph.create").await?;
        access_policy(&hospital, &call.caller, &oid, "Create")?;
        let body = json_body(&headers, &body)?;
        if body.get("externalId").is_some() {
            return Err(GraphError::bad_request("externalId can only be given to createOrGet."));
        }
        let (status, meeting) = made(&hospital, &call.caller, &oid, &body, None)?;
        call.applied();
        Ok(answer(status, meeting))
    };
    finish(&hospital, result.await)
}

fn made(
    hospital: &Hospital,
    caller: &AppCaller,
    oid: &str,
    body: &Value,
    external: Option<String>,
) -> Result<(StatusCode, Value), GraphError> {
    let change = read_create(body, hospital.clock.now(), &directory(hospital, &caller.tid))?;
    let mut meetings = lock(&hospital.graph.meetings);
    let known = meetings.iter().find(|it| {
        external.is_some()
            && it.external_id == external
            && it.organizer.oid == oid
            && it.organizer.tenant_id == caller.tid
    });
    if let Some(known) = known {
        hospital.log("graph", "meeting.found", json!({"thread": known.thread, "organizer": oid}));
        return Ok((StatusCode::OK, known.to_json(&context(hospital, oid))));
    }
    let meeting = new_meeting(hospital, caller, oid, change, external)?;
    let json = meeting.to_json(&context(hospital, oid));
    let detail = json!({"thread": meeting.thread, "organizer": oid, "joinWebUrl": meeting.join_web_url});
    meetings.push(meeting);
    drop(meetings);
    hospital.log("graph", "meeting.created", detail);
    Ok((StatusCode::CREATED, json))
}

fn new_meeting(
    hospital: &Hospital,
    caller: &AppCaller,
    oid: &str,
    change: Change,
    external_id: Option<String>,
) -> Result<OnlineMeeting, GraphError> {
    let organizer =
        directory(hospital, &caller.tid)(Some(oid), None).ok_or_else(|| GraphError::not_found("User not found."))?;
    let thread = format!("19:meeting_{}@thread.v2", hospital.random.token(48));
    let now = hospital.clock.now();
    let mut meeting = OnlineMeeting {
        id: meeting_id(oid, &thread),
        external_id,
        made_by: caller.app_id.clone(),
        join_web_url: links::join_web_url(&hospital.addresses().teams, &thread, &caller.tid, oid),
        join_meeting_id: format!("{:010}", hospital.random.below(10_000_000_000)),
        organizer,
        thread,
        subject: None,
        created: now,
        start: now,
        end: now,
        attendees: Vec::new(),
        settings: default_settings(),
    };
    change.apply(&mut meeting);
    Ok(meeting)
}

/// `GET /users/{oid}/onlineMeetings?$filter=JoinWebUrl eq '...'` (or by `joinMeetingId`): a collection of one.
pub(crate) async fn find(
    State(hospital): State<Shared>,
    Path(oid): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.meeting").await?;
        access_policy(&hospital, &call.caller, &oid, "Get")?;
        let query = query.unwrap_or_default();
        let filter =
            url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "$filter").map(|(_, it)| it);
        let filter =
            filter.ok_or_else(|| GraphError::bad_request("A $filter on JoinWebUrl or joinMeetingId is required."))?;
        let (property, value) = filter
            .split_once(" eq '")
            .and_then(|(property, rest)| Some((property, rest.strip_suffix('\'')?)))
            .ok_or_else(|| GraphError::bad_request("Invalid filter clause."))?;
        let meetings = lock(&hospital.graph.meetings);
        let mut own = meetings.iter().filter(|it| it.organizer.oid == oid && it.organizer.tenant_id == call.caller.tid);
        let found = match property {
            "joinMeetingIdSettings/joinMeetingId" => own.find(|it| it.join_meeting_id == value),
            it if it.eq_ignore_ascii_case("joinWebUrl") => own.find(|it| it.join_web_url == value),
            _ => return Err(GraphError::bad_request("Invalid filter clause.")),
        };
        let found = found.ok_or_else(no_meeting)?.to_json(&context(&hospital, &oid));
        Ok(answer(StatusCode::OK, json!({"@odata.context": context(&hospital, &oid), "value": [found]})))
    };
    finish(&hospital, result.await)
}

/// `GET /users/{oid}/onlineMeetings/{id}`.
pub(crate) async fn read(
    State(hospital): State<Shared>,
    Path((oid, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &READ, "graph.meeting").await?;
        access_policy(&hospital, &call.caller, &oid, "Get")?;
        with_meeting(&hospital, &call.caller, &oid, &id, |it| {
            Ok(answer(StatusCode::OK, it.to_json(&context(&hospital, &oid))))
        })
    };
    finish(&hospital, result.await)
}

/// `PATCH /users/{oid}/onlineMeetings/{id}`: 200 with the whole meeting.
pub(crate) async fn update(
    State(hospital): State<Shared>,
    Path((oid, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &WRITE, "graph.meeting").await?;
        access_policy(&hospital, &call.caller, &oid, "Update")?;
        let body = json_body(&headers, &body)?;
        let change = read_patch(&body, &directory(&hospital, &call.caller.tid))?;
        let (json, thread) = with_meeting(&hospital, &call.caller, &oid, &id, |it| {
            change.apply(it);
            Ok((it.to_json(&context(&hospital, &oid)), it.thread.clone()))
        })?;
        let names: Vec<&String> = body.as_object().into_iter().flat_map(|it| it.keys()).collect();
        hospital.log("graph", "meeting.updated", json!({"thread": thread, "names": names}));
        crate::teams::meeting_changed(&hospital, &thread);
        call.applied();
        Ok(answer(StatusCode::OK, json))
    };
    finish(&hospital, result.await)
}

/// `DELETE /users/{oid}/onlineMeetings/{id}`: 204. People in the call stay there; Graph promises nothing else (3.4).
pub(crate) async fn delete(
    State(hospital): State<Shared>,
    Path((oid, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter_any(&hospital, &headers, &WRITE, &["graph.meeting.delete", "graph.meeting"]).await?;
        access_policy(&hospital, &call.caller, &oid, "Delete")?;
        let thread = with_meeting(&hospital, &call.caller, &oid, &id, |it| Ok(it.thread.clone()))?;
        lock(&hospital.graph.meetings).retain(|it| it.thread != thread);
        hospital.log("graph", "meeting.deleted", json!({"thread": thread}));
        call.applied();
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    finish(&hospital, result.await)
}

/// `GET .../getVirtualAppointmentJoinWebUrl`, also with `()` as the OpenAPI template has it (5.2).
pub(crate) async fn virtual_join_url(
    State(hospital): State<Shared>,
    Path((oid, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter(&hospital, &headers, &VIRTUAL, "graph.virtual_join_url").await?;
        access_policy(&hospital, &call.caller, &oid, "Get")?;
        let teams = &hospital.addresses().teams;
        let value = with_meeting(&hospital, &call.caller, &oid, &id, |it| {
            Ok(links::virtual_appointment_url(teams, &call.caller.tid, &it.thread))
        })?;
        let context = format!("{}/v1.0/$metadata#Edm.String", hospital.addresses().graph);
        Ok(answer(StatusCode::OK, json!({"@odata.context": context, "value": value})))
    };
    finish(&hospital, result.await)
}

/// Runs `act` on the meeting `id` of this organizer; 404 when it is none of theirs.
pub(crate) fn with_meeting<T>(
    hospital: &Hospital,
    caller: &AppCaller,
    oid: &str,
    id: &str,
    act: impl FnOnce(&mut OnlineMeeting) -> Result<T, GraphError>,
) -> Result<T, GraphError> {
    let mut meetings = lock(&hospital.graph.meetings);
    let found =
        meetings.iter_mut().find(|it| it.id == id && it.organizer.oid == oid && it.organizer.tenant_id == caller.tid);
    act(found.ok_or_else(no_meeting)?)
}

/// The meeting of this thread with what its call needs to know; `None` once it was deleted.
pub(crate) fn rules_of(hospital: &Hospital, thread: &str) -> Option<(OnlineMeeting, Rules)> {
    let meeting = lock(&hospital.graph.meetings).iter().find(|it| it.thread == thread).cloned()?;
    let with_role = |role: &str| {
        let people = meeting.attendees.iter().filter(|it| it.role == role);
        people.filter_map(|it| it.user.as_ref().map(|user| user.oid.clone())).collect::<Vec<_>>()
    };
    let rules = Rules {
        tenant_id: meeting.organizer.tenant_id.clone(),
        organizer: meeting.organizer.oid.clone(),
        coorganizers: with_role("coorganizer"),
        presenters: with_role("presenter"),
        invited: meeting.attendees.iter().filter_map(|it| it.user.as_ref().map(|user| user.oid.clone())).collect(),
        lobby_bypass: meeting.lobby_bypass_scope().to_owned(),
        allowed_presenters: meeting.setting("allowedPresenters").to_owned(),
        lobby_admitters: meeting.setting("allowedLobbyAdmitters").to_owned(),
    };
    Some((meeting, rules))
}

fn directory<'a>(
    hospital: &'a Hospital,
    tid: &'a str,
) -> impl Fn(Option<&str>, Option<&str>) -> Option<DirectoryUser> + 'a {
    move |oid, upn| {
        let organization = hospital.tenant(tid)?;
        let person = match (oid, upn) {
            (Some(oid), _) => organization.person(oid),
            (None, Some(upn)) => organization.accounts().find(|it| it.upn.eq_ignore_ascii_case(upn)),
            (None, None) => None,
        }?;
        Some(DirectoryUser {
            oid: person.oid.clone(),
            tenant_id: organization.tid.clone(),
            display_name: person.name.clone(),
            upn: person.upn.clone(),
        })
    }
}

fn context(hospital: &Hospital, oid: &str) -> String {
    format!("{}/v1.0/$metadata#users('{oid}')/onlineMeetings/$entity", hospital.addresses().graph)
}

/// 404 in Graph's words.
pub(crate) fn no_meeting() -> GraphError {
    GraphError::not_found("Online meeting not found for the given user.")
}
