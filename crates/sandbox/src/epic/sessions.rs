//! Signed-in browsers at Hyperspace and MyChart: a cookie each, so that both can be open side by side.

use crate::{
    core::{Hospital, Organization, Person, PortalUser, lock},
    web,
};
use axum::http::{HeaderMap, HeaderValue};
use std::{collections::HashMap, sync::Mutex};

const HYPERSPACE: &str = "sandbox_hyperspace";
const MYCHART: &str = "sandbox_mychart";

/// Session id -> object id of a Hyperspace user, or the name a MyChart user signed in with.
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
pub(super) fn portal<'a>(hospital: &'a Hospital, headers: &HeaderMap) -> Option<(&'a Organization, PortalUser<'a>)> {
    let id = web::cookie(headers, MYCHART)?;
    let user = lock(&hospital.epic.sessions.mychart).get(id).cloned()?;
    hospital.organizations.iter().find_map(|it| it.portal_user(&user).map(|user| (it, user)))
}

/// Signs a Hyperspace user in.
pub(super) fn sign_in_clinician(hospital: &Hospital, oid: &str) -> HeaderValue {
    begin(hospital, &hospital.epic.sessions.hyperspace, HYPERSPACE, oid)
}

/// Signs a MyChart user in.
pub(super) fn sign_in_patient(hospital: &Hospital, user: &str) -> HeaderValue {
    begin(hospital, &hospital.epic.sessions.mychart, MYCHART, user)
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
