//! The session behind the cookie. Reading it keeps it alive; a write must come from a page of ours as well.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use roomed_protocol::ProblemCode;
use std::sync::Arc;

use crate::http::companion::Caller;
use crate::http::problem::{Answer, Refusal};
use crate::http::visit_page::{cookie, same_origin};
use crate::identity::{Clinician, SignedIn};
use crate::keys::one_time;
use crate::relay::Relay;
use crate::store::{Recipient, WebSession};

/// A session in use is written down at most so often.
const EXTEND_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Somebody who is signed in with this browser.
pub(in crate::http) struct WebCaller {
    /// Who.
    pub(in crate::http) clinician: Clinician,
    /// Their app roles, as Entra said when they signed in.
    pub(in crate::http) roles: Vec<String>,
    /// What the store knows the cookie by.
    pub(in crate::http) session: String,
    /// When they signed in, as far as the session's end tells. A session from before `web.session_minutes` was changed
    /// is off by the difference.
    pub(in crate::http) signed_in_at: Timestamp,
}

impl WebCaller {
    /// Who this browser is signed in as.
    pub(in crate::http) async fn of(relay: &Relay, headers: &HeaderMap) -> Answer<Option<Self>> {
        let Some(secret) = cookie(headers, cookie_name(relay)) else { return Ok(None) };
        let (hash, now) = (one_time::hash(secret), relay.clock.now());
        let Some(found) = relay.store.web_session(&hash, now).await? else { return Ok(None) };
        // An organization that is no longer here has nobody signed in.
        if relay.organization(&found.person.organization).is_none() {
            return Ok(None);
        }
        let until = later(now, relay.config.web.idle_minutes).min(found.ends_at);
        if until.duration_since(found.expires_at) >= EXTEND_EVERY {
            relay.store.extend_web_session(&hash, until).await?;
        }
        let name = one_time::open(secret, &found.sealed).and_then(|plain| String::from_utf8(plain).ok());
        let Recipient { organization, tid, oid } = found.person;
        let display_name = name.unwrap_or_default();
        let clinician = Clinician { organization, tid, oid, display_name, sign_in_name: None };
        let signed_in_at = earlier(found.ends_at, relay.config.web.session_minutes);
        Ok(Some(Self { clinician, roles: found.roles, session: hash, signed_in_at }))
    }

    /// The same for one organization's page: somebody of another one is not signed in there.
    pub(in crate::http) async fn at(relay: &Relay, headers: &HeaderMap, organization: &str) -> Answer<Option<Self>> {
        Ok(Self::of(relay, headers).await?.filter(|it| it.clinician.organization == organization))
    }

    /// The same for whatever changes something: from a page of ours only, and only if they are signed in.
    pub(in crate::http) async fn acting(relay: &Relay, headers: &HeaderMap, organization: &str) -> Answer<Self> {
        same_origin(relay, headers)?;
        Self::at(relay, headers, organization).await?.ok_or(Refusal(ProblemCode::NotSignedIn))
    }

    /// As the companion's routes know them.
    pub(in crate::http) fn caller(&self) -> Caller {
        Caller::of_browser(self.clinician.clone())
    }
}

impl FromRequestParts<Arc<Relay>> for WebCaller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, relay: &Arc<Relay>) -> Result<Self, Refusal> {
        Self::of(relay, &parts.headers).await?.ok_or(Refusal(ProblemCode::NotSignedIn))
    }
}

/// Signs a browser in. Answers with its cookie, which ends with the browser.
pub(super) async fn open(relay: &Relay, signed_in: SignedIn) -> Answer<String> {
    let (secret, now) = (relay.random.token(), relay.clock.now());
    let SignedIn { clinician, roles } = signed_in;
    let ends_at = later(now, relay.config.web.session_minutes);
    let session = WebSession {
        hash: one_time::hash(&secret),
        sealed: one_time::seal(&secret, clinician.called().as_bytes()),
        person: Recipient { organization: clinician.organization, tid: clinician.tid, oid: clinician.oid },
        roles,
        ends_at,
        expires_at: later(now, relay.config.web.idle_minutes).min(ends_at),
    };
    relay.store.put_web_session(session).await?;
    Ok(set_cookie(relay, &secret))
}

/// The cookie's name. The prefix makes browsers refuse it from anywhere but this very host, and without https.
pub(in crate::http) fn cookie_name(relay: &Relay) -> &'static str {
    if is_https(relay) { "__Host-roomed-web" } else { "roomed-web" }
}

/// `Lax`, because it must come along when Entra and the EHR send the browser back to us.
fn set_cookie(relay: &Relay, value: &str) -> String {
    let secure = if is_https(relay) { "; Secure" } else { "" };
    format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}", cookie_name(relay))
}

/// Takes the cookie away.
pub(super) fn no_cookie(relay: &Relay) -> String {
    format!("{}; Max-Age=0", set_cookie(relay, ""))
}

fn is_https(relay: &Relay) -> bool {
    relay.config.public_url.starts_with("https://")
}

fn earlier(then: Timestamp, minutes: u32) -> Timestamp {
    then.saturating_sub(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(then)
}

fn later(now: Timestamp, minutes: u32) -> Timestamp {
    now.saturating_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(now)
}
