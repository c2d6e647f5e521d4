//! The SMART token endpoint: codes for the two public apps, and the door to Backend Services.
//! Context is Epic's: `patient`, `encounter`, `need_patient_banner`; never `fhirContext`, never a refresh token for a public app.

use super::{backend, fhir_base, instance, interconnect};
use crate::{
    core::{Aim, Ehr, Hospital, Organization, Shared, under},
    smart::{
        Refused,
        grants::{Launcher, Subject},
        redeem::{self, Statement},
    },
    web::Parameters,
};
use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const ACCESS_SECONDS: i64 = 3600;

/// `POST /{instance}/oauth2/token`
pub(super) async fn redeem(
    State(hospital): State<Shared>,
    Path(segment): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let Some(organization) = instance(&hospital, &segment) else { return StatusCode::NOT_FOUND.into_response() };
    let about = body.clone();
    let work = {
        let (hospital, key) = (hospital.clone(), organization.key);
        async move { exchange(&hospital, key, &headers, &body).await }
    };
    let no = |_| refuse(&hospital, organization, &Refused::new("invalid_client", "a fault switch"));
    under(&hospital, Aim { targets: &["epic.token", "epic"], about: &about }, work, no).await
}

async fn exchange(hospital: &Hospital, key: &str, headers: &HeaderMap, body: &str) -> Response {
    let Some(organization) = hospital.organization(key) else { return StatusCode::NOT_FOUND.into_response() };
    let form = Parameters::parse(body);
    let is_form = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let answer = if !is_form.is_some_and(|it| it.starts_with("application/x-www-form-urlencoded")) {
        Err(Refused::new("invalid_request", "the body is not a form"))
    } else {
        match form.text("grant_type") {
            "authorization_code" => code(hospital, organization, headers, &form),
            "client_credentials" => backend::client_credentials(hospital, organization, &form).await,
            _ => Err(Refused::new("unsupported_grant_type", "no such grant for these apps")),
        }
    };
    match answer {
        Ok(body) => ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response(),
        Err(refused) => refuse(hospital, organization, &refused),
    }
}

/// Epic answers 400 and a bare error; the reason stands in the journal.
fn refuse(hospital: &Hospital, organization: &Organization, refused: &Refused) -> Response {
    let detail = json!({ "organization": organization.key, "error": refused.error, "reason": refused.reason });
    hospital.log("epic", "token.refused", detail);
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
    let body = json!({ "error": refused.error, "error_description": null });
    (StatusCode::BAD_REQUEST, headers, Json(body)).into_response()
}

fn code(
    hospital: &Hospital,
    organization: &Organization,
    headers: &HeaderMap,
    form: &Parameters,
) -> Result<Value, Refused> {
    let (clients, grants) = (&hospital.epic.clients, &hospital.epic.grants);
    let code = redeem::code(hospital, organization.key, (clients, grants), headers, form)?;
    let launch = &code.launch;
    let base = fhir_base(hospital, organization);
    let (subject, who, fhir_user) = match &launch.launcher {
        Launcher::Clinician { oid } => {
            let person = organization.person(oid).ok_or(Refused::new("invalid_grant", "the user has left"))?;
            // Staff without a provider record are a Person, which is not a practitioner type.
            let (kind, id) = match &person.practitioner_id {
                Some(id) => ("Practitioner", id.clone()),
                None => ("Person", format!("e{}", person.emp.clone().unwrap_or_default())),
            };
            let subject = Subject::User { patient_id: launch.patient_id.clone() };
            (subject, id.clone(), format!("{base}/{kind}/{id}"))
        }
        Launcher::Patient { patient_id } => {
            let subject = Subject::Patient { patient_id: patient_id.clone() };
            (subject, patient_id.clone(), format!("{base}/Patient/{patient_id}"))
        }
        Launcher::Proxy { fhir_user } => {
            let nobody = Refused::new("invalid_grant", "a proxy acts for a patient");
            let subject = Subject::Patient { patient_id: launch.patient_id.clone().ok_or(nobody)? };
            let id = fhir_user.rsplit('/').next().unwrap_or_default();
            (subject, id.to_owned(), format!("{base}/{fhir_user}"))
        }
    };
    let is_clinician = matches!(subject, Subject::User { .. });
    let scopes = code.scopes.clone();
    let access = grants.access(hospital, organization.key, subject, scopes, ACCESS_SECONDS, form.one("code"));
    let mut body = json!({
        "access_token": access, "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "scope": code.scopes.join(" "),
    });
    // Where clinicians meet without a patient there is no such context.
    for (name, id) in [("patient", &launch.patient_id), ("encounter", &launch.encounter_id)] {
        if let Some(id) = id.as_deref().filter(|_| is_clinician || name == "patient") {
            body[name] = Value::from(id);
        }
    }
    if is_clinician {
        body["need_patient_banner"] = Value::from(launch.patient_id.is_some());
    }
    let issuer = format!("{}/oauth2", interconnect(hospital, organization));
    let statement = Statement { ehr: Ehr::Epic, key: &hospital.epic.key, issuer, sub: &who, fhir_user };
    if let Some(token) = statement.sign(hospital, &code) {
        body["id_token"] = Value::from(token);
    }
    let kind = match &launch.launcher {
        Launcher::Clinician { .. } => "clinician",
        Launcher::Patient { .. } => "patient",
        Launcher::Proxy { .. } => "proxy",
    };
    hospital.log(
        "epic",
        "token.issued",
        json!({ "grant": "authorization_code", "organization": organization.key, "for": kind }),
    );
    Ok(body)
}
