//! What the suite starts from: visits, people and rows with made-up, plainly different values.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::outbox::connection::{Health, Policy};
use roomed_relay::store::{
    Change, Channel, ClaimPolicy, Lease, LookupKey, Member, NewNotice, NewOutboxEntry, Outcome, Recipient, Settled,
    Settlement, Store, VisitRow, WrappedKey,
};

/// A database of a test's own, which is thrown away with it.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// Opens the same database once more, as another process would.
    async fn again(&self) -> Arc<dyn Store>;
}

pub(crate) const ORGANIZATION: &str = "northside";
pub(crate) const EHR: &str = "https://ehr.example";
pub(crate) const SETTLE: i64 = 5;

pub(crate) fn t(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn person(oid: &str) -> Recipient {
    Recipient { organization: ORGANIZATION.into(), tid: "tid".into(), oid: oid.into() }
}

pub(crate) fn member(oid: &str) -> Member {
    Member { tid: "tid".into(), oid: oid.into(), proven: true, covering: false }
}

pub(crate) fn visit(id: &str) -> VisitRow {
    VisitRow {
        id: id.into(),
        organization: ORGANIZATION.into(),
        appointment: LookupKey(format!("hmac of {id}'s appointment").into_bytes()),
        key: WrappedKey { day: "2027-01-15".into(), bytes: format!("wrapped {id}").into_bytes() },
        sealed: format!("state of {id}").into_bytes(),
        stage: "planned".into(),
        planned_start: t(0),
        planned_end: t(1800),
        next_timer_at: None,
        closed_at: None,
    }
}

pub(crate) fn notice(oid: &str, kind: &str) -> NewNotice {
    NewNotice { recipient: person(oid), kind: kind.into() }
}

/// A state of `stream`, of participant `stream`, runnable from `t(run_at)`.
pub(crate) fn entry(id: &str, stream: &str, run_at: i64) -> NewOutboxEntry {
    NewOutboxEntry {
        id: id.into(),
        stream: stream.into(),
        channel: Channel::State,
        participant: stream.into(),
        ehr: EHR.into(),
        sealed: format!("sealed {id}").into_bytes(),
        reference: format!("whom {stream}").into_bytes(),
        digest: format!("what {id}").into_bytes(),
        run_at: t(run_at),
    }
}

/// An event of `stream`.
pub(crate) fn event(id: &str, stream: &str, run_at: i64) -> NewOutboxEntry {
    NewOutboxEntry { channel: Channel::Audit, ..entry(id, stream, run_at) }
}

/// Keeps `visit` as new, with these rows.
pub(crate) async fn new_visit(store: &dyn Store, id: &str, outbox: Vec<NewOutboxEntry>) {
    let change = Change { outbox, ..Change::of(visit(id), None, t(0)) };
    store.commit(change).await.unwrap();
}

/// Commits these rows to a visit, whatever its version.
pub(crate) async fn tell(store: &dyn Store, id: &str, outbox: Vec<NewOutboxEntry>, now: i64) {
    let stored = store.visit(id).await.unwrap().unwrap();
    store.commit(Change { outbox, ..Change::of(stored.row, Some(stored.version), t(now)) }).await.unwrap();
}

/// Closes a visit, or opens it again.
pub(crate) async fn close(store: &dyn Store, id: &str, closed_at: Option<i64>, now: i64) {
    let stored = store.visit(id).await.unwrap().unwrap();
    let row = VisitRow { closed_at: closed_at.map(t), ..stored.row };
    store.commit(Change::of(row, Some(stored.version), t(now))).await.unwrap();
}

/// An EHR that may be asked as often as anybody likes and never gets a rest.
pub(crate) fn plenty() -> Policy {
    Policy {
        per_second: 10_000,
        per_row: 1,
        burst: 10_000,
        trip_after: 10_000,
        open_for: SignedDuration::from_secs(30),
        open_at_most: SignedDuration::from_secs(300),
        asked_at_most: SignedDuration::from_secs(300),
    }
}

pub(crate) fn policy(now: i64, limit: u32) -> ClaimPolicy {
    ClaimPolicy {
        organization: ORGANIZATION.into(),
        ehr: EHR.into(),
        now: t(now),
        limit,
        lease: SignedDuration::from_secs(60),
        settle_delay: SignedDuration::from_secs(SETTLE),
        longest_wait: SignedDuration::from_hours(1),
        one_per_visit: false,
        connection: plenty(),
    }
}

/// A claim whose lease has run out by the time anyone looks.
pub(crate) fn short(now: i64) -> ClaimPolicy {
    ClaimPolicy { lease: SignedDuration::ZERO, ..policy(now, 10) }
}

pub(crate) async fn claim(store: &dyn Store, now: i64) -> Vec<Lease> {
    store.claim(policy(now, 100)).await.unwrap().leases
}

/// Claims with a lease that runs out at once, and exactly one.
pub(crate) async fn claim_short(store: &dyn Store, now: i64) -> Lease {
    let mut leases = store.claim(short(now)).await.unwrap().leases;
    assert_eq!(leases.len(), 1, "{leases:?}");
    leases.remove(0)
}

/// Claims exactly one.
pub(crate) async fn claim_one(store: &dyn Store, now: i64) -> Lease {
    let mut leases = claim(store, now).await;
    assert_eq!(leases.len(), 1, "{leases:?}");
    leases.remove(0)
}

/// Polls until `claim` gives something: leases run by the database's time, which a test cannot move.
pub(crate) async fn claim_when_free(store: &dyn Store, now: i64) -> Lease {
    let poll = async {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        loop {
            every.tick().await;
            if let Some(lease) = claim(store, now).await.pop() {
                return lease;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), poll).await.expect("the lease runs out")
}

pub(crate) fn ids(leases: &[Lease]) -> Vec<&str> {
    leases.iter().map(|it| it.id.as_str()).collect()
}

pub(crate) fn retry(at: i64) -> Outcome {
    Outcome::Retry { at: t(at), reason: "503".into(), counts: true }
}

pub(crate) fn unknown(at: i64) -> Outcome {
    Outcome::Unknown { at: t(at), reason: "no answer".into(), counts: true }
}

pub(crate) fn parked(reason: &str) -> Outcome {
    Outcome::Parked { reason: reason.into(), uncertain: false, possible_double: false }
}

/// Settles at `now`; the EHR is well where it took something.
pub(crate) async fn settle(store: &dyn Store, lease: Lease, outcome: Outcome, now: i64) -> Settled {
    let health = if outcome == Outcome::Delivered { Health::Well } else { Health::Silent };
    settle_as(store, lease, outcome, health, now).await
}

/// Settles at `now` with what it says about the EHR.
pub(crate) async fn settle_as(store: &dyn Store, lease: Lease, outcome: Outcome, health: Health, now: i64) -> Settled {
    let (now, reassert_at) = (t(now), t(now + SETTLE));
    let settlement = Settlement { outcome, health, now, reassert_at, requests: 0, connection: plenty() };
    store.settle(lease, settlement).await.unwrap()
}
