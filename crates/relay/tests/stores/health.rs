//! Pace and breaker of an EHR connection, as far as the store keeps them: shared, and not forgotten.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use roomed_relay::outbox::connection::{Connection, Health, Policy};
use roomed_relay::store::{ClaimPolicy, Claimed, NewOutboxEntry, Outcome, Settlement, Store};

use crate::given::{
    EHR, ORGANIZATION, Place, SETTLE, claim_short, claim_when_free, entry, ids, new_visit, plenty, policy, retry,
    settle, settle_as, t,
};
use crate::order::is_within_the_lease_of;

const ILL: Health = Health::Ill { retry_after: None, again: false };

fn rows(count: i64) -> Vec<NewOutboxEntry> {
    (0..count).map(|n| entry(&format!("o{n}"), &format!("s{n}"), n - 100)).collect()
}

/// Two in a row open it for half a minute.
fn fragile() -> Policy {
    Policy { trip_after: 2, ..plenty() }
}

async fn claim(store: &dyn Store, connection: &Policy, now: Timestamp, limit: u32) -> Claimed {
    store.claim(ClaimPolicy { now, connection: connection.clone(), ..policy(0, limit) }).await.unwrap()
}

/// Claims `health.len()` rows at `now` and settles each as told.
async fn spend(store: &dyn Store, connection: &Policy, now: i64, health: &[Health]) {
    let leases = claim(store, connection, t(now), u32::try_from(health.len()).unwrap()).await.leases;
    assert_eq!(leases.len(), health.len());
    for (lease, health) in leases.into_iter().zip(health) {
        let outcome = if *health == Health::Well { Outcome::Delivered } else { retry(now) };
        let (now, reassert_at) = (t(now), t(now + SETTLE));
        let settlement =
            Settlement { outcome, health: *health, now, reassert_at, requests: 0, connection: connection.clone() };
        store.settle(lease, settlement).await.unwrap();
    }
}

pub(crate) async fn the_pace_is_kept_and_says_when(store: Arc<dyn Store>) {
    let slow = Policy { per_second: 2, burst: 3, ..plenty() };
    new_visit(&*store, "v", rows(9)).await;
    let first = claim(&*store, &slow, t(0), 9).await;
    assert_eq!(
        (ids(&first.leases), first.next),
        (vec!["o0", "o1", "o2"], Some(t(0) + SignedDuration::from_millis(500)))
    );
    assert!(claim(&*store, &slow, t(0), 9).await.leases.is_empty());
    let second = claim(&*store, &slow, t(1), 9).await;
    assert_eq!((ids(&second.leases), second.next), (vec!["o3", "o4"], Some(t(1) + SignedDuration::from_millis(500))));
    // A pause fills the bucket, and no more than that.
    let third = claim(&*store, &slow, t(100), 9).await;
    assert_eq!(third.leases.len(), 3);
    let last = claim(&*store, &slow, t(200), 9).await;
    assert_eq!(ids(&last.leases), ["o8"]);
    assert!(
        last.next.is_some_and(is_within_the_lease_of(200)),
        "nothing is left, but who holds the leases may be gone"
    );
}

pub(crate) async fn the_breaker_opens_lets_one_through_and_closes(store: Arc<dyn Store>) {
    let fragile = fragile();
    new_visit(&*store, "v", rows(9)).await;
    // One failure, or two that do not follow each other, open nothing.
    spend(&*store, &fragile, 0, &[ILL, Health::Well, ILL, Health::Silent]).await;
    assert!(!store.connection(ORGANIZATION, EHR).await.unwrap().is_open());
    spend(&*store, &fragile, 1, &[ILL]).await;
    assert!(store.connection(ORGANIZATION, EHR).await.unwrap().is_open());
    let closed = claim(&*store, &fragile, t(2), 9).await;
    assert_eq!((closed.leases.len(), closed.next), (0, Some(t(31))));
    // Half open: one goes through, and none with it or after it.
    let probe = claim(&*store, &fragile, t(31), 9).await;
    assert_eq!((probe.leases.len(), probe.next), (1, Some(t(61))));
    assert!(claim(&*store, &fragile, t(32), 9).await.leases.is_empty());
    for lease in probe.leases {
        settle_as(&*store, lease, Outcome::Delivered, Health::Well, 33).await;
    }
    assert_eq!(store.connection(ORGANIZATION, EHR).await.unwrap().well_at, Some(t(33)));
    assert_eq!(claim(&*store, &fragile, t(33), 9).await.leases.len(), 7);
}

pub(crate) async fn pace_and_breaker_outlive_the_process(store: Arc<dyn Store>, place: &dyn Place) {
    let fragile = Policy { per_second: 1, burst: 4, ..fragile() };
    assert_eq!(store.connection(ORGANIZATION, EHR).await.unwrap(), Connection::default());
    new_visit(&*store, "v", rows(9)).await;
    spend(&*store, &fragile, 0, &[ILL]).await;
    let was = store.connection(ORGANIZATION, EHR).await.unwrap();
    assert_ne!(was, Connection::default());
    store.close().await;
    let store = place.again().await;
    assert_eq!(store.connection(ORGANIZATION, EHR).await.unwrap(), was);
    // Three are left of the burst, and the second failure is the last straw.
    assert_eq!(claim(&*store, &fragile, t(0), 9).await.leases.len(), 3);
    spend(&*store, &fragile, 1, &[ILL]).await;
    store.close().await;
    let store = place.again().await;
    let closed = claim(&*store, &fragile, t(2), 9).await;
    assert_eq!((closed.leases.len(), closed.next), (0, Some(t(31))));
    store.close().await;
}

