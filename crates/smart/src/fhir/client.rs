//! FHIR REST at one base URL: read and search, with bounded paging. Nothing is retried here: whether a second try is safe
//! is the caller's to know. Writing is `change.rs`.

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::change::Version;
use super::types::{Bundle, Resource};
use crate::Error;
use crate::http::{self, Answer, BODY_LIMIT, UrlPolicy};

/// Most pages of one search.
const PAGES: usize = 20;

/// A FHIR server.
#[derive(Debug, Clone)]
pub struct FhirClient {
    client: reqwest::Client,
    base: Url,
    leaves: Option<fn()>,
}

impl FhirClient {
    /// `base` is the FHIR base URL as the organization approved it.
    ///
    /// # Errors
    /// [`Error::Address`] if the policy forbids it.
    pub fn new(client: reqwest::Client, base: &str, policy: UrlPolicy) -> Result<Self, Error> {
        let mut base = policy.parse(base)?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.set_query(None);
        Ok(Self { client, base, leaves: None })
    }

    /// `leaves` is told of every request right before it leaves, each page of a search included.
    #[must_use]
    pub fn telling(self, leaves: fn()) -> Self {
        Self { leaves: Some(leaves), ..self }
    }

    /// `GET {base}/{Type}/{id}`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for 404 and 410, else as the EHR has it.
    pub async fn read<R: Resource>(&self, token: &SecretString, id: &str) -> Result<R, Error> {
        self.read_json(token, R::TYPE, id).await
    }

    /// `GET {base}/{Type}/{id}` into any type.
    ///
    /// # Errors
    /// As [`FhirClient::read`].
    pub async fn read_json<T: DeserializeOwned>(&self, token: &SecretString, kind: &str, id: &str) -> Result<T, Error> {
        let (resource, _) = self.read_versioned(token, kind, id).await?;
        serde_json::from_value(resource).map_err(|_| Error::Malformed("unexpected JSON"))
    }

    /// `GET {base}/{Type}/{id}` as it came, with its version if the server keeps any.
    ///
    /// # Errors
    /// As [`FhirClient::read`].
    pub async fn read_versioned(
        &self,
        token: &SecretString,
        kind: &str,
        id: &str,
    ) -> Result<(Value, Option<Version>), Error> {
        let id_is_fhir =
            !id.is_empty() && id.len() <= 128 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if !id_is_fhir || matches!(id, "." | "..") {
            return Err(Error::NotFound);
        }
        let answer = self.get(token, self.join(&format!("{kind}/{id}"))?).await?;
        let value: Value = answer.json(outcome_code)?;
        // A proxy's friendly page or another resource must not pass for what was asked.
        if value.get("resourceType").and_then(Value::as_str) != Some(kind) {
            return Err(Error::Malformed("another resource than asked for"));
        }
        let version = Version::of(&answer.headers, &value);
        Ok((value, version))
    }

    /// `GET {base}/metadata`.
    ///
    /// # Errors
    /// As [`FhirClient::read`].
    pub async fn capabilities(&self, token: &SecretString) -> Result<Value, Error> {
        let value: Value = self.get(token, self.join("metadata")?).await?.json(outcome_code)?;
        if value.get("resourceType").and_then(Value::as_str) != Some("CapabilityStatement") {
            return Err(Error::Malformed("another resource than asked for"));
        }
        Ok(value)
    }

    /// `GET {base}/{Type}?params`, all pages, at most `limit` matches of the type.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond 20 pages or `limit` matches: a half-read list would be taken for the whole.
    pub async fn search<R: Resource>(
        &self,
        token: &SecretString,
        params: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<R>, Error> {
        let found = self.search_json(token, R::TYPE, params, limit).await?.into_iter();
        found.map(|it| serde_json::from_value(it).map_err(|_| Error::Malformed("unexpected JSON"))).collect()
    }

    /// The same, as it came.
    ///
    /// # Errors
    /// As [`FhirClient::search`].
    pub async fn search_json(
        &self,
        token: &SecretString,
        kind: &str,
        params: &[(&str, &str)],
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let mut url = self.join(kind)?;
        url.query_pairs_mut().extend_pairs(params);
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let bundle: Bundle = self.get(token, url).await?.json(outcome_code)?;
            for resource in bundle.entry.into_iter().filter_map(|e| e.resource) {
                if resource.get("resourceType").and_then(Value::as_str) != Some(kind) {
                    continue;
                }
                if found.len() == limit {
                    return Err(Error::TooLarge);
                }
                found.push(resource);
            }
            let Some(next) = bundle.link.into_iter().find(|l| l.relation == "next") else { return Ok(found) };
            url = self.base.join(&next.url).map_err(|_| Error::Malformed("a paging link is not a URL"))?;
            // The token must not follow a link to another server (SMART App Launch 2.2, security).
            if url.origin() != self.base.origin() {
                return Err(Error::Malformed("a paging link leads to another server"));
            }
        }
        Err(Error::TooLarge)
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.client
    }

    /// A request leaves.
    pub(super) fn leaves(&self) {
        if let Some(leaves) = self.leaves {
            leaves();
        }
    }

    pub(super) fn join(&self, path: &str) -> Result<Url, Error> {
        self.base.join(path).map_err(|_| Error::Address("not a URL"))
    }

    /// The base as the organization wrote it, without the slash that joining needs.
    pub(super) fn base_itself(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path(self.base.path().trim_end_matches('/'));
        url
    }

    async fn get(&self, token: &SecretString, url: Url) -> Result<Answer, Error> {
        let request = self.client.get(url).header("accept", "application/fhir+json").bearer_auth(token.expose_secret());
        self.leaves();
        let answer = http::send(request, BODY_LIMIT).await?;
        if matches!(answer.status, 404 | 410) {
            return Err(Error::NotFound);
        }
        Ok(answer)
    }
}

/// The vendor's code of the first issue, else FHIR's.
pub(super) fn outcome_code(body: &Value) -> Option<String> {
    let issue = body.get("issue")?.get(0)?;
    let vendor = issue.pointer("/details/coding/0/code").and_then(Value::as_str);
    vendor.or_else(|| issue.get("code").and_then(Value::as_str)).map(str::to_owned)
}
