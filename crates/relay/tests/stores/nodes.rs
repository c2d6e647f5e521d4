//! Several nodes on one PostgreSQL database: each row goes to one of them, a frozen one is fenced off, the ledger is one
//! chain, nobody waits for another for ever, and hints arrive.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use roomed_relay::ledger::BEGINNING;
use roomed_relay::outbox::connection::{Health, Policy};
use roomed_relay::store::{Change, ClaimPolicy, CommitError, Hint, NodeId, Outcome, Settled, Store, VisitRow};
use sqlx::Executor;

use crate::given::{
    claim, claim_short, claim_when_free, entry, event, new_visit, notice, parked, person, plenty, policy, retry,
    settle, settle_as, t, tell, unknown, visit,
};
use crate::postgres::Place;

async fn two() -> (Arc<dyn Store>, Arc<dyn Store>, Place) {
    let place = Place::make("").await;
    let (one, other) = (place.node().await.unwrap(), place.node().await.unwrap());
    (one, other, place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_row_goes_to_one_node() {
    let (one, other, _place) = two().await;
    new_visit(&*one, "v", (0..40).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect()).await;
    let worker = |n: usize| {
        let store = if n.is_multiple_of(2) { one.clone() } else { other.clone() };
        tokio::spawn(async move { store.claim(policy(1, 5)).await.unwrap().leases })
    };
    let workers: Vec<_> = (0..12).map(worker).collect();
    let mut claimed = BTreeSet::new();
    for worker in workers {
        for lease in worker.await.unwrap() {
            assert!(claimed.insert(lease.id.clone()), "{} was claimed twice", lease.id);
        }
    }
    assert_eq!(claimed.len(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pace_is_one_for_all_nodes() {
    let (one, other, _place) = two().await;
    new_visit(&*one, "v", (0..40).map(|n| entry(&format!("o{n}"), &format!("s{n}"), 0)).collect()).await;
    let slow = ClaimPolicy { connection: Policy { per_second: 1, burst: 7, ..plenty() }, ..policy(1, 5) };
    let worker = |n: usize| {
        let (store, slow) = (if n.is_multiple_of(2) { one.clone() } else { other.clone() }, slow.clone());
        tokio::spawn(async move { store.claim(slow).await.unwrap() })
    };
    let workers: Vec<_> = (0..8).map(worker).collect();
    let mut claimed = 0;
    for worker in workers {
        claimed += worker.await.unwrap().leases.len();
    }
    assert_eq!(claimed, 7);
}

#[tokio::test]
async fn a_frozen_node_is_fenced_off() {
    let (frozen, awake, _place) = two().await;
    new_visit(&*frozen, "v", vec![event("e", "s", 0)]).await;
    let old = claim_short(&*frozen, 0).await;
    let new = claim_when_free(&*awake, 0).await;
    assert_eq!((new.id.as_str(), new.fence, new.uncertain), ("e", 2, false));
    assert!(!frozen.about_to_send(&old).await.unwrap(), "the frozen node must not send any more");
    assert!(awake.about_to_send(&new).await.unwrap());
    assert_eq!(settle(&*frozen, old, Outcome::Delivered, 1).await, Settled::FenceLost);
    assert_eq!(settle(&*awake, new, Outcome::Delivered, 2).await, Settled::Done);
    assert!(claim(&*frozen, 999).await.is_empty());
}

/// Everything that moves a row, on the same few streams, from two nodes at once. A wrong order of locks shows as an error
/// of the database, a broken promise as one of its unique indexes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_claims_settles_and_operators_do_not_get_into_each_others_way() {
    const VISITS: usize = 4;
    let (one, other, place) = two().await;
    for v in 0..VISITS {
        new_visit(&*one, &format!("v{v}"), vec![]).await;
    }
    let node = |n: usize| if n.is_multiple_of(2) { one.clone() } else { other.clone() };
    let committer = |n: usize| {
        let store = node(n);
        tokio::spawn(async move {
            for round in 0..25 {
                let id = format!("v{}", (n + round) % VISITS);
                loop {
                    let found = store.visit(&id).await.unwrap().unwrap();
                    // The streams of a visit in every order, events among them, closed and opened again.
                    let mut outbox: Vec<_> =
                        (0..3).map(|s| entry("", &format!("{id}-{}", (s + round) % 3), 0)).collect();
                    outbox.push(event("", &format!("{id}-audit"), 0));
                    for (at, row) in outbox.iter_mut().enumerate() {
                        row.id = format!("{n}-{round}-{at}-{}", found.version);
                    }
                    let closed_at = (round % 5 == 0).then(|| t(1));
                    let change = Change {
                        outbox,
                        notices: [n % 3, (n + 1) % 3].map(|p| notice(&format!("p{p}"), "{}")).to_vec(),
                        ..Change::of(VisitRow { closed_at, ..found.row }, Some(found.version), t(1))
                    };
                    match store.commit(change).await {
                        Ok(_) => break,
                        Err(CommitError::Conflict) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
    };
    let worker = |n: usize| {
        let store = node(n);
        tokio::spawn(async move {
            for round in 0..60 {
                let lost = n == 0 && round % 7 == 0;
                let how =
                    if lost { ClaimPolicy { lease: jiff::SignedDuration::ZERO, ..policy(1, 4) } } else { policy(1, 4) };
                for (at, lease) in store.claim(how).await.unwrap().leases.into_iter().enumerate() {
                    store.about_to_send(&lease).await.unwrap();
                    let outcome = match (round + at) % 5 {
                        0 => retry(1),
                        1 => unknown(1),
                        2 => parked("no"),
                        _ => Outcome::Delivered,
                    };
                    settle_as(&*store, lease, outcome, Health::Well, 1).await;
                }
            }
        })
    };
    let operator = {
        let store = node(1);
        tokio::spawn(async move {
            for round in 0..40 {
                let rows = store.entries(roomed_relay::store::EntryFilter { limit: 200, ..Default::default() }).await;
                let rows = rows.unwrap();
                for row in rows.iter().rev().take(5) {
                    let _ = store.retry(&row.id, t(1)).await.unwrap();
                    let _ = store.replay(&row.id, t(1)).await.unwrap();
                }
                if round % 20 == 19 {
                    store.quarantine("a drill", t(1)).await.unwrap();
                }
            }
        })
    };
    let tasks: Vec<_> = (0..6).map(committer).chain((0..4).map(worker)).chain([operator]).collect();
    for task in tasks {
        task.await.unwrap();
    }
    chain_is_whole(&*one).await;
    nobody_waited_in_a_circle(&place).await;
}

/// Whoever did would have been told so by the server, and tried again unseen.
async fn nobody_waited_in_a_circle(place: &Place) {
    let deadlocks: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&mut place.connect().await)
            .await
            .unwrap();
    assert_eq!(deadlocks, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_given_up_again_and_again_and_comes_back_hears_of_it_each_time() {
    let (one, other, place) = two().await;
    let (node, who) = (NodeId::new("one"), [person("ann"), person("ben")]);
    let (mut stretches, mut given_up) = (0, 0);
    let mut last = None;
    for _ in 0..40 {
        let coming = async {
            let stretch = one.node_seen(&node).await.unwrap();
            one.companions_came(&node, &who).await.unwrap();
            one.companions_left(&node, &who[..1]).await.unwrap();
            stretch
        };
        let giving_up = other.nodes_alive(jiff::SignedDuration::ZERO);
        let (stretch, alive) = tokio::join!(coming, giving_up);
        stretches += usize::from(last.replace(stretch) != Some(stretch));
        // Whether it was there at that moment is a matter of chance; whether it is now is not.
        given_up += usize::from(!alive.unwrap().contains(&node));
        let long = jiff::SignedDuration::from_hours(1);
        let is_alive = other.nodes_alive(long).await.unwrap().contains(&node);
        let online = other.online_elsewhere(&NodeId::new("other"), &who).await.unwrap();
        assert!(is_alive || online.is_empty(), "{online:?} are at a node that is gone");
        let now = one.node_seen(&node).await.unwrap();
        assert_eq!(now == stretch, is_alive, "what the others believe is what the node hears");
        stretches += usize::from(last.replace(now) != Some(now));
    }
    assert!(given_up > 0 && stretches > 1, "nothing happened at the same time");
    nobody_waited_in_a_circle(&place).await;
}

#[tokio::test]
async fn a_node_that_was_seen_before_the_databases_clock_was_set_back_is_given_up() {
    let (one, other, place) = two().await;
    one.node_seen(&NodeId::new("one")).await.unwrap();
    place.connect().await.execute("UPDATE node SET seen_at = seen_at + 7200000").await.unwrap();
    other.node_seen(&NodeId::new("other")).await.unwrap();
    let alive = other.nodes_alive(jiff::SignedDuration::from_hours(1)).await.unwrap();
    assert_eq!(alive, [NodeId::new("other")], "it would be believed for as long as the clock was set back");
}

async fn chain_is_whole(store: &dyn Store) {
    let (mut last, mut previous) = (0, BEGINNING);
    loop {
        let records = store.ledger(last, 500).await.unwrap();
        if records.is_empty() {
            break;
        }
        for chained in records {
            assert_eq!(chained.seq, last + 1);
            assert_eq!(chained.previous, previous);
            last = chained.seq;
            previous = chained.record.link(last, &previous);
            assert_eq!(chained.link, previous);
        }
    }
    assert!(last > 0);
    assert_eq!(store.ledger_head().await.unwrap(), (last, previous));
}

#[tokio::test]
async fn the_other_node_hears_what_happened_and_the_speaker_does_not() {
    let (one, other, _place) = two().await;
    let mut heard_by_other = other.hints().await.unwrap().unwrap();
    let mut heard_by_one = one.hints().await.unwrap().unwrap();
    let change = Change {
        outbox: vec![entry("o", "s", 0)],
        notices: vec![notice("ann", "{}")],
        ..Change::of(visit("v"), None, t(0))
    };
    one.commit(change).await.unwrap();
    let heard = next(&mut heard_by_other).await;
    assert_eq!(heard, Hint::Visit { id: "v".into(), version: 1 });
    let heard = next(&mut heard_by_other).await;
    assert_eq!(heard.recipient(), Some(person("ann")));
    assert!(matches!(heard, Hint::Notice { seq: 1, .. }));
    assert_eq!(next(&mut heard_by_other).await, Hint::Outbox);
    // An operator's wish is heard as well, and even one that was granted just before the end.
    let lease = claim(&*one, 0).await.remove(0);
    settle(&*one, lease, parked("no"), 1).await;
    one.retry("o", t(2)).await.unwrap().unwrap();
    assert_eq!(next(&mut heard_by_other).await, Hint::Outbox);
    assert!(heard_by_one.try_recv().is_err(), "a node does not hear itself");
    other.announce("v", vec![notice("ann", "{}")], t(3)).await.unwrap();
    other.close().await;
    assert!(matches!(next(&mut heard_by_one).await, Hint::Notice { seq: 2, .. }));
    assert_eq!(heard_by_other.recv().await, None, "hints end with the store");
}

#[tokio::test]
async fn hints_go_on_after_the_line_was_cut() {
    let (one, other, place) = two().await;
    let mut hints = other.hints().await.unwrap().unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    place.connect().await.execute(cut).await.unwrap();
    assert_eq!(next(&mut hints).await, Hint::Missed);
    new_visit(&*one, "v", vec![]).await;
    loop {
        match next(&mut hints).await {
            Hint::Missed => {}
            heard => return assert_eq!(heard, Hint::Visit { id: "v".into(), version: 1 }),
        }
        tell(&*one, "v", vec![], 1).await;
    }
}

async fn next(hints: &mut roomed_relay::store::Hints) -> Hint {
    tokio::time::timeout(Duration::from_secs(20), hints.recv()).await.expect("a hint comes").expect("the line is open")
}
