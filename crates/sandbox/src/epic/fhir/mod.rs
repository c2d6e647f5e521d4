//! FHIR R4 as far as Epic goes for video visits: read and search Patient, Practitioner, Appointment, Encounter;
//! create, read and search Communication. Everything else Epic lists is refused for lack of authorization,
//! everything it does not list (AuditEvent, PATCH, conditional writes, transactions) as not supported.

mod communication;
mod gate;
mod resources;
mod search;

pub(super) use communication::Communications;

use super::{
    interconnect,
    outcome::{FHIR_JSON, Outcome},
};
use crate::{
    core::{Hospital, Shared, Struck, cut},
    web::Parameters,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use gate::Reach;
use serde_json::Value;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/{instance}/api/FHIR/R4/{kind}", get(search_by_query).post(create).fallback(refuse_type))
        .route("/{instance}/api/FHIR/R4/{kind}/_search", post(search_by_form).fallback(refuse_read))
        .route("/{instance}/api/FHIR/R4/{kind}/{id}", get(read).fallback(refuse_read))
        .route("/{instance}/api/FHIR/R4", post(refuse_system).fallback(refuse_system))
        .route("/{instance}/api/FHIR/R4/", post(refuse_system).fallback(refuse_system))
}

/// The types that have content here, with what Epic lets anybody do to them.
const HELD: [&str; 5] = ["Patient", "Practitioner", "Appointment", "Encounter", "Communication"];

/// What a type name stands for on this server.
enum Kind {
    Held(&'static str),
    /// Listed by Epic, but none of the registered apps may touch it.
    Closed,
    Unknown,
}

fn kind(name: &str) -> Kind {
    match HELD.into_iter().find(|it| *it == name) {
        Some(held) => Kind::Held(held),
        None if resources::listed(name) => Kind::Closed,
        None => Kind::Unknown,
    }
}

/// Runs a request under the fault switch of FHIR.
async fn struck(hospital: &Hospital, answer: impl Future<Output = Result<Response, Outcome>>) -> Response {
    let cut_after = match hospital.faults.strike("epic.fhir", &hospital.clock).await {
        Struck::Answer(response) => return response,
        Struck::Refused => return Outcome::not_authorized().into_response(),
        Struck::CutAfter => true,
        Struck::Go => false,
    };
    let answer = answer.await;
    if cut_after {
        cut();
    }
    answer.unwrap_or_else(IntoResponse::into_response)
}

async fn read(
    State(hospital): State<Shared>,
    Path((segment, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let caller = gate::caller(&hospital, &segment, &headers)?;
        let held = open(&name)?;
        let reach = caller.reach(held, 'r');
        if reach == Reach::Nothing {
            return Err(Outcome::not_authorized());
        }
        let found = resources::all(&hospital, caller.organization, held).into_iter().find(|it| it["id"] == id.as_str());
        match (found, reach) {
            (None, _) => Err(Outcome::bad_id()),
            (Some(resource), Reach::Own(patient)) if !resources::belongs(held, &resource, &patient) => {
                hospital.log("epic", "fhir.refused", serde_json::json!({ "type": held, "why": "another patient" }));
                Err(Outcome::not_authorized())
            }
            (Some(resource), _) => Ok(fhir(StatusCode::OK, &resource)),
        }
    };
    struck(&hospital, answer).await
}

async fn search_by_query(
    State(hospital): State<Shared>,
    Path((segment, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    struck(&hospital, async { look(&hospital, &segment, &name, &headers, &query) }).await
}

/// POST `_search`: Epic looks at the form only, since February 2026 not at the query string.
async fn search_by_form(
    State(hospital): State<Shared>,
    Path((segment, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    struck(&hospital, async { look(&hospital, &segment, &name, &headers, &body) }).await
}

fn look(hospital: &Hospital, segment: &str, name: &str, headers: &HeaderMap, query: &str) -> Result<Response, Outcome> {
    let caller = gate::caller(hospital, segment, headers)?;
    let held = open(name)?;
    let reach = caller.reach(held, 's');
    if reach == Reach::Nothing {
        return Err(Outcome::not_authorized());
    }
    let parameters = Parameters::parse(query);
    let base = format!("{}/api/FHIR/R4", interconnect(hospital, caller.organization));
    let bundle = search::bundle(hospital, caller.organization, held, &reach, &parameters, &base)?;
    Ok(fhir(StatusCode::OK, &bundle))
}

async fn create(
    State(hospital): State<Shared>,
    Path((segment, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = async {
        let caller = gate::caller(&hospital, &segment, &headers)?;
        match kind(&name) {
            Kind::Held("Communication") => communication::create(&hospital, &caller, &headers, &body),
            // Epic can create Patients, but no app here is registered for it.
            Kind::Held("Patient") | Kind::Closed => Err(Outcome::not_authorized()),
            Kind::Held(_) => Err(Outcome::not_allowed()),
            Kind::Unknown => Err(Outcome::no_type()),
        }
    };
    struck(&hospital, answer).await
}

fn open(name: &str) -> Result<&'static str, Outcome> {
    match kind(name) {
        Kind::Held(held) => Ok(held),
        Kind::Closed => Err(Outcome::not_authorized()),
        Kind::Unknown => Err(Outcome::no_type()),
    }
}

async fn refuse_type(Path((_, name)): Path<(String, String)>) -> Response {
    refuse(&name)
}

async fn refuse_read(Path(segments): Path<Vec<(String, String)>>) -> Response {
    let name = segments.iter().find(|(key, _)| key == "kind").map(|(_, value)| value.as_str());
    refuse(name.unwrap_or_default())
}

async fn refuse_system() -> Response {
    Outcome::not_allowed().into_response()
}

/// PUT, PATCH, DELETE and the like.
fn refuse(name: &str) -> Response {
    match kind(name) {
        Kind::Unknown => Outcome::no_type().into_response(),
        Kind::Held(_) | Kind::Closed => Outcome::not_allowed().into_response(),
    }
}

fn fhir(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, FHIR_JSON), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}
