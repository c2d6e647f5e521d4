//! Plain HTML pages: a template from `pages/` with `{{name}}` placeholders, filled in one pass and escaped.
//! No templating language: repeated parts are built with `Page` too and put in as `Markup`.

use crate::core::Shared;
use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use std::collections::HashMap;

/// HTML that is already safe to put into a page.
#[derive(Clone, Debug, Default)]
pub struct Markup(String);

impl Markup {
    /// Several pieces, one after the other.
    pub fn join(pieces: impl IntoIterator<Item = Markup>) -> Self {
        Self(pieces.into_iter().map(|it| it.0).collect())
    }
}

/// A template on its way to becoming HTML.
pub struct Page<'a> {
    template: &'a str,
    values: HashMap<&'a str, String>,
}

impl<'a> Page<'a> {
    /// Begins with a template; every `{{name}}` in it must be given a value.
    pub fn new(template: &'a str) -> Self {
        Self { template, values: HashMap::new() }
    }

    /// Gives a placeholder a text, escaped for HTML text and quoted attributes.
    pub fn text(mut self, name: &'a str, value: impl AsRef<str>) -> Self {
        self.values.insert(name, escape(value.as_ref()));
        self
    }

    /// Gives a placeholder finished HTML.
    pub fn markup(mut self, name: &'a str, value: Markup) -> Self {
        self.values.insert(name, value.0);
        self
    }

    /// The finished piece, to be put into another page.
    pub fn piece(self) -> Markup {
        let mut html = String::with_capacity(self.template.len() * 2);
        let mut rest = self.template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap_or(("", after));
            html.push_str(before);
            html.push_str(self.values.get(name.trim()).map(String::as_str).unwrap_or_default());
            rest = after;
        }
        html.push_str(rest);
        Markup(html)
    }

    /// The finished page as an answer with `status`. Nothing is cached, nothing foreign is loaded.
    pub fn respond(self, status: StatusCode) -> Response {
        const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
             media-src 'self' blob:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
        let headers = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, POLICY),
        ];
        (status, headers, self.piece().0).into_response()
    }
}

/// A small page that says what is wrong and who can put it right.
pub fn refusal(status: StatusCode, product: &str, title: &str, text: &str) -> Response {
    Page::new(include_str!("../pages/refusal.html"))
        .text("product", product)
        .text("title", title)
        .text("text", text)
        .respond(status)
}

/// The stylesheet and script that every page shares; each listener merges this.
pub fn assets() -> Router<Shared> {
    Router::new()
        .route("/sandbox.css", get(|| async { style(include_str!("../pages/sandbox.css")) }))
        .route("/sandbox.js", get(|| async { script(include_str!("../pages/sandbox.js")) }))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
}

/// A stylesheet as an answer.
pub fn style(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], text).into_response()
}

/// A script as an answer.
pub fn script(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], text).into_response()
}

/// Text made safe for HTML text and quoted attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_not_looked_at_again() {
        let Markup(html) = Page::new("<p>{{a}}{{ b }}</p>").text("a", "<{{b}}>").text("b", "\"").piece();
        assert_eq!(html, "<p>&lt;{{b}}&gt;&quot;</p>");
    }
}
