//! The doors of the FHIR base: read, search, create, update, delete, transaction, each as far as the type's table and the
//! switches go. 404 for a type that is not there, 405 for what cannot be done to one that is.

use super::{
    Versioning,
    kinds::kind,
    store::Held,
    transaction,
    write::{Done, PAGE, Writing},
};
use crate::{
    core::{Aim, Hospital, Shared, lock, under},
    fhir::{FHIR_JSON, Outcome, answer, caller, if_match, media_type, no, search::Asked, stamp},
    web::Parameters,
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/{site}/fhir/{kind}", get(look).post(create).fallback(refuse))
        .route("/{site}/fhir/{kind}/_search", post(look_by_form).fallback(refuse_one))
        .route("/{site}/fhir/{kind}/{id}", get(read).put(update).delete(delete).fallback(refuse_one))
        .route("/{site}/fhir", post(transact).fallback(refuse_system))
        .route("/{site}/fhir/", post(transact).fallback(refuse_system))
}

const READING: [&str; 2] = ["r4.read", "r4"];
const CREATING: [&str; 3] = ["r4.create", "r4.write", "r4"];
const UPDATING: [&str; 3] = ["r4.update", "r4.write", "r4"];
const TRANSACTING: [&str; 3] = ["r4.transaction", "r4.write", "r4"];

/// Runs a request under the fault switches. `work` gets a hospital and headers of its own: it may outlive the request.
async fn struck(
    hospital: &Shared,
    headers: &HeaderMap,
    targets: &[&str],
    about: &str,
    work: impl FnOnce(&Shared, &HeaderMap) -> Result<Response, Outcome> + Send + 'static,
) -> Response {
    let work = {
        let (hospital, headers) = (hospital.clone(), headers.clone());
        async move {
            work(&hospital, &headers).unwrap_or_else(|refused| {
                hospital.log("r4", "fhir.refused", json!({ "status": refused.status.as_u16() }));
                refused.into_response()
            })
        }
    };
    let no = |refusal| no(&hospital.r4.server, headers, refusal);
    under(hospital, Aim { targets, about }, work, no).await
}

/// A resource as it is shown: without a version where none is kept.
fn shown(hospital: &Hospital, held: &Held) -> Value {
    let mut resource = held.resource.clone();
    if hospital.r4.capabilities().versioning == Versioning::NoVersion {
        resource["meta"].as_object_mut().map(|it| it.remove("versionId"));
    }
    resource
}

fn version(hospital: &Hospital, held: &Held) -> Option<String> {
    (hospital.r4.capabilities().versioning != Versioning::NoVersion).then(|| held.version.to_string())
}

fn body_of(headers: &HeaderMap, body: &[u8]) -> Result<Value, Outcome> {
    if !["application/fhir+json", "application/json"].contains(&media_type(headers)) {
        return Err(Outcome::media_type("application/fhir+json"));
    }
    serde_json::from_slice(body).map_err(|_| Outcome::bad("The body is not JSON."))
}

async fn read(
    State(hospital): State<Shared>,
    Path((site, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let about = format!("{name}/{id}");
    let work = move |hospital: &Shared, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.r4.server, &site, headers)?;
        let kind = kind(&name, hospital.r4.capabilities().subscriptions).ok_or_else(Outcome::no_type)?;
        caller.may(kind.name, "r")?;
        let shelves = lock(&hospital.r4.shelves);
        let held = shelves.get(caller.site.organization, kind.name, &id).ok_or_else(Outcome::no_resource)?;
        let mut response = answer(StatusCode::OK, &shown(hospital, held));
        stamp(response.headers_mut(), version(hospital, held).as_deref(), held.updated);
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
    search(&hospital, &headers, site, name, query.unwrap_or_default()).await
}

async fn look_by_form(
    State(hospital): State<Shared>,
    Path((site, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    search(&hospital, &headers, site, name, body).await
}

async fn search(hospital: &Shared, headers: &HeaderMap, site: String, name: String, query: String) -> Response {
    let about = format!("{name}?{query}");
    let work = move |hospital: &Shared, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.r4.server, &site, headers)?;
        let kind = kind(&name, hospital.r4.capabilities().subscriptions).ok_or_else(Outcome::no_type)?;
        caller.may(kind.name, "s")?;
        let parameters = Parameters::parse(&query);
        let asked = Asked::read(kind.params, PAGE, &parameters)?;
        let shelves = lock(&hospital.r4.shelves);
        let found = shelves.find(caller.site.organization, kind.name, &asked)?;
        let found: Vec<Value> = found.into_iter().map(|it| shown(hospital, it)).collect();
        let base = (hospital.r4.server.base)(hospital, caller.site);
        Ok(answer(StatusCode::OK, &asked.bundle(&format!("{base}/{}", kind.name), &found)))
    };
    struck(hospital, headers, &READING, &about, work).await
}

async fn create(
    State(hospital): State<Shared>,
    Path((site, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let about = format!("{name} {}", String::from_utf8_lossy(&body));
    let work = move |hospital: &Shared, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.r4.server, &site, headers)?;
        let mut writing = Writing::begin(hospital, caller.site);
        let kind = writing.kind(&name)?;
        caller.may(kind.name, "c")?;
        let resource = body_of(headers, &body)?;
        let condition = headers.get("if-none-exist").map(|it| it.to_str().map_err(|_| Outcome::bad("If-None-Exist")));
        let plan = writing.plan(kind, condition.transpose()?);
        let done = plan.and_then(|plan| writing.create(kind, plan, resource));
        let done = writing.end(done)?;
        Ok(respond(hospital, &(hospital.r4.server.base)(hospital, caller.site), headers, &done))
    };
    struck(&hospital, &headers, &CREATING, &about, work).await
}

async fn update(
    State(hospital): State<Shared>,
    Path((site, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let about = format!("{name}/{id} {}", String::from_utf8_lossy(&body));
    let work = move |hospital: &Shared, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.r4.server, &site, headers)?;
        let mut writing = Writing::begin(hospital, caller.site);
        let kind = writing.kind(&name)?;
        caller.may(kind.name, "u")?;
        let resource = body_of(headers, &body)?;
        let wanted = if_match(headers).transpose()?;
        let done = writing.update(kind, &id, resource, wanted.as_deref());
        let done = writing.end(done)?;
        Ok(respond(hospital, &(hospital.r4.server.base)(hospital, caller.site), headers, &done))
    };
    struck(&hospital, &headers, &UPDATING, &about, work).await
}

async fn delete(
    State(hospital): State<Shared>,
    Path((site, name, id)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let about = format!("{name}/{id}");
    let work = move |hospital: &Shared, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.r4.server, &site, headers)?;
        let mut writing = Writing::begin(hospital, caller.site);
        let kind = writing.kind(&name)?;
        caller.may(kind.name, "d")?;
        let done = writing.delete(kind, &id);
        writing.end(done).map(|it| it.status.into_response())
    };
    struck(&hospital, &headers, &UPDATING, &about, work).await
}

