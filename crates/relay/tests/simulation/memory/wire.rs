//! What lies between a node and its database: where a simulation cuts, delays and watches.

use async_trait::async_trait;
use roomed_relay::store::{ClaimPolicy, Lease, Outcome, Settled, StoreError};

/// What a node asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// What time it is.
    Time,
    /// Which connections have anything to do.
    Look,
    /// `claim`.
    Claim,
    /// `about_to_send`.
    Gate,
    /// `settle`.
    Settle,
}

/// What the database did.
pub(crate) enum Seen<'a> {
    /// Leased rows; `was_open` is the breaker before.
    Claimed { policy: &'a ClaimPolicy, was_open: bool, leases: &'a [Lease] },
    /// Let a request pass, or not.
    Gate { lease: &'a Lease, ours: bool },
    /// Entered how an attempt ended.
    Settled { lease: &'a Lease, outcome: &'a Outcome, requests: i64, settled: Settled },
}

/// The way there and back.
#[async_trait]
pub(crate) trait Wire: Send + Sync {
    /// Before the database hears of it. An error: it never does.
    async fn out(&self, call: Call) -> Result<(), StoreError>;

    /// At the very moment it is done.
    fn seen(&self, seen: Seen<'_>);

    /// Before the node hears of it. An error: it is done, and the node does not know.
    async fn back(&self, call: Call) -> Result<(), StoreError>;
}

/// No way at all.
pub(super) struct Direct;

#[async_trait]
impl Wire for Direct {
    async fn out(&self, _: Call) -> Result<(), StoreError> {
        Ok(())
    }

    fn seen(&self, _: Seen<'_>) {}

    async fn back(&self, _: Call) -> Result<(), StoreError> {
        Ok(())
    }
}
