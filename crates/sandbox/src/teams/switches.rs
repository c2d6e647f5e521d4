//! Meetings without a browser, under `{teams}/_sandbox/`; `{thread}` is the percent-encoded chat thread.
//!
//! | call | does |
//! |---|---|
//! | `GET /meetings/{thread}` | `{"thread","started","legs":[{"leg","kind":"user\|guest\|app","oid","displayName","place":"waiting\|lobby\|in"}]}` |
//! | `POST /meetings/{thread}/join {"oid"}` or `{"upn"}` or `{"guest":NAME}` | somebody comes; 201 `{"leg","place"}` |
//! | `POST /meetings/{thread}/admit {"leg"?,"by"?}` | lets in from the lobby: the first waiting, by the first who may |
//! | `POST /meetings/{thread}/remove {"leg","by"?}` | sends away |
//! | `POST /meetings/{thread}/leave {"leg"}`, `/inactive {"leg"}` | leaves; goes silent |
//! | `POST /meetings/{thread}/end {"by"?}` | the organizer or a co-organizer in the call ends it for everyone |
//!
//! How meetings behave beyond that is set by the named switches `lobby_visible`, `rejoin`, `guest_tenants` and `removal` of
//! the control API. Acts answer 204, 403 or 404. People who joined here have no page and never go silent by themselves.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Leg, Place, Removed};
use super::room::{self, Outcome, act, with_room};
use super::seats::{account, done, guest, refused, user};
use crate::core::Shared;

/// The switches' routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/meetings/{thread}", get(look))
        .route("/meetings/{thread}/join", post(join))
        .route("/meetings/{thread}/admit", post(admit))
        .route("/meetings/{thread}/remove", post(remove))
        .route("/meetings/{thread}/leave", post(leave))
        .route("/meetings/{thread}/inactive", post(inactive))
        .route("/meetings/{thread}/end", post(end))
}

fn place(leg: &Leg) -> &'static str {
    match leg.place {
        Place::Waiting => "waiting",
        Place::Lobby => "lobby",
        Place::In => "in",
    }
}

async fn look(State(hospital): State<Shared>, Path(thread): Path<String>) -> Response {
    let found = with_room(&hospital, &thread, |room| {
        let legs: Vec<Value> = room
            .call
            .legs()
            .iter()
            .map(|it| {
                json!({
                    "leg": it.id, "kind": it.who.kind(), "oid": it.who.oid(),
                    "displayName": it.who.display_name(), "place": place(it), "since": it.joined.to_string(),
                })
            })
            .collect();
        json!({"thread": thread, "started": room.call.started().map(|it| it.to_string()), "legs": legs})
    });
    found.map_or_else(|| refused(StatusCode::NOT_FOUND, "there is no such meeting"), |it| Json(it).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Comer {
    oid: Option<String>,
    upn: Option<String>,
    guest: Option<String>,
}

async fn join(State(hospital): State<Shared>, Path(thread): Path<String>, Json(comer): Json<Comer>) -> Response {
    let who = match comer {
        Comer { oid: Some(oid), upn: None, guest: None } => {
            hospital.person(&oid).map(|(organization, person)| user(&organization.tid, person))
        }
        Comer { oid: None, upn: Some(upn), guest: None } => account(&hospital, &upn),
        Comer { oid: None, upn: None, guest: Some(name) } => guest(&name),
        _ => None,
    };
    let Some(who) = who else { return refused(StatusCode::BAD_REQUEST, "give one of oid, upn, guest") };
    match room::join(&hospital, &thread, who) {
        Ok(leg) => {
            let at = with_room(&hospital, &thread, |room| room.call.leg(&leg).map(place)).flatten();
            (StatusCode::CREATED, Json(json!({"leg": leg, "place": at}))).into_response()
        }
        Err(_) => refused(StatusCode::NOT_FOUND, "there is no such meeting"),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    leg: Option<String>,
    by: Option<String>,
}

impl Act {
    /// The leg meant: the one named, or the first at `place`.
    fn leg(&self, hospital: &Shared, thread: &str, place: Place) -> String {
        self.leg.clone().unwrap_or_else(|| first(hospital, thread, |it, _| it.place == place))
    }

    /// Who acts: the one named, or the first in the call who may.
    fn by(&self, hospital: &Shared, thread: &str, ending: bool) -> String {
        self.by.clone().unwrap_or_else(|| {
            first(hospital, thread, |it, rules| {
                it.place == Place::In && if ending { rules.may_end(&it.who) } else { rules.may_admit(&it.who) }
            })
        })
    }
}

fn first(hospital: &Shared, thread: &str, is: impl Fn(&Leg, &super::Rules) -> bool) -> String {
    with_room(hospital, thread, |room| {
        room.call.legs().iter().find(|it| is(it, &room.rules)).map(|it| it.id.clone()).unwrap_or_default()
    })
    .unwrap_or_default()
}

async fn admit(State(hospital): State<Shared>, Path(thread): Path<String>, Json(asked): Json<Act>) -> Response {
    let (by, leg) = (asked.by(&hospital, &thread, false), asked.leg(&hospital, &thread, Place::Lobby));
    done(act(&hospital, &thread, Outcome::Left, |call, rules, now| call.admit(&by, &leg, rules, now)))
}

async fn remove(State(hospital): State<Shared>, Path(thread): Path<String>, Json(asked): Json<Act>) -> Response {
    let (by, leg) = (asked.by(&hospital, &thread, false), asked.leg(&hospital, &thread, Place::Lobby));
    done(act(&hospital, &thread, Outcome::Removed, |call, rules, now| call.remove(&by, &leg, rules, now)))
}

async fn leave(State(hospital): State<Shared>, Path(thread): Path<String>, Json(asked): Json<Act>) -> Response {
    gone(&hospital, &thread, &asked, Removed::Left)
}

async fn inactive(State(hospital): State<Shared>, Path(thread): Path<String>, Json(asked): Json<Act>) -> Response {
    gone(&hospital, &thread, &asked, Removed::Inactive)
}

fn gone(hospital: &Shared, thread: &str, asked: &Act, why: Removed) -> Response {
    let Some(leg) = &asked.leg else { return refused(StatusCode::BAD_REQUEST, "leg is needed") };
    done(act(hospital, thread, Outcome::Left, |call, _, now| call.go(leg, why, now)))
}

async fn end(State(hospital): State<Shared>, Path(thread): Path<String>, Json(asked): Json<Act>) -> Response {
    let by = asked.by(&hospital, &thread, true);
    done(act(&hospital, &thread, Outcome::Ended, |call, rules, now| call.end(&by, rules, now)))
}
