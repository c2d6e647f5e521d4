//! What nodes on one database tell each other, so that nobody has to wait for the next poll. A hint is never the news
//! itself: one that is lost costs a little time and nothing else, and one that is false costs a look, for its numbers are not
//! believed either.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{Committed, CommittedNotice, Recipient};

/// Something that happened on another node. Holds ids of our own and Microsoft's only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Hint {
    /// Rows of the outbox were written, or made runnable again: wake the worker.
    Outbox,
    /// A person has a new notice.
    Notice {
        /// The organization's key.
        organization: String,
        /// Entra tenant id.
        tid: String,
        /// Entra object id.
        oid: String,
        /// Its cursor.
        seq: u32,
    },
    /// A visit was committed.
    Visit {
        /// The visit.
        id: String,
        /// Its version now.
        version: i64,
    },
    /// The line was interrupted, so any of the above may have happened.
    Missed,
}

/// The hints of all other nodes, from when it was asked for. Ends when the store is closed.
pub type Hints = mpsc::Receiver<Hint>;

impl Hint {
    /// Of a notice that was committed.
    pub fn notice(notice: &CommittedNotice) -> Self {
        let Recipient { organization, tid, oid } = notice.recipient.clone();
        Self::Notice { organization, tid, oid, seq: notice.seq }
    }

    /// Everything a commit gives occasion to say about `visit`.
    pub fn of_commit(visit: &str, committed: &Committed) -> Vec<Self> {
        let mut hints = vec![Self::Visit { id: visit.to_owned(), version: committed.version }];
        hints.extend(committed.notices.iter().map(Self::notice));
        hints.extend(committed.wake_outbox.then_some(Self::Outbox));
        hints
    }

    /// Whom a notice is for.
    pub fn recipient(&self) -> Option<Recipient> {
        let Self::Notice { organization, tid, oid, .. } = self else { return None };
        Some(Recipient { organization: organization.clone(), tid: tid.clone(), oid: oid.clone() })
    }
}
