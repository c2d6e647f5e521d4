//! The small pages before the visit page: a guest's invitation, and a refusal in a patient's words. The words of every
//! language are on the page, one is shown, and the picker is a row of radio buttons: it works without a script, asks the
//! relay nothing, and so uses no one-time link up.

use std::fmt::Write as _;

use axum::http::StatusCode;
use axum::response::Response;
use roomed_protocol::ProblemCode;

use super::html::{self, Look, escape};
use super::language::Language;
use super::patient_words::{self, Said, Words};
use super::problem::{Refusal, code_word};
use crate::context_link::Fault;

/// A refusal for a patient.
pub(super) fn refusal(refusal: Refusal, language: Language) -> Response {
    refused(refusal.problem().status, &patient_words::of(refusal), &code_word(refusal.0), None, language)
}

/// A refusal for a patient whose clinic another region's relay serves. The address helps whoever they call.
pub(super) fn elsewhere(address: &str, language: Language) -> Response {
    let refusal = Refusal(ProblemCode::OtherRegion);
    let last = format!("<p class=\"quiet\"><bdi>{}</bdi></p>", escape(address));
    refused(refusal.problem().status, &patient_words::of(refusal), &code_word(refusal.0), Some(&last), language)
}

/// A patient's encrypted link that opens nothing.
pub(super) fn no_way_in(fault: Fault, language: Language) -> Response {
    refused(fault.status(), &patient_words::of_link(fault), fault.code(), None, language)
}

/// A guest's link that opens nothing, whyever: the answer is one, so that trying links out tells nobody anything.
pub(super) fn guest_refusal(refusal: Refusal, language: Language) -> Response {
    let again =
        each("p", |words| format!("{} <a href=\"/v/\">{}</a>", escape(words.opened_before), escape(words.resume)));
    refused(refusal.problem().status, &patient_words::of(refusal), &code_word(refusal.0), Some(&again), language)
}

/// A guest's link, opened: one button, so that nobody who only looks at links uses one up.
pub(super) fn invitation(token: &str, language: Language) -> Response {
    let body = format!(
        "{}{}<form method=\"post\" action=\"/i\"><input type=\"hidden\" name=\"token\" value=\"{}\">\
         <button id=\"open-visit\" class=\"button\">{}</button></form>",
        each("h1", |words| escape(words.invited)),
        each("p", |words| escape(words.invited_how)),
        escape(token),
        each("span", |words| escape(words.open)),
    );
    page(StatusCode::OK, &body, "'self'", language)
}

fn refused(status: u16, said: &Said, code: &str, again: Option<&str>, language: Language) -> Response {
    let code = escape(code);
    let sentence = |sentence: patient_words::Sentence| each("p", move |words| escape(sentence(words)));
    let last = again.map_or_else(|| sentence(said.who), str::to_owned);
    let body = format!(
        "{}{}{last}<p class=\"quiet\" id=\"problem\" data-code=\"{code}\">{} <bdi>{code}</bdi></p>",
        each("h1", |words| escape((said.what)(words))),
        sentence(said.todo),
        each("span", |words| escape(words.code)),
    );
    page(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &body, "'none'", language)
}

/// The same element in every language. What is in it must be escaped.
fn each(tag: &str, said: impl Fn(&Words) -> String) -> String {
    Language::ALL.into_iter().fold(String::new(), |mut all, language| {
        let (words, code) = (language.words(), language.tag());
        let direction = words.direction;
        let said = said(words);
        let _ = write!(all, "<{tag} class=\"in {code}\" lang=\"{code}\" dir=\"{direction}\">{said}</{tag}>");
        all
    })
}

fn page(status: StatusCode, body: &str, form: &str, language: Language) -> Response {
    let (mut style, mut picker) = (String::new(), String::new());
    for one in Language::ALL {
        let (words, code) = (one.words(), one.tag());
        let checked = if one == language { " checked" } else { "" };
        let _ = write!(
            picker,
            "<input class=\"pick\" type=\"radio\" name=\"language\" id=\"in-{code}\"{checked}>\
             <label for=\"in-{code}\" lang=\"{code}\">{}</label>",
            escape(words.name)
        );
        let _ = write!(
            style,
            "#in-{code}:checked~.said .in:not(.{code}){{display:none}}#in-{code}:checked~.said{{direction:{}}}",
            words.direction
        );
    }
    let body = format!("{picker}<div class=\"said\">{body}</div>");
    let words = language.words();
    html::in_language(&Look { status, language, title: words.title, style: &style, form, asks: "'none'" }, &body)
}
