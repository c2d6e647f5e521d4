//! What was accepted, what the EHRs were seen to do, and who sends what under which lease: what the checker compares.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use roomed_relay::store::{Channel, Lease};

use crate::world::World;

/// Something accepted. Its number, which grows, is what an EHR is told.
#[derive(Debug, Clone)]
pub(crate) struct Promise {
    pub(crate) number: u64,
    pub(crate) stream: String,
    pub(crate) channel: Channel,
    pub(crate) row: String,
    pub(crate) visit: String,
    pub(crate) at: u64,
}

/// A lease as the database gave it.
#[derive(Debug, Clone, Copy)]
struct Held {
    fence: i64,
    until: i64,
}

/// A request that its node waits for.
#[derive(Debug, Clone)]
pub(crate) struct Flying {
    pub(crate) row: String,
    pub(crate) fence: i64,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Facts {
    /// By number.
    pub(crate) promises: BTreeMap<u64, Promise>,
    /// Per stream of states: when it came to stand, and at what.
    pub(crate) stood: BTreeMap<String, Vec<(u64, u64)>>,
    /// Per business key: when it was put (the same key again changes nothing).
    pub(crate) put: BTreeMap<String, Vec<u64>>,
    /// Per business key: when it was created.
    pub(crate) created: BTreeMap<String, Vec<u64>>,
    /// Writes that reached an EHR.
    pub(crate) requests: u64,
    leases: BTreeMap<String, Held>,
    claimed: BTreeMap<(String, String), i64>,
    flying: BTreeMap<String, Vec<Flying>>,
}

/// Shared by everybody in a run.
pub(crate) struct Truth {
    facts: Mutex<Facts>,
    world: Arc<World>,
}

impl Truth {
    /// Nothing yet.
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Self { facts: Mutex::default(), world: Arc::clone(world) }
    }

    /// All of it.
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap()
    }

    /// Accepted: from now on it must be told.
    pub(crate) fn accepted(&self, promise: Promise) {
        self.facts().promises.insert(promise.number, promise);
    }

    /// The database leased it.
    pub(crate) fn leased(&self, node: &str, lease: &Lease, until: i64) {
        let facts = &mut *self.facts();
        facts.leases.insert(lease.id.clone(), Held { fence: lease.fence, until });
        facts.claimed.insert((node.to_owned(), lease.id.clone()), lease.fence);
    }

    /// The fence under which this process last claimed this row.
    pub(crate) fn fence(&self, node: &str, row: &str) -> i64 {
        self.facts().claimed[&(node.to_owned(), row.to_owned())]
    }

    /// A request leaves. Two of one stream, both under leases that hold, must never be under way.
    pub(crate) fn leaves(self: &Arc<Self>, stream: &str, flying: Flying) -> Sent {
        let facts = &mut *self.facts();
        let now = self.world.now().as_millisecond();
        let holds =
            |it: &Flying| facts.leases.get(&it.row).is_some_and(|held| held.fence == it.fence && held.until > now);
        let others = facts.flying.entry(stream.to_owned()).or_default();
        if holds(&flying)
            && let Some(other) = others.iter().find(|it| holds(it))
        {
            self.world.wrong(format_args!("two of {stream} in flight: {flying:?} and {other:?}"));
        }
        others.push(flying.clone());
        Sent { truth: Arc::clone(self), stream: stream.to_owned(), flying }
    }

    /// The EHR did it. What nobody accepted, it must not be told.
    pub(crate) fn done(&self, number: u64, stream: &str, key: &str, channel: Channel) {
        let facts = &mut *self.facts();
        let now = self.world.ms();
        let known = facts.promises.get(&number);
        if known.is_none_or(|it| it.stream != stream || it.channel != channel || it.row != key) {
            self.world.wrong(format_args!("invented: {number} of {stream}"));
        }
        match channel {
            Channel::State | Channel::Link => facts.stood.entry(stream.to_owned()).or_default().push((now, number)),
            Channel::Audit => facts.put.entry(key.to_owned()).or_default().push(now),
            Channel::Message => facts.created.entry(key.to_owned()).or_default().push(now),
        }
    }
}

/// A request under way, for as long as its node waits.
pub(crate) struct Sent {
    truth: Arc<Truth>,
    stream: String,
    flying: Flying,
}

impl Drop for Sent {
    fn drop(&mut self) {
        let facts = &mut *self.truth.facts();
        if let Some(of) = facts.flying.get_mut(&self.stream)
            && let Some(index) = of.iter().position(|it| it.row == self.flying.row && it.fence == self.flying.fence)
        {
            of.swap_remove(index);
        }
    }
}
