//! What was asked of the vendors, for leak scans: the addresses of requests to Graph, and every `Referer` that reached any
//! listener from elsewhere. Each once; not what was in the bodies.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde::Serialize;

use super::lock;

/// More than any run asks for.
const MOST: usize = 20_000;

/// The record.
#[derive(Debug, Default)]
pub struct Asked(Mutex<Addresses>);

/// What `GET /asked` answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Addresses {
    /// Path and query of every request to Graph.
    pub graph: BTreeSet<String>,
    /// Referers, whole.
    pub referers: BTreeSet<String>,
}

impl Asked {
    /// Notes a request to Graph.
    pub fn graph(&self, path_and_query: &str) {
        let mut asked = lock(&self.0);
        if asked.graph.len() < MOST {
            asked.graph.insert(path_and_query.to_owned());
        }
    }

    /// Notes where a browser says it comes from.
    pub fn referer(&self, from: &str) {
        let mut asked = lock(&self.0);
        if asked.referers.len() < MOST {
            asked.referers.insert(from.to_owned());
        }
    }

    /// Everything so far.
    pub fn all(&self) -> Addresses {
        lock(&self.0).clone()
    }
}
