//! What is typed into the EHR and into Microsoft Entra, out of the configuration that launches are checked against: a value shown
//! here is the one that is compared there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use roomed_protocol::{EhrRecords, IntegrationRecord, RecordField as F, RecordKind, RecordValue, RecordsView};

use super::Admin;
use crate::config::{EhrConfig, LaunchRedirect, Organization, Vendor};
use crate::ehr;
use crate::http::problem::Answer;
use crate::meeting::teams::notified_at;
use crate::relay::Relay;

/// One patient's visit, by Epic's name for its number.
const SINGLE: &str = "sessionId=%CSN%";
/// A visit of several patients.
const GROUP: &str = "sessionId=%CONFERENCEID%";
/// Where the clinician works.
const DEPARTMENT: &str = "departmentId=%PERFDEPID;;; ; ;;NONE;%";

/// `GET /portal/api/records`.
pub(in crate::http) async fn records(
    State(relay): State<Arc<Relay>>,
    Admin(portal): Admin,
) -> Answer<Json<RecordsView>> {
    let organization = portal.organization(&relay)?;
    Ok(Json(of(organization, &relay.config.public_url)))
}

fn of(organization: &Organization, public_url: &str) -> RecordsView {
    let ehrs = organization.ehr.iter().map(|it| EhrRecords {
        iss: it.iss.clone(),
        vendor: it.vendor.as_str().to_owned(),
        environment: it.environment.as_str().to_owned(),
        clients: clients(it, &organization.key, public_url),
        records: launches(it, &organization.key, public_url),
    });
    let microsoft = vec![
        value(F::RelayClientId, &organization.entra.relay_client_id),
        value(F::OrganizerId, &organization.organizer_oid),
        value(F::SignInRedirect, format!("{public_url}/sign-in/callback")),
        value(F::NotificationUrl, notified_at(public_url).join("\n")),
    ];
    RecordsView { ehrs: ehrs.collect(), microsoft }
}

fn clients(it: &EhrConfig, key: &str, public_url: &str) -> Vec<RecordValue> {
    let companion = match it.redirect {
        LaunchRedirect::Relay => format!("{public_url}/oauth/callback"),
        // Any port (RFC 8252, 7.3).
        LaunchRedirect::Loopback => "http://127.0.0.1/callback".to_owned(),
    };
    let mut values = vec![value(F::CompanionClientId, &it.companion_client_id), value(F::CompanionRedirect, companion)];
    if let Some(browser) = &it.browser_client_id {
        values.push(value(F::BrowserClientId, browser));
        values.push(value(F::BrowserRedirect, format!("{public_url}/o/{key}/launch/callback")));
    }
    values.push(value(F::PatientClientId, &it.patient_client_id));
    values.push(value(F::PatientRedirect, format!("{public_url}/o/{key}/patient/callback")));
    values.push(value(F::BackendClientId, &it.backend_client_id));
    values.push(value(F::BackendScopes, ehr::scope(it)));
    values.push(value(F::JwksUrl, ehr::published_at(public_url)));
    values
}

fn launches(it: &EhrConfig, key: &str, public_url: &str) -> Vec<IntegrationRecord> {
    let clinician = format!("{public_url}/o/{key}/launch");
    let patient = format!("{public_url}/o/{key}/patient");
    let record = |kind, url: &str, tokens: Option<String>| {
        let mut values = vec![value(F::LaunchUrl, url)];
        values.extend(tokens.map(|it| value(F::ContextTokens, it)));
        IntegrationRecord { kind, values }
    };
    // Tokens between percent signs are Epic's.
    let is_epic = it.vendor == Vendor::Epic;
    let mut records = vec![
        record(RecordKind::Provider, &clinician, is_epic.then(|| format!("{SINGLE}&{DEPARTMENT}"))),
        record(RecordKind::Patient, &patient, is_epic.then(|| SINGLE.to_owned())),
    ];
    if is_epic && !it.identifier_systems.conference.is_empty() {
        records.push(record(RecordKind::ProviderGroup, &clinician, Some(format!("{GROUP}&{DEPARTMENT}"))));
        records.push(record(RecordKind::PatientGroup, &patient, Some(GROUP.to_owned())));
    }
    if it.context_link.is_some() {
        records.push(record(RecordKind::Encrypted, &patient, None));
    }
    records.push(record(RecordKind::DeviceTest, &format!("{public_url}/o/{key}/test"), None));
    records
}

fn value(field: F, value: impl Into<String>) -> RecordValue {
    RecordValue { field, value: value.into() }
}
