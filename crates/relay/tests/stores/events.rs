//! Events: each is said once and in order, and one that may have been said is searched for before it is said again.

use std::sync::Arc;

use roomed_relay::store::{Channel, EntryState, NewOutboxEntry, Outcome, Settled, Store};

use crate::given::{
    SETTLE, claim, claim_one, claim_short, claim_when_free, entry, event, ids, new_visit, parked, policy, retry,
    settle, short, t, tell, unknown,
};

pub(crate) async fn events_go_one_by_one_and_are_never_superseded(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("attach", "s", 0), event("detach", "s", 0)]).await;
    // One that may run earlier does not overtake, and another door is another stream.
    let message = NewOutboxEntry { channel: Channel::Message, ..event("message", "m", 0) };
    tell(&*store, "v", vec![event("attach again", "s", -9), message], 1).await;
    assert_eq!(store.outbox_counts().await.unwrap().waiting, 4);
    let mut leases = claim(&*store, 1).await;
    leases.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(ids(&leases), ["attach", "message"]);
    assert_eq!((leases[0].channel, leases[1].channel), (Channel::Audit, Channel::Message));
    assert!(claim(&*store, 1).await.is_empty(), "none while one is in flight");
    // One that is to be tried later keeps its place.
    settle(&*store, leases.remove(0), retry(10), 1).await;
    assert!(claim(&*store, 9).await.is_empty());
    let lease = claim_one(&*store, 10).await;
    assert_eq!(lease.id, "attach");
    settle(&*store, lease, unknown(20), 10).await;
    assert!(claim(&*store, 19).await.is_empty());
    for (id, now) in [("attach", 20), ("detach", 21), ("attach again", 22)] {
        let lease = claim_one(&*store, now).await;
        assert_eq!(lease.id, id);
        settle(&*store, lease, Outcome::Delivered, now).await;
    }
    settle(&*store, leases.remove(0), Outcome::Delivered, 23).await;
    assert!(claim(&*store, 999).await.is_empty(), "nothing is said twice, not even after an unknown outcome");
}

pub(crate) async fn one_that_is_parked_lets_the_next_go(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("a", "s", 0), event("b", "s", 0), event("c", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    settle(&*store, lease, parked("poison"), 0).await;
    let lease = claim_one(&*store, 1).await;
    assert_eq!(lease.id, "b");
    settle(&*store, lease, Outcome::Unsupported { reason: "no words".into() }, 1).await;
    assert_eq!(claim_one(&*store, 2).await.id, "c");
}

pub(crate) async fn a_lost_event_that_did_not_leave_goes_at_once(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("a", "s", 0), event("b", "s", 0)]).await;
    drop(claim_short(&*store, 0).await);
    let lease = claim_when_free(&*store, 1).await;
    assert_eq!((lease.id.as_str(), lease.attempt, lease.uncertain), ("a", 2, false));
    settle(&*store, lease, Outcome::Delivered, 1).await;
    let lease = claim_one(&*store, 1).await;
    assert_eq!(lease.id, "b");
    settle(&*store, lease, Outcome::Delivered, 1).await;
    assert!(claim(&*store, 999).await.is_empty(), "nor is it asserted once more");
}

pub(crate) async fn a_lost_event_that_may_have_left_waits_for_the_settle_delay(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("a", "s", 0), event("b", "s", 0)]).await;
    let lease = claim_one(&*store, 0).await;
    settle(&*store, lease, unknown(3), 0).await;
    let lease = claim_short(&*store, 3).await;
    assert!(lease.uncertain);
    drop(lease);
    // The lease has run out by now: the database's time moves by itself.
    loop {
        let claimed = store.claim(policy(10, 9)).await.unwrap();
        assert!(claimed.leases.is_empty(), "neither it nor the one behind it");
        if store.entry("a").await.unwrap().unwrap().state == EntryState::Waiting {
            assert_eq!(claimed.next, Some(t(10 + SETTLE)));
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(claim(&*store, 10 + SETTLE - 1).await.is_empty());
    let lease = claim_one(&*store, 10 + SETTLE).await;
    assert_eq!((lease.id.as_str(), lease.uncertain, lease.attempt), ("a", true, 3));
}

pub(crate) async fn a_late_word_about_an_event_changes_nothing(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("a", "s", 0)]).await;
    let frozen = claim_short(&*store, 0).await;
    let lease = claim_when_free(&*store, 1).await;
    settle(&*store, lease, Outcome::Delivered, 2).await;
    assert_eq!(settle(&*store, frozen, unknown(9), 3).await, Settled::FenceLost);
    assert!(claim(&*store, 999).await.is_empty());
    assert_eq!(store.outbox_counts().await.unwrap(), Default::default());
}

pub(crate) async fn nothing_is_sent_under_a_lease_that_is_lost(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("a", "s", 0), entry("state", "t", 0)]).await;
    let leases = claim(&*store, 0).await;
    for lease in &leases {
        assert!(store.about_to_send(lease).await.unwrap());
        assert!(store.about_to_send(lease).await.unwrap(), "as often as it is asked");
    }
    for lease in leases {
        settle(&*store, lease, retry(5), 0).await;
    }
    // Run out, though nobody has taken it over yet.
    let lost = store.claim(short(5)).await.unwrap().leases;
    assert_eq!(lost.len(), 2);
    for lease in &lost {
        assert!(!lease.uncertain, "the answer settled it");
        assert!(!store.about_to_send(lease).await.unwrap());
    }
    // Not marked either: taken over, it goes at once. And taken over, the old owner is refused.
    let mut taken = Vec::new();
    while taken.len() < 2 {
        taken.extend(claim(&*store, 6).await);
    }
    for lease in &taken {
        assert!(!lease.uncertain);
        assert!(store.about_to_send(lease).await.unwrap());
    }
    for lease in &lost {
        assert!(!store.about_to_send(lease).await.unwrap());
    }
}
