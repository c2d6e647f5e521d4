//! The control API: what tests, the demo and a curious evaluator use to set up, watch and disturb the stand-in hospital.
//! No vendor has such a thing; it is on its own listener and loopback only. `GET /` is the same as a page, for a demo.

mod acts;
mod appointments;
mod ehrs;
mod launches;
mod links;
mod page;
mod people;
mod switches;
mod watch;

pub(crate) use appointments::{Change, NewVisit};

use crate::core::{Fault, Hospital, Organization, Shared, lock};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, patch, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// Its routes.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .merge(page::router())
        .route("/organizations", get(organizations))
        .route("/organizations/{key}", get(organization))
        .route("/relay", put(put_relay).get(get_relay))
        .route("/journal", get(watch::journal))
        .route("/write-backs", get(watch::write_backs))
        .route("/mail", get(watch::mail))
        .route("/canaries", get(watch::canaries))
        .route("/asked", get(watch::asked))
        .route("/faults", get(faults).put(put_fault).delete(clear_faults))
        .route("/clock", get(clock).put(advance))
        .route("/appointments", get(appointments::list).post(appointments::schedule))
        .route("/appointments/{id}", patch(appointments::change))
        .route("/groups", post(appointments::group))
        .route("/switches", get(switches::list))
        .route("/switches/{name}", put(switches::put))
        .route("/launch", post(launches::launch))
        .route("/context-links/{organization}", put(links::set).delete(links::unset))
        .route("/portal-sessions", post(launches::sign_in))
        .route("/patients/{id}", patch(people::change))
        .route("/r4/capabilities", get(ehrs::capabilities).put(ehrs::set_capabilities))
        .route("/r4/resources/{kind}", get(ehrs::resources))
        .route("/oracle/behaviour", get(ehrs::behaviour).put(ehrs::set_behaviour))
        .route("/effects", get(ehrs::effects))
        .route("/standing", get(ehrs::standing))
        .route("/people/{oid}/revoke-sessions", post(revoke))
        .route("/people/{oid}/app-roles", get(people::app_roles).put(people::assign_app_roles))
}

/// A refusal that says what to do differently.
pub(crate) fn refuse(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}

async fn organizations(State(hospital): State<Shared>) -> Json<Value> {
    let all: Vec<Value> = hospital.organizations.iter().map(|it| describe(&hospital, it)).collect();
    Json(json!({ "organizations": all }))
}

async fn organization(State(hospital): State<Shared>, Path(key): Path<String>) -> Response {
    match hospital.organization(&key) {
        Some(organization) => Json(describe(&hospital, organization)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "the organizations are northside and harbor"),
    }
}

/// What a Microsoft 365 admin and an EHR analyst would type into the relay's configuration.
fn describe(hospital: &Hospital, organization: &Organization) -> Value {
    let addresses = hospital.addresses();
    let (entra, graph, tid) = (&addresses.entra, &addresses.graph, &organization.tid);
    let apps = &hospital.entra.apps;
    json!({
        "key": organization.key, "name": organization.name, "region": organization.region, "tid": tid,
        "entra": {
            "authority": format!("{entra}/{tid}/v2.0"), "companion_client_id": apps.companion_client_id,
            "relay_client_id": apps.relay_client_id, "relay_client_secret": apps.relay_client_secret,
            "scope": apps.api_scope(),
        },
        "graph": {
            "base": format!("{graph}/v1.0"), "subscriptions_base": format!("{graph}/beta"),
            "token_endpoint": format!("{entra}/{tid}/oauth2/v2.0/token"),
            "validation_keys": format!("{entra}/common/discovery/v2.0/keys"),
            "validation_issuer": format!("https://sts.windows.net/{tid}/"),
            "notification_app_id": crate::entra::tokens::NOTIFICATION_APP_ID,
        },
        "ehr": crate::epic::configuration(hospital, organization),
        "more_ehrs": [
            crate::oracle::configuration(hospital, organization), crate::r4::configuration(hospital, organization),
        ],
        "people": organization.people, "patients": organization.patients, "proxies": organization.proxies,
        "departments": organization.departments,
        "context_links": crate::epic::links::all_ready_made(organization),
        "more_identifier_systems": {
            "conference": organization.conference_system, "department": organization.department_system,
        },
        "organizer_oid": organization.organizer.oid, "delegates": organization.delegates,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relay {
    base: Url,
}

async fn put_relay(State(hospital): State<Shared>, Json(relay): Json<Relay>) -> Response {
    if !matches!(relay.base.scheme(), "http" | "https") || relay.base.query().is_some() {
        return refuse(StatusCode::BAD_REQUEST, "base must be an http or https address without a query");
    }
    hospital.log("control", "relay.registered", json!({ "base": relay.base }));
    *lock(&hospital.relay) = Some(relay.base);
    StatusCode::NO_CONTENT.into_response()
}

async fn get_relay(State(hospital): State<Shared>) -> Json<Value> {
    Json(json!({ "base": hospital.relay_base() }))
}

async fn faults(State(hospital): State<Shared>) -> Json<Value> {
    Json(json!({ "faults": hospital.faults.all(), "struck": hospital.faults.struck() }))
}

async fn put_fault(State(hospital): State<Shared>, Json(fault): Json<Fault>) -> StatusCode {
    hospital.log("control", "fault.set", json!(fault));
    hospital.faults.put(fault);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    target: Option<String>,
}

/// `DELETE /faults`, or `DELETE /faults?target=T` for those that name it.
async fn clear_faults(State(hospital): State<Shared>, Query(of): Query<Target>) -> StatusCode {
    hospital.faults.clear(of.target.as_deref());
    StatusCode::NO_CONTENT
}

async fn clock(State(hospital): State<Shared>) -> Json<Value> {
    Json(json!({ "now": hospital.clock.now(), "advanced_seconds": hospital.clock.advanced_seconds() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u32,
}

async fn advance(State(hospital): State<Shared>, Json(by): Json<Advance>) -> Json<Value> {
    hospital.clock.advance(by.advance_seconds);
    hospital.log("control", "clock.advanced", json!({ "seconds": by.advance_seconds }));
    clock(State(hospital)).await
}

async fn revoke(State(hospital): State<Shared>, Path(oid): Path<String>) -> Response {
    if hospital.person(&oid).is_none() {
        return refuse(StatusCode::NOT_FOUND, "no account has this oid");
    }
    Json(json!({ "revoked": crate::entra::revoke_sessions(&hospital, &oid) })).into_response()
}
