//! One call to Graph: token, time limits, `Retry-After`, and an answer that is a value or a typed failure.
//! What is asked is `teams.rs`'s and `subscription.rs`'s business. Messages of Graph are read, never logged:
//! they can hold user ids.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::HeaderMap;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use super::token::{AppToken, Credentials};
use crate::clock::Clock;
use crate::identity::fetch::limited_body;
use crate::meeting::{MeetingError, RefusalReason};

/// Largest answer read; a meeting with its options is some 10 KiB.
const MAX_ANSWER: usize = 2 * 1024 * 1024;
/// A `Retry-After` passed on to the caller is at most this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// How patient a call is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// One request. Subscribing takes long: Graph first calls us back, twice, with 10 s each.
    pub attempt: Duration,
    /// Everything about one call, waits included.
    pub total: Duration,
    /// Requests per call, at most.
    pub attempts: u32,
    /// The first wait where Graph names none; doubled each time.
    pub first_wait: Duration,
}

impl Pace {
    /// For one request of `attempt`.
    pub fn of(attempt: Duration) -> Self {
        Self { attempt, total: attempt * 2, attempts: 4, first_wait: Duration::from_millis(200) }
    }
}

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Graph answered that it will not.
    Refused {
        /// HTTP status.
        status: u16,
        /// As we understand it.
        reason: RefusalReason,
    },
    /// Not done, and may be asked again after a while.
    Busy {
        /// What Graph asks for.
        wait: Option<Duration>,
    },
    /// It may or may not have been done.
    Unknown,
}

impl Failure {
    pub(crate) fn refused(status: u16, reason: RefusalReason) -> Self {
        Self::Refused { status, reason }
    }
}

impl From<Failure> for MeetingError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { reason, .. } => Self::Refused { reason },
            Failure::Busy { wait } => Self::Unreachable { retry_after: wait.map(|it| it.min(MAX_RETRY_AFTER)) },
            Failure::Unknown => Self::Unreachable { retry_after: None },
        }
    }
}

/// Whether a call may be sent again when nobody knows what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is as good as once.
    Always,
    /// Only when Graph says that it did nothing.
    WhenNotDone,
    /// Never: whoever asks decides anew.
    Never,
}

/// Graph, as one organization's application.
pub struct Graph {
    http: reqwest::Client,
    token: AppToken,
    pace: Pace,
}

impl Graph {
    /// `http` must follow no redirects.
    pub fn new(http: reqwest::Client, credentials: Credentials, pace: Pace, clock: Arc<dyn Clock>) -> Self {
        Self { token: AppToken::new(http.clone(), credentials, clock), http, pace }
    }

    /// Calls until there is an answer, the attempts are used up, or the time is. An empty answer is `null`.
    pub(crate) async fn call(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        repeat: Repeat,
    ) -> Result<Value, Failure> {
        let mut last = Failure::Unknown;
        let work = self.attempts(&method, &url, body, repeat, &mut last);
        let outcome = tokio::time::timeout(self.pace.total, work).await;
        outcome.unwrap_or(Err(last))
    }

    /// The next call asks for a new token: what the app may do has perhaps changed.
    pub(crate) async fn forget_token(&self) {
        self.token.forget_any().await;
    }

    async fn attempts(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&Value>,
        repeat: Repeat,
        last: &mut Failure,
    ) -> Result<Value, Failure> {
        let mut wait = self.pace.first_wait;
        for attempt in 1.. {
            *last = Failure::Unknown;
            let failure = match self.once(method, url, body).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let hopeless = match &failure {
                Failure::Refused { .. } => true,
                _ if repeat == Repeat::Never => true,
                Failure::Unknown => repeat == Repeat::WhenNotDone,
                Failure::Busy { wait } => wait.is_some_and(|it| it >= self.pace.total),
            };
            if hopeless || attempt >= self.pace.attempts {
                return Err(failure);
            }
            let asked = if let Failure::Busy { wait } = &failure { *wait } else { None };
            *last = failure;
            pause(asked.unwrap_or(wait)).await;
            wait *= 2;
        }
        Err(last.clone())
    }

    /// One request; a second one with a new token if Graph finds the first one's stale.
    async fn once(&self, method: &Method, url: &Url, body: Option<&Value>) -> Result<Value, Failure> {
        for fresh in [false, true] {
            let token = self.token.get(self.pace.attempt).await?;
            let mut request = self.http.request(method.clone(), url.clone()).timeout(self.pace.attempt);
            request = request.bearer_auth(token.expose_secret());
            if let Some(body) = body {
                request = request.json(body);
            }
            let response = request.send().await.map_err(|error| {
                // Never connected: certainly not done
                if error.is_connect() { Failure::Busy { wait: None } } else { Failure::Unknown }
            })?;
            let status = response.status();
            let wait = retry_after(response.headers());
            let body = limited_body(response, MAX_ANSWER).await.map_err(|_| Failure::Unknown)?;
            if status.is_success() {
                let empty = body.iter().all(u8::is_ascii_whitespace);
                return if empty {
                    Ok(Value::Null)
                } else {
                    serde_json::from_slice(&body).map_err(|_| Failure::refused(status.as_u16(), RefusalReason::Answer))
                };
            }
            let failure = understand(status.as_u16(), wait, &body);
            let stale = matches!(failure, Failure::Refused { status: 401, reason: RefusalReason::PermissionMissing });
            if !stale || fresh {
                tracing::warn!(status = status.as_u16(), ?failure, "Graph did not do what was asked");
                return Err(failure);
            }
            self.token.forget(&token).await;
        }
        Err(Failure::Unknown)
    }
}

/// Reads a refusal. The access policy shows only in the message, as 401 or 403 (reference/microsoft.md 1.8).
fn understand(status: u16, wait: Option<Duration>, body: &[u8]) -> Failure {
    match status {
        429 => return Failure::Busy { wait },
        503 if wait.is_some() => return Failure::Busy { wait },
        500.. => return Failure::Unknown,
        _ => {}
    }
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let message = body["error"]["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    let policy = message.contains("application access policy")
        || (message.contains("not authorized") && message.contains("on behalf of"));
    let reason = match status {
        _ if policy => RefusalReason::AccessPolicyMissing,
        401 | 403 => RefusalReason::PermissionMissing,
        400 if message.contains("validation request") => RefusalReason::NotificationAddress,
        _ => RefusalReason::Request,
    };
    Failure::refused(status, reason)
}

/// `Retry-After` in seconds; Graph's can be fractional (`2.128`).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(MAX_RETRY_AFTER.as_secs_f64())))
}

/// A wait that the call's total time bounds.
async fn pause(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}
