//! Nodes on SQLite: the file is one process's own, so all there is to know is what this process has said itself, and it is
//! rightly forgotten with it. Kept in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::time::Instant;

use super::super::nodes::{NodeId, Nodes, Stretch};
use super::super::{Recipient, StoreError};
use super::SqliteStore;
use crate::clock;

/// What was said since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Roll(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    stretches: i64,
    nodes: BTreeMap<NodeId, Node>,
}

#[derive(Debug)]
struct Node {
    stretch: Stretch,
    seen_at: Instant,
    companions: BTreeSet<Recipient>,
}

impl Roll {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while holding the roll")
    }
}

#[async_trait]
impl Nodes for SqliteStore {
    async fn node_seen(&self, node: &NodeId) -> Result<Stretch, StoreError> {
        let mut state = self.roll.state();
        let seen_at = clock::moment();
        if let Some(known) = state.nodes.get_mut(node) {
            known.seen_at = seen_at;
            return Ok(known.stretch);
        }
        state.stretches += 1;
        let stretch = Stretch(state.stretches);
        state.nodes.insert(node.clone(), Node { stretch, seen_at, companions: BTreeSet::new() });
        Ok(stretch)
    }

    async fn node_left(&self, node: &NodeId) -> Result<(), StoreError> {
        self.roll.state().nodes.remove(node);
        Ok(())
    }

    async fn nodes_alive(&self, silent: SignedDuration) -> Result<Vec<NodeId>, StoreError> {
        let (mut state, now) = (self.roll.state(), clock::moment());
        let silent = silent.unsigned_abs();
        state.nodes.retain(|_, node| now.duration_since(node.seen_at) < silent);
        Ok(state.nodes.keys().cloned().collect())
    }

    async fn companions_came(&self, node: &NodeId, who: &[Recipient]) -> Result<(), StoreError> {
        if let Some(node) = self.roll.state().nodes.get_mut(node) {
            node.companions.extend(who.iter().cloned());
        }
        Ok(())
    }

    async fn companions_left(&self, node: &NodeId, who: &[Recipient]) -> Result<(), StoreError> {
        if let Some(node) = self.roll.state().nodes.get_mut(node) {
            node.companions.retain(|it| !who.contains(it));
        }
        Ok(())
    }

    async fn online_elsewhere(&self, node: &NodeId, who: &[Recipient]) -> Result<Vec<Recipient>, StoreError> {
        let state = self.roll.state();
        let others = || state.nodes.iter().filter(|(id, _)| *id != node);
        let is_there = |it: &&Recipient| others().any(|(_, other)| other.companions.contains(*it));
        Ok(who.iter().filter(is_there).cloned().collect())
    }
}
