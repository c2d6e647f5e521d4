//! Streams: the newest state alone is worth sending, never two in flight, and after any doubt it is said once more.

use std::sync::Arc;

use roomed_relay::outbox::connection::Health;
use roomed_relay::store::{ChartWord, NotDone, Outcome, Settled, Store};

use crate::given::{
    SETTLE, claim, claim_one, claim_short, claim_when_free, entry, ids, new_visit, parked, retry, settle, settle_as, t,
    tell, unknown,
};

async fn word(store: &dyn Store) -> ChartWord {
    store.chart("v").await.unwrap().remove(0).word
}

pub(crate) async fn the_newest_state_supersedes_what_waits(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("connected", "s", 0)]).await;
    tell(&*store, "v", vec![entry("disconnected", "s", 0)], 1).await;
    // Within one commit as well: the last one stands.
    tell(&*store, "v", vec![entry("a", "s", 0), entry("b", "s", 0), entry("other", "t", 0)], 2).await;
    let leases = claim(&*store, 5).await;
    assert_eq!(ids(&leases), ["b", "other"]);
    assert_eq!(store.outbox_counts().await.unwrap().in_flight, 2);
    // A parked row gives way too: an operator must not be able to send an old state after a new one.
    for lease in leases {
        settle(&*store, lease, parked("no"), 6).await;
    }
    tell(&*store, "v", vec![entry("c", "s", 0)], 7).await;
    assert_eq!(store.retry("b", t(8)).await.unwrap(), Err(NotDone::State("superseded")));
    assert_eq!(claim_one(&*store, 8).await.id, "c");
}

pub(crate) async fn a_newer_state_waits_for_the_one_in_flight(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("old", "s", 0)]).await;
    let old = claim_one(&*store, 0).await;
    tell(&*store, "v", vec![entry("new", "s", 0)], 1).await;
    assert!(claim(&*store, 2).await.is_empty());
    settle(&*store, old, Outcome::Delivered, 3).await;
    assert_eq!(word(&*store).await, ChartWord::Pending { since: t(1) });
    let new = claim_one(&*store, 3).await;
    assert_eq!(new.id, "new");
    // One that failed is not said again once a newer state waits.
    tell(&*store, "v", vec![entry("newest", "s", 0)], 4).await;
    settle(&*store, new, retry(5), 4).await;
    let newest = claim_one(&*store, 99).await;
    assert_eq!(newest.id, "newest");
    settle(&*store, newest, Outcome::Delivered, 100).await;
    assert!(claim(&*store, 999).await.is_empty());
    assert_eq!(word(&*store).await, ChartWord::Written { at: t(100) });
}

pub(crate) async fn an_unknown_outcome_is_asserted_once_more(store: Arc<dyn Store>) {
    // Alone: said again after the settle delay, and then it is settled.
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    settle(&*store, lease, unknown(5), 0).await;
    assert!(claim(&*store, 4).await.is_empty());
    let lease = claim_one(&*store, 5).await;
    assert_eq!(lease.failures, 1);
    // Again unknown, and this time a newer state comes while it waits: said at once, and once more after the delay.
    settle(&*store, lease, unknown(10), 5).await;
    tell(&*store, "v", vec![entry("new", "s", 6)], 6).await;
    let lease = claim_one(&*store, 6).await;
    assert_eq!(lease.id, "new");
    settle(&*store, lease, Outcome::Delivered, 7).await;
    assert_eq!(word(&*store).await, ChartWord::Written { at: t(7) });
    assert!(claim(&*store, 9).await.is_empty());
    let again = claim_one(&*store, 10).await;
    assert_eq!(again.id, "new");
    settle(&*store, again, Outcome::Delivered, 10).await;
    assert!(claim(&*store, 999).await.is_empty());
    // A newer state that was waiting already takes the duty over as well.
    tell(&*store, "v", vec![entry("third", "s", 20)], 20).await;
    let third = claim_one(&*store, 20).await;
    tell(&*store, "v", vec![entry("fourth", "s", 21)], 21).await;
    settle(&*store, third, unknown(27), 22).await;
    let fourth = claim_one(&*store, 22).await;
    assert_eq!(fourth.id, "fourth");
    settle(&*store, fourth, Outcome::Delivered, 23).await;
    assert_eq!(claim_one(&*store, 27).await.id, "fourth");
}

pub(crate) async fn what_began_before_the_delay_was_over_is_asserted_once_more(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("old", "s", 0)]).await;
    let old = claim_one(&*store, 0).await;
    settle(&*store, old, unknown(5), 0).await;
    tell(&*store, "v", vec![entry("new", "s", 4)], 4).await;
    // It was told at some time between 4 and 6, and what was sent before it may have landed after that, until 5.
    let new = claim_one(&*store, 4).await;
    settle(&*store, new, Outcome::Delivered, 6).await;
    let again = claim_one(&*store, 6).await;
    assert_eq!(again.id, "new");
    // This one began when nothing could land any more, however long it takes.
    settle(&*store, again, Outcome::Delivered, 7).await;
    assert!(claim(&*store, 999).await.is_empty());
}

