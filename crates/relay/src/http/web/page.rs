//! How the pages of a signed-in browser look. Plain HTML with forms: they work where scripts do not, and in the small
//! browsers of Haiku and Canto.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;

use super::WebCaller;
use crate::http::html::{self, escape, with_forms};
use crate::http::problem::{Answer, Refusal};
use crate::offers::Standing;

/// The answer, or a refusal in plain words.
pub(super) fn answer(answer: Answer<Response>) -> Response {
    answer.unwrap_or_else(html::refusal)
}

/// On to another page, perhaps another party's.
pub(super) fn on_to(to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return html::refusal(Refusal(roomed_protocol::ProblemCode::Internal));
    };
    let headers = [
        (header::LOCATION, location),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Who is signed in here, and the way out.
pub(super) fn home(key: &str, caller: &WebCaller) -> Response {
    let roles = match caller.roles.is_empty() {
        true => String::new(),
        false => format!("<p class=\"quiet\">Your roles: {}</p>", escape(&caller.roles.join(", "))),
    };
    let body = format!(
        "<h1>You are signed in</h1><p>Begin your visit from the chart: it opens here without a sign-in.</p>{roles}{}",
        foot(key, caller)
    );
    with_forms(StatusCode::OK, "Roomed", &body, "'self'")
}

/// How a visit can be opened from here.
pub(super) struct Ways<'a> {
    /// The meeting.
    pub(super) join_web_url: &'a str,
    /// Teams on this computer is one.
    pub(super) teams: bool,
    /// A companion of theirs is online, wherever it is.
    pub(super) companion: bool,
}

/// The ways into the meeting.
pub(super) fn visit(path: &str, key: &str, caller: &WebCaller, ways: &Ways<'_>) -> Response {
    let button = |r#in: &str, text: &str| {
        format!("<p><button id=\"in-{in}\" class=\"button\" name=\"in\" value=\"{in}\">{text}</button></p>")
    };
    let teams = if ways.teams { button("teams", "Open in Teams") } else { String::new() };
    let path = escape(path);
    let companion = if ways.companion {
        format!(
            "<p>Is this not the computer you work at, or is it Citrix?</p><form method=\"post\" action=\"{path}/offers\">\
             <p><button id=\"offer\" class=\"button\">Open it in Roomed on your computer</button></p></form>"
        )
    } else {
        "<p class=\"quiet\" id=\"no-companion\">Roomed is not open on a computer of yours, so the visit can only be opened \
         here.</p>"
            .to_owned()
    };
    let body = format!(
        "<h1>Your visit is ready</h1><p>Your patient is called when you open the meeting.</p>\
         <form method=\"post\" action=\"{path}/join\">{}{teams}</form>{companion}{}",
        button("browser", "Open in the browser"),
        foot(key, caller),
    );
    // A browser asks for leave also where the answer to a form leads.
    let meeting = Url::parse(ways.join_web_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    with_forms(StatusCode::OK, "Your visit", &body, &format!("'self' {meeting} msteams:"))
}

/// Asks every few seconds at most whether the offer was answered, and looks again once when it was.
const WATCH: &str = "const at=document.getElementById('offered').dataset.answer;const rest=ms=>new Promise(f=>setTimeout(f,ms));\
    document.documentElement.dataset.ready='1';(async()=>{for(;;){try{const said=await fetch(at,{cache:'no-store'});if(said.status===401||said.status===404)\
    return location.reload();if(!said.ok)throw said;if((await said.json()).state!=='waiting')return location.reload();\
    await rest(1000)}catch{await rest(5000)}}})()";

/// How the offer to open the visit in the companion stands.
pub(super) fn offered(path: &str, offer: &str, standing: Standing, nonce: &str) -> Response {
    let path = escape(path);
    let (state, title, words) = match standing {
        Standing::Waiting => (
            "waiting",
            "Look at Roomed on your computer",
            "It asks you whether to open the visit there. The question goes away by itself after a few minutes.",
        ),
        Standing::Taken => ("taken", "Opened on your computer", "Go on in Roomed there. You can close this tab."),
        Standing::Dismissed => {
            ("dismissed", "Not opened on your computer", "The answer in Roomed there was no. Nothing was opened.")
        }
        Standing::Over => (
            "over",
            "This offer is over",
            "Not opened on your computer? Go back to offer it again, or open the visit here.",
        ),
    };
    let body = format!(
        "<h1 id=\"offered\" data-offer=\"{state}\" data-answer=\"{path}/offers/{}/answer\">{title}</h1>\
         <p aria-live=\"polite\">{words}</p><p><a id=\"here\" href=\"{path}\">Back to the visit</a></p>",
        escape(offer),
    );
    match standing {
        Standing::Waiting => html::waiting("Your visit", &body, nonce, WATCH),
        _ => with_forms(StatusCode::OK, "Your visit", &body, "'none'"),
    }
}

