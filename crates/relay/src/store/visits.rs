//! Visits in the store: one row with a sealed state, and the one commit in which everything about a change is kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    CommittedNotice, Link, NewGivenUp, NewLetter, NewNotice, NewOutboxEntry, OneTimeKind, StoreError, StoredWatch,
};

/// An HMAC under the organization's look-up key: finds a row by an EHR's id without holding the id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LookupKey(pub Vec<u8>);

/// A visit's data key, wrapped; without the daily key of `day` it opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// The daily key's name: `YYYY-MM-DD`, UTC.
    pub day: String,
    /// Nonce and ciphertext.
    pub bytes: Vec<u8>,
}

/// A person who can be told something: a Microsoft identity within an organization.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Recipient {
    /// The organization's key.
    pub organization: String,
    /// Entra tenant id.
    pub tid: String,
    /// Entra object id.
    pub oid: String,
}

/// A clinician of a visit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Entra tenant id.
    pub tid: String,
    /// Entra object id.
    pub oid: String,
    /// A launch has proven that they work in this chart.
    pub proven: bool,
    /// They said that they cover for a colleague.
    pub covering: bool,
}

/// The columns of a visit. Everything clinical is in `sealed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitRow {
    /// Opaque, random.
    pub id: String,
    /// The organization's key.
    pub organization: String,
    /// HMAC of `iss` and the appointment's id or, for a group, its conference id: one visit for each in an organization.
    pub appointment: LookupKey,
    /// The visit's own key, wrapped. Written once, with the first commit.
    pub key: WrappedKey,
    /// The visit's state, sealed under that key.
    pub sealed: Vec<u8>,
    /// FHIR's word for the stage, for counting and for operators.
    pub stage: String,
    /// Planned start.
    pub planned_start: Timestamp,
    /// Planned end.
    pub planned_end: Timestamp,
    /// When `visit::apply` wants to be asked again though nothing happened.
    pub next_timer_at: Option<Timestamp>,
    /// Set once the visit is closed.
    pub closed_at: Option<Timestamp>,
}

/// A visit as it stands, with the version a [`Change`] must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVisit {
    /// The columns.
    pub row: VisitRow,
    /// Grows by one with each commit, from 1.
    pub version: i64,
    /// Its clinicians.
    pub members: Vec<Member>,
}

/// A visit that is not closed, as an operator's count or a timer needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenVisit {
    /// The visit.
    pub id: String,
    /// Whose.
    pub organization: String,
    /// When its timer is due.
    pub due_at: Timestamp,
}

/// One event of a source that may say it twice: `(source, key)` is accepted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventKey {
    /// `graph`, `visit-page`, `companion`, ...
    pub source: &'static str,
    /// The source's own id of the event, or a digest of it; must not tell anything about a patient.
    pub key: String,
}

/// The meeting of a visit, so that a notification which names only the meeting finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meeting {
    /// HMAC of the meeting's id.
    pub lookup: LookupKey,
    /// The meeting (ids, links), sealed under the visit's key.
    pub sealed: Vec<u8>,
}

/// One change of one visit: all of it is kept, or nothing.
#[derive(Debug, Clone)]
pub struct Change {
    /// The visit as it is to stand.
    pub visit: VisitRow,
    /// The version that was loaded; `None` for a visit that is new.
    pub expected: Option<i64>,
    /// The clinicians as they are to stand; `None` leaves them.
    pub members: Option<Vec<Member>>,
    /// The events this change answers.
    pub seen: Vec<EventKey>,
    /// One-time things it uses up (by hash); one that is gone or expired refuses the change.
    pub consume: Vec<(OneTimeKind, String)>,
    /// What the EHR is to be told. Each supersedes what its stream had not sent yet.
    pub outbox: Vec<NewOutboxEntry>,
    /// Whom to tell.
    pub notices: Vec<NewNotice>,
    /// Proven pairs of EHR user and Microsoft identity.
    pub links: Vec<Link>,
    /// New holds on Graph subscriptions.
    pub watches: Vec<StoredWatch>,
    /// The meeting, once it exists.
    pub meeting: Option<Meeting>,
    /// The visit has no meeting any more, and nobody is told of what happens there; one that comes with this change is its
    /// next, with its own watch.
    pub gives_up: bool,
    /// Meetings that are to be deleted: what the visit gives up, and what was made for it too late.
    pub given_up: Vec<NewGivenUp>,
    /// Letters that are to leave.
    pub letters: Vec<NewLetter>,
    /// The visit was ended, or that was taken back: somebody has to look after who is in its meeting.
    pub removal: bool,
    /// The relay's time of the commit.
    pub now: Timestamp,
}

