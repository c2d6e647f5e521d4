//! FHIR R4 as far as Epic goes for video visits: read and search Patient, RelatedPerson, Practitioner, Location, Appointment,
//! Encounter; create, read and search Communication. Everything else Epic lists is refused for lack of authorization,
//! everything it does not list (AuditEvent, PATCH, conditional writes, transactions) as not supported.

mod communication;
mod gate;
mod resources;
mod search;
mod visits;

pub(super) use communication::Communications;

use super::{
    interconnect,
    outcome::{FHIR_JSON, Outcome},
};
use crate::{
    core::{Aim, Hospital, Refusal, Shared, under},
    web::{self, Parameters},
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
const HELD: [&str; 7] =
    ["Patient", "RelatedPerson", "Practitioner", "Location", "Appointment", "Encounter", "Communication"];

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

/// Runs a request under the fault switches of FHIR. `work` gets a hospital and headers of its own: it may outlive the
/// request.
async fn struck<Work: Future<Output = Result<Response, Outcome>> + Send + 'static>(
    hospital: &Shared,
    headers: &HeaderMap,
    targets: &[&str],
    about: &str,
    work: impl FnOnce(Shared, HeaderMap) -> Work,
) -> Response {
    let work = work(hospital.clone(), headers.clone());
    let work = async move { work.await.unwrap_or_else(IntoResponse::into_response) };
    let no = |refusal| no(hospital, headers, refusal).into_response();
    under(hospital, Aim { targets, about }, work, no).await
}

fn no(hospital: &Hospital, headers: &HeaderMap, refusal: Refusal) -> Outcome {
    match refusal {
        Refusal::Refused => Outcome::not_authorized(),
        Refusal::Poisoned => {
            let text = "A business rule forbids this content.";
            Outcome::new(StatusCode::UNPROCESSABLE_ENTITY, "business-rule", 59159, text)
        }
        Refusal::Revoked => {
            if let Some(token) = web::bearer(headers) {
                hospital.epic.grants.revoke(token);
            }
            Outcome::no_token()
        }
    }
}

/// The switches that strike reading.
const READING: [&str; 2] = ["epic.fhir", "epic"];
/// The switches that strike creating.
const WRITING: [&str; 4] = ["epic.communication", "epic.fhir", "epic.write", "epic"];

async fn read(
    State(hospital): State<Shared>,
    Path((segment, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let about = format!("{name}/{id}");
    let work = async move |hospital: Shared, headers: HeaderMap| {
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
    struck(&hospital, &headers, &READING, &about, work).await
}

async fn search_by_query(
    State(hospital): State<Shared>,
    Path((segment, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let about = query.clone();
    let work = async move |hospital: Shared, headers: HeaderMap| look(&hospital, &segment, &name, &headers, &query);
    struck(&hospital, &headers, &READING, &about, work).await
}

/// POST `_search`: Epic looks at the form only, since February 2026 not at the query string.
async fn search_by_form(
    State(hospital): State<Shared>,
    Path((segment, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let about = body.clone();
    let work = async move |hospital: Shared, headers: HeaderMap| look(&hospital, &segment, &name, &headers, &body);
    struck(&hospital, &headers, &READING, &about, work).await
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
    let about = String::from_utf8_lossy(&body).into_owned();
    let work = async move |hospital: Shared, headers: HeaderMap| {
        let caller = gate::caller(&hospital, &segment, &headers)?;
        match kind(&name) {
            Kind::Held("Communication") => communication::create(&hospital, &caller, &headers, &body),
            // Epic can create Patients, but no app here is registered for it.
            Kind::Held("Patient") | Kind::Closed => Err(Outcome::not_authorized()),
            Kind::Held(_) => Err(Outcome::not_allowed()),
            Kind::Unknown => Err(Outcome::no_type()),
        }
    };
    struck(&hospital, &headers, &WRITING, &about, work).await
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