pub(crate) async fn a_takeover_is_asserted_once_more(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    drop(claim_short(&*store, 0).await);
    let lease = claim_when_free(&*store, 1).await;
    settle(&*store, lease, Outcome::Delivered, 2).await;
    assert!(claim(&*store, 5).await.is_empty());
    let again = claim_one(&*store, 1 + SETTLE).await;
    settle(&*store, again, Outcome::Delivered, 1 + SETTLE).await;
    assert!(claim(&*store, 999).await.is_empty());
    // With a newer state behind it, that one is said, and once more.
    tell(&*store, "v", vec![entry("p", "s", 10)], 10).await;
    drop(claim_short(&*store, 10).await);
    tell(&*store, "v", vec![entry("q", "s", 11)], 11).await;
    let lease = claim_when_free(&*store, 12).await;
    assert_eq!(lease.id, "q");
    settle(&*store, lease, Outcome::Delivered, 12).await;
    assert_eq!(claim_one(&*store, 12 + SETTLE).await.id, "q");
}

pub(crate) async fn a_lost_fence_reasserts_what_was_delivered(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("connected", "s", 0)]).await;
    let frozen = claim_short(&*store, 0).await;
    let lease = claim_when_free(&*store, 1).await;
    settle(&*store, lease, Outcome::Delivered, 20).await;
    tell(&*store, "v", vec![entry("disconnected", "s", 30)], 30).await;
    let lease = claim_one(&*store, 30).await;
    settle(&*store, lease, Outcome::Delivered, 31).await;
    assert!(claim(&*store, 999).await.is_empty());
    // The frozen one wakes: its "connected" may just have landed after "disconnected".
    assert_eq!(settle(&*store, frozen, Outcome::Delivered, 40).await, Settled::FenceLost);
    assert!(claim(&*store, 44).await.is_empty());
    let again = claim_one(&*store, 45).await;
    assert_eq!(again.id, "disconnected");
    settle(&*store, again, Outcome::Delivered, 45).await;
    assert!(claim(&*store, 999).await.is_empty());
}

pub(crate) async fn doubt_passes_on_to_the_newer_state(store: Arc<dyn Store>) {
    // From one that waits after an unknown outcome.
    new_visit(&*store, "v", vec![entry("a", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    assert!(!lease.uncertain);
    settle(&*store, lease, unknown(5), 0).await;
    tell(&*store, "v", vec![entry("b", "s", 1)], 1).await;
    let lease = claim_one(&*store, 1).await;
    assert_eq!((lease.id.as_str(), lease.uncertain), ("b", true));
    // From one whose outcome turns out to be unknown when the newer one waits already.
    tell(&*store, "v", vec![entry("c", "s", 2)], 2).await;
    settle(&*store, lease, unknown(9), 2).await;
    let lease = claim_one(&*store, 2).await;
    assert_eq!((lease.id.as_str(), lease.uncertain), ("c", true));
    // From one that gives way to it after its lease was lost.
    settle(&*store, lease, unknown(3), 2).await;
    let lease = claim_short(&*store, 3).await;
    assert!(lease.uncertain);
    tell(&*store, "v", vec![entry("d", "s", 3)], 3).await;
    let lease = claim_when_free(&*store, 4).await;
    assert_eq!((lease.id.as_str(), lease.uncertain), ("d", true));
    // It ends with an answer.
    settle_as(&*store, lease, retry(9), Health::Ill { retry_after: None, again: false }, 4).await;
    tell(&*store, "v", vec![entry("e", "s", 5)], 5).await;
    let lease = claim_one(&*store, 5).await;
    assert_eq!((lease.id.as_str(), lease.uncertain), ("e", false));
}

pub(crate) async fn one_poisoned_stream_stops_no_other(store: Arc<dyn Store>) {
    let rows = (0..10).map(|n| entry(&format!("o{n}"), &format!("s{n}"), n)).collect();
    new_visit(&*store, "v", rows).await;
    let mut delivered = 0;
    for round in 0..3 {
        for lease in claim(&*store, 100 + round).await {
            let outcome = match lease.stream.as_str() {
                "s0" => parked("poison"),
                "s1" => retry(0),
                _ => Outcome::Delivered,
            };
            delivered += usize::from(outcome == Outcome::Delivered);
            settle(&*store, lease, outcome, 100 + round).await;
        }
    }
    assert_eq!(delivered, 8);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.parked, counts.waiting, counts.in_flight), (1, 1, 0));
}
