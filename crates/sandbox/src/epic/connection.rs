//! `SetExternalConnectionStatus`, the legacy telehealth call that drives the marks in the schedule.
//! URL, parameters and Basic `emp$` are from the one public source there is; answers and refusals are our construction.
//! No published text gives the number for *disconnected*: it is each hospital's own and new at every start.

use super::{
    chart::{Mark, WriteBack},
    instance,
};
use crate::{
    core::{Aim, Effect, Ehr, Hospital, Organization, Refusal, Shared, under},
    web::{self, Parameters},
};
use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Its path below an Interconnect.
pub(super) const PATH: &str = "/api/epic/2018/Telehealth/ContextLinking/SetExternalConnectionStatus";
/// The same as a route.
pub(super) const ROUTE: &str = "/{instance}/api/epic/2018/Telehealth/ContextLinking/SetExternalConnectionStatus";

const NAMES: [&str; 5] = ["ConferenceID", "ExternalID", "ExternalIDType", "VendorName", "ConnectionStatus"];

/// Why a call is refused.
struct Refused(StatusCode, &'static str);

/// `GET ...SetExternalConnectionStatus?ConferenceID&ExternalID&ExternalIDType&VendorName&ConnectionStatus`
pub(super) async fn set(
    State(hospital): State<Shared>,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(organization) = instance(&hospital, &segment) else { return StatusCode::NOT_FOUND.into_response() };
    let query = query.unwrap_or_default();
    let work = {
        let (hospital, key, query) = (hospital.clone(), organization.key, query.clone());
        async move { accept(&hospital, key, &headers, &query) }
    };
    let no = |refusal| {
        let (status, code) = match refusal {
            Refusal::Refused => (StatusCode::FORBIDDEN, "NO-SECURITY"),
            Refusal::Poisoned => (StatusCode::UNPROCESSABLE_ENTITY, "INVALID-CONFERENCE-ID"),
            Refusal::Revoked => (StatusCode::UNAUTHORIZED, "LOGIN-FAILED"),
        };
        refuse(&hospital, organization, Refused(status, code))
    };
    let targets = ["epic.connection_status", "epic.write", "epic"];
    under(&hospital, Aim { targets: &targets, about: &query }, work, no).await
}

fn accept(hospital: &Hospital, key: &str, headers: &HeaderMap, query: &str) -> Response {
    let Some(organization) = hospital.organization(key) else { return StatusCode::NOT_FOUND.into_response() };
    match check(hospital, organization, headers, &Parameters::parse(query)) {
        Ok((write_back, mark, is_patient)) => {
            hospital.log(
                "epic",
                "connection_status",
                json!({
                    "organization": organization.key, "conference_id": write_back.conference_id,
                    "external_id": write_back.external_id, "external_id_type": write_back.external_id_type,
                    "participant": if is_patient { "patient" } else { "practitioner" }, "mark": mark.words(),
                }),
            );
            hospital.epic.chart.write(write_back, mark, |it| {
                let effect = Effect::ConnectionStatus {
                    conference_id: it.conference_id.clone(),
                    external_id: it.external_id.clone(),
                    external_id_type: it.external_id_type,
                    status: it.connection_status,
                };
                hospital.effects.record(it.at, Ehr::Epic, organization.key, effect);
            });
            StatusCode::OK.into_response()
        }
        Err(refused) => refuse(hospital, organization, refused),
    }
}

/// Every other method.
pub(super) async fn only_get() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response()
}

fn check(
    hospital: &Hospital,
    organization: &Organization,
    headers: &HeaderMap,
    parameters: &Parameters,
) -> Result<(WriteBack, Mark, bool), Refused> {
    let known = (organization.status_user.clone(), organization.status_password.clone());
    if web::basic(headers) != Some(known) {
        return Err(Refused(StatusCode::UNAUTHORIZED, "LOGIN-FAILED"));
    }
    let client = headers.get("epic-client-id").and_then(|it| it.to_str().ok());
    if client != Some(hospital.epic.clients.backend.as_str()) {
        return Err(Refused(StatusCode::FORBIDDEN, "INVALID-CLIENT-ID"));
    }
    if parameters.all().any(|(name, values)| !NAMES.contains(&name) || values.len() != 1) {
        return Err(Refused(StatusCode::BAD_REQUEST, "UNKNOWN-PARAMETER"));
    }
    if NAMES.iter().any(|name| parameters.text(name).is_empty()) {
        return Err(Refused(StatusCode::BAD_REQUEST, "MISSING-PARAMETER"));
    }
    let conference_id = parameters.text("ConferenceID");
    // One appointment, or all of a group; an appointment of a group has no conference of its own.
    let visits = hospital
        .epic
        .chart
        .appointments(|it| it.organization == organization.key && it.is_virtual() && it.conference() == conference_id);
    if visits.is_empty() {
        return Err(Refused(StatusCode::BAD_REQUEST, "INVALID-CONFERENCE-ID"));
    }

    let number =
        |name: &str, code| parameters.text(name).parse::<u32>().map_err(|_| Refused(StatusCode::BAD_REQUEST, code));
    let external_id_type = number("ExternalIDType", "INVALID-EXTERNAL-ID-TYPE")?;
    let external_id = parameters.text("ExternalID");
    let is_patient = external_id_type == organization.patient_id_type;
    let fits = if is_patient {
        let mut patients = visits.iter().filter_map(|it| organization.patient(it.patient_id.as_deref()?));
        patients.any(|it| it.wpr == external_id)
    } else if external_id_type == organization.practitioner_id_type {
        // Somebody who covers for a colleague is connected too, so any provider of the hospital will do.
        organization.people.iter().any(|it| it.practitioner_id.is_some() && it.emp.as_deref() == Some(external_id))
    } else {
        return Err(Refused(StatusCode::BAD_REQUEST, "INVALID-EXTERNAL-ID-TYPE"));
    };
    if !fits {
        return Err(Refused(StatusCode::BAD_REQUEST, "INVALID-EXTERNAL-ID"));
    }
    if parameters.text("VendorName") != organization.vendor_name {
        return Err(Refused(StatusCode::BAD_REQUEST, "INVALID-VENDOR-NAME"));
    }
    let connection_status = number("ConnectionStatus", "INVALID-CONNECTION-STATUS")?;
    let mark = if connection_status == organization.connected {
        Mark::Connected
    } else if connection_status == organization.disconnected {
        Mark::Disconnected
    } else {
        return Err(Refused(StatusCode::BAD_REQUEST, "INVALID-CONNECTION-STATUS"));
    };
    let write_back = WriteBack {
        conference_id: conference_id.to_owned(),
        external_id: external_id.to_owned(),
        external_id_type,
        vendor_name: organization.vendor_name.to_owned(),
        connection_status,
        at: hospital.clock.now(),
    };
    Ok((write_back, mark, is_patient))
}

/// Interconnect wraps a command's failure in an exception.
fn refuse(hospital: &Hospital, organization: &Organization, Refused(status, code): Refused) -> Response {
    hospital.log("epic", "connection_status.refused", json!({ "organization": organization.key, "code": code }));
    let body = json!({
        "Message": "An error has occurred.",
        "ExceptionMessage": format!("An error occurred while executing the command: {code}."),
        "ExceptionType": "Epic.ServiceModel.Internal.ServiceCommandException", "StackTrace": null,
    });
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Interconnect\""));
    }
    response
}
