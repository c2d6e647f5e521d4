//! The pages of a meeting: `joinWebUrl` (chooser), the patients' browser link, and the meeting page they lead to.
//! A link whose context names another organizer or tenant than the meeting's finds no meeting, as in Teams.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::links;
use super::room::with_room;
use crate::core::{Organization, Shared};
use crate::entra::session::signed_in;
use crate::graph::rules_of;
use crate::pages::{Page, assets, script, style};
use crate::web::Parameters;

/// The pages' routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/l/meetup-join/{thread}/{message}", get(chooser))
        .route("/webrtc-svc/api/route", get(patient))
        .route("/meeting/{thread}", get(meeting))
        .route("/api/meetings/{thread}/door", get(door))
        .route("/teams.css", get(|| async { style(include_str!("../../pages/teams/teams.css")) }))
        .route("/meeting.js", get(|| async { script(include_str!("../../pages/teams/meeting.js")) }))
        .route("/call.js", get(|| async { script(include_str!("../../pages/teams/call.js")) }))
        .merge(assets())
        .fallback(|| async { no_meeting() })
}

async fn chooser(
    State(hospital): State<Shared>,
    Path((thread, _)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Parameters::parse(query.as_deref().unwrap_or_default());
    let context: Value = serde_json::from_str(query.text("context")).unwrap_or_default();
    let Some((meeting, _)) = rules_of(&hospital, &thread) else { return no_meeting() };
    if context["Tid"] != meeting.organizer.tenant_id || context["Oid"] != meeting.organizer.oid {
        return no_meeting();
    }
    let native = meeting.join_web_url.replacen(&hospital.addresses().teams, "msteams:", 1);
    Page::new(include_str!("../../pages/teams/chooser.html"))
        .text("title", meeting.subject.as_deref().unwrap_or("Meeting"))
        .text("native", native)
        .text("browser", links::meeting_page(&thread, false))
        .respond(StatusCode::OK)
}

async fn patient(State(hospital): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let query = Parameters::parse(query.as_deref().unwrap_or_default());
    let thread = query.text("convId");
    match rules_of(&hospital, thread) {
        Some((meeting, _)) if query.text("tid") == meeting.organizer.tenant_id => {
            Redirect::to(&links::meeting_page(thread, true)).into_response()
        }
        _ => no_meeting(),
    }
}

async fn meeting(State(hospital): State<Shared>, Path(thread): Path<String>) -> Response {
    match with_room(&hospital, &thread, |room| room.title.clone()) {
        Some(title) => Page::new(include_str!("../../pages/teams/meeting.html"))
            .text("title", if title.is_empty() { "Meeting" } else { &title })
            .respond(StatusCode::OK),
        None => no_meeting(),
    }
}

/// Who this browser could join as: the account it is signed in with, or a choice of accounts, or a guest.
async fn door(State(hospital): State<Shared>, Path(thread): Path<String>, headers: HeaderMap) -> Response {
    let Some((title, tenant)) = with_room(&hospital, &thread, |it| (it.title.clone(), it.rules.tenant_id.clone()))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let account = signed_in(&hospital, &headers).map(
        |(organization, person)| json!({"name": person.name, "upn": person.upn, "organization": organization.name}),
    );
    let mut organizations: Vec<&Organization> = hospital.organizations.iter().collect();
    organizations.sort_by_key(|it| it.tid != tenant);
    let accounts: Vec<Value> = organizations
        .into_iter()
        .map(|it| {
            let people = it.accounts().map(|person| json!({"name": person.name, "upn": person.upn}));
            json!({"organization": it.name, "people": people.collect::<Vec<_>>()})
        })
        .collect();
    axum::Json(json!({"title": title, "account": account, "accounts": accounts})).into_response()
}

fn no_meeting() -> Response {
    Page::new(include_str!("../../pages/teams/nowhere.html")).respond(StatusCode::NOT_FOUND)
}
