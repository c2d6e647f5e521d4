//! Checks of one EHR connection: what the server says of itself, its clock and certificate, whether it knows our keys, and
//! whether it offers what we write with. Nothing is written, and no patient's resource is read.

use std::sync::Arc;

use roomed_smart::backend::BackendClient;
use roomed_smart::{Error, SystemRandom, discovery};
use tokio::time::timeout;
use url::Url;

use super::ask::{Answer, PATIENCE, Silence, get};
use super::clocks;
use super::code::FindingCode as C;
use super::finding::Measured;
use super::keys::ending;
use super::scene::{Door, version};
use crate::config::Vendor;
use crate::ehr;

/// The errors of OAuth and SMART that may stand in a report; whatever else a server writes there may not.
const KNOWN: [&str; 7] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "server_error",
];

/// `ehr.configuration`
pub(super) async fn configuration(it: &Door<'_>) -> Measured {
    let found = discovery::discover(&it.scene.ehr_http, &it.connection.iss, it.scene.policy);
    match timeout(PATIENCE, found).await.unwrap_or(Err(Error::Unreachable("time limit"))) {
        Ok(configuration) => {
            it.configuration.set(configuration).ok();
            Measured::new(C::SmartFine, "SMART configuration read")
        }
        Err(Error::Refused { status: status @ 500.., .. }) => {
            Measured::new(C::EhrUnreachable, format!("HTTP {status}"))
        }
        Err(Error::Refused { status, .. }) => Measured::new(C::SmartAbsent, format!("HTTP {status}")),
        Err(error) => unreached(&error, C::SmartUnusable),
    }
}

/// What the server says of itself, asked once.
async fn statement<'a>(it: &'a Door<'_>) -> &'a Result<Answer, Silence> {
    let ask = async || {
        let iss = it.connection.iss.trim_end_matches('/');
        match it.scene.policy.parse(&format!("{iss}/metadata")) {
            Ok(url) => get(&it.scene.ehr_http, url, "application/fhir+json", &*it.scene.clock).await,
            Err(_) => Err(Silence::Forbidden),
        }
    };
    it.statement.get_or_init(ask).await
}

/// `ehr.version`
pub(super) async fn fhir_version(it: &Door<'_>) -> Measured {
    match statement(it).await {
        Ok(answer) if answer.is_ok() => {
            let said = answer.json().unwrap_or_default();
            match version(&said["fhirVersion"]) {
                Some(r4) if r4.starts_with("4.") => Measured::new(C::FhirFine, format!("FHIR {r4}")),
                Some(other) => Measured::new(C::FhirOther, format!("FHIR {other}{}", called(other))),
                None => Measured::new(C::FhirUnknown, "no fhirVersion"),
            }
        }
        Ok(answer) => Measured::new(C::FhirUnknown, format!("HTTP {}", answer.status)),
        Err(silence) => Measured::new(C::NotAsked, silence.words()),
    }
}

/// The release a version is of, as people and addresses call it.
fn called(version: &str) -> &'static str {
    match version.split('.').next() {
        Some("1") => " (DSTU2)",
        Some("3") => " (STU3)",
        Some("5") => " (R5)",
        _ => "",
    }
}

/// `ehr.clock`
pub(super) async fn clock(it: &Door<'_>) -> Measured {
    clocks::measured(Some(statement(it).await))
}

/// `ehr.certificate`
pub(super) async fn certificate(it: &Door<'_>) -> Measured {
    match statement(it).await {
        _ if !it.connection.iss.starts_with("https:") => Measured::new(C::TlsNotUsed, "plain http"),
        Ok(Answer { ends: Some(ends), .. }) => {
            ending(*ends, it.scene.clock.now(), [C::EhrTlsFine, C::EhrTlsEnding, C::EhrTlsEnded])
        }
        Err(Silence::Expired) => Measured::new(C::EhrTlsEnded, Silence::Expired.words()),
        Ok(_) => Measured::new(C::NotAsked, "the certificate was not seen"),
        Err(silence) => Measured::new(C::NotAsked, silence.words()),
    }
}

