//! The small pages the relay writes itself for clinicians: the hand-over to the companion, and a refusal in plain words;
//! and the frame of those for patients (`patient_page.rs`). Everything is escaped, nothing is loaded from elsewhere, and the
//! one script is allowed by a nonce of its own.

use aws_lc_rs::digest;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use roomed_protocol::{ProblemCode, WhoCanFix};

use super::language::Language;
use super::problem::{Refusal, code_word};

const STYLE: &str = include_str!("page.css");

/// Text as it may stand between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn page(status: StatusCode, title: &str, body: &str, script: Option<(&str, &str)>) -> Response {
    let look = Look { status, language: Language::English, title, style: "", form: "'none'", asks: "'none'" };
    respond(&look, body, script)
}

/// A page that asks this relay how something stands, by one script of ours.
pub(super) fn waiting(title: &str, body: &str, nonce: &str, script: &str) -> Response {
    let status = StatusCode::OK;
    let look = Look { status, language: Language::English, title, style: "", form: "'none'", asks: "'self'" };
    respond(&look, body, Some((nonce, script)))
}

/// A page with forms of ours, and where their answers may lead. A browser says where a form comes from only with a
/// referrer policy that is not `no-referrer`; other sites hear nothing all the same.
pub(super) fn with_forms(status: StatusCode, title: &str, body: &str, to: &str) -> Response {
    with_forms_like(&Look { status, language: Language::English, title, style: "", form: to, asks: "'none'" }, body)
}

/// The same in a language of a patient's; without forms where they may lead nowhere.
pub(super) fn in_language(look: &Look<'_>, body: &str) -> Response {
    if look.form == "'none'" { respond(look, body, None) } else { with_forms_like(look, body) }
}

fn with_forms_like(look: &Look<'_>, body: &str) -> Response {
    let mut response = respond(look, body, None);
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// What a page is besides its body.
pub(super) struct Look<'a> {
    pub(super) status: StatusCode,
    pub(super) language: Language,
    pub(super) title: &'a str,
    /// More than every page has.
    pub(super) style: &'a str,
    /// Where its forms may lead.
    pub(super) form: &'a str,
    /// Whom its script may ask.
    pub(super) asks: &'a str,
}

fn respond(look: &Look<'_>, body: &str, script: Option<(&str, &str)>) -> Response {
    let Look { status, language, title, style, form, asks } = look;
    let (tag, direction) = (language.tag(), language.words().direction);
    let (script, source) = match script {
        Some((nonce, script)) => (format!("<script nonce=\"{nonce}\">{script}</script>"), format!("'nonce-{nonce}'")),
        None => (String::new(), "'none'".to_owned()),
    };
    let html = format!(
        "<!doctype html><html lang=\"{tag}\" dir=\"{direction}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}{style}</style></head><body><main>{body}</main>{script}</body></html>"
    );
    // The one style is ours and constant: allowed by its digest, so that nothing else can be styled in (CSP 3, 2.3.1).
    let styles = STANDARD.encode(digest::digest(&digest::SHA256, format!("{STYLE}{style}").as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{styles}'; script-src {source}; connect-src {asks}; base-uri 'none'; form-action {form}; frame-ancestors 'none'"
    );
    let mut response = (*status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
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

/// The same where another region's relay serves the organization, with its address.
pub(super) fn elsewhere(address: &str) -> Response {
    let problem = Refusal(ProblemCode::OtherRegion).problem();
    let todo = format!("{} {address}", problem.detail);
    refused(problem.status, &problem.title, &todo, "IT can fix this.", &code_word(problem.code))
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