async fn transact(
    State(hospital): State<Shared>,
    Path(site): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let about = String::from_utf8_lossy(&body).into_owned();
    let work = move |hospital: &Shared, headers: &HeaderMap| {
        let caller = caller(hospital, &hospital.r4.server, &site, headers)?;
        if !hospital.r4.capabilities().transaction {
            return Err(Outcome::not_allowed("This server has no transaction."));
        }
        let bundle = body_of(headers, &body)?;
        let done = transaction::apply(hospital, &caller, &bundle)?;
        let base = (hospital.r4.server.base)(hospital, caller.site);
        let entry: Vec<Value> = done.iter().map(|it| told(hospital, &base, it)).collect();
        let body = json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": entry });
        Ok(answer(StatusCode::OK, &body))
    };
    struck(&hospital, &headers, &TRANSACTING, &about, work).await
}

/// The address of what was written, with its version if one is kept.
fn location(hospital: &Hospital, base: &str, done: &Done) -> String {
    let version = done.held.as_ref().and_then(|it| version(hospital, it));
    let history = version.map(|it| format!("/_history/{it}")).unwrap_or_default();
    format!("{base}/{}/{}{history}", done.kind, done.id)
}

/// An entry of a transaction's answer.
fn told(hospital: &Hospital, base: &str, done: &Done) -> Value {
    let reason = done.status.canonical_reason().unwrap_or_default();
    let mut response = json!({ "status": format!("{} {reason}", done.status.as_u16()) });
    if let Some(held) = &done.held {
        response["location"] = Value::from(location(hospital, base, done));
        response["lastModified"] = held.resource["meta"]["lastUpdated"].clone();
        if let Some(version) = version(hospital, held) {
            response["etag"] = Value::from(format!("W/\"{version}\""));
        }
    }
    json!({ "response": response })
}

/// The answer to a create or an update, with as much of the resource as `Prefer` wants.
fn respond(hospital: &Hospital, base: &str, headers: &HeaderMap, done: &Done) -> Response {
    let minimal = headers.get("prefer").and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("return=minimal"));
    let mut response = match &done.held {
        Some(held) if !minimal => answer(done.status, &shown(hospital, held)),
        _ => (done.status, [(header::CONTENT_TYPE, FHIR_JSON)]).into_response(),
    };
    if let Some(held) = &done.held {
        stamp(response.headers_mut(), version(hospital, held).as_deref(), held.updated);
        if let Ok(location) = HeaderValue::from_str(&location(hospital, base, done)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
    }
    response
}

async fn refuse(State(hospital): State<Shared>, Path((_, name)): Path<(String, String)>) -> Response {
    refusal(&hospital, &name)
}

async fn refuse_one(State(hospital): State<Shared>, Path(all): Path<Vec<(String, String)>>) -> Response {
    let name = all.iter().find(|(key, _)| key == "kind").map(|(_, value)| value.as_str());
    refusal(&hospital, name.unwrap_or_default())
}

async fn refuse_system() -> Response {
    Outcome::not_allowed("Nothing else can be done to the whole server.").into_response()
}

fn refusal(hospital: &Hospital, name: &str) -> Response {
    match kind(name, hospital.r4.capabilities().subscriptions) {
        Some(kind) => Outcome::not_allowed(format!("This cannot be done to {}.", kind.name)).into_response(),
        None => Outcome::no_type().into_response(),
    }
}
