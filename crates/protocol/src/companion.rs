//! What the companion asks of the relay around sign-in and launch. Answers about a visit are in `visit`.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::staff::WaitThresholds;

/// `GET /api/v1/organizations/{key}/sign-in`: what a companion needs before anyone has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignInView {
    /// The organization's display name.
    pub organization: String,
    /// The Entra tenant's issuer, e.g. `https://login.microsoftonline.com/{tid}/v2.0`.
    pub authority: String,
    /// The companion's public client id in that tenant.
    pub client_id: String,
    /// The relay's API scope to ask for, beside `openid profile offline_access`.
    pub scope: String,
}

/// How an EHR connection wants the clinician's SMART redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum LaunchRedirect {
    /// Straight to `http://127.0.0.1:{port}/callback` (RFC 8252, 7.3).
    Loopback,
    /// To the relay's `https` callback, which answers 303 to the registered loopback port.
    Relay,
}

/// One approved EHR connection of the clinician's organization. Only its `iss` may be launched from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct EhrConnection {
    /// The FHIR base URL, exactly as the EHR sends it in `iss`.
    pub iss: String,
    /// The companion's public SMART client id at that EHR.
    pub client_id: String,
    /// Where the authorization code is to be sent.
    pub redirect: LaunchRedirect,
    /// `test` or `production`, shown to the clinician when it is `test`.
    pub environment: String,
}

/// `GET /api/v1/me`: who the Microsoft token proves, and from where a launch may come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct MeView {
    /// The organization's display name.
    pub organization: String,
    /// The clinician's display name as Entra has it; for the screen only.
    pub display_name: String,
    /// Approved EHR connections.
    pub ehr_connections: Vec<EhrConnection>,
    /// Where the EHR is to send the code when `redirect` is `relay`.
    pub callback_url: String,
    /// Seconds between repeats of an alert nobody acknowledged.
    pub alert_repeat_seconds: u32,
    /// True for a delegate, who is alerted when nobody else can be.
    pub delegate: bool,
    /// From when a wait is long.
    #[serde(default)]
    pub waiting: WaitThresholds,
    /// What an invitation may be sent by: `email`, `sms`; by hand is always possible.
    #[serde(default)]
    pub sends: Vec<String>,
}

/// `POST /api/v1/nonces`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NonceRequest {
    /// The `iss` the launch named.
    pub iss: String,
}

/// A nonce for one SMART launch, bound to this clinician and `iss`, good once and for five minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NonceView {
    /// Goes into the authorization request and must come back in the EHR's `id_token`.
    pub nonce: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// `PUT /api/v1/callbacks`: lets the relay's https callback find the loopback port of this launch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CallbackRegistration {
    /// Lower-case hex SHA-256 of the launch's `state`.
    pub state_sha256: String,
    /// The loopback port the companion listens on.
    pub port: u16,
}

/// `POST /api/v1/launches`: the proof that this clinician was in that chart. The relay believes none of it unproven.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct LaunchProof {
    /// The EHR that was launched from.
    pub iss: String,
    /// The EHR's signed statement of who launched, carrying our nonce.
    pub id_token: String,
    /// The one-time handle of the https launch page; absent for a native launch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub handle: Option<String>,
    /// `patient` of the token response (a FHIR id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub patient: Option<String>,
    /// `encounter` of the token response (a FHIR id).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub encounter: Option<String>,
    /// The clinician said that they cover for a colleague.
    #[serde(default)]
    pub covering: bool,
    /// The word of [`FirstLink`]: the clinician said that they are the person in the chart as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub first_link: Option<String>,
}

impl std::fmt::Debug for LaunchProof {
    // The id_token and the handle are secrets and the context is clinical: none of it may reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaunchProof").field("covering", &self.covering).finish_non_exhaustive()
    }
}

/// The member `first_link` of the problem `first-link` (RFC 9457, 3.2): what a clinician is asked before their EHR user and
/// their Microsoft account are linked for good. Saying yes is the same proof once more, with [`LaunchProof::first_link`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct FirstLink {
    /// Good once, for this proof, for as long as its nonce.
    pub word: String,
    /// Display name of the Microsoft account, as Entra has it; else its sign-in name; empty if Entra says neither.
    pub account: String,
    /// Name of the EHR user, if the EHR gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub ehr_user: Option<String>,
}

impl std::fmt::Debug for FirstLink {
    // A secret and two names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FirstLink { .. }")
    }
}

/// `POST /api/v1/visits/{id}/join`: how to open the meeting.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct JoinView {
    /// `msteams:/l/...`, absent where the link has a form the desktop client is not known to open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub teams_url: Option<String>,
    /// The `joinWebUrl`, which always works in a browser.
    pub https_url: String,
}

impl std::fmt::Debug for JoinView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JoinView { .. }")
    }
}
