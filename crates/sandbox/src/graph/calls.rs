//! The calls API as far as an app needs it that joins a meeting to remove people: join, look, list, remove, hang up.
//! Facts: the permission is Calls.JoinGroupCall.All, removing needs the tenant's cmdlet besides, and hanging up ends the app's
//! own leg only (microsoft.md 3.4). Our construction: participant ids are others than the roster's, an app at the lobby
//! is like anybody of its tenant (switch `removal`), an app keeps a call alive like a person. Left out: callbacks, media.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::bearer::{Call, answer, enter_any, finish, json_body};
use super::call_request::{Wanted, read};
use super::error::GraphError;
use super::notice::identity;
use crate::core::{
    Hospital, Shared, lock,
    switches::{LOBBY_VISIBLE, REMOVAL},
};
use crate::teams::{self, Outcome, Place, Removed, Who};

/// Who may join, look and remove.
const JOIN: [&str; 2] = ["Calls.JoinGroupCall.All", "Calls.JoinGroupCallAsGuest.All"];
/// Who may hang up.
const HANG_UP: [&str; 3] = ["Calls.Initiate.All", "Calls.JoinGroupCall.All", "Calls.JoinGroupCallAsGuest.All"];

/// An app's leg in a meeting.
#[derive(Debug, Clone)]
pub(super) struct AppCall {
    tid: String,
    app_id: String,
    thread: String,
    leg: String,
    wanted: Wanted,
}

/// `POST /communications/calls`: 201 with a call that is establishing; look again until it is established.
pub(super) async fn join(State(hospital): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let result = async {
        let call = enter_any(&hospital, &headers, &JOIN, &["graph.calls.join", "graph.calls"]).await?;
        let wanted = read(&json_body(&headers, &body)?, &call.caller.tid)?;
        let thread = {
            let meetings = lock(&hospital.graph.meetings);
            let mut own = meetings.iter().filter(|it| it.organizer.tenant_id == call.caller.tid);
            let found = own.find(|it| it.thread == wanted.thread && it.organizer.oid == wanted.organizer);
            found.map(|it| it.thread.clone()).ok_or_else(|| GraphError::not_found("The meeting was not found."))?
        };
        let who = Who::App {
            app_id: call.caller.app_id.clone(),
            tenant_id: call.caller.tid.clone(),
            display_name: "Roomed relay".to_owned(),
            past_lobby: stands(&hospital, &call, "past-lobby"),
        };
        let leg =
            teams::join(&hospital, &thread, who).map_err(|_| GraphError::not_found("The meeting was not found."))?;
        let id = hospital.random.guid();
        let (tid, app_id) = (call.caller.tid.clone(), call.caller.app_id.clone());
        let made = AppCall { tid, app_id, thread: thread.clone(), leg, wanted };
        let body = made.to_json(&hospital, &id, "establishing");
        lock(&hospital.graph.calls).insert(id.clone(), made);
        hospital.log("graph", "call.joined", json!({"thread": thread, "call": id}));
        call.applied();
        let mut response = answer(StatusCode::CREATED, body);
        let location = format!("{}/v1.0/communications/calls/{id}", hospital.addresses().graph);
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        Ok(response)
    };
    finish(&hospital, result.await)
}

/// `GET /communications/calls/{id}`: until the app's leg is gone.
pub(super) async fn look(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let result = async {
        let call = enter_any(&hospital, &headers, &JOIN, &["graph.calls.look", "graph.calls"]).await?;
        let (own, place) = of(&hospital, &call, &id)?;
        let state = if place == Place::In { "established" } else { "establishing" };
        Ok(answer(StatusCode::OK, own.to_json(&hospital, &id, state)))
    };
    finish(&hospital, result.await)
}

/// `GET /communications/calls/{id}/participants`: everybody, the app too.
pub(super) async fn participants(
    State(hospital): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter_any(&hospital, &headers, &JOIN, &["graph.calls.participants", "graph.calls"]).await?;
        let own = established(&hospital, &call, &id)?;
        let lobby = hospital.switches.is(&LOBBY_VISIBLE, organization(&hospital, &call), "yes");
        let all = teams::with_room(&hospital, &own.thread, |room| {
            let legs = room.call.legs().iter();
            let seen = legs.filter(|it| it.place == Place::In || (it.place == Place::Lobby && lobby));
            seen.map(|it| participant(&hospital, &id, &it.id, &it.who, it.place)).collect::<Vec<_>>()
        });
        let context =
            format!("{}/v1.0/$metadata#communications/calls('{id}')/participants", hospital.addresses().graph);
        Ok(answer(StatusCode::OK, json!({"@odata.context": context, "value": all.unwrap_or_default()})))
    };
    finish(&hospital, result.await)
}

