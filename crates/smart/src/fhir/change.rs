//! FHIR REST that changes something: one request, never repeated, no redirect. Which requests are safe to send again, and
//! what an answer means for a chart, is the caller's to know.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::client::{FhirClient, outcome_code};
use crate::Error;
use crate::http::{self, BODY_LIMIT};

/// The media types of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A resource.
    Fhir,
    /// RFC 6902.
    JsonPatch,
}

/// A resource's version, as `If-Match` wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(HeaderValue);

impl Version {
    /// From a `meta.versionId`.
    pub fn of_meta(resource: &Value) -> Option<Self> {
        let version = resource.pointer("/meta/versionId")?.as_str()?;
        HeaderValue::from_str(&format!("W/\"{version}\"")).ok().map(Self)
    }

    /// As it stands in a header, for a transaction's `ifMatch`.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// From an `ETag`, else from `meta.versionId`.
    pub(super) fn of(headers: &HeaderMap, resource: &Value) -> Option<Self> {
        headers.get(header::ETAG).cloned().map(Self).or_else(|| Self::of_meta(resource))
    }
}

/// One request that changes something.
#[derive(Debug, Clone)]
pub struct Change {
    method: Method,
    path: String,
    content: Content,
    body: Value,
    conditions: Vec<(HeaderName, HeaderValue)>,
}

impl Change {
    /// `POST {base}/{Type}`.
    pub fn create(kind: &str, body: Value) -> Self {
        Self::new(Method::POST, kind.to_owned(), Content::Fhir, body)
    }

    /// `PUT {base}/{Type}/{id}`.
    pub fn update(kind: &str, id: &str, body: Value) -> Self {
        Self::new(Method::PUT, format!("{kind}/{id}"), Content::Fhir, body)
    }

    /// `PATCH {base}/{Type}/{id}` with a JSON Patch.
    pub fn patch(kind: &str, id: &str, operations: Value) -> Self {
        Self::new(Method::PATCH, format!("{kind}/{id}"), Content::JsonPatch, operations)
    }

    /// `POST {base}` with a Bundle.
    pub fn transaction(bundle: Value) -> Self {
        Self::new(Method::POST, String::new(), Content::Fhir, bundle)
    }

    fn new(method: Method, path: String, content: Content, body: Value) -> Self {
        Self { method, path, content, body, conditions: Vec::new() }
    }

    /// Only if the version is still this one.
    #[must_use]
    pub fn if_match(mut self, version: Version) -> Self {
        self.conditions.push((header::IF_MATCH, version.0));
        self
    }

    /// Only if there is no such resource yet: HTTP's own condition on a PUT (RFC 9110, 13.1.2). A server that does not know
    /// it passes it over.
    #[must_use]
    pub fn if_absent(mut self) -> Self {
        self.conditions.push((header::IF_NONE_MATCH, HeaderValue::from_static("*")));
        self
    }

    /// Only if this search finds nothing (R4, conditional create).
    #[must_use]
    pub fn if_none_exist(mut self, query: &str) -> Self {
        if let Ok(query) = HeaderValue::from_str(query) {
            self.conditions.push((HeaderName::from_static("if-none-exist"), query));
        }
        self
    }

    /// What is sent.
    pub fn body(&self) -> &Value {
        &self.body
    }
}

/// A success.
#[derive(Debug, Clone)]
pub struct Changed {
    /// It made something new (201), not found it there already (200).
    pub created: bool,
    /// The body, if the EHR sent one.
    pub body: Option<Value>,
}

impl FhirClient {
    /// Sends a change, once.
    ///
    /// # Errors
    /// [`Error::Refused`] with the status; [`Error::Unreachable`], where [`Error::never_left`] says whether it may have
    /// been applied all the same.
    pub async fn change(&self, token: &SecretString, change: &Change) -> Result<Changed, Error> {
        // The base ends in a slash for joining; a transaction goes to the base itself.
        let url = match change.path.as_str() {
            "" => self.base_itself(),
            path => self.join(path)?,
        };
        let content = match change.content {
            Content::Fhir => "application/fhir+json",
            Content::JsonPatch => "application/json-patch+json",
        };
        let mut request = self
            .http()
            .request(change.method.clone(), url)
            .header(header::ACCEPT, "application/fhir+json")
            .header(header::CONTENT_TYPE, content)
            .bearer_auth(token.expose_secret())
            .body(change.body.to_string());
        for (name, value) in &change.conditions {
            request = request.header(name, value);
        }
        self.leaves();
        let answer = http::send_change(request, BODY_LIMIT).await?;
        answer.success(outcome_code)?;
        let body = answer.json(outcome_code).ok();
        Ok(Changed { created: answer.status == StatusCode::CREATED, body })
    }
}
