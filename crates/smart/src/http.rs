//! How we talk HTTP to an EHR: no redirects, https only, bounded in time and bytes; where a name may lead is `guard.rs`.
//! Redirects are off because a followed one would carry tokens to a host nobody approved (SMART App Launch 2.2, 4.0.2).

use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::Error;
use crate::guard::Guard;

/// Most bytes we read of one answer.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// Which addresses may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPolicy {
    /// `https` to a server by its name only.
    HttpsOnly,
    /// As that, and `http` to a loopback host: development, sandbox and tests.
    AllowLoopbackHttp,
}

impl UrlPolicy {
    /// Parses and checks an address.
    ///
    /// # Errors
    /// [`Error::Address`] for anything but an absolute address of an allowed scheme without user info and fragment, and
    /// for a server's number in place of its name, which a certificate seldom holds and no [`Guard`] would see.
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
        match (url.scheme(), url.host()) {
            ("https", Some(Host::Domain(_))) => Ok(()),
            ("https", Some(_)) if self != Self::AllowLoopbackHttp || !is_loopback(url) => {
                Err(Error::Address("it has a number where the server's name belongs"))
            }
            ("https", Some(_)) => Ok(()),
            ("http", _) if self == Self::AllowLoopbackHttp && is_loopback(url) => Ok(()),
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
    made(match policy {
        UrlPolicy::HttpsOnly => builder().https_only(true),
        UrlPolicy::AllowLoopbackHttp => builder().no_proxy(),
    })
}

/// The same for addresses that people typed into us: names lead only where `guard` lets them. A proxy of the environment is
/// passed over, for it would look the names up itself.
///
/// # Errors
/// As [`client`].
pub fn guarded(policy: UrlPolicy, guard: Guard) -> Result<reqwest::Client, Error> {
    let builder = builder().no_proxy();
    made(match policy {
        UrlPolicy::HttpsOnly => builder.https_only(true).dns_resolver(guard),
        UrlPolicy::AllowLoopbackHttp => builder.dns_resolver(guard.with_loopback()),
    })
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .tls_backend_rustls()
        // So that the doctor can read when a certificate ends.
        .tls_info(true)
        .connect_timeout(CONNECT_LIMIT)
        .timeout(ANSWER_LIMIT)
}

fn made(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|_| Error::Unreachable("TLS set-up"))
}

/// Sends, reads at most `limit` bytes, and returns them with status and headers.
pub(crate) async fn send(request: reqwest::RequestBuilder, limit: usize) -> Result<Answer, Error> {
    let mut response = request.send().await.map_err(|e| Error::from_transport(&e))?;
    let mut answer =
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body: Vec::new() };
    answer.body = read(&mut response, limit).await?;
    Ok(answer)
}

/// The same for a request that changes something: once the EHR has said 2xx it is done, whatever becomes of the body.
pub(crate) async fn send_change(request: reqwest::RequestBuilder, limit: usize) -> Result<Answer, Error> {
    let mut response = request.send().await.map_err(|e| Error::from_transport(&e))?;
    let mut answer =
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body: Vec::new() };
    // A refusal whose words are lost is still a refusal.
    answer.body = read(&mut response, limit).await.unwrap_or_default();
    Ok(answer)
}

async fn read(response: &mut reqwest::Response, limit: usize) -> Result<Vec<u8>, Error> {
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
    Ok(body)
}

/// Longest `Retry-After` we believe.
const LONGEST_WAIT: u64 = 86_400;

/// `Retry-After` in seconds (RFC 9110, 10.2.3). A date is measured by the answer's own `Date`, so no clock of ours matters.
pub fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let asked = text(header::RETRY_AFTER)?;
    let seconds = match asked.parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|it| it.timestamp().as_second());
            let wait = date(asked)?.checked_sub(date(text(header::DATE)?)?)?;
            wait.max(0) as f64
        }
    };
    (0.0..LONGEST_WAIT as f64).contains(&seconds).then(|| seconds.ceil() as u64)
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a success, or why not. `code_of` finds the vendor's or the standard's code in an error body.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        code_of: fn(&serde_json::Value) -> Option<String>,
    ) -> Result<T, Error> {
        self.success(code_of)?;
        serde_json::from_slice(&self.body).map_err(|_| Error::Malformed("unexpected JSON"))
    }

    /// Nothing on success, or why not.
    pub(crate) fn success(&self, code_of: fn(&serde_json::Value) -> Option<String>) -> Result<(), Error> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let code = serde_json::from_slice::<serde_json::Value>(&self.body).ok().and_then(|v| code_of(&v));
        let code = code.filter(|c| c.len() <= 64 && c.chars().all(|c| c.is_ascii_graphic()));
        Err(Error::Refused { status: self.status, code, retry_after: retry_after(&self.headers) })
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
        assert!(strict.parse("https://127.0.0.1:1/").is_err());
        assert!(dev.parse("https://127.0.0.1:1/").is_ok());
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
            "https://203.0.113.9/",
            "https://[2606:4700::1111]/",
            "/relative",
            "",
        ] {
            assert!(dev.parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_measured_by_the_answers_own() {
        let wait = |retry_after: &'static str, date: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static(retry_after));
            if let Some(date) = date {
                headers.insert(header::DATE, header::HeaderValue::from_static(date));
            }
            super::retry_after(&headers)
        };
        let then = "Sun, 22 Nov 2026 10:00:30 GMT";
        let now = Some("Sun, 22 Nov 2026 10:00:00 GMT");
        assert_eq!(wait("120", now), Some(120));
        assert_eq!(wait(" 1.5", None), Some(2));
        assert_eq!(wait(then, now), Some(30));
        assert_eq!(wait("Sun, 22 Nov 2026 09:00:00 GMT", now), Some(0), "it is over already");
        for (senseless, date) in [("-1", now), ("soon", now), ("90000", now), (then, None), (then, Some("noon"))] {
            assert_eq!(wait(senseless, date), None, "{senseless}");
        }
        assert_eq!(super::retry_after(&HeaderMap::new()), None);
    }
}
