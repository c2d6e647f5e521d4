//! Who may see what: the bearer token, its hospital, its scopes, and whether it is confined to one patient.

use super::super::{instance, outcome::Outcome, scopes};
use crate::{
    core::{Hospital, Organization},
    smart::grants::{Access, Subject},
    web,
};
use axum::http::{HeaderMap, StatusCode, header};

/// A request with a living token of this hospital.
pub(super) struct Caller<'a> {
    pub(super) organization: &'a Organization,
    access: Access,
}

/// How far a token reaches for one type and interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Everything,
    /// Only what belongs to this patient.
    Own(String),
    Nothing,
}

/// Checks instance, `Accept` and token.
pub(super) fn caller<'a>(hospital: &'a Hospital, segment: &str, headers: &HeaderMap) -> Result<Caller<'a>, Outcome> {
    let organization = instance(hospital, segment).ok_or_else(Outcome::no_type)?;
    let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("*/*");
    if !["json", "*/*", "application/*"].iter().any(|it| accept.contains(it)) {
        return Err(Outcome::new(
            StatusCode::NOT_ACCEPTABLE,
            "not-supported",
            59111,
            "This stand-in answers in JSON only.",
        ));
    }
    let token = web::bearer(headers).ok_or_else(Outcome::no_token)?;
    let access = hospital.epic.grants.opens(token, hospital.clock.now()).ok_or_else(Outcome::no_token)?;
    if access.organization != organization.key {
        return Err(Outcome::no_token());
    }
    Ok(Caller { organization, access })
}

impl Caller<'_> {
    /// How far the token reaches for `letter` (c, r, u, d, s) on `resource`.
    pub(super) fn reach(&self, resource: &str, letter: char) -> Reach {
        let contexts = scopes::contexts(&self.access.scopes, resource, letter);
        let has = |context: &str| contexts.contains(&context);
        match &self.access.subject {
            Subject::System if has("system") => Reach::Everything,
            Subject::User { .. } if has("user") => Reach::Everything,
            Subject::User { patient_id: Some(patient_id) } | Subject::Patient { patient_id } if has("patient") => {
                // Practitioners and Locations are in nobody's compartment.
                let open = ["Practitioner", "Location"].contains(&resource);
                if open { Reach::Everything } else { Reach::Own(patient_id.clone()) }
            }
            _ => Reach::Nothing,
        }
    }
}
