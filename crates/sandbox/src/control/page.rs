//! The control page: every named switch in its words, to be thrown by hand, and what a demo does once. It shows what
//! `GET /switches` lists, out of the same tables. A form from another site's page is refused.

use super::{acts, refuse, switches::throw};
use crate::{
    core::{
        Hospital, Shared,
        switches::{ALL, Switch},
    },
    pages::{Markup, Page, assets, style},
    web::Parameters,
};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

/// Its routes.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(show))
        .route("/switches/{name}", post(set))
        .route("/acts/{name}", post(act))
        .route("/control.css", get(async || style(include_str!("../../pages/control.css"))))
        .merge(assets())
}

async fn show(State(hospital): State<Shared>) -> Response {
    page(&hospital, "")
}

fn page(hospital: &Hospital, done: &str) -> Response {
    let at = hospital.addresses();
    let doors = [
        (format!("{}/hyperspace/", at.epic), "Hyperspace"),
        (format!("{}/mychart/", at.epic), "MyChart"),
        ("/mail".to_owned(), "Mail"),
        ("/journal".to_owned(), "Journal"),
        ("/switches".to_owned(), "Switches as JSON"),
    ];
    let doors = doors
        .iter()
        .map(|(url, name)| Page::new("<a href=\"{{url}}\">{{name}}</a>").text("url", url).text("name", name));
    let acts = acts::ALL.iter().map(|(name, words)| {
        Page::new(include_str!("../../pages/control-act.html")).text("name", name).text("words", words).piece()
    });
    let done = match done {
        "" => Markup::default(),
        text => Page::new("<p class=\"done\" role=\"status\">{{text}}</p>").text("text", text).piece(),
    };
    Page::new(include_str!("../../pages/control.html"))
        .text("now", hospital.clock.now().to_string())
        .markup("doors", Markup::join(doors.map(Page::piece)))
        .markup("done", done)
        .markup("switches", Markup::join(ALL.into_iter().map(|it| switch(hospital, it))))
        .markup("acts", Markup::join(acts))
        .respond(StatusCode::OK)
}

fn switch(hospital: &Hospital, it: &Switch) -> Markup {
    let all = hospital.organizations.iter().map(|organization| (organization.key, organization.name));
    let whole = std::iter::once(("", "Everywhere"));
    let forms: Vec<Markup> = match it.per_organization {
        true => all.map(|(key, name)| form(hospital, it, key, name)).collect(),
        false => whole.map(|(key, name)| form(hospital, it, key, name)).collect(),
    };
    Page::new(include_str!("../../pages/control-switch.html"))
        .text("name", it.name)
        .text("words", it.words)
        .markup("forms", Markup::join(forms))
        .piece()
}

fn form(hospital: &Hospital, it: &Switch, key: &str, name: &str) -> Markup {
    let now = hospital.switches.of(it, key);
    let values = it.values.iter().map(|(value, words)| {
        let template = match *value == now {
            true => "<label><input type=\"radio\" name=\"value\" value=\"{{value}}\" checked> <span>{{words}}</span></label>",
            false => "<label><input type=\"radio\" name=\"value\" value=\"{{value}}\"> <span>{{words}}</span></label>",
        };
        Page::new(template).text("value", value).text("words", words).piece()
    });
    Page::new(include_str!("../../pages/control-form.html"))
        .text("name", it.name)
        .text("organization", key)
        .text("whose", name)
        .markup("values", Markup::join(values))
        .piece()
}

/// A page elsewhere may send a form here too; a browser says where it comes from.
fn is_foreign(hospital: &Hospital, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|it| it.to_str().ok());
    origin.is_some_and(|it| it != hospital.addresses().control)
}

async fn set(State(hospital): State<Shared>, Path(name): Path<String>, headers: HeaderMap, body: String) -> Response {
    if is_foreign(&hospital, &headers) {
        return refuse(StatusCode::FORBIDDEN, "this form is not the control page's");
    }
    let form = Parameters::parse(&body);
    let organization = Some(form.text("org")).filter(|it| !it.is_empty());
    match throw(&hospital, &name, form.text("value"), organization) {
        Ok(()) => Redirect::to("/").into_response(),
        Err(why) => refuse(StatusCode::UNPROCESSABLE_ENTITY, &why.to_string()),
    }
}

async fn act(State(hospital): State<Shared>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if is_foreign(&hospital, &headers) {
        return refuse(StatusCode::FORBIDDEN, "this form is not the control page's");
    }
    match acts::act(&hospital, &name) {
        Some(Ok(text)) => page(&hospital, &text),
        Some(Err(text)) => refuse(StatusCode::UNPROCESSABLE_ENTITY, text),
        None => refuse(StatusCode::NOT_FOUND, "there is no such act; GET /switches lists them"),
    }
}
