//! A store in memory: the contract of `store/outbox.rs`, `operate.rs`, `closing.rs` and `aftercare.rs` as a model, so that
//! thousands of runs need no disk. The conformance suite runs on it as on the databases (`conformance.rs`), which proves
//! that it is the same thing. What delivery does not need answers that it is not here.

mod claim;
mod closing;
mod commit;
mod operate;
mod outbox;
mod rest;
mod settle;
mod wire;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use roomed_relay::ledger::{BEGINNING, Hash, Kind, Record};
use roomed_relay::outbox::connection::Connection;
use roomed_relay::store::{Chained, Channel, EntryState, StoredVisit, Summary};

use wire::Direct;
pub(crate) use wire::{Call, Seen, Wire};

/// What time the database has, in milliseconds since 1970.
pub(crate) type DatabaseTime = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The store as one node sees it. Every call is one step under one lock, as a serializable transaction is.
pub(crate) struct MemoryStore {
    tables: Arc<Mutex<State>>,
    database: DatabaseTime,
    shared: bool,
    wire: Arc<dyn Wire>,
}

impl MemoryStore {
    /// Empty. `shared` by several nodes, as PostgreSQL is, or one relay's own, as SQLite is: that goes by its own clock.
    pub(crate) fn new(database: DatabaseTime, shared: bool) -> Self {
        Self { tables: Arc::default(), database, shared, wire: Arc::new(Direct) }
    }

    /// The same tables, as they are seen through `wire`.
    pub(crate) fn through(&self, wire: Arc<dyn Wire>) -> Self {
        Self { tables: Arc::clone(&self.tables), database: Arc::clone(&self.database), shared: self.shared, wire }
    }

    fn now_for(&self, relay: Timestamp) -> Timestamp {
        if self.shared { at(self.now()) } else { relay }
    }

    fn now(&self) -> i64 {
        (self.database)()
    }

    fn held(&self) -> std::sync::MutexGuard<'_, State> {
        self.tables.lock().unwrap()
    }

    /// Looks at everything without changing anything.
    pub(crate) fn look<T>(&self, with: impl FnOnce(&State) -> T) -> T {
        with(&self.held())
    }
}

/// A row of the table `outbox`; times are milliseconds since 1970.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) id: String,
    pub(crate) organization: String,
    pub(crate) ehr: String,
    pub(crate) visit: String,
    pub(crate) stream: String,
    pub(crate) channel: Channel,
    pub(crate) participant: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) reference: Vec<u8>,
    pub(crate) digest: Vec<u8>,
    pub(crate) state: EntryState,
    pub(crate) history: bool,
    pub(crate) for_identifier: bool,
    pub(crate) uncertain: bool,
    pub(crate) possible_double: bool,
    pub(crate) run_at: i64,
    pub(crate) lease_until: Option<i64>,
    pub(crate) fence: i64,
    pub(crate) attempts: u32,
    pub(crate) failures: u32,
    pub(crate) failed_at: Option<i64>,
    pub(crate) reassert_at: Option<i64>,
    pub(crate) accepted_at: i64,
    pub(crate) delivered_at: Option<i64>,
    pub(crate) settled_at: Option<i64>,
    pub(crate) reason: Option<String>,
}

/// Whose connection: `(organization, iss)`.
pub(crate) type Door = (String, String);

/// The tables, and what the databases' indexes are for.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) visits: BTreeMap<String, StoredVisit>,
    pub(crate) rows: BTreeMap<i64, Row>,
    pub(crate) connections: BTreeMap<Door, Connection>,
    pub(crate) ledger: Vec<Chained>,
    last_seq: i64,
    ids: HashMap<String, i64>,
    of_visit: HashMap<String, Vec<i64>>,
    streams: HashMap<String, Stream>,
    /// `(history, run_at, seq)`: the order in which rows leave.
    waiting: BTreeMap<Door, BTreeSet<(bool, i64, i64)>>,
    /// `(lease_until, seq)`.
    flying: BTreeMap<Door, BTreeSet<(i64, i64)>>,
    heard: BTreeMap<(String, String), i64>,
    summaries: BTreeMap<String, Summary>,
    keys: HashMap<String, Vec<u8>>,
}

#[derive(Default)]
struct Stream {
    rows: BTreeSet<i64>,
    waiting: BTreeSet<i64>,
    flying: Option<i64>,
}

