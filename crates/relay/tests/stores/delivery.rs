//! Claiming and settling one row: leases, fences, outcomes.

use std::collections::HashSet;
use std::sync::Arc;

use roomed_relay::outbox::connection::Health;
use roomed_relay::store::{
    Channel, ChartRow, ChartWord, NewOutboxEntry, NotDone, OutboxCounts, Outcome, Settled, Store,
};

use crate::given::{
    claim, claim_one, claim_short, claim_when_free, entry, event, ids, new_visit, parked, policy, retry, settle,
    settle_as, t, tell, unknown,
};

async fn chart(store: &dyn Store) -> Vec<ChartRow> {
    store.chart("v").await.unwrap()
}

fn mark(participant: &str, word: ChartWord) -> ChartRow {
    ChartRow { participant: participant.into(), word }
}

pub(crate) async fn a_row_is_claimed_delivered_and_shown(store: Arc<dyn Store>) {
    assert!(chart(&*store).await.is_empty());
    new_visit(&*store, "v", vec![entry("o", "s", 10)]).await;
    assert!(claim(&*store, 9).await.is_empty(), "not before its time");
    let lease = claim_one(&*store, 10).await;
    assert_eq!((lease.id.as_str(), lease.stream.as_str(), lease.visit.as_str()), ("o", "s", "v"));
    assert_eq!((lease.organization.as_str(), lease.ehr.as_str()), ("northside", "https://ehr.example"));
    assert_eq!((lease.key.bytes.as_slice(), lease.sealed.as_slice()), (&b"wrapped v"[..], &b"sealed o"[..]));
    assert_eq!((lease.fence, lease.attempt, lease.failures, lease.accepted_at), (1, 1, 0, t(0)));
    assert_eq!((lease.channel, lease.participant.as_str()), (Channel::State, "s"));
    assert_eq!((lease.others_went, lease.uncertain), (true, false));
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })]);
    let counts = OutboxCounts { in_flight: 1, oldest: Some(t(0)), ..OutboxCounts::default() };
    assert_eq!(store.outbox_counts().await.unwrap(), counts);
    assert_eq!(settle(&*store, lease, Outcome::Delivered, 11).await, Settled::Done);
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(11) })]);
    assert_eq!(store.outbox_counts().await.unwrap(), OutboxCounts::default());
    assert!(claim(&*store, 999).await.is_empty());
}

pub(crate) async fn many_claims_at_once_never_share_a_stream(store: Arc<dyn Store>) {
    let rows = (0..30).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect();
    new_visit(&*store, "v", rows).await;
    let worker = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim(policy(1, 4)).await.unwrap().leases })
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
    let leases = store.claim(policy(1, 1)).await.unwrap().leases;
    assert_eq!(leases[0].id, "o1", "longest runnable first");
    tell(&*store, "v", vec![entry("o2", "s", 0)], 2).await;
    let others = claim(&*store, 2).await;
    assert_eq!(ids(&others), ["x1"]);
}

pub(crate) async fn a_dropped_lease_comes_back_and_its_owner_is_fenced_off(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    let frozen = claim_short(&*store, 1).await;
    let taken = claim_when_free(&*store, 2).await;
    assert_eq!((taken.id.as_str(), taken.fence, taken.attempt), ("o", 2, 2));
    let late = settle(&*store, frozen, parked("late"), 3).await;
    assert_eq!(late, Settled::FenceLost);
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })], "the late word changed nothing");
    assert_eq!(settle(&*store, taken, Outcome::Delivered, 4).await, Settled::Done);
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(4) })]);
}

pub(crate) async fn retry_waits_for_its_time_and_counts(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    for n in 0..3_i64 {
        let lease = claim_one(&*store, n * 10).await;
        assert_eq!(i64::from(lease.failures), n);
        settle(&*store, lease, retry(n * 10 + 10), n * 10).await;
        assert!(claim(&*store, n * 10 + 9).await.is_empty());
    }
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })]);
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 1);
}

pub(crate) async fn what_an_outage_did_does_not_count(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0), event("e", "f", 0)]).await;
    for lease in claim(&*store, 0).await {
        let outcome = match lease.id.as_str() {
            "o" => Outcome::Retry { at: t(10), reason: "503".into(), counts: false },
            _ => Outcome::Unknown { at: t(10), reason: "no answer".into(), counts: false },
        };
        settle_as(&*store, lease, outcome, Health::Ill { retry_after: None, again: false }, 1).await;
    }
    for lease in claim(&*store, 10).await {
        assert_eq!((lease.failures, lease.attempt, lease.others_went), (0, 2, false), "{}", lease.id);
        settle(&*store, lease, retry(20), 11).await;
    }
    for lease in claim(&*store, 20).await {
        assert_eq!((lease.failures, lease.attempt), (1, 3), "{}", lease.id);
        settle(&*store, lease, Outcome::Delivered, 21).await;
    }
    // What was delivered has never failed.
    assert_eq!(store.replay("o", t(30)).await.unwrap(), Ok(()));
    assert_eq!(claim_one(&*store, 30).await.failures, 0);
}

