//! What the suite starts from: visits, people and rows with made-up, plainly different values.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_relay::store::{
    Change, ClaimPolicy, Lease, LookupKey, Member, NewNotice, NewOutboxEntry, Recipient, Store, VisitRow, WrappedKey,
};

pub(crate) fn t(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn person(oid: &str) -> Recipient {
    Recipient { organization: "northside".into(), tid: "tid".into(), oid: oid.into() }
}

pub(crate) fn member(oid: &str) -> Member {
    Member { tid: "tid".into(), oid: oid.into(), proven: true, covering: false }
}

pub(crate) fn visit(id: &str) -> VisitRow {
    VisitRow {
        id: id.into(),
        organization: "northside".into(),
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

/// A row of `stream`, of participant `stream`, runnable from `t(run_at)`.
pub(crate) fn entry(id: &str, stream: &str, run_at: i64) -> NewOutboxEntry {
    NewOutboxEntry {
        id: id.into(),
        stream: stream.into(),
        participant: stream.into(),
        ehr: "https://ehr.example".into(),
        sealed: format!("sealed {id}").into_bytes(),
        run_at: t(run_at),
    }
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

pub(crate) const SETTLE: i64 = 5;

pub(crate) fn policy(now: i64, limit: u32) -> ClaimPolicy {
    ClaimPolicy {
        now: t(now),
        limit,
        lease: SignedDuration::from_secs(60),
        settle_delay: SignedDuration::from_secs(SETTLE),
    }
}

/// A claim whose lease has run out by the time anyone looks.
pub(crate) fn short(now: i64) -> ClaimPolicy {
    ClaimPolicy { lease: SignedDuration::ZERO, ..policy(now, 10) }
}

pub(crate) async fn claim(store: &dyn Store, now: i64) -> Vec<Lease> {
    store.claim(policy(now, 100)).await.unwrap()
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