impl Change {
    /// A change of the row alone.
    pub fn of(visit: VisitRow, expected: Option<i64>, now: Timestamp) -> Self {
        Self {
            visit,
            expected,
            members: None,
            seen: Vec::new(),
            consume: Vec::new(),
            outbox: Vec::new(),
            notices: Vec::new(),
            links: Vec::new(),
            watches: Vec::new(),
            meeting: None,
            gives_up: false,
            given_up: Vec::new(),
            letters: Vec::new(),
            removal: false,
            now,
        }
    }
}

/// What a commit made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// The visit's version now.
    pub version: i64,
    /// The notices with their cursors: whom the hub has to hint.
    pub notices: Vec<CommittedNotice>,
    /// True when outbox rows were written: wake the worker.
    pub wake_outbox: bool,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The visit moved on since it was loaded (or somebody else made it first): load it again and decide again.
    #[error("the visit moved on since it was loaded")]
    Conflict,
    /// One of `seen` was accepted before.
    #[error("this event was accepted before")]
    AlreadySeen,
    /// One of `consume` is used, expired or unknown.
    #[error("a one-time value is used, expired or unknown")]
    NotConsumable(OneTimeKind),
    /// One of `links` contradicts what stands: the EHR user is another account's, or the account another EHR user's.
    #[error("this person is linked otherwise")]
    LinkedOtherwise,
    /// The database failed; whether the commit stands is unknown, so the source must say it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an appointment's or a conference's key being another visit's means: look again.
pub(super) fn unless_anothers(error: sqlx::Error) -> CommitError {
    match error.as_database_error().is_some_and(|it| it.is_unique_violation()) {
        true => CommitError::Conflict,
        false => error.into(),
    }
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Visits.
#[async_trait]
pub trait Visits: Send + Sync {
    /// A visit by its id.
    async fn visit(&self, id: &str) -> Result<Option<StoredVisit>, StoreError>;

    /// The visit of an appointment, or of a group's conference.
    async fn visit_of_appointment(
        &self,
        organization: &str,
        appointment: &LookupKey,
    ) -> Result<Option<StoredVisit>, StoreError>;

    /// The visit of a meeting, and the sealed meeting.
    async fn visit_of_meeting(&self, organization: &str, meeting: &LookupKey) -> Result<Option<String>, StoreError>;

    /// The sealed meeting of a visit.
    async fn meeting(&self, visit: &str) -> Result<Option<Meeting>, StoreError>;

    /// All visits of an organization that are not closed, by planned start.
    async fn open_visits(&self, organization: &str) -> Result<Vec<StoredVisit>, StoreError>;

    /// The visits not closed of which this person is a member, by planned start.
    async fn open_visits_of(&self, recipient: &Recipient) -> Result<Vec<StoredVisit>, StoreError>;

    /// Visits whose timer is due at `now`, longest overdue first.
    async fn due_visits(&self, now: Timestamp, limit: u32) -> Result<Vec<OpenVisit>, StoreError>;

    /// When the next timer is due.
    async fn next_timer_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Keeps a change whole: visit, members, event keys, outbox rows, notices, links, watches, meetings.
    async fn commit(&self, change: Change) -> Result<Committed, CommitError>;

    /// Daily keys (`YYYY-MM-DD`) that some visit still needs, oldest first.
    async fn days_in_use(&self) -> Result<Vec<String>, StoreError>;
}