pub(crate) async fn a_missing_identifier_is_no_failure(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    settle(&*store, lease, Outcome::WaitingForIdentifier { at: t(60) }, 1).await;
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::WaitingForIdentifier { since: t(0) })]);
    let counts = OutboxCounts { waiting_for_identifier: 1, oldest: Some(t(0)), ..OutboxCounts::default() };
    assert_eq!(store.outbox_counts().await.unwrap(), counts);
    assert!(claim(&*store, 59).await.is_empty());
    let lease = claim_one(&*store, 60).await;
    assert_eq!(lease.failures, 0);
    settle(&*store, lease, Outcome::Delivered, 61).await;
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(61) })]);
}

pub(crate) async fn parked_rows_wait_for_somebody(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0), entry("u", "t", 0)]).await;
    let mut leases = claim(&*store, 0).await;
    let unsupported = leases.pop().unwrap();
    let poisoned = leases.pop().unwrap();
    settle(&*store, poisoned, parked("poison"), 1).await;
    settle(&*store, unsupported, Outcome::Unsupported { reason: "no words".into() }, 1).await;
    let marks = [
        mark("s", ChartWord::Parked { reason: "poison".into() }),
        mark("t", ChartWord::Unsupported { reason: "no words".into() }),
    ];
    assert_eq!(chart(&*store).await, marks);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.parked, counts.unsupported, counts.waiting), (1, 1, 0));
    assert!(claim(&*store, 99_999).await.is_empty());
    assert_eq!(store.retry("u", t(2)).await.unwrap(), Err(NotDone::State("unsupported")));
    assert_eq!(store.retry("none", t(2)).await.unwrap(), Err(NotDone::Unknown));
    assert_eq!(store.retry("o", t(2)).await.unwrap(), Ok(()));
    let lease = claim_one(&*store, 2).await;
    settle(&*store, lease, Outcome::Delivered, 3).await;
    assert_eq!(chart(&*store).await[0], mark("s", ChartWord::Written { at: t(3) }));
}

pub(crate) async fn the_chart_follows_presence_alone(store: Arc<dyn Store>) {
    let link = NewOutboxEntry { channel: Channel::Link, participant: String::new(), ..entry("l", "v link", 0) };
    let stage = NewOutboxEntry { participant: String::new(), ..entry("g", "v stage", 0) };
    new_visit(&*store, "v", vec![entry("o", "s", 0), event("e", "s audit", 0), link, stage]).await;
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Pending { since: t(0) })]);
    for lease in claim(&*store, 1).await {
        let outcome = if lease.id == "o" { Outcome::Delivered } else { parked("no") };
        settle(&*store, lease, outcome, 1).await;
    }
    assert_eq!(chart(&*store).await, [mark("s", ChartWord::Written { at: t(1) })]);
    // What an operator gave up was not written; what was restored, nobody knows.
    tell(&*store, "v", vec![entry("p", "s", 2), entry("q", "r", 2)], 2).await;
    assert_eq!(store.skip("p", "told by phone", t(3)).await.unwrap(), Ok(()));
    store.quarantine("restored", t(3)).await.unwrap();
    let marks = [
        mark("r", ChartWord::Parked { reason: "restored".into() }),
        mark("s", ChartWord::Unsupported { reason: "told by phone".into() }),
    ];
    assert_eq!(chart(&*store).await, marks);
}

pub(crate) async fn doubt_is_set_kept_and_cleared(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("e", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    assert!(!lease.uncertain);
    settle(&*store, lease, unknown(10), 0).await;
    // Each outcome finds the doubt of the one before, and says what becomes of it.
    let doubt = || Outcome::Parked { reason: "stuck".into(), uncertain: true, possible_double: true };
    let table = [
        (10, unknown(20), true),
        (20, retry(30), false),
        (30, unknown(40), true),
        (40, Outcome::WaitingForIdentifier { at: t(50) }, false),
        (50, unknown(60), true),
        (60, doubt(), true),
    ];
    let mut was = true;
    for (now, outcome, becomes) in table {
        let lease = claim_one(&*store, now).await;
        assert_eq!(lease.uncertain, was, "at {now}");
        settle(&*store, lease, outcome, now).await;
        was = becomes;
    }
    assert_eq!(store.retry("e", t(70)).await.unwrap(), Ok(()));
    let lease = claim_one(&*store, 70).await;
    assert!(lease.uncertain, "parking does not settle what may have been applied");
    settle(&*store, lease, doubt(), 70).await;
    assert_eq!(store.retry_absent("e", t(70)).await.unwrap(), Ok(()));
    let lease = claim_one(&*store, 70).await;
    assert!(!lease.uncertain, "somebody looked");
    settle(&*store, lease, Outcome::Delivered, 70).await;
    assert!(!store.entry("e").await.unwrap().unwrap().possible_double);
    assert!(claim(&*store, 999).await.is_empty(), "an event is said once");
}