pub(crate) async fn what_a_fenced_off_attempt_learned_counts(store: Arc<dyn Store>) {
    new_visit(&*store, "v", rows(1)).await;
    let frozen = claim_short(&*store, 0).await;
    let lease = claim_when_free(&*store, 1).await;
    settle_as(&*store, frozen, Outcome::Delivered, Health::Well, 7).await;
    assert_eq!(store.connection(ORGANIZATION, EHR).await.unwrap().well_at, Some(t(7)));
    settle_as(&*store, lease, retry(8), ILL, 8).await;
    assert_eq!(store.connection(ORGANIZATION, EHR).await.unwrap().failures, 1);
}

pub(crate) async fn a_turn_is_taken_from_the_same_pace_and_leaves_half_of_it(store: Arc<dyn Store>) {
    let slow = Policy { per_second: 1, burst: 4, ..fragile() };
    let turn = async |now| store.take_turn(ORGANIZATION, EHR, &slow, t(now)).await.unwrap();
    assert!(turn(0).await);
    assert!(turn(0).await);
    assert!(!turn(0).await, "the rest is for write-backs");
    new_visit(&*store, "v", rows(9)).await;
    assert_eq!(claim(&*store, &slow, t(0), 9).await.leases.len(), 2);
    assert!(!turn(2).await);
    assert!(turn(3).await);
    // Nor is an EHR read that is to be left in peace: the one request that is let through is a write-back.
    spend(&*store, &slow, 10, &[ILL, ILL]).await;
    assert!(!turn(20).await);
    assert!(!turn(40).await);
    assert!(store.take_turn(ORGANIZATION, "https://other.example", &slow, t(20)).await.unwrap());
}

pub(crate) async fn what_really_left_is_paid_for(store: Arc<dyn Store>) {
    let slow = Policy { per_second: 1, burst: 4, ..fragile() };
    new_visit(&*store, "v", rows(9)).await;
    let mut leases = claim(&*store, &slow, t(0), 2).await.leases;
    let settlement = |requests| Settlement {
        outcome: Outcome::Delivered,
        health: Health::Well,
        now: t(0),
        reassert_at: t(SETTLE),
        requests,
        connection: slow.clone(),
    };
    // Two of four are taken; this attempt needed three requests more than its claim paid for.
    store.settle(leases.remove(0), settlement(3)).await.unwrap();
    let none = claim(&*store, &slow, t(1), 9).await;
    assert_eq!((none.leases.len(), none.next), (0, Some(t(2))));
    // This one needed none at all.
    store.settle(leases.remove(0), settlement(-1)).await.unwrap();
    assert_eq!(claim(&*store, &slow, t(1), 9).await.leases.len(), 1);
}

pub(crate) async fn connections_do_not_share_their_luck(store: Arc<dyn Store>) {
    let fragile = fragile();
    let mut all = rows(3);
    all.push(NewOutboxEntry { ehr: "https://other.example".into(), ..entry("other", "other", 0) });
    new_visit(&*store, "v", all).await;
    spend(&*store, &fragile, 0, &[ILL, ILL]).await;
    assert!(claim(&*store, &fragile, t(1), 9).await.leases.is_empty());
    let other = ClaimPolicy { ehr: "https://other.example".into(), connection: fragile, ..policy(1, 9) };
    assert_eq!(ids(&store.claim(other).await.unwrap().leases), ["other"]);
    assert_eq!(store.connection("harbor", EHR).await.unwrap(), Connection::default());
}

pub(crate) async fn a_failure_is_the_rows_own_when_others_went(store: Arc<dyn Store>) {
    new_visit(&*store, "v", rows(2)).await;
    let plenty = plenty();
    let one = async |now| claim(&*store, &plenty, t(now), 1).await.leases.remove(0);
    let lease = one(10).await;
    assert!(lease.others_went && !lease.ehr_is_ill, "it never failed");
    settle_as(&*store, lease, retry(0), ILL, 10).await;
    // o1 runs later than o0, which is runnable from t(0) now; take it while o0 is in flight.
    let mut both = claim(&*store, &plenty, t(11), 2).await.leases;
    both.sort_by(|a, b| a.id.cmp(&b.id));
    let (first, second) = (both.remove(0), both.remove(0));
    assert!(!first.others_went, "nothing has gone since");
    assert!(first.ehr_is_ill && second.ehr_is_ill, "what fails in an outage for the first time is not to blame");
    settle_as(&*store, first, retry(0), Health::Silent, 12).await;
    settle(&*store, second, Outcome::Delivered, 12).await;
    let lease = one(13).await;
    assert!(!lease.others_went, "not at the very moment");
    settle_as(&*store, lease, retry(0), Health::Silent, 14).await;
    assert!(store.take_turn(ORGANIZATION, EHR, &plenty, t(15)).await.unwrap());
    new_visit(&*store, "w", vec![entry("x", "x", -200)]).await;
    let lease = one(16).await;
    assert_eq!(lease.id, "x");
    settle(&*store, lease, Outcome::Delivered, 16).await;
    let lease = one(17).await;
    assert_eq!((lease.id.as_str(), lease.others_went, lease.ehr_is_ill), ("o0", true, false));
}