/// `DELETE /communications/calls/{id}/participants/{participant}`: 204, and they are out without a word.
pub(super) async fn remove(
    State(hospital): State<Shared>,
    Path((id, participant)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let result = async {
        let call = enter_any(&hospital, &headers, &JOIN, &["graph.calls.remove", "graph.calls"]).await?;
        if !stands(&hospital, &call, "on") && !stands(&hospital, &call, "past-lobby") {
            return Err(GraphError::forbidden(format!(
                "Application {} is not allowed to remove participants: the tenant has not configured it.",
                call.caller.app_id
            )));
        }
        let own = established(&hospital, &call, &id)?;
        let found = teams::with_room(&hospital, &own.thread, |room| {
            let mut legs = room.call.legs().iter().filter(|it| it.place != Place::Waiting && it.id != own.leg);
            legs.find(|it| participant_id(&hospital, &id, &it.id) == participant).map(|it| it.id.clone())
        });
        let nobody = || GraphError::not_found("The participant was not found in the call.");
        let leg = found.flatten().ok_or_else(nobody)?;
        teams::act(&hospital, &own.thread, Outcome::Removed, |it, _, now| it.go(&leg, Removed::Left, now))
            .map_err(|_| nobody())?;
        hospital.log("graph", "participant.removed", json!({"thread": own.thread, "leg": leg}));
        call.applied();
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    finish(&hospital, result.await)
}

/// `DELETE /communications/calls/{id}`: 204. The app's own leg ends; everybody else stays.
pub(super) async fn hang_up(State(hospital): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let result = async {
        let call = enter_any(&hospital, &headers, &HANG_UP, &["graph.calls.hang_up", "graph.calls"]).await?;
        let (own, _) = of(&hospital, &call, &id)?;
        let leave = teams::act(&hospital, &own.thread, Outcome::Left, |it, _, now| it.go(&own.leg, Removed::Left, now));
        lock(&hospital.graph.calls).remove(&id);
        leave.map_err(|_| no_call())?;
        hospital.log("graph", "call.left", json!({"thread": own.thread, "call": id}));
        call.applied();
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    finish(&hospital, result.await)
}

fn organization(hospital: &Hospital, call: &Call) -> &'static str {
    hospital.tenant(&call.caller.tid).map(|it| it.key).unwrap_or_default()
}

fn stands(hospital: &Hospital, call: &Call, value: &str) -> bool {
    hospital.switches.is(&REMOVAL, organization(hospital, call), value)
}

/// The app's own call and where its leg stands.
fn of(hospital: &Hospital, call: &Call, id: &str) -> Result<(AppCall, Place), GraphError> {
    let own = lock(&hospital.graph.calls).get(id).cloned();
    let own = own.filter(|it| it.tid == call.caller.tid && it.app_id == call.caller.app_id).ok_or_else(no_call)?;
    let place = teams::with_room(hospital, &own.thread, |room| room.call.leg(&own.leg).map(|it| it.place));
    let place = place.flatten().ok_or_else(no_call)?;
    Ok((own, place))
}

fn established(hospital: &Hospital, call: &Call, id: &str) -> Result<AppCall, GraphError> {
    match of(hospital, call, id)? {
        (own, Place::In) => Ok(own),
        _ => Err(GraphError::bad_request("The call is not in the established state.")),
    }
}

fn no_call() -> GraphError {
    GraphError::not_found("Call not found.")
}

/// Another id than the roster's: nothing says that they are the same.
fn participant_id(hospital: &Hospital, call: &str, leg: &str) -> String {
    hospital.random.stable_guid(&format!("participant {call} {leg}"))
}

fn participant(hospital: &Hospital, call: &str, leg: &str, who: &Who, place: Place) -> Value {
    json!({
        "id": participant_id(hospital, call, leg), "isInLobby": place == Place::Lobby, "isMuted": false,
        "mediaStreams": [], "info": {"identity": identity(who)},
    })
}

impl AppCall {
    fn to_json(&self, hospital: &Hospital, id: &str, state: &str) -> Value {
        json!({
            "@odata.context": format!("{}/v1.0/$metadata#communications/calls/$entity", hospital.addresses().graph),
            "@odata.type": "#microsoft.graph.call", "id": id, "state": state, "direction": "outgoing",
            "callbackUri": self.wanted.callback, "requestedModalities": ["audio"], "tenantId": self.tid,
            "chatInfo": {"threadId": self.thread, "messageId": "0", "replyChainMessageId": null},
            "meetingInfo": {
                "@odata.type": "#microsoft.graph.organizerMeetingInfo",
                "organizer": {"user": {"id": self.wanted.organizer, "tenantId": self.tid, "displayName": null}},
            },
            "source": {"identity": {"application": {"id": self.app_id, "displayName": "Roomed relay"}}},
            "myParticipantId": participant_id(hospital, id, &self.leg),
            "terminationReason": null, "resultInfo": null,
        })
    }
}
