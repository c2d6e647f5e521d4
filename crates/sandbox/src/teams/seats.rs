//! What a meeting page does: take a seat, listen, admit, remove, leave, end. A seat is a secret of one page;
//! participants' ids are public. The event stream doubles as the page's sign of life.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::json;

use super::call::{Refused, Removed};
use super::room::{self, Outcome, act, expect_silence, with_room};
use super::rules::Who;
use super::view;
use crate::core::{Hospital, Shared, lock};
use crate::entra::session::{sign_in, signed_in};

/// A display name longer than this is cut, as in Teams' own field.
const LONGEST_NAME: usize = 64;

/// The seats' routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/meetings/{thread}/seats", post(take))
        .route("/api/seats/{seat}/events", get(events))
        .route("/api/seats/{seat}/leave", post(leave))
        .route("/api/seats/{seat}/end", post(end))
        .route("/api/seats/{seat}/admit/{leg}", post(admit))
        .route("/api/seats/{seat}/remove/{leg}", post(remove))
}

/// Who wants to come in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", tag = "as")]
enum Comer {
    /// The account this browser is signed in with.
    SignedIn,
    /// An account picked on the page; the browser is signed in with it from now on.
    Account {
        /// `userPrincipalName`.
        upn: String,
    },
    /// Nobody in particular.
    #[serde(rename_all = "camelCase")]
    Guest {
        /// As typed.
        display_name: String,
    },
}

async fn take(
    State(hospital): State<Shared>,
    Path(thread): Path<String>,
    headers: HeaderMap,
    Json(comer): Json<Comer>,
) -> Response {
    let mut cookie = None;
    let who = match comer {
        Comer::SignedIn => signed_in(&hospital, &headers).map(|(organization, person)| user(&organization.tid, person)),
        Comer::Account { upn } => account(&hospital, &upn).inspect(|who| {
            cookie = who.oid().map(|oid| sign_in(&hospital, oid));
        }),
        Comer::Guest { display_name } => guest(&display_name),
    };
    let Some(who) = who else { return refused(StatusCode::BAD_REQUEST, "A name or an account is needed to join.") };
    let leg = match room::join(&hospital, &thread, who) {
        Ok(leg) => leg,
        Err(why) => return refused(StatusCode::NOT_FOUND, &why.to_string()),
    };
    let seat = hospital.random.token(32);
    lock(&hospital.teams.seats).insert(seat.clone(), (thread.clone(), leg.clone()));
    expect_silence(&hospital, &thread, &leg);
    let mut response = (StatusCode::CREATED, Json(json!({"seat": seat, "leg": leg}))).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The Teams user with this user principal name.
pub(super) fn account(hospital: &Hospital, upn: &str) -> Option<Who> {
    hospital.organizations.iter().find_map(|organization| {
        let person = organization.accounts().find(|it| it.upn.eq_ignore_ascii_case(upn))?;
        Some(user(&organization.tid, person))
    })
}

/// A Teams user of this tenant.
pub(super) fn user(tid: &str, person: &crate::core::Person) -> Who {
    Who::User { oid: person.oid.clone(), tenant_id: tid.to_owned(), display_name: person.name.clone(), is_guest: false }
}

/// A guest; nobody without a name.
pub(super) fn guest(name: &str) -> Option<Who> {
    let display_name: String = name.trim().chars().filter(|it| !it.is_control()).take(LONGEST_NAME).collect();
    (!display_name.is_empty()).then_some(Who::Guest { display_name })
}

async fn events(State(hospital): State<Shared>, Path(seat): Path<String>) -> Response {
    let Some((thread, leg)) = place_of(&hospital, &seat) else { return no_seat() };
    let Some(changed) = with_room(&hospital, &thread, |room| room.changed.subscribe()) else { return no_seat() };
    let life = room::Stream::open(&hospital, &thread, &leg);
    Sse::new(views(hospital, thread, leg, changed, life))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(1)))
        .into_response()
}

fn views(
    hospital: Shared,
    thread: String,
    leg: String,
    changed: tokio::sync::watch::Receiver<u64>,
    life: room::Stream,
) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((changed, life, true, false), move |(mut changed, life, first, over)| {
        let (hospital, thread, leg) = (hospital.clone(), thread.clone(), leg.clone());
        async move {
            if over || (!first && changed.changed().await.is_err()) {
                return None;
            }
            changed.mark_unchanged();
            let (view, over) = with_room(&hospital, &thread, |room| view::of(room, &leg, hospital.clock.now()))?;
            Some((Ok(Event::default().event("view").data(view.to_string())), (changed, life, false, over)))
        }
    })
}

async fn leave(State(hospital): State<Shared>, Path(seat): Path<String>) -> Response {
    let Some((thread, leg)) = place_of(&hospital, &seat) else { return no_seat() };
    done(act(&hospital, &thread, Outcome::Left, |call, _, now| call.go(&leg, Removed::Left, now)))
}

async fn end(State(hospital): State<Shared>, Path(seat): Path<String>) -> Response {
    let Some((thread, leg)) = place_of(&hospital, &seat) else { return no_seat() };
    done(act(&hospital, &thread, Outcome::Ended, |call, rules, now| call.end(&leg, rules, now)))
}

async fn admit(State(hospital): State<Shared>, Path((seat, other)): Path<(String, String)>) -> Response {
    let Some((thread, leg)) = place_of(&hospital, &seat) else { return no_seat() };
    done(act(&hospital, &thread, Outcome::Left, |call, rules, now| call.admit(&leg, &other, rules, now)))
}

async fn remove(State(hospital): State<Shared>, Path((seat, other)): Path<(String, String)>) -> Response {
    let Some((thread, leg)) = place_of(&hospital, &seat) else { return no_seat() };
    done(act(&hospital, &thread, Outcome::Removed, |call, rules, now| call.remove(&leg, &other, rules, now)))
}

fn place_of(hospital: &Hospital, seat: &str) -> Option<(String, String)> {
    lock(&hospital.teams.seats).get(seat).cloned()
}

/// The answer to an act on the call.
pub(super) fn done(result: Result<(), Refused>) -> Response {
    match result {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(Refused::Unknown) => refused(StatusCode::NOT_FOUND, &Refused::Unknown.to_string()),
        Err(Refused::NotAllowed) => refused(StatusCode::FORBIDDEN, &Refused::NotAllowed.to_string()),
    }
}

/// A refusal as JSON.
pub(super) fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

fn no_seat() -> Response {
    refused(StatusCode::NOT_FOUND, "there is no such seat")
}
