//! The two small pages the relay writes itself: the hand-over to the companion, and a refusal in plain words.
//! Everything is escaped, nothing is loaded from elsewhere, and the one script is allowed by a nonce of its own.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roomed_protocol::WhoCanFix;

use super::patient_words;
use super::problem::{Refusal, code_word};
use crate::context_link::{Fault, Words};

const STYLE: &str = include_str!("page.css");

/// Text as it may stand between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn page(status: StatusCode, title: &str, body: &str, script: Option<(&str, &str)>) -> Response {
    respond(status, title, body, script, "'none'", "'none'")
}

/// A page that asks this relay how something stands, by one script of ours.
pub(super) fn waiting(title: &str, body: &str, nonce: &str, script: &str) -> Response {
    respond(StatusCode::OK, title, body, Some((nonce, script)), "'none'", "'self'")
}

/// A page with forms of ours, and where their answers may lead. A browser says where a form comes from only with a
/// referrer policy that is not `no-referrer`; other sites hear nothing all the same.
pub(super) fn with_forms(status: StatusCode, title: &str, body: &str, to: &str) -> Response {
    let mut response = respond(status, title, body, None, to, "'none'");
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn respond(
    status: StatusCode,
    title: &str,
    body: &str,
    script: Option<(&str, &str)>,
    form: &str,
    asks: &str,
) -> Response {
    let (script, source) = match script {
        Some((nonce, script)) => (format!("<script nonce=\"{nonce}\">{script}</script>"), format!("'nonce-{nonce}'")),
        None => (String::new(), "'none'".to_owned()),
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main>{script}</body></html>"
    );
    // The style is ours and constant; `unsafe-inline` for styles lets nobody run anything.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src {source}; connect-src {asks}; base-uri 'none'; form-action {form}; frame-ancestors 'none'"
    );
    let mut response = (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Hands a launch over to the companion: by itself, and by button where the browser wants a click first.
/// `browser`: where the launch goes on without it.
pub(super) fn open_companion(link: &str, nonce: &str, browser: Option<&str>) -> Response {
    let link = escape(link);
    let otherwise = match browser {
        Some(path) => format!(
            "<p>No Roomed on this computer? <a id=\"in-browser\" href=\"{}\">Go on in the browser</a>.</p>",
            escape(path)
        ),
        None => "<p class=\"quiet\">Nothing happens? Roomed may not be installed here. Ask IT for it, or begin the visit on a \
                 computer that has it.</p>"
            .to_owned(),
    };
    let body = format!(
        "<h1>Opening Roomed</h1><p>Your visit is opening in Roomed on this computer. You can close this tab.</p>\
         <p><a id=\"open-roomed\" class=\"button\" href=\"{link}\">Open Roomed</a></p>\
         {otherwise}"
    );
    let script = "location.href=document.getElementById('open-roomed').href;document.documentElement.dataset.ready='1'";
    page(StatusCode::OK, "Opening Roomed", &body, Some((nonce, script)))
}

/// A refusal for a person in a browser: what happened, what to do, who can do it, and a code to read out.
pub(super) fn refusal(refusal: Refusal) -> Response {
    let problem = refusal.problem();
    let who = match problem.who {
        WhoCanFix::Clinician => "You can do this yourself.",
        WhoCanFix::Microsoft365Admin => "Your Microsoft 365 admin can fix this.",
        WhoCanFix::EhrAnalyst => "Your EHR analyst can fix this.",
        WhoCanFix::It => "IT can fix this.",
    };
    refused(problem.status, &problem.title, &problem.detail, who, &code_word(problem.code))
}

/// The same for a patient, in a patient's words.
pub(super) fn refusal_for_patient(refusal: Refusal) -> Response {
    let problem = refusal.problem();
    let (title, todo) = patient_words::of(problem.code);
    refused(problem.status, title, todo, patient_words::who(refusal), &code_word(problem.code))
}

/// A guest's link, opened: one button, so that nobody who only looks at links uses one up.
pub(super) fn invitation(token: &str) -> Response {
    let body = format!(
        "<h1>You are invited to a video visit</h1><p>This link is for you alone and works once. Open it on the phone or \
         computer that you will use for the visit.</p><form method=\"post\" action=\"/i\"><input type=\"hidden\" \
         name=\"token\" value=\"{}\"><button id=\"open-visit\" class=\"button\">Open my visit</button></form>",
        escape(token)
    );
    with_forms(StatusCode::OK, "Your video visit", &body, "'self'")
}

/// A guest's link that opens nothing, whyever: the answer is one, so that trying links out tells nobody anything.
pub(super) fn guest_refusal(refusal: Refusal) -> Response {
    let problem = refusal.problem();
    let (title, todo) = patient_words::of(problem.code);
    let again = "Have you opened it on this device before? <a href=\"/v/\">Go on with your visit</a>.";
    let code = escape(&code_word(problem.code));
    let body = format!(
        "<h1>{}</h1><p>{}</p><p>{again}</p><p class=\"quiet\" id=\"problem\" data-code=\"{code}\">Code: {code}</p>",
        escape(title),
        escape(todo),
    );
    page(StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST), "Roomed", &body, None)
}

/// The same for a patient whose encrypted link opens nothing.
pub(super) fn no_way_in(fault: Fault) -> Response {
    let Words { status, code, title, todo, who } = fault.words();
    refused(status, title, todo, who, code)
}

fn refused(status: u16, title: &str, todo: &str, who: &str, code: &str) -> Response {
    let code = escape(code);
    let body = format!(
        "<h1>{}</h1><p>{}</p><p>{}</p><p class=\"quiet\" id=\"problem\" data-code=\"{code}\">Code: {code}</p>",
        escape(title),
        escape(todo),
        escape(who),
    );
    page(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), "Roomed", &body, None)
}
