//! What is claimed first, from which connection, and when to come back.

use std::sync::Arc;

use jiff::SignedDuration;
use roomed_relay::outbox::connection::Policy;
use roomed_relay::store::{Change, ClaimPolicy, NewOutboxEntry, Outcome, Store, VisitRow};

use crate::given::{
    EHR, ORGANIZATION, claim, close, entry, event, ids, new_visit, parked, plenty, policy, retry, settle, t, tell,
    visit,
};

pub(crate) async fn open_visits_go_before_history(store: Arc<dyn Store>) {
    new_visit(&*store, "old", vec![entry("o1", "s1", 0), entry("o2", "s2", 0), entry("p", "s3", 0)]).await;
    let lease = claim(&*store, 0).await.pop().unwrap();
    assert_eq!(lease.id, "p");
    settle(&*store, lease, parked("no"), 0).await;
    // The two left come back.
    let back = async |now: i64| {
        for lease in claim(&*store, now).await {
            settle(&*store, lease, retry(0), now).await;
        }
    };
    // They are in flight still, and history all the same once the visit has closed.
    close(&*store, "old", Some(1), 1).await;
    new_visit(&*store, "new", vec![entry("n", "s4", 10)]).await;
    tell(&*store, "old", vec![entry("late", "s5", 0)], 11).await;
    assert_eq!(store.retry("p", t(0)).await.unwrap(), Ok(()));
    let mut leases = claim(&*store, 20).await;
    assert_eq!(ids(&leases), ["n", "p", "late"], "rows of the open visit first");
    assert_eq!(ids(&store.claim(policy(20, 10)).await.unwrap().leases), [""; 0]);
    for lease in leases.drain(..) {
        settle(&*store, lease, retry(0), 20).await;
    }
    assert_eq!(ids(&store.claim(policy(20, 1)).await.unwrap().leases), ["n"]);
    // Begun again, its rows are as good as any.
    close(&*store, "old", None, 30).await;
    let leases = claim(&*store, 30).await;
    assert_eq!(ids(&leases), ["p", "late"]);
    tell(&*store, "old", vec![entry("again", "s6", -5)], 31).await;
    tell(&*store, "new", vec![entry("m", "s7", -1)], 31).await;
    assert_eq!(ids(&claim(&*store, 31).await), ["again", "m"]);
    back(31).await;
}

pub(crate) async fn longest_runnable_first_then_by_acceptance(store: Arc<dyn Store>) {
    let rows = vec![entry("third", "a", 7), entry("first", "b", 5), entry("fourth", "c", 7), entry("second", "d", 5)];
    new_visit(&*store, "v", rows).await;
    assert_eq!(ids(&store.claim(policy(10, 3)).await.unwrap().leases), ["first", "second", "third"]);
    assert_eq!(ids(&claim(&*store, 10).await), ["fourth"]);
}

pub(crate) async fn a_claim_is_of_one_connection(store: Arc<dyn Store>) {
    let other = NewOutboxEntry { ehr: "https://other.example".into(), ..entry("other", "s2", 0) };
    new_visit(&*store, "v", vec![entry("ours", "s1", 0), other]).await;
    let row = VisitRow { organization: "harbor".into(), ..visit("w") };
    let change = Change { outbox: vec![entry("harbor's", "s3", 0)], ..Change::of(row, None, t(0)) };
    store.commit(change).await.unwrap();
    assert_eq!(ids(&claim(&*store, 1).await), ["ours"]);
    let of = async |organization: &str, ehr: &str| {
        let policy = ClaimPolicy { organization: organization.into(), ehr: ehr.into(), ..policy(1, 9) };
        store.claim(policy).await.unwrap().leases
    };
    let leases = of("harbor", EHR).await;
    assert_eq!((ids(&leases), leases[0].organization.as_str()), (vec!["harbor's"], "harbor"));
    let leases = of(ORGANIZATION, "https://other.example").await;
    assert_eq!((ids(&leases), leases[0].ehr.as_str()), (vec!["other"], "https://other.example"));
    assert!(of("harbor", "https://other.example").await.is_empty());
}