/// `ehr.backend`
pub(super) async fn backend(it: &Door<'_>) -> Measured {
    let Some(configuration) = it.configuration.get() else {
        return Measured::new(C::NotAsked, "the token endpoint is not known");
    };
    let Some(key) = it.scene.keys.as_ref().ok().and_then(|keys| keys.signing_keys().first()) else {
        return Measured::new(C::NotAsked, "there is no signing key");
    };
    let scope = ehr::scope(it.connection);
    let (id, endpoint) = (it.connection.backend_client_id.clone(), configuration.token_endpoint.clone());
    let client = BackendClient::new(id, endpoint, &scope, Arc::clone(key), Arc::new(SystemRandom), it.scene.policy)
        .with_jku(ehr::published_at(&it.scene.config.public_url));
    let token = client.access_token(&it.scene.ehr_http, it.scene.clock.now().as_second());
    match timeout(PATIENCE, token).await.unwrap_or(Err(Error::Unreachable("time limit"))) {
        Ok(_) => {
            let missing: Vec<&str> = scope.split_whitespace().filter(|it| !granted(&client, it)).collect();
            match missing.as_slice() {
                [] => Measured::new(C::BackendFine, "a token was given, and not kept"),
                missing => Measured::new(C::BackendScopeMissing, format!("not granted: {}", missing.join(" "))),
            }
        }
        Err(Error::Refused { status: 500.., .. }) => Measured::new(C::EhrUnreachable, "the token endpoint fails"),
        Err(Error::Refused { status, code, .. }) => {
            let known = KNOWN.into_iter().find(|it| code.as_deref() == Some(*it));
            Measured::new(refused(status, known), format!("HTTP {status} {}", known.unwrap_or_default()).trim_end())
        }
        Err(error) => unreached(&error, C::BackendRefused),
    }
}

/// Whether what we asked for by one scope of v1 (`system/Type.read`, `.write`) was given, in whatever version's words.
fn granted(client: &BackendClient, scope: &str) -> bool {
    let Some((kind, what)) = scope.strip_prefix("system/").and_then(|it| it.split_once('.')) else { return false };
    match what {
        "read" => client.may(kind, "r"),
        _ => client.may(kind, "c") || client.may(kind, "u"),
    }
}

fn refused(status: u16, known: Option<&str>) -> C {
    match (status, known) {
        (_, Some("invalid_client")) | (401, None) => C::BackendUnknown,
        (_, Some("invalid_scope")) => C::BackendScopeMissing,
        _ => C::BackendRefused,
    }
}

fn unreached(error: &Error, otherwise: C) -> Measured {
    match error {
        Error::Unreachable(what) => Measured::new(C::EhrUnreachable, *what),
        Error::Address(what) => Measured::new(C::EhrForbidden, *what),
        Error::Malformed(what) => Measured::new(otherwise, *what),
        _ => Measured::new(otherwise, "the answer is not what the standard says"),
    }
}

/// `ehr.write`
pub(super) async fn write(it: &Door<'_>) -> Measured {
    let said = match statement(it).await {
        Ok(answer) if answer.is_ok() => answer.json().unwrap_or_default(),
        Ok(answer) => return Measured::new(C::NotAsked, format!("no CapabilityStatement: HTTP {}", answer.status)),
        Err(silence) => return Measured::new(C::NotAsked, silence.words()),
    };
    if said["resourceType"] != "CapabilityStatement" {
        return Measured::new(C::NotAsked, "no CapabilityStatement");
    }
    let lacking = ehr::lacking(it.connection, &said);
    if !lacking.is_empty() {
        return Measured::new(C::WriteMissing, format!("not offered: {}", lacking.join(", ")));
    }
    match (it.connection.vendor, &it.connection.connection_status) {
        (Vendor::Epic, None) => Measured::new(C::WriteNotUsed, "not configured"),
        (Vendor::Epic, Some(status)) if status.disconnected.is_none() => {
            Measured::new(C::WriteUnproven, "configured, without a number for \"disconnected\", which is then not told")
        }
        (Vendor::Epic, Some(_)) => Measured::new(C::WriteUnproven, "configured"),
        _ => Measured::new(C::WriteFine, "by its CapabilityStatement"),
    }
}

/// Where an EHR's server is: name and port.
pub(super) fn server_of(iss: &str) -> Option<String> {
    let url = Url::parse(iss).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_endpoint_refuses_is_told_apart() {
        for (status, known, wanted) in [
            (400, Some("invalid_client"), C::BackendUnknown),
            (401, Some("invalid_client"), C::BackendUnknown),
            (401, None, C::BackendUnknown),
            (400, Some("invalid_scope"), C::BackendScopeMissing),
            (400, Some("unauthorized_client"), C::BackendRefused),
            (404, None, C::BackendRefused),
        ] {
            assert_eq!(refused(status, known), wanted, "{status} {known:?}");
        }
    }

    #[test]
    fn what_never_reached_the_ehr_is_not_held_against_it() {
        let of = |error: Error| unreached(&error, C::SmartUnusable).code;
        assert_eq!(of(Error::Unreachable("time limit")), C::EhrUnreachable);
        assert_eq!(of(Error::Address("its name leads elsewhere")), C::EhrForbidden);
        assert_eq!(of(Error::Malformed("no PKCE S256")), C::SmartUnusable);
        assert_eq!(of(Error::TooLarge), C::SmartUnusable);
    }
}
