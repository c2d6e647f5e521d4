//! FHIR REST at one base URL: read and search, with bounded paging. Nothing is retried here and nothing is written:
//! whether a second try is safe is the caller's to know.

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::types::{Bundle, Resource};
use crate::Error;
use crate::http::{self, BODY_LIMIT, UrlPolicy};

/// Most pages of one search.
const PAGES: usize = 20;

/// A FHIR server.
#[derive(Debug, Clone)]
pub struct FhirClient {
    client: reqwest::Client,
    base: Url,
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
        Ok(Self { client, base })
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
        let id_is_fhir =
            !id.is_empty() && id.len() <= 128 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if !id_is_fhir || matches!(id, "." | "..") {
            return Err(Error::NotFound);
        }
        let url = self.base.join(&format!("{kind}/{id}")).map_err(|_| Error::Address("not a URL"))?;
        let value: Value = self.get(token, url).await?;
        // A proxy's friendly page or another resource must not pass for what was asked.
        if value.get("resourceType").and_then(Value::as_str) != Some(kind) {
            return Err(Error::Malformed("another resource than asked for"));
        }
        serde_json::from_value(value).map_err(|_| Error::Malformed("unexpected JSON"))
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
        let mut url = self.base.join(R::TYPE).map_err(|_| Error::Address("not a URL"))?;
        url.query_pairs_mut().extend_pairs(params);
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let bundle: Bundle = self.get(token, url).await?;
            for resource in bundle.entry.into_iter().filter_map(|e| e.resource) {
                if resource.get("resourceType").and_then(Value::as_str) != Some(R::TYPE) {
                    continue;
                }
                if found.len() == limit {
                    return Err(Error::TooLarge);
                }
                found.push(serde_json::from_value(resource).map_err(|_| Error::Malformed("unexpected JSON"))?);
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

    async fn get<T: DeserializeOwned>(&self, token: &SecretString, url: Url) -> Result<T, Error> {
        let request = self.client.get(url).header("accept", "application/fhir+json").bearer_auth(token.expose_secret());
        let answer = http::send(request, BODY_LIMIT).await?;
        if matches!(answer.status, 404 | 410) {
            return Err(Error::NotFound);
        }
        answer.json(outcome_code)
    }
}

/// The vendor's code of the first issue, else FHIR's.
fn outcome_code(body: &Value) -> Option<String> {
    let issue = body.get("issue")?.get(0)?;
    let vendor = issue.pointer("/details/coding/0/code").and_then(Value::as_str);
    vendor.or_else(|| issue.get("code").and_then(Value::as_str)).map(str::to_owned)
}
