//! From an unproven batch to events: clientState, then every validation token, then decryption, in this order, so that
//! a stranger who does not know a clientState causes no request and no RSA. The webhook answers 202 whatever comes
//! out, so that a forger learns nothing (G-RICH); `undecided` alone may be answered 503.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_lc_rs::digest;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::certificate::Certificates;
use super::notification::{Batch, Content, Item, LifecycleEvent};
use super::validation::{self, Voucher};
use super::{decrypt, event};
use crate::clock::Clock;
use crate::config::Organization;
use crate::identity::TokenFault;
use crate::meeting::MeetingEvent;

/// Why something was not believed. Counted, never told to the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropReason {
    /// The body, its list or one content is too large.
    TooLarge,
    /// Not the JSON Graph sends.
    NotAnEnvelope,
    /// No such watch.
    UnknownSubscription,
    /// Not the secret we gave Graph.
    ClientState,
    /// Of another tenant than the watch.
    Tenant,
    /// No validation token for the organization.
    Unvouched,
    /// A validation token that does not hold up spoils the batch.
    ValidationToken,
    /// The keys to verify tokens cannot be read: let Graph deliver again.
    KeysUnreachable,
    /// No sealed content: all it would tell is an id.
    NoContent,
    /// Sealed for a certificate we do not have (any more).
    UnknownCertificate,
    /// Does not open.
    Sealed,
    /// Opens, but is no call event.
    NotAnEvent,
}

impl DropReason {
    /// The metric's label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotAnEnvelope => "not-an-envelope",
            Self::UnknownSubscription => "unknown-subscription",
            Self::ClientState => "client-state",
            Self::Tenant => "tenant",
            Self::Unvouched => "unvouched",
            Self::ValidationToken => "validation-token",
            Self::KeysUnreachable => "keys-unreachable",
            Self::NoContent => "no-content",
            Self::UnknownCertificate => "unknown-certificate",
            Self::Sealed => "sealed",
            Self::NotAnEvent => "not-an-event",
        }
    }
}

/// What the store knows about a watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The organization's key.
    pub organization: String,
    /// [`client_state_hash`] of the secret.
    pub client_state_hash: String,
}

/// What came of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// In the order delivered, which is not the order they happened in.
    pub events: Vec<MeetingEvent>,
    /// About subscriptions themselves.
    pub lifecycle: Vec<LifecycleEvent>,
    /// One per notification not believed.
    pub dropped: Vec<DropReason>,
    /// Something real may have been dropped because Entra's keys could not be read: answer 503, Graph tries again.
    pub undecided: bool,
}

/// The form in which a `clientState` is kept: lower-case hex SHA-256.
pub fn client_state_hash(client_state: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, client_state.as_bytes()))
}

/// Opens batches for all organizations of this relay.
pub struct Receiver {
    vouchers: HashMap<String, Voucher>,
    certificates: Arc<Certificates>,
    clock: Arc<dyn Clock>,
}

impl Receiver {
    /// From what each organization's tokens must say.
    pub fn new(
        vouchers: impl IntoIterator<Item = Voucher>,
        certificates: Arc<Certificates>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let vouchers = vouchers.into_iter().map(|it| (it.organization.clone(), it)).collect();
        Self { vouchers, certificates, clock }
    }

    /// From the configuration. `http` must follow no redirects.
    pub fn of<'a>(
        organizations: impl IntoIterator<Item = &'a Organization>,
        http: &reqwest::Client,
        certificates: Arc<Certificates>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, url::ParseError> {
        let mut keys = BTreeMap::new();
        let mut vouchers = Vec::new();
        for it in organizations {
            let address = Url::parse(&it.graph.validation_keys)?;
            let keys =
                keys.entry(address.to_string()).or_insert_with(|| validation::keys(address, http, Arc::clone(&clock)));
            vouchers.push(Voucher {
                organization: it.key.clone(),
                tid: it.tid.to_ascii_lowercase(),
                audience: it.entra.relay_client_id.clone(),
                issuer: it.graph.validation_issuer.clone(),
                notification_app_id: it.graph.notification_app_id.clone(),
                keys: Arc::clone(keys),
            });
        }
        Ok(Self::new(vouchers, certificates, clock))
    }

    /// Judges a batch. `expected` answers from what the caller looked up for [`Batch::subscriptions`].
    pub async fn receive(&self, batch: &Batch, expected: impl Fn(&str) -> Option<Expected>) -> Received {
        let mut received =
            Received { dropped: vec![DropReason::NotAnEnvelope; batch.malformed], ..Received::default() };
        let mut known = Vec::new();
        for item in &batch.items {
            match self.known(item, &expected) {
                Ok(voucher) => known.push((item, voucher)),
                Err(reason) => received.dropped.push(reason),
            }
        }
        if known.is_empty() {
            return received;
        }
        let vouched = match validation::vouched(&batch.tokens, self.vouchers.values(), self.clock.now()).await {
            Ok(vouched) => vouched,
            Err(fault) => {
                received.undecided = fault == TokenFault::KeysUnreachable;
                let reason = if received.undecided { DropReason::KeysUnreachable } else { DropReason::ValidationToken };
                received.dropped.extend(known.iter().map(|_| reason));
                tracing::warn!(%fault, "a validation token does not hold up");
                return received;
            }
        };
        for (item, voucher) in known {
            if let Some(kind) = item.lifecycle {
                // Lifecycle notifications carry no resource data, hence often no token: the clientState must do
                received.lifecycle.push(LifecycleEvent { subscription_id: item.subscription_id.clone(), kind });
                continue;
            }
            let outcome = match &item.content {
                None => Err(DropReason::NoContent),
                Some(_) if !vouched.contains(&voucher.organization.as_str()) => Err(DropReason::Unvouched),
                Some(content) => self.open(item, content),
            };
            match outcome {
                Ok(event) => received.events.push(event),
                Err(reason) => received.dropped.push(reason),
            }
        }
        received
    }

    fn known(&self, item: &Item, expected: impl Fn(&str) -> Option<Expected>) -> Result<&Voucher, DropReason> {
        let expected = expected(&item.subscription_id).ok_or(DropReason::UnknownSubscription)?;
        let hash = client_state_hash(&item.client_state);
        if !bool::from(hash.as_bytes().ct_eq(expected.client_state_hash.as_bytes())) {
            return Err(DropReason::ClientState);
        }
        let voucher = self.vouchers.get(&expected.organization).ok_or(DropReason::UnknownSubscription)?;
        let foreign = item.tid.as_ref().is_some_and(|it| *it != voucher.tid);
        if foreign { Err(DropReason::Tenant) } else { Ok(voucher) }
    }

    fn open(&self, item: &Item, content: &Content) -> Result<MeetingEvent, DropReason> {
        let key = self.certificates.key(&content.certificate_id).ok_or(DropReason::UnknownCertificate)?;
        let plain = decrypt::open(&content.sealed, &key).map_err(|_| DropReason::Sealed)?;
        let seen = event::read(&plain).ok_or(DropReason::NotAnEvent)?;
        let now = self.clock.now();
        Ok(MeetingEvent {
            subscription_id: item.subscription_id.clone(),
            event_id: seen.id,
            // A clock ahead of ours must not put an arrival into the future
            occurred_at: seen.occurred_at.map_or(now, |it| it.min(now)),
            kind: seen.kind,
        })
    }
}