pub(crate) async fn connections_in_use_have_something_to_do(store: Arc<dyn Store>) {
    assert!(store.connections_in_use().await.unwrap().is_empty());
    let at =
        |ehr: &str, n: u32| NewOutboxEntry { ehr: ehr.into(), ..entry(&format!("{ehr}{n}"), &format!("{ehr}{n}"), 0) };
    let rows = [("b", 1), ("a", 1), ("b", 2), ("c", 1), ("a", 2)].into_iter().map(|(ehr, n)| at(ehr, n)).collect();
    new_visit(&*store, "v", rows).await;
    let row = VisitRow { organization: "harbor".into(), ..visit("w") };
    store.commit(Change { outbox: vec![at("a", 3)], ..Change::of(row, None, t(0)) }).await.unwrap();
    let in_use = async || {
        let mut found = store.connections_in_use().await.unwrap();
        found.sort();
        found.into_iter().map(|(organization, ehr)| format!("{organization} {ehr}")).collect::<Vec<_>>()
    };
    assert_eq!(in_use().await, ["harbor a", "northside a", "northside b", "northside c"]);
    // In flight counts; parked and delivered do not.
    let mut leases = store.claim(ClaimPolicy { ehr: "b".into(), ..policy(1, 9) }).await.unwrap().leases;
    assert_eq!(in_use().await, ["harbor a", "northside a", "northside b", "northside c"]);
    settle(&*store, leases.remove(0), Outcome::Delivered, 1).await;
    assert_eq!(in_use().await, ["harbor a", "northside a", "northside b", "northside c"]);
    settle(&*store, leases.remove(0), parked("no"), 1).await;
    assert_eq!(in_use().await, ["harbor a", "northside a", "northside c"]);
}

pub(crate) async fn a_claim_says_when_to_come_back(store: Arc<dyn Store>) {
    let next = async |now, limit| store.claim(policy(now, limit)).await.unwrap().next;
    assert_eq!(next(0, 9).await, None, "nothing waits");
    new_visit(&*store, "old", vec![entry("h", "h", 40)]).await;
    close(&*store, "old", Some(1), 1).await;
    assert_eq!(next(2, 9).await, Some(t(40)), "history waits too");
    new_visit(&*store, "v", vec![entry("a", "a", 30), entry("b", "b", 50), event("e", "e", 50), event("f", "e", 50)])
        .await;
    assert_eq!(next(2, 9).await, Some(t(30)));
    let claimed = store.claim(policy(30, 9)).await.unwrap();
    assert_eq!((ids(&claimed.leases), claimed.next), (vec!["a"], Some(t(40))));
    // What was left over because no more were wanted can be had at once.
    assert_eq!(next(50, 1).await, Some(t(50)));
    assert_eq!(next(50, 9).await, None, "what waits for another of its stream is no reason to come back");
    // Left over for lack of allowance: when there is some.
    tell(&*store, "v", vec![entry("x", "x", 60), entry("y", "y", 60), entry("z", "z", 70)], 51).await;
    let slow = |now| {
        let connection = Policy { per_second: 1, burst: 1, ..plenty() };
        ClaimPolicy { now, connection, ..policy(0, 9) }
    };
    let late = t(200);
    let claimed = store.claim(slow(late)).await.unwrap();
    assert_eq!(claimed.leases.len(), 1);
    assert_eq!(claimed.next, Some(late + SignedDuration::from_secs(1)));
    let soon = late + SignedDuration::from_millis(250);
    let claimed = store.claim(slow(soon)).await.unwrap();
    assert_eq!((claimed.leases.len(), claimed.next), (0, Some(late + SignedDuration::from_secs(1))));
}
