//! How we talk HTTP to an EHR: no redirects, https only, bounded in time and bytes.
//! Redirects are off because a followed one would carry tokens to a host nobody approved (SMART App Launch 2.2, 4.0.2).

use std::time::Duration;

use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::Error;

/// Most bytes we read of one answer.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Which addresses may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPolicy {
    /// `https` only.
    HttpsOnly,
    /// `https`, and `http` to a loopback host: development, sandbox and tests.
    AllowLoopbackHttp,
}

impl UrlPolicy {
    /// Parses and checks an address.
    ///
    /// # Errors
    /// [`Error::Address`] for anything but an absolute address of an allowed scheme without user info and fragment.
    pub fn parse(self, text: &str) -> Result<Url, Error> {
        let url = Url::parse(text).map_err(|_| Error::Address("not a URL"))?;
        self.check(&url)?;
        Ok(url)
    }

    /// Checks an address.
    ///
    /// # Errors
    /// As [`UrlPolicy::parse`].
    pub fn check(self, url: &Url) -> Result<(), Error> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Address("it carries user info"));
        }
        if url.fragment().is_some() {
            return Err(Error::Address("it carries a fragment"));
        }
        match url.scheme() {
            "https" if url.host().is_some() => Ok(()),
            "http" if self == Self::AllowLoopbackHttp && is_loopback(url) => Ok(()),
            _ => Err(Error::Address("it is not https")),
        }
    }
}

/// True if the host is this machine: `localhost` or a loopback literal.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// An HTTP client fit for this crate: rustls, no redirects, time limits.
/// Under [`UrlPolicy::AllowLoopbackHttp`] a proxy of the environment is passed over, for it could not reach our loopback.
///
/// # Errors
/// [`Error::Unreachable`] if TLS cannot be set up.
pub fn client(policy: UrlPolicy) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_backend_rustls()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(ANSWER_LIMIT);
    let builder = match policy {
        UrlPolicy::HttpsOnly => builder.https_only(true),
        UrlPolicy::AllowLoopbackHttp => builder.no_proxy(),
    };
    builder.build().map_err(|_| Error::Unreachable("TLS set-up"))
}

/// Sends, reads at most `limit` bytes, and returns them with status and `Retry-After`.
pub(crate) async fn send(request: reqwest::RequestBuilder, limit: usize) -> Result<Answer, Error> {
    let mut response = request.send().await.map_err(|e| Error::from_transport(&e))?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.trim().parse::<f64>().ok());
    let retry_after = retry_after.filter(|s| (0.0..86_400.0).contains(s)).map(|s| s.ceil() as u64);
    if response.content_length().is_some_and(|n| n > limit as u64) {
        return Err(Error::TooLarge);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| Error::from_transport(&e))? {
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, retry_after, body })
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a success, or why not. `code_of` finds the vendor's or the standard's code in an error body.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        code_of: fn(&serde_json::Value) -> Option<String>,
    ) -> Result<T, Error> {
        if (200..300).contains(&self.status) {
            return serde_json::from_slice(&self.body).map_err(|_| Error::Malformed("unexpected JSON"));
        }
        let code = serde_json::from_slice::<serde_json::Value>(&self.body).ok().and_then(|v| code_of(&v));
        let code = code.filter(|c| c.len() <= 64 && c.chars().all(|c| c.is_ascii_graphic()));
        Err(Error::Refused { status: self.status, code, retry_after: self.retry_after })
    }
}

/// The `error` of an OAuth error body (RFC 6749, 5.2).
pub(crate) fn oauth_code(body: &serde_json::Value) -> Option<String> {
    Some(body.get("error")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_or_loopback_by_policy() {
        let strict = UrlPolicy::HttpsOnly;
        let dev = UrlPolicy::AllowLoopbackHttp;
        assert!(strict.parse("https://ehr.example/FHIR/R4").is_ok());
        assert!(strict.parse("http://127.0.0.1:1/").is_err());
        assert!(dev.parse("http://127.0.0.1:1/").is_ok());
        assert!(dev.parse("http://localhost/").is_ok());
        assert!(dev.parse("http://[::1]:9/").is_ok());
        for bad in [
            "http://ehr.example/",
            "http://127.0.0.1.example/",
            "http://localhost.example/",
            "ftp://127.0.0.1/",
            "https://u:p@ehr.example/",
            "https://ehr.example/#x",
            "/relative",
            "",
        ] {
            assert!(dev.parse(bad).is_err(), "{bad}");
        }
    }
}
