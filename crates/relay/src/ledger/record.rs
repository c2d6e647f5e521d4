//! One record of the ledger and the link that chains it to the one before. Pure, and the same for both databases: the
//! chain is plain SHA-256 over every column, so that anybody with a copy and no key can walk it.

use aws_lc_rs::digest::{self, SHA256};
use jiff::Timestamp;

/// A link of the chain.
pub type Hash = [u8; 32];

/// What the first record's `previous` is.
pub const BEGINNING: Hash = [0; 32];

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An attempt is about to begin: written before the request leaves.
    Started,
    /// It ended.
    Settled,
    /// A newer state took its place before it was delivered.
    Superseded,
    /// An operator decided that it is not to be sent.
    Skipped,
}

impl Kind {
    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Settled => "settled",
            Self::Superseded => "superseded",
            Self::Skipped => "skipped",
        }
    }
}

/// One record, without its place in the chain. Holds HMACs and our own random ids only: no identifier of anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What happened.
    pub kind: String,
    /// When, by the relay's clock (milliseconds since 1970, as stored).
    pub at: i64,
    /// The organization's key.
    pub organization: String,
    /// The EHR connection (`iss`).
    pub ehr: String,
    /// The outbox row's id.
    pub entry: String,
    /// The channel's word.
    pub channel: String,
    /// Number of the attempt, 0 where there was none.
    pub attempt: i64,
    /// The lease's fence, 0 where there was none.
    pub fence: i64,
    /// HMAC of whom and what it is about.
    pub reference: Vec<u8>,
    /// HMAC of the intent.
    pub digest: Vec<u8>,
    /// How it ended; empty for `started`.
    pub outcome: String,
    /// Why; a class and a status, never a body.
    pub reason: String,
}

impl Record {
    /// The link after `previous` for this record at place `seq` (from 1).
    ///
    /// Every column goes in with its length before it, in the order of the table, so no two rows read the same.
    pub fn link(&self, seq: i64, previous: &Hash) -> Hash {
        let mut context = digest::Context::new(&SHA256);
        let mut put = |bytes: &[u8]| {
            context.update(&u64::try_from(bytes.len()).expect("a length fits 64 bits").to_be_bytes());
            context.update(bytes);
        };
        put(b"roomed ledger 1");
        put(&seq.to_be_bytes());
        put(previous);
        put(self.kind.as_bytes());
        put(&self.at.to_be_bytes());
        put(self.organization.as_bytes());
        put(self.ehr.as_bytes());
        put(self.entry.as_bytes());
        put(self.channel.as_bytes());
        put(&self.attempt.to_be_bytes());
        put(&self.fence.to_be_bytes());
        put(&self.reference);
        put(&self.digest);
        put(self.outcome.as_bytes());
        put(self.reason.as_bytes());
        let mut link = BEGINNING;
        link.copy_from_slice(context.finish().as_ref());
        link
    }

    /// When it happened.
    pub fn at(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.at).ok()
    }
}
