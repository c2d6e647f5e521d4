//! What a `/subscriptions` body may say for a meeting's call events, and the object kept for it (microsoft.md 4.1).
//! Pure: the present moment comes in. Leaves out the handshake, the quota and delivery.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::{Host, Url};

use super::envelope::Recipient;
use super::error::GraphError;

/// Longest life of a subscription to a meeting: 4,320 minutes (G-OVERVIEW).
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_mins(4320);
/// Anything shorter is raised to this (SDK property description).
pub(crate) const SHORTEST: SignedDuration = SignedDuration::from_mins(45);
/// Above this a `lifecycleNotificationUrl` is required.
pub(crate) const NEEDS_LIFECYCLE: SignedDuration = SignedDuration::from_hours(1);

const NAMES: [&str; 11] = [
    "@odata.type",
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "includeResourceData",
    "encryptionCertificate",
    "encryptionCertificateId",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
];

/// One application's hold on one meeting's call events.
#[derive(Clone)]
pub(crate) struct Subscription {
    /// GUID.
    pub(crate) id: String,
    /// Client id of the subscriber.
    pub(crate) app_id: String,
    /// Tenant of the meeting.
    pub(crate) tenant_id: String,
    /// Chat thread of the meeting.
    pub(crate) thread: String,
    /// What was asked for and checked.
    pub(crate) asked: Asked,
    /// Delivery rests until someone answers `reauthorizationRequired`.
    pub(crate) paused: bool,
}

/// A checked request body.
#[derive(Clone)]
pub(crate) struct Asked {
    /// `resource`, as given.
    pub(crate) resource: String,
    /// The meeting named by `resource`, decoded once.
    pub(crate) join_web_url: String,
    /// Where notifications go; its query parameters are kept on every delivery.
    pub(crate) notification_url: Url,
    /// Where lifecycle notifications go.
    pub(crate) lifecycle_url: Option<Url>,
    /// Repeated on every notification.
    pub(crate) client_state: Option<String>,
    /// The certificate that content is sealed for.
    pub(crate) recipient: Recipient,
    /// `expirationDateTime`, after the floor.
    pub(crate) expires: Timestamp,
}

impl Subscription {
    /// The subscription as Graph echoes it: without the certificate (G-RICH).
    pub(crate) fn to_json(&self, context: &str) -> Value {
        json!({
            "@odata.context": context,
            "id": self.id,
            "resource": self.asked.resource,
            "applicationId": self.app_id,
            "changeType": "updated",
            "clientState": self.asked.client_state,
            "notificationUrl": self.asked.notification_url,
            "notificationQueryOptions": null,
            "lifecycleNotificationUrl": self.asked.lifecycle_url,
            "expirationDateTime": self.asked.expires.to_string(),
            "creatorId": self.app_id,
            "includeResourceData": true,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": null,
            "encryptionCertificateId": self.asked.recipient.id(),
            "notificationUrlAppId": null,
        })
    }
}

/// Checks a `POST` body.
pub(crate) fn read(body: &Value, now: Timestamp) -> Result<Asked, GraphError> {
    let body = body.as_object().ok_or_else(|| GraphError::bad_request("The request body must be a JSON object."))?;
    if let Some(name) = body.keys().find(|it| !NAMES.contains(&it.as_str())) {
        return Err(GraphError::bad_request(format!(
            "The property '{name}' does not exist on type 'microsoft.graph.subscription' or cannot be set."
        )));
    }
    if text(body, "changeType")? != "updated" {
        return Err(GraphError::validation("Only changeType 'updated' is supported for this resource."));
    }
    let resource = text(body, "resource")?.to_owned();
    let join_web_url = meeting_of(&resource)?;
    if body.get("includeResourceData") != Some(&Value::Bool(true)) {
        return Err(GraphError::validation("includeResourceData must be true for meeting call events."));
    }
    let recipient = recipient(body)?;
    let client_state = match body.get("clientState") {
        None | Some(Value::Null) => None,
        Some(_) => Some(text(body, "clientState")?.to_owned()),
    };
    if client_state.as_ref().is_some_and(|it| it.chars().count() > 128) {
        return Err(GraphError::validation("clientState must not be longer than 128 characters."));
    }
    let notification_url = address(body, "notificationUrl")?;
    let lifecycle_url = match body.get("lifecycleNotificationUrl") {
        None | Some(Value::Null) => None,
        Some(_) => Some(address(body, "lifecycleNotificationUrl")?),
    };
    let expires = expiration(body, lifecycle_url.is_some(), now)?;
    Ok(Asked { resource, join_web_url, notification_url, lifecycle_url, client_state, recipient, expires })
}

