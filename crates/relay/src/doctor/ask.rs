//! One bounded GET without credentials, by a client of the relay's (no redirects, its guard), and what its answer tells beside
//! the body: the server's clock and when its certificate ends.

use std::error::Error;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header;
use reqwest::tls::TlsInfo;
use roomed_smart::guard::Forbidden;
use rustls::CertificateError as Fault;
use serde_json::Value;
use url::Url;

use crate::clock::Clock;
use crate::identity::fetch::limited_body;
use crate::meeting::graph::certificate::end_of;

/// One request: several fit into what an organization or EHR is given.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// An Epic's CapabilityStatement has about a megabyte.
const LARGEST: usize = 4 * 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// By how much the server's clock is ahead of ours, from its `Date`.
    pub(super) ahead: Option<SignedDuration>,
    /// When the server's certificate ends.
    pub(super) ends: Option<Timestamp>,
    body: Vec<u8>,
}

/// Nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// The name leads where nothing of ours may go.
    Forbidden,
    /// The server's certificate has ended.
    Expired,
    /// It is not believed for another reason.
    Untrusted,
    /// There is no way there.
    NoConnection,
    /// Not in time.
    Time,
    /// Only a part, or too much.
    Broken,
}

impl Silence {
    /// For the report.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Forbidden => "the name leads into a network that is not allowed",
            Self::Expired => "the server's certificate has ended",
            Self::Untrusted => "the server's certificate is not trusted",
            Self::NoConnection => "no connection",
            Self::Time => "no answer in time",
            Self::Broken => "the answer broke off, or was too large",
        }
    }

    fn of(error: &reqwest::Error) -> Self {
        if Forbidden::is_why(error) {
            return Self::Forbidden;
        }
        match certificate_fault(error) {
            Some(Fault::Expired | Fault::ExpiredContext { .. }) => Self::Expired,
            Some(_) => Self::Untrusted,
            None if error.is_timeout() => Self::Time,
            None if error.is_connect() => Self::NoConnection,
            None => Self::Broken,
        }
    }
}

impl Answer {
    /// True for 200.
    pub(super) fn is_ok(&self) -> bool {
        self.status == 200
    }

    /// The body as it is.
    pub(super) fn text(&self) -> &[u8] {
        &self.body
    }

    /// The body, if it is JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Asks once.
pub(super) async fn get(http: &reqwest::Client, url: Url, accept: &str, clock: &dyn Clock) -> Result<Answer, Silence> {
    let sent = http.get(url).header(header::ACCEPT, accept).timeout(PATIENCE).send().await;
    let response = sent.map_err(|error| Silence::of(&error))?;
    let said = response.headers().get(header::DATE).and_then(|it| it.to_str().ok());
    let ahead = said.and_then(|date| ahead(date, clock.now()));
    let ends = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).and_then(end_of);
    let status = response.status().as_u16();
    let body = limited_body(response, LARGEST).await.map_err(|_| Silence::Broken)?;
    Ok(Answer { status, ahead, ends, body })
}

/// By how much a `Date` is ahead of `now`.
fn ahead(date: &str, now: Timestamp) -> Option<SignedDuration> {
    Some(jiff::fmt::rfc2822::parse(date).ok()?.timestamp().duration_since(now))
}

/// What rustls has against the server's certificate. It lies in I/O errors, which pass over what is in them when asked for a
/// source.
fn certificate_fault(error: &reqwest::Error) -> Option<Fault> {
    let mut at: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(it) = at {
        if let Some(rustls::Error::InvalidCertificate(fault)) = it.downcast_ref() {
            return Some(fault.clone());
        }
        let inner = it.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        at = inner.map(|it| it as &(dyn Error + 'static)).or_else(|| it.source());
    }
    None
}

#[cfg(test)]
mod tests;
