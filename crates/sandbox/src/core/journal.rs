//! The journal: what happened at the stand-in hospital, numbered, for tests and the demo to wait on.
//! Detail never holds a secret; the writers see to that.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::{sync::Mutex, time::Duration};
use tokio::sync::watch;

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// 1, 2, 3, ... without gaps.
    pub n: u64,
    /// Sandbox time.
    pub at: Timestamp,
    /// `entra`, `epic`, `hyperspace`, `mychart`, `oracle`, `r4`, `graph`, `teams`, `mail` or `control`.
    pub who: String,
    /// What happened, for example `launch.begun`.
    pub what: String,
    /// Facts without secrets.
    pub detail: Value,
}

/// Append-only, kept in memory, observable.
pub struct Journal {
    entries: Mutex<Vec<Entry>>,
    newest: watch::Sender<u64>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { entries: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl Journal {
    /// Adds an entry and wakes the readers.
    pub fn append(&self, at: Timestamp, who: &str, what: &str, detail: Value) {
        let n = {
            let mut entries = super::lock(&self.entries);
            let n = entries.len() as u64 + 1;
            entries.push(Entry { n, at, who: who.to_owned(), what: what.to_owned(), detail });
            n
        };
        self.newest.send_modify(|it| *it = n.max(*it));
    }

    /// Everything numbered higher than `after`.
    pub fn after(&self, after: u64) -> Vec<Entry> {
        let entries = super::lock(&self.entries);
        entries.iter().skip(usize::try_from(after).unwrap_or(usize::MAX)).cloned().collect()
    }

    /// Like `after`, but waits up to `patience` for something to be there.
    pub async fn wait_after(&self, after: u64, patience: Duration) -> Vec<Entry> {
        let mut newest = self.newest.subscribe();
        let _ = tokio::time::timeout(patience, newest.wait_for(|n| *n > after)).await;
        self.after(after)
    }

    /// The number of the newest entry, as it changes.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }
}