impl State {
    /// Changes a row and keeps the indexes true. Those that are unique in the databases are held to it here.
    fn change<T>(&mut self, seq: i64, with: impl FnOnce(&mut Row) -> T) -> T {
        self.unlist(seq);
        let answer = with(self.rows.get_mut(&seq).expect("a row that is changed is there"));
        self.list(seq);
        answer
    }

    fn unlist(&mut self, seq: i64) {
        let row = &self.rows[&seq];
        let door = (row.organization.clone(), row.ehr.clone());
        let stream = self.streams.entry(row.stream.clone()).or_default();
        stream.waiting.remove(&seq);
        stream.flying = stream.flying.filter(|it| *it != seq);
        self.waiting.entry(door.clone()).or_default().remove(&(row.history, row.run_at, seq));
        self.flying.entry(door).or_default().remove(&(row.lease_until.unwrap_or(0), seq));
    }

    fn list(&mut self, seq: i64) {
        let row = &self.rows[&seq];
        let door = (row.organization.clone(), row.ehr.clone());
        let stream = self.streams.entry(row.stream.clone()).or_default();
        stream.rows.insert(seq);
        match row.state {
            EntryState::Waiting => {
                stream.waiting.insert(seq);
                assert!(!row.channel.supersedes() || stream.waiting.len() == 1, "outbox_one_waiting: {row:?}");
                self.waiting.entry(door).or_default().insert((row.history, row.run_at, seq));
            }
            EntryState::InFlight => {
                assert!(stream.flying.is_none(), "outbox_one_in_flight: {row:?}");
                stream.flying = Some(seq);
                let until = row.lease_until.expect("a row in flight has a lease");
                self.flying.entry(door).or_default().insert((until, seq));
            }
            _ => {}
        }
    }

    fn row(&self, id: &str) -> Option<&Row> {
        self.ids.get(id).map(|seq| &self.rows[seq])
    }

    /// Appends to the ledger, chained to what was there.
    fn record(&mut self, record: Record) {
        let (seq, previous) = self.head();
        let link = record.link(seq + 1, &previous);
        self.ledger.push(Chained { seq: seq + 1, previous: previous.to_vec(), link: link.to_vec(), record });
    }

    /// The last record's place and link.
    pub(crate) fn head(&self) -> (i64, Hash) {
        let Some(last) = self.ledger.last() else { return (0, BEGINNING) };
        (last.seq, Hash::try_from(last.link.as_slice()).expect("a link is a hash"))
    }

    /// The rows of a stream, oldest first.
    pub(crate) fn stream(&self, stream: &str) -> Vec<&Row> {
        self.streams.get(stream).into_iter().flat_map(|it| &it.rows).map(|seq| &self.rows[seq]).collect()
    }

    /// Rows that wait or are in flight.
    pub(crate) fn unsettled(&self) -> usize {
        let flying: usize = self.flying.values().map(BTreeSet::len).sum();
        self.waiting.values().map(BTreeSet::len).sum::<usize>() + flying
    }

    /// Of some of these visits something waits or is in flight.
    pub(crate) fn unsettled_of(&self, visits: impl Fn(&str) -> bool) -> bool {
        let waiting = self.waiting.values().flatten().map(|(_, _, seq)| seq);
        let flying = self.flying.values().flatten().map(|(_, seq)| seq);
        waiting.chain(flying).any(|seq| visits(&self.rows[seq].visit))
    }

    /// A row of an open visit could leave now at this connection.
    pub(crate) fn open_one_is_ready(&self, door: &Door, now: i64) -> bool {
        let Some(waiting) = self.waiting.get(door) else { return false };
        waiting.range((false, i64::MIN, 0)..=(false, now, i64::MAX)).any(|(_, _, seq)| self.its_turn(&self.rows[seq]))
    }
}

impl Row {
    fn record(&self, kind: Kind, at: Timestamp) -> Record {
        Record {
            kind: kind.as_str().to_owned(),
            at: at.as_millisecond(),
            organization: self.organization.clone(),
            ehr: self.ehr.clone(),
            entry: self.id.clone(),
            channel: self.channel.as_str().to_owned(),
            attempt: 0,
            fence: 0,
            reference: self.reference.clone(),
            digest: self.digest.clone(),
            outcome: String::new(),
            reason: String::new(),
        }
    }
}

/// A stored time.
fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time of this simulation")
}
