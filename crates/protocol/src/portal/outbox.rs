//! Write-backs and the ledger as the portal shows them: our own random ids, states and reasons. Whom one is about is in none
//! of the fields.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// `GET /portal/api/write-backs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WriteBacksView {
    /// In the order in which they were accepted.
    pub rows: Vec<WriteBackRow>,
    /// Asks for what comes after; missing at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// `GET /portal/api/write-backs/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WriteBackView {
    /// The write-back.
    pub row: WriteBackRow,
    /// All the ledger says of it, oldest first.
    pub ledger: Vec<LedgerRow>,
}

/// One write-back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct WriteBackRow {
    /// Its id.
    pub id: String,
    /// The EHR connection (`iss`).
    pub ehr: String,
    /// The visit, opaque.
    pub visit: String,
    /// What is told.
    pub channel: WriteBackChannel,
    /// Where it stands.
    pub state: WriteBackState,
    /// Accepted, RFC 3339.
    pub accepted_at: String,
    /// Next attempt, RFC 3339, while one is to come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next_at: Option<String>,
    /// Taken by the EHR, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub delivered_at: Option<String>,
    /// Attempts begun.
    pub attempts: u32,
    /// Why it stands as it does, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reason: Option<String>,
    /// It may have been applied already: look in the EHR first.
    pub possible_double: bool,
    /// It waits for a number that the EHR has not given yet.
    pub for_identifier: bool,
    /// Its contents were destroyed with the visit: it can be seen, never sent.
    pub destroyed: bool,
    /// *Retry* would be done.
    pub may_retry: bool,
    /// *Skip* would be done.
    pub may_skip: bool,
}

/// What is told to the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WriteBackChannel {
    /// Who is connected.
    State,
    /// The links of the visit.
    Link,
    /// That somebody came or went, for the audit.
    Audit,
    /// That somebody came or went, as a message.
    Message,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// Where a write-back stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum WriteBackState {
    /// To be sent, or sent again.
    Waiting,
    /// Being sent.
    InFlight,
    /// The EHR has it.
    Delivered,
    /// A newer state of the same took its place.
    Superseded,
    /// Somebody has to decide.
    Parked,
    /// The EHR connection has no way to say it.
    Unsupported,
    /// Somebody decided that it is not to be sent.
    Skipped,
    /// Came out of a backup: nothing is sent blindly.
    Quarantined,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// `POST /portal/api/write-backs/{id}/retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Somebody looked: the EHR does not have it. Sent as if it had never left.
    pub absent: bool,
}

/// `POST /portal/api/write-backs/{id}/skip`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SkipRequest {
    /// Why; kept in the ledger. No patient is to be named in it.
    pub reason: String,
}

/// `POST /portal/api/write-backs/replay`: what the EHR has taken in a time is told to it once more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// Accepted since then, RFC 3339.
    pub since: String,
    /// And until then, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub until: Option<String>,
    /// How many a dry run has said. Without it this is the dry run; nothing is done where it is not the number any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub expected: Option<u32>,
}

/// What a replay would do, or has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReplayView {
    /// States to be told once more.
    pub again: u32,
    /// Their contents are destroyed.
    pub destroyed: u32,
    /// A newer state took their place.
    pub superseded: u32,
    /// Said once, never again.
    pub events: u32,
    /// Not delivered yet.
    pub undelivered: u32,
    /// How many are on their way now; missing after a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub done: Option<u32>,
}

/// `GET /portal/api/ledger`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LedgerView {
    /// Newest first.
    pub rows: Vec<LedgerRow>,
    /// Asks for older ones; missing at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub next: Option<String>,
}

/// One record of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LedgerRow {
    /// Its place in the chain, from 1.
    #[ts(type = "number")]
    pub seq: i64,
    /// When, RFC 3339.
    pub at: String,
    /// `started`, `settled`, `superseded`, `skipped`, ...
    pub kind: String,
    /// The write-back it is about.
    pub entry: String,
    /// What was told.
    pub channel: WriteBackChannel,
    /// Number of the attempt, 0 where there was none.
    pub attempt: u32,
    /// How it ended; empty where it only began.
    pub outcome: String,
    /// Why, as a sentence; may be empty.
    pub reason: String,
}

/// `POST /portal/api/ledger/verify`: the whole chain was walked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LedgerVerdict {
    /// Every record is as it was written.
    pub good: bool,
    /// How many records were walked.
    #[ts(type = "number")]
    pub records: i64,
    /// The last link, hexadecimal: to be noted elsewhere.
    pub head: String,
    /// What is wrong, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fault: Option<String>,
}
