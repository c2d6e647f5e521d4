//! What is claimed first, from which connection, and when to come back.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use roomed_relay::outbox::connection::Policy;
use roomed_relay::store::{Change, ClaimPolicy, NewOutboxEntry, Others, Outcome, Store, VisitRow};

use crate::given::{
    EHR, ORGANIZATION, SETTLE, claim, close, entry, event, ids, new_visit, parked, plenty, policy, retry, settle, t,
    tell, unknown, visit,
};

pub(crate) async fn open_visits_go_before_history(store: Arc<dyn Store>) {
    let in_order = async |now: i64| {
        let leases = claim(&*store, now).await;
        let order: Vec<String> = leases.iter().map(|it| it.id.clone()).collect();
        for lease in leases {
            settle(&*store, lease, retry(0), now).await;
        }
        order
    };
    new_visit(&*store, "old", vec![entry("flying", "s1", 0), entry("parked", "s2", 0)]).await;
    let mut leases = claim(&*store, 0).await;
    settle(&*store, leases.pop().unwrap(), parked("no"), 0).await;
    tell(&*store, "old", vec![entry("waiting", "s3", 0), entry("restored", "s4", 0)], 0).await;
    // What waits, is in flight or stuck when the visit closes is history, and so is what is said of it later.
    close(&*store, "old", Some(1), 1).await;
    tell(&*store, "old", vec![entry("late", "s5", 0)], 2).await;
    settle(&*store, leases.pop().unwrap(), retry(0), 2).await;
    assert_eq!(store.retry("parked", t(0)).await.unwrap(), Ok(()));
    new_visit(&*store, "new", vec![entry("new", "s6", 9)]).await;
    assert_eq!(in_order(10).await, ["new", "flying", "parked", "waiting", "restored", "late"]);
    assert_eq!(ids(&store.claim(policy(10, 1)).await.unwrap().leases), ["new"]);
    // Begun again, its rows are as good as any: what was quarantined too.
    store.quarantine("restored", t(11)).await.unwrap();
    close(&*store, "old", None, 12).await;
    for (id, now) in [("restored", 0), ("new", 1), ("flying", 2), ("parked", 3), ("waiting", 4), ("late", 5)] {
        assert_eq!(store.retry(id, t(now)).await.unwrap(), Ok(()));
    }
    let by_run_at = ["restored", "new", "flying", "parked", "waiting", "late"];
    assert_eq!(ids(&claim(&*store, 20).await), by_run_at);
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
    // What waits for another of its stream is no reason to come back before that one's lease has run out.
    assert!(next(50, 9).await.is_some_and(is_within_the_lease_of(50)));
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

pub(crate) async fn a_clock_that_was_ahead_strands_nothing(store: Arc<dyn Store>) {
    let ahead = 3 * 3600;
    new_visit(&*store, "v", vec![entry("old", "s", 0)]).await;
    let lease = claim(&*store, 0).await.remove(0);
    settle(&*store, lease, unknown(ahead), ahead - SETTLE).await;
    new_visit(&*store, "x", vec![entry("far", "far", ahead)]).await;
    // The clock is right again: what is to run later than anything has to wait runs now.
    let mut leases = claim(&*store, 10).await;
    leases.sort_by(|a, b| b.id.cmp(&a.id));
    assert_eq!(ids(&leases), ["old", "far"]);
    // And what was to be asserted again then is asserted after the settle delay.
    settle(&*store, leases.remove(0), Outcome::Delivered, 10).await;
    assert!(claim(&*store, 10 + SETTLE - 1).await.is_empty());
    assert_eq!(ids(&claim(&*store, 10 + SETTLE).await), ["old"]);
    // A row may wait for as long as rows do.
    new_visit(&*store, "w", vec![entry("patient", "patient", 10 + 3600)]).await;
    assert!(claim(&*store, 10).await.is_empty());
}

pub(crate) async fn states_of_one_visit_take_turns_where_they_are_one_resource(store: Arc<dyn Store>) {
    let both = vec![entry("p", "p", 0), entry("c", "c", 0), event("e", "e", 0)];
    new_visit(&*store, "v", both).await;
    new_visit(&*store, "w", vec![entry("other", "w p", 0)]).await;
    let turns = |now| ClaimPolicy { one_per_visit: true, ..policy(now, 9) };
    let mut leases = store.claim(turns(1)).await.unwrap().leases;
    assert_eq!(ids(&leases), ["p", "e", "other"], "events are things of their own, and so are other visits");
    assert!(store.claim(turns(1)).await.unwrap().leases.is_empty(), "it waits for the one in flight");
    assert!(leases.iter().all(|it| it.others == Others::Clear));
    let first = leases.remove(0);
    assert!(store.about_to_send(&first).await.unwrap());
    settle(&*store, first, unknown(9), 2).await;
    // Whoever comes next is told that nobody knows what became of the first.
    let mut leases = store.claim(turns(2)).await.unwrap().leases;
    assert_eq!((ids(&leases), leases[0].others), (vec!["c"], Others::Settling));
    settle(&*store, leases.remove(0), Outcome::WaitingForIdentifier { at: t(9) }, 2).await;
    let first = store.claim(turns(9)).await.unwrap().leases.remove(0);
    assert_eq!((first.id.as_str(), first.uncertain, first.others), ("p", true, Others::Clear));
    let parked =
        |possible_double| Outcome::Parked { reason: "look".into(), uncertain: possible_double, possible_double };
    settle(&*store, first, parked(true), 9).await;
    // An operator is asked: until one has answered, it is in doubt.
    let second = store.claim(turns(9)).await.unwrap().leases.remove(0);
    assert_eq!(second.others, Others::Asked);
    settle(&*store, second, Outcome::WaitingForIdentifier { at: t(20) }, 9).await;
    store.retry_absent("p", t(19)).await.unwrap().unwrap();
    let first = store.claim(turns(19)).await.unwrap().leases.remove(0);
    assert_eq!((first.id.as_str(), first.uncertain), ("p", false));
    settle(&*store, first, Outcome::Delivered, 19).await;
    assert_eq!(store.claim(turns(20)).await.unwrap().leases.remove(0).others, Others::Clear);
}

/// When a lease that began a moment ago, at `now` by the relay's clock, runs out: the database measures it by its own.
pub(crate) fn is_within_the_lease_of(now: i64) -> impl FnOnce(Timestamp) -> bool {
    move |at| at > t(now + 30) && at <= t(now + 60)
}
