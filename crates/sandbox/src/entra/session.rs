//! Signed-in browsers: a cookie that names a session, a session that names an account.
//! Cookies ignore ports, so the Teams pages on 127.0.0.1 see who is signed in, as `login.microsoftonline.com` makes it.

use crate::{
    core::{Hospital, Organization, Person, Shared, lock},
    pages, web,
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{collections::HashMap, sync::Mutex};

const COOKIE: &str = "sandbox_entra";

/// Session id -> object id.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<String, String>>);

/// Who this browser is signed in as, if anybody.
pub fn signed_in<'a>(hospital: &'a Hospital, headers: &HeaderMap) -> Option<(&'a Organization, &'a Person)> {
    let id = web::cookie(headers, COOKIE)?;
    let oid = lock(&hospital.entra.sessions.0).get(id).cloned()?;
    hospital.person(&oid)
}

/// Signs a browser in; the answer must carry the returned `Set-Cookie`.
pub fn sign_in(hospital: &Hospital, oid: &str) -> HeaderValue {
    let id = hospital.random.token(40);
    hospital.canaries.secret("entra.session", &id);
    lock(&hospital.entra.sessions.0).insert(id.clone(), oid.to_owned());
    web::set_cookie(COOKIE, &id)
}

/// `GET /{tenant}/oauth2/v2.0/logout`: forgets this browser.
pub(super) async fn sign_out(State(hospital): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(id) = web::cookie(&headers, COOKIE) {
        lock(&hospital.entra.sessions.0).remove(id);
    }
    let page = pages::refusal(
        StatusCode::OK,
        "Microsoft sign-in",
        "You signed out of your account",
        "You can close this window.",
    );
    ([(header::SET_COOKIE, web::clear_cookie(COOKIE))], page).into_response()
}
