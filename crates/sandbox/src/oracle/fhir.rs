//! The doors of the FHIR base. Everything but read, search and PATCH of an Appointment is refused: 404 for a type that is
//! not held, 405 for what cannot be done to one that is.

use super::{patch, resources, search};
use crate::{
    core::{Aim, Hospital, Shared, under},
    fhir::{Outcome, answer, caller, no, stamp},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::json;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/r4/{site}/{kind}", get(look).fallback(refuse))
        .route("/r4/{site}/{kind}/{id}", get(read).patch(change).fallback(refuse_one))
        .route("/r4/{site}", any(refuse_system))
        .route("/r4/{site}/", any(refuse_system))
}

const READING: [&str; 2] = ["oracle.read", "oracle"];
const WRITING: [&str; 3] = ["oracle.patch", "oracle.write", "oracle"];

/// Runs a request under the fault switches. `work` gets a hospital and headers of its own: it may outlive the request.
async fn struck(
    hospital: &Shared,
    headers: &HeaderMap,
    targets: &[&str],
    about: &str,
    work: impl FnOnce(&Hospital, &HeaderMap) -> Result<Response, Outcome> + Send + 'static,
) -> Response {
    let work = {
        let (hospital, headers) = (hospital.clone(), headers.clone());
        async move {
            work(&hospital, &headers).unwrap_or_else(|refused| {
                hospital.log("oracle", "fhir.refused", json!({ "status": refused.status.as_u16() }));
                refused.into_response()
            })
        }
    };
    let no = |refusal| no(&hospital.oracle.server, headers, refusal);
    under(hospital, Aim { targets, about }, work, no).await
}

fn held(name: &str) -> Result<&'static str, Outcome> {
    resources::HELD.into_iter().find(|it| *it == name).ok_or_else(Outcome::no_type)
}

async fn read(
    State(hospital): State<Shared>,
    Path((site, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let about = format!("{name}/{id}");
    let work = move |hospital: &Hospital, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.oracle.server, &site, headers)?;
        let kind = held(&name)?;
        caller.may(kind, "r")?;
        let found = resources::all(hospital, caller.site, kind, Some(&id));
        let found = found.into_iter().next().ok_or_else(Outcome::no_resource)?;
        let mut response = answer(StatusCode::OK, &found);
        let updated = found["meta"]["lastUpdated"].as_str().and_then(|it| it.parse().ok());
        stamp(response.headers_mut(), found["meta"]["versionId"].as_str(), updated.unwrap_or(hospital.clock.origin()));
        Ok(response)
    };
    struck(&hospital, &headers, &READING, &about, work).await
}

async fn look(
    State(hospital): State<Shared>,
    Path((site, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let about = format!("{name}?{query}");
    let work = move |hospital: &Hospital, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.oracle.server, &site, headers)?;
        let kind = held(&name)?;
        caller.may(kind, "s")?;
        search::bundle(hospital, caller.site, kind, &query).map(|it| answer(StatusCode::OK, &it))
    };
    struck(&hospital, &headers, &READING, &about, work).await
}

async fn change(
    State(hospital): State<Shared>,
    Path((site, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let about = format!("{name}/{id} {}", String::from_utf8_lossy(&body));
    let work = move |hospital: &Hospital, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.oracle.server, &site, headers)?;
        let kind = held(&name)?;
        if kind != "Appointment" {
            return Err(Outcome::not_allowed(format!("{kind} cannot be patched.")));
        }
        caller.may(kind, "ru")?;
        patch::apply(hospital, caller.site, &id, headers, &body)
    };
    struck(&hospital, &headers, &WRITING, &about, work).await
}

async fn refuse(Path((_, name)): Path<(String, String)>) -> Response {
    refusal(&name)
}

async fn refuse_one(Path((_, name, _)): Path<(String, String, String)>) -> Response {
    refusal(&name)
}

async fn refuse_system() -> Response {
    Outcome::not_allowed("There is no transaction and no batch.").into_response()
}

fn refusal(name: &str) -> Response {
    match held(name) {
        Ok(kind) => Outcome::not_allowed(format!("This cannot be done to {kind}.")).into_response(),
        Err(outcome) => outcome.into_response(),
    }
}
