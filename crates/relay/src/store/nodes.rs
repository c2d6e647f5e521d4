//! Which nodes run on this database, and at which of them a clinician's companion is. A node is alive for as long as the
//! store holds it: to say "I am here" and to be given up for gone are steps of one database, so that all nodes see them in
//! one order, by the database's time. What follows from a node that is gone is `neighbours.rs`.

use std::fmt;

use async_trait::async_trait;
use jiff::SignedDuration;

use super::{Recipient, StoreError};

/// One process that serves, from its start to its end. Opaque, random; holds no `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(String);

impl NodeId {
    /// Takes the id as it stands.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An unbroken stretch during which the store held a node to be alive. Another one means that it was given up in between,
/// and that others have acted on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch(pub i64);

/// The nodes, and whose companion is where.
#[async_trait]
pub trait Nodes: Send + Sync {
    /// This node is here. Says since when without a break, so that one that was silent for too long finds it out, even if
    /// it did not hear the answer to what it said before.
    async fn node_seen(&self, node: &NodeId) -> Result<Stretch, StoreError>;

    /// This node stops: its companions are no longer there.
    async fn node_left(&self, node: &NodeId) -> Result<(), StoreError>;

    /// Every node that is alive. Those that were silent for `silent` are given up, with their companions.
    async fn nodes_alive(&self, silent: SignedDuration) -> Result<Vec<NodeId>, StoreError>;

    /// These people have a companion at this node. Nothing is kept for a node that was given up: it says so again.
    async fn companions_came(&self, node: &NodeId, who: &[Recipient]) -> Result<(), StoreError>;

    /// These people have none at this node any more.
    async fn companions_left(&self, node: &NodeId, who: &[Recipient]) -> Result<(), StoreError>;

    /// Those of `who` that have a companion at a node other than this one.
    async fn online_elsewhere(&self, node: &NodeId, who: &[Recipient]) -> Result<Vec<Recipient>, StoreError>;
}