/// Checks a `PATCH` body, which may only move `expirationDateTime`.
pub(crate) fn read_renewal(body: &Value, has_lifecycle_url: bool, now: Timestamp) -> Result<Timestamp, GraphError> {
    let body = body.as_object().ok_or_else(|| GraphError::bad_request("The request body must be a JSON object."))?;
    if let Some(name) = body.keys().find(|it| !["expirationDateTime", "@odata.type"].contains(&it.as_str())) {
        return Err(GraphError::bad_request(format!("The property '{name}' of a subscription cannot be updated.")));
    }
    expiration(body, has_lifecycle_url, now)
}

fn expiration(body: &Map<String, Value>, has_lifecycle_url: bool, now: Timestamp) -> Result<Timestamp, GraphError> {
    let asked: Timestamp = text(body, "expirationDateTime")?
        .parse()
        .map_err(|_| GraphError::bad_request("expirationDateTime must be an Edm.DateTimeOffset."))?;
    let life = asked.duration_since(now);
    if life <= SignedDuration::ZERO {
        return Err(GraphError::validation("expirationDateTime must be in the future."));
    }
    if life > LONGEST {
        return Err(GraphError::validation("Subscription expiration can only be 4320 minutes in the future."));
    }
    if life > NEEDS_LIFECYCLE && !has_lifecycle_url {
        return Err(GraphError::validation(
            "lifecycleNotificationUrl is a required property for subscription creation on this resource when \
             the expirationDateTime value is set to greater than 1 hour.",
        ));
    }
    Ok(if life < SHORTEST { now + SHORTEST } else { asked })
}

fn recipient(body: &Map<String, Value>) -> Result<Recipient, GraphError> {
    for name in ["encryptionCertificate", "encryptionCertificateId"] {
        if body.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(GraphError::validation(format!(
                "{name} is a required property for subscription creation when includeResourceData is set to true."
            )));
        }
    }
    let id = text(body, "encryptionCertificateId")?;
    if id.chars().count() > 128 {
        return Err(GraphError::validation("encryptionCertificateId must not be longer than 128 characters."));
    }
    Recipient::parse(text(body, "encryptionCertificate")?, id).map_err(|why| GraphError::validation(why.to_string()))
}

/// The meeting's `joinWebUrl` out of `communications/onlineMeetings(joinWebUrl='...')/meetingCallEvents`.
/// The join link is percent-encoded already and must have been encoded once more.
fn meeting_of(resource: &str) -> Result<String, GraphError> {
    let inside = resource
        .strip_prefix('/')
        .unwrap_or(resource)
        .strip_prefix("communications/onlineMeetings(joinWebUrl='")
        .and_then(|it| it.strip_suffix("')/meetingCallEvents"))
        .ok_or_else(|| {
            GraphError::validation("The resource is not one that change notifications are supported for.")
        })?;
    if inside.is_empty() || inside.contains(['/', ':', '?', '&', '=', '\'']) {
        return Err(GraphError::validation("The joinWebUrl in the resource must be URL encoded."));
    }
    percent_decode(inside).ok_or_else(|| GraphError::validation("The joinWebUrl in the resource must be URL encoded."))
}

/// One round of percent-decoding; `None` for a broken escape.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn address(body: &Map<String, Value>, name: &str) -> Result<Url, GraphError> {
    let wrong = || GraphError::validation(format!("The {name} must be an absolute https address."));
    let url = Url::parse(text(body, name)?).map_err(|_| wrong())?;
    let loopback = match url.host() {
        Some(Host::Ipv4(it)) => it.is_loopback(),
        Some(Host::Ipv6(it)) => it.is_loopback(),
        Some(Host::Domain(it)) => it == "localhost",
        None => false,
    };
    // Graph takes https only; plain http is this sandbox's one concession, and only on loopback
    if url.scheme() == "https" || (url.scheme() == "http" && loopback) { Ok(url) } else { Err(wrong()) }
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a str, GraphError> {
    match body.get(name).and_then(Value::as_str) {
        Some(it) if !it.is_empty() => Ok(it),
        _ => Err(GraphError::validation(format!("{name} is a required property and must be a string."))),
    }
}
