//! Signed-in browsers at Hyperspace and MyChart: a cookie each, so that both can be open side by side.

use crate::{
    core::{Hospital, Organization, Patient, Person, lock},
    web,
};
use axum::http::{HeaderMap, HeaderValue};
use std::{collections::HashMap, sync::Mutex};

const HYPERSPACE: &str = "sandbox_hyperspace";
const MYCHART: &str = "sandbox_mychart";

/// Session id -> object id of a Hyperspace user, or FHIR id of a MyChart user.
#[derive(Default)]
pub(super) struct Sessions {
    hyperspace: Mutex<HashMap<String, String>>,
    mychart: Mutex<HashMap<String, String>>,
}

/// The Hyperspace user of this browser.
pub(super) fn clinician<'a>(hospital: &'a Hospital, headers: &HeaderMap) -> Option<(&'a Organization, &'a Person)> {
    let id = web::cookie(headers, HYPERSPACE)?;
    let oid = lock(&hospital.epic.sessions.hyperspace).get(id).cloned()?;
    hospital.person(&oid)
}

/// The MyChart user of this browser.
pub(super) fn patient<'a>(hospital: &'a Hospital, headers: &HeaderMap) -> Option<(&'a Organization, &'a Patient)> {
    let id = web::cookie(headers, MYCHART)?;
    let patient_id = lock(&hospital.epic.sessions.mychart).get(id).cloned()?;
    hospital.organizations.iter().find_map(|it| it.patient(&patient_id).map(|patient| (it, patient)))
}

/// Signs a Hyperspace user in.
pub(super) fn sign_in_clinician(hospital: &Hospital, oid: &str) -> HeaderValue {
    begin(hospital, &hospital.epic.sessions.hyperspace, HYPERSPACE, oid)
}

/// Signs a MyChart user in.
pub(super) fn sign_in_patient(hospital: &Hospital, patient_id: &str) -> HeaderValue {
    begin(hospital, &hospital.epic.sessions.mychart, MYCHART, patient_id)
}

fn begin(hospital: &Hospital, sessions: &Mutex<HashMap<String, String>>, cookie: &str, whom: &str) -> HeaderValue {
    let id = hospital.random.token(40);
    hospital.canaries.secret("epic.session", &id);
    lock(sessions).insert(id.clone(), whom.to_owned());
    web::set_cookie(cookie, &id)
}

/// Takes the Hyperspace cookie away.
pub(super) fn sign_out_clinician() -> HeaderValue {
    web::clear_cookie(HYPERSPACE)
}

/// Takes the MyChart cookie away.
pub(super) fn sign_out_patient() -> HeaderValue {
    web::clear_cookie(MYCHART)
}
