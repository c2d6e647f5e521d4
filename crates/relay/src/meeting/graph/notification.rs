//! The envelope Graph posts: a list of notifications for several subscriptions and tenants, and the tokens that vouch
//! for them. Nothing in it is believed yet (`receive.rs`); bounds are checked before anything costs much.

use serde_json::Value;

use super::decrypt::EncryptedContent;
use super::event::{field, guid, text};
use super::receive::DropReason;

/// Hard limit of a webhook's body, whatever the configuration allows.
pub const MAX_BODY: usize = 4 * 1024 * 1024;
const MAX_ITEMS: usize = 1_000;
const MAX_TOKENS: usize = 64;
/// Largest sealed content: a roster of hundreds.
const MAX_CONTENT: usize = 1024 * 1024;

/// One POST, parsed and unproven.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) items: Vec<Item>,
    pub(crate) tokens: Vec<String>,
    pub(crate) malformed: usize,
}

/// One notification in it.
pub(crate) struct Item {
    pub(crate) subscription_id: String,
    pub(crate) client_state: String,
    pub(crate) tid: Option<String>,
    pub(crate) lifecycle: Option<LifecycleKind>,
    pub(crate) content: Option<Content>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // clientState is a secret
        f.debug_struct("Item").field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) certificate_id: String,
    pub(crate) sealed: EncryptedContent,
}

/// Graph tells about the subscription itself (reference/microsoft.md 4.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleEvent {
    /// Which.
    pub subscription_id: String,
    /// What.
    pub kind: LifecycleKind,
}

/// What became of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifecycleKind {
    /// Renew it.
    ReauthorizationRequired,
    /// Watch again, and look at what was missed.
    SubscriptionRemoved,
    /// Look at what was missed.
    Missed,
    /// Something newer.
    Other,
}

impl Batch {
    /// Parses a body. Never panics, whatever it holds.
    pub fn parse(body: &[u8]) -> Result<Self, DropReason> {
        if body.len() > MAX_BODY {
            return Err(DropReason::TooLarge);
        }
        let envelope: Value = serde_json::from_slice(body).map_err(|_| DropReason::NotAnEnvelope)?;
        let items = field(&envelope, &["value"]).and_then(Value::as_array).ok_or(DropReason::NotAnEnvelope)?;
        let tokens = field(&envelope, &["validationTokens"]).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if items.len() > MAX_ITEMS || tokens.len() > MAX_TOKENS {
            return Err(DropReason::TooLarge);
        }
        // A token that is no text still counts as one: it fails to verify
        let tokens = tokens.iter().map(|it| it.as_str().unwrap_or_default().to_owned()).collect();
        let read: Vec<Item> = items.iter().filter_map(item).collect();
        Ok(Self { malformed: items.len() - read.len(), items: read, tokens })
    }

    /// The subscriptions it claims to be about, each once: look these up before `Receiver::receive`.
    pub fn subscriptions(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.items.iter().map(|it| it.subscription_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

fn item(value: &Value) -> Option<Item> {
    Some(Item {
        subscription_id: text(value, &["subscriptionId"])?.to_owned(),
        client_state: text(value, &["clientState"]).unwrap_or_default().to_owned(),
        tid: text(value, &["tenantId", "organizationId"]).and_then(guid),
        lifecycle: text(value, &["lifecycleEvent"]).map(|it| match it {
            "reauthorizationRequired" => LifecycleKind::ReauthorizationRequired,
            "subscriptionRemoved" => LifecycleKind::SubscriptionRemoved,
            "missed" => LifecycleKind::Missed,
            _ => LifecycleKind::Other,
        }),
        content: field(value, &["encryptedContent"]).and_then(content),
    })
}

fn content(value: &Value) -> Option<Content> {
    let long = |name| field(value, &[name])?.as_str().filter(|it| it.len() <= MAX_CONTENT).map(str::to_owned);
    Some(Content {
        certificate_id: text(value, &["encryptionCertificateId"])?.to_owned(),
        sealed: EncryptedContent {
            data: long("data")?,
            data_signature: long("dataSignature")?,
            data_key: long("dataKey")?,
        },
    })
}