/// Somebody else's visit: a word is needed first.
pub(super) fn covering(key: &str, secret: &str) -> Response {
    let body = format!(
        "<h1>You are not on this appointment</h1><p>If you cover for a colleague, say so and go on. It is recorded and your \
         colleague is told.</p><form method=\"post\" action=\"/o/{}/launch/covering\"><input type=\"hidden\" name=\"launch\" \
         value=\"{}\"><button id=\"covering\" class=\"button\">I am covering</button></form>\
         <p class=\"quiet\" id=\"problem\" data-code=\"covering-needed\">Code: covering-needed</p>",
        escape(key),
        escape(secret),
    );
    with_forms(StatusCode::CONFLICT, "Roomed", &body, "'self'")
}

/// EHR user and account have never been used together: a word is needed once.
pub(super) fn first_link(key: &str, secret: &str, account: &str, ehr_user: Option<&str>) -> Response {
    let chart = match ehr_user {
        Some(name) => format!("The chart is open for <strong>{}</strong>.", escape(name)),
        None => "The EHR does not say whose name the chart is open for: look at the chart's own header.".to_owned(),
    };
    let account = match account {
        "" => "You are signed in with this Microsoft account, which does not say its name.".to_owned(),
        name => format!("You are signed in to Microsoft as <strong>{}</strong>.", escape(name)),
    };
    let body = format!(
        "<h1>Is this you in both?</h1>\
         <p>{account} {chart}</p>\
         <p>Roomed asks this once, and from then on tells this account of these patients.</p>\
         <form method=\"post\" action=\"/o/{}/launch/first-link\"><input type=\"hidden\" name=\"launch\" value=\"{}\">\
         <p><button id=\"first-link-yes\" class=\"button\" name=\"me\" value=\"yes\">Yes, this is me</button></p>\
         <p><button id=\"first-link-no\" class=\"button\" name=\"me\" value=\"no\">No, sign out</button></p></form>\
         <p class=\"quiet\" id=\"problem\" data-code=\"first-link\">Code: first-link</p>",
        escape(key),
        escape(secret),
    );
    with_forms(StatusCode::CONFLICT, "Roomed", &body, "'self'")
}

/// The person in the chart is not the one who is signed in here: they can be.
pub(super) fn wrong_person(key: &str, refusal: Refusal) -> Response {
    let problem = refusal.problem();
    let body = format!(
        "<h1>{}</h1><p>{}</p><p><a id=\"other\" class=\"button\" href=\"/o/{}/sign-in?as=other\">Sign in as yourself</a></p>\
         <p class=\"quiet\" id=\"problem\" data-code=\"wrong-person\">Code: wrong-person</p>",
        escape(&problem.title),
        escape(&problem.detail),
        escape(key),
    );
    with_forms(StatusCode::CONFLICT, "Roomed", &body, "'none'")
}

/// Out of Roomed. On a borrowed computer Microsoft is next.
pub(super) fn signed_out(key: &str, at_entra: Option<&Url>) -> Response {
    let link = |url: &Url| {
        let url = escape(url.as_str());
        format!("<p><a id=\"sign-out-microsoft\" class=\"button\" href=\"{url}\">Sign out of Microsoft too</a></p>")
    };
    let body = format!(
        "<h1>You are signed out of Roomed</h1><p>Is this not your own computer? Then sign out of Microsoft too.</p>{}\
         <p class=\"quiet\"><a href=\"/o/{}/sign-in\">Sign in again</a></p>",
        at_entra.map(link).unwrap_or_default(),
        escape(key),
    );
    with_forms(StatusCode::OK, "Signed out", &body, "'none'")
}

/// Out of Roomed, because the account is somebody else's. Microsoft would sign that one in again without a word, so another
/// one is offered first.
pub(super) fn nothing_linked(key: &str, at_entra: Option<&Url>) -> Response {
    let link = |url: &Url| {
        let url = escape(url.as_str());
        format!("<p><a id=\"sign-out-microsoft\" href=\"{url}\">Sign that account out of Microsoft</a></p>")
    };
    let body = format!(
        "<h1>Nothing was linked</h1><p>You are signed out of Roomed. Sign in as yourself, then begin the visit from the chart \
         once more.</p><p><a id=\"other\" class=\"button\" href=\"/o/{}/sign-in?as=other\">Sign in with another account</a></p>{}",
        escape(key),
        at_entra.map(link).unwrap_or_default(),
    );
    with_forms(StatusCode::OK, "Nothing was linked", &body, "'none'")
}

fn foot(key: &str, caller: &WebCaller) -> String {
    format!(
        "<form method=\"post\" action=\"/o/{}/sign-out\"><p class=\"quiet\">Signed in as {}. \
         <button id=\"sign-out\" class=\"link\">Sign out</button></p></form>",
        escape(key),
        escape(&caller.clinician.display_name),
    )
}
