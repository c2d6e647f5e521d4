//! Claiming and settling one row: leases, fences, outcomes.

use std::collections::HashSet;
use std::sync::Arc;

use roomed_relay::store::{ChartRow, ChartWord, OutboxCounts, Outcome, Settled, Store};

use crate::given::{claim, claim_one, claim_when_free, entry, new_visit, policy, short, t};

async fn chart(store: &dyn Store) -> Vec<ChartRow> {
    store.chart("v").await.unwrap()
}

fn mark(participant: &str, word: ChartWord) -> ChartRow {
    ChartRow { participant: participant.into(), word }
}

pub(crate) async fn a_row_is_claimed_delivered_and_shown(store: Arc<dyn Store>) {
    assert!(chart(&*store).await.is_empty());
    assert_eq!(store.next_run_at().await.unwrap(), None);
    new_visit(&*store, "v", vec![entry("o", "s", 10)]).await;
    assert_eq!(store.next_run_at().await.unwrap(), Some(t(10)));
    assert!(claim(&*store, 9).await.is_empty(), "not before its time");
    let lease = claim_one(&*store, 10).await;
    assert_eq!((lease.id.as_str(), lease.stream.as_str(), lease.visit.as_str()), ("o", "s", "v"));
    assert_eq!((lease.organization.as_str(), lease.ehr.as_str()), ("northside", "https://ehr.example"));
    assert_eq!((lease.key.bytes.as_slice(), lease.sealed.as_slice()), (&b"wrapped v"[..], &b"sealed o"[..]));
    assert_eq!((lease.fence, lease.attempt, lease.failures, lease.accepted_at), (1, 1, 0, t(0)));
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })]);
    let counts = OutboxCounts { in_flight: 1, oldest: Some(t(0)), ..OutboxCounts::default() };
    assert_eq!(store.outbox_counts().await.unwrap(), counts);
    assert_eq!(store.settle(lease, Outcome::Delivered, t(11), t(16)).await.unwrap(), Settled::Done);
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(11) })]);
    assert_eq!(store.outbox_counts().await.unwrap(), OutboxCounts::default());
    assert!(claim(&*store, 999).await.is_empty());
}

pub(crate) async fn many_claims_at_once_never_share_a_stream(store: Arc<dyn Store>) {
    let rows = (0..30).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect();
    new_visit(&*store, "v", rows).await;
    let worker = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim(policy(1, 4)).await.unwrap() })
    };
    let workers: Vec<_> = (0..12).map(worker).collect();
    let (mut streams, mut leases) = (HashSet::new(), 0);
    for worker in workers {
        for lease in worker.await.unwrap() {
            leases += 1;
            assert!(streams.insert(lease.stream.clone()), "{} is claimed twice", lease.stream);
        }
    }
    assert_eq!(leases, 30);
}

pub(crate) async fn a_stream_in_flight_gives_nothing_else(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o1", "s", 0), entry("x1", "other", 0)]).await;
    let leases = store.claim(policy(1, 1)).await.unwrap();
    assert_eq!(leases[0].id, "o1", "longest runnable first");
    crate::given::tell(&*store, "v", vec![entry("o2", "s", 0)], 2).await;
    let others = claim(&*store, 2).await;
    assert_eq!(others.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["x1"]);
}

pub(crate) async fn a_dropped_lease_comes_back_and_its_owner_is_fenced_off(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    let frozen = store.claim(short(1)).await.unwrap().remove(0);
    let taken = claim_when_free(&*store, 2).await;
    assert_eq!((taken.id.as_str(), taken.fence, taken.attempt), ("o", 2, 2));
    let late = store.settle(frozen, Outcome::Parked { reason: "late".into() }, t(3), t(8)).await.unwrap();
    assert_eq!(late, Settled::FenceLost);
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })], "the late word changed nothing");
    assert_eq!(store.settle(taken, Outcome::Delivered, t(4), t(9)).await.unwrap(), Settled::Done);
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(4) })]);
}

pub(crate) async fn retry_waits_for_its_time_and_counts(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    for n in 0..3_i64 {
        let lease = claim_one(&*store, n * 10).await;
        assert_eq!(i64::from(lease.failures), n);
        let again = Outcome::Retry { at: t(n * 10 + 10), reason: "503".into() };
        store.settle(lease, again, t(n * 10), t(0)).await.unwrap();
        assert!(claim(&*store, n * 10 + 9).await.is_empty());
    }
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })]);
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 1);
}

pub(crate) async fn a_missing_identifier_is_no_failure(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    store.settle(lease, Outcome::WaitingForIdentifier { at: t(60) }, t(1), t(6)).await.unwrap();
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::WaitingForIdentifier { since: t(0) })]);
    let counts = OutboxCounts { waiting_for_identifier: 1, oldest: Some(t(0)), ..OutboxCounts::default() };
    assert_eq!(store.outbox_counts().await.unwrap(), counts);
    assert!(claim(&*store, 59).await.is_empty());
    let lease = claim_one(&*store, 60).await;
    assert_eq!(lease.failures, 0);
    store.settle(lease, Outcome::Delivered, t(61), t(66)).await.unwrap();
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(61) })]);
}

pub(crate) async fn parked_rows_wait_for_somebody(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0), entry("u", "t", 0)]).await;
    let mut leases = claim(&*store, 0).await;
    let unsupported = leases.pop().unwrap();
    let parked = leases.pop().unwrap();
    store.settle(parked, Outcome::Parked { reason: "poison".into() }, t(1), t(6)).await.unwrap();
    store.settle(unsupported, Outcome::Unsupported { reason: "no words".into() }, t(1), t(6)).await.unwrap();
    let marks = [
        mark("s", ChartWord::Parked { reason: "poison".into() }),
        mark("t", ChartWord::Unsupported { reason: "no words".into() }),
    ];
    assert_eq!(chart(&*store).await, marks);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.parked, counts.unsupported, counts.waiting), (1, 1, 0));
    assert!(claim(&*store, 99_999).await.is_empty());
    assert!(!store.unpark("u", t(2)).await.unwrap());
    assert!(!store.unpark("none", t(2)).await.unwrap());
    assert!(store.unpark("o", t(2)).await.unwrap());
    let lease = claim_one(&*store, 2).await;
    store.settle(lease, Outcome::Delivered, t(3), t(8)).await.unwrap();
    assert_eq!(chart(&*store).await[0], mark("s", ChartWord::Written { at: t(3) }));
}
