//! What becomes of a visit after it has closed: one summary row for long, everything sealed destroyed.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// One closed visit for the reports: times and counts, no identifier of a patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The visit.
    pub visit: String,
    /// The organization's key.
    pub organization: String,
    /// HMAC of the appointment under the organization's look-up key.
    pub appointment: Vec<u8>,
    /// From the launch's context token.
    pub department: Option<String>,
    /// Entra object id of the clinician who was in it, or was to be.
    pub practitioner: Option<String>,
    /// FHIR's word: `finished`, `noshow`, `cancelled`, `unverified`, ...
    pub outcome: String,
    /// Planned start.
    pub planned_start: Timestamp,
    /// The patient was ready.
    pub arrived_at: Option<Timestamp>,
    /// Both sides were in.
    pub started_at: Option<Timestamp>,
    /// The last one left.
    pub ended_at: Option<Timestamp>,
    /// The visit was closed.
    pub closed_at: Timestamp,
    /// Write-backs delivered.
    pub delivered: u32,
    /// Write-backs that were skipped, unsupported or given up.
    pub undelivered: u32,
    /// Seconds from arrival until clinician and patient were both in or, where they never were, until whoever left unseen
    /// after the longest wait had left. Missing: nobody waited, nobody knows, or a relay of before wrote the row.
    pub waited: Option<u32>,
    /// How many patients, or people who act for one, went away before anybody saw them. Missing as above.
    pub left_unseen: Option<u32>,
}

/// A closed visit that still has its sealed state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedVisit {
    /// The visit.
    pub id: String,
    /// The organization's key.
    pub organization: String,
    /// The day of its key.
    pub day: String,
    /// When it closed.
    pub closed_at: Timestamp,
    /// Outbox rows not settled: waiting, in flight or quarantined.
    pub unsettled: u32,
    /// Rows parked, and since when the oldest has been.
    pub parked_since: Option<Timestamp>,
}

/// Closing and forgetting.
#[async_trait]
pub trait Closing: Send + Sync {
    /// Visits closed at or before `before` that have not been forgotten, oldest first.
    async fn closed_visits(&self, before: Timestamp, limit: u32) -> Result<Vec<ClosedVisit>, StoreError>;

    /// Forgets a visit: its row, members, meeting, sessions and watches are deleted, its outbox rows lose their payload
    /// (those parked are `expired` with their reason kept), and `summary` is kept. One transaction.
    async fn forget_visit(&self, visit: &str, summary: Summary, now: Timestamp) -> Result<(), StoreError>;

    /// Cuts old copies of what was forgotten out of the log the database keeps of its own. False if somebody who reads
    /// kept it from that: then it is to be asked again. PostgreSQL's log is the server's, which does that by itself.
    async fn wipe(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Summaries of an organization by planned start, for the reports.
    async fn summaries(
        &self,
        organization: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Summary>, StoreError>;

    /// Event keys heard before `before` are forgotten: no source says anything that late.
    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// Outbox rows without payload that were accepted before `before` are deleted; the ledger keeps what happened.
    async fn forget_entries(&self, before: Timestamp) -> Result<u64, StoreError>;
}
