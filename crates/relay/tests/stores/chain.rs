//! The ledger: every step is in it, chained, and in the transaction of the step itself.

use std::sync::Arc;

use roomed_relay::ledger::{BEGINNING, Hash};
use roomed_relay::store::{Chained, Change, CommitError, Outcome, Store};

use crate::given::{
    EHR, ORGANIZATION, Place, claim, claim_one, claim_short, claim_when_free, entry, event, new_visit, parked, policy,
    retry, settle, t, tell, unknown, visit,
};

/// Walks the whole ledger and compares each link. Gives the records.
async fn walked(store: &dyn Store) -> Vec<Chained> {
    let mut previous: Hash = BEGINNING;
    let mut all: Vec<Chained> = Vec::new();
    loop {
        let after = all.last().map_or(0, |it| it.seq);
        let page = store.ledger(after, 7).await.unwrap();
        if page.is_empty() {
            break;
        }
        for found in page {
            assert_eq!(found.seq, i64::try_from(all.len()).unwrap() + 1, "no place is missing");
            assert_eq!(found.previous, previous);
            previous = found.record.link(found.seq, &previous);
            assert_eq!(found.link, previous, "at {}", found.seq);
            all.push(found);
        }
    }
    assert_eq!(store.ledger_head().await.unwrap(), (i64::try_from(all.len()).unwrap(), previous));
    all
}

/// `kind entry attempt/fence outcome reason` of each record.
fn story(records: &[Chained]) -> Vec<String> {
    let said = |it: &Chained| {
        let it = &it.record;
        let line = format!("{} {} {}/{} {} {}", it.kind, it.entry, it.attempt, it.fence, it.outcome, it.reason);
        line.trim_end().to_owned()
    };
    records.iter().map(said).collect()
}

pub(crate) async fn every_step_is_in_the_ledger_and_chained(store: Arc<dyn Store>) {
    assert_eq!(store.ledger_head().await.unwrap(), (0, BEGINNING));
    new_visit(&*store, "v", vec![entry("a", "s", 0)]).await;
    assert!(walked(&*store).await.is_empty(), "what is promised is not yet tried");
    let lease = claim_one(&*store, 1).await;
    assert_eq!(walked(&*store).await.len(), 1, "that it begins is kept before anything is sent");
    settle(&*store, lease, retry(3), 2).await;
    tell(&*store, "v", vec![entry("b", "s", 3)], 3).await;
    let lease = claim_one(&*store, 4).await;
    tell(&*store, "v", vec![entry("c", "s", 5)], 5).await;
    settle(&*store, lease, unknown(9), 6).await;
    let lease = claim_one(&*store, 6).await;
    settle(&*store, lease, Outcome::Delivered, 7).await;
    let others = [
        Outcome::WaitingForIdentifier { at: t(99) },
        parked("poison"),
        Outcome::Unsupported { reason: "no words".into() },
    ];
    for (n, outcome) in others.into_iter().enumerate() {
        tell(&*store, "v", vec![event(&format!("e{n}"), &format!("f{n}"), 0)], 8).await;
        let lease = claim_one(&*store, 8).await;
        settle(&*store, lease, outcome, 8).await;
    }
    store.skip("e0", "told by phone", t(9)).await.unwrap().unwrap();
    // A parked state gives way as well; a parked event does not.
    tell(&*store, "v", vec![entry("p", "q", 0)], 9).await;
    let lease = claim_one(&*store, 9).await;
    settle(&*store, lease, parked("no"), 9).await;
    tell(&*store, "v", vec![entry("r", "q", 99), event("e3", "f1", 99)], 10).await;
    let records = walked(&*store).await;
    let expected = [
        "started a 1/1",
        "settled a 1/1 retry 503",
        "superseded a 0/0",
        "started b 1/1",
        "settled b 1/1 unknown no answer",
        "superseded b 0/0",
        "started c 1/1",
        "settled c 1/1 delivered",
        "started e0 1/1",
        "settled e0 1/1 waiting-for-identifier",
        "started e1 1/1",
        "settled e1 1/1 parked poison",
        "started e2 1/1",
        "settled e2 1/1 unsupported no words",
        "skipped e0 0/0  told by phone",
        "started p 1/1",
        "settled p 1/1 parked no",
        "superseded p 0/0",
    ];
    assert_eq!(story(&records), expected);
    let first = &records[0].record;
    assert_eq!((first.at(), first.organization.as_str(), first.ehr.as_str()), (Some(t(1)), ORGANIZATION, EHR));
    assert_eq!(first.channel, "state");
    assert_eq!((first.reference.as_slice(), first.digest.as_slice()), (&b"whom s"[..], &b"what a"[..]));
    assert_eq!((records[1].record.at(), records[2].record.at()), (Some(t(2)), Some(t(3))));
}

pub(crate) async fn the_story_of_one_row_is_told_by_itself(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("a", "s", 0), entry("b", "t", 0)]).await;
    for lease in claim(&*store, 0).await {
        let outcome = if lease.id == "a" { retry(3) } else { Outcome::Delivered };
        settle(&*store, lease, outcome, 1).await;
    }
    let lease = claim_one(&*store, 4).await;
    settle(&*store, lease, Outcome::Delivered, 5).await;
    let all = walked(&*store).await;
    for id in ["a", "b"] {
        let of_one: Vec<_> = all.iter().filter(|it| it.record.entry == id).cloned().collect();
        assert_eq!(store.ledger_of(id).await.unwrap(), of_one);
    }
    let told = story(&store.ledger_of("a").await.unwrap());
    assert_eq!(told, ["started a 1/1", "settled a 1/1 retry 503", "started a 2/2", "settled a 2/2 delivered"]);
    assert!(store.ledger_of("nobody").await.unwrap().is_empty());
}

pub(crate) async fn a_takeover_and_a_late_word_are_in_the_ledger(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("a", "s", 0)]).await;
    let frozen = claim_short(&*store, 0).await;
    let lease = claim_when_free(&*store, 1).await;
    settle(&*store, frozen, parked("late"), 2).await;
    settle(&*store, lease, retry(3), 3).await;
    // Taken over while a newer state waits.
    drop(claim_short(&*store, 4).await);
    tell(&*store, "v", vec![entry("b", "s", 5)], 5).await;
    let lease = claim_when_free(&*store, 6).await;
    settle(&*store, lease, Outcome::Delivered, 7).await;
    let expected = [
        "started a 1/1",
        "settled a 1/1 lease-ran-out",
        "started a 2/2",
        "settled a 1/1 after-the-lease: parked late",
        "settled a 2/2 retry 503",
        "started a 3/3",
        "settled a 3/3 lease-ran-out",
        "superseded a 0/0",
        "started b 1/1",
        "settled b 1/1 delivered",
    ];
    assert_eq!(story(&walked(&*store).await), expected);
}

pub(crate) async fn of_many_at_once_no_place_is_missing(store: Arc<dyn Store>) {
    for n in 0..8 {
        let rows = (0..5).map(|m| entry(&format!("o{n}{m}"), &format!("s{n}{m}"), 0)).collect();
        new_visit(&*store, &format!("v{n}"), rows).await;
    }
    let worker = |n: u32| {
        let store = store.clone();
        tokio::spawn(async move {
            for lease in store.claim(policy(1, 5)).await.unwrap().leases {
                settle(&*store, lease, if n.is_multiple_of(2) { Outcome::Delivered } else { parked("no") }, 2).await;
            }
        })
    };
    let workers: Vec<_> = (0..8).map(worker).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(walked(&*store).await.len(), 80);
}

pub(crate) async fn a_refused_change_is_not_in_the_ledger(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("a", "s", 9)]).await;
    let stale = Change { outbox: vec![entry("b", "s", 0)], ..Change::of(visit("v"), Some(7), t(1)) };
    assert!(matches!(store.commit(stale).await, Err(CommitError::Conflict)));
    assert!(store.retry("a", t(1)).await.unwrap().is_err());
    assert!(claim(&*store, 1).await.is_empty());
    assert!(walked(&*store).await.is_empty());
}

pub(crate) async fn the_chain_goes_on_after_a_restart(store: Arc<dyn Store>, place: &dyn Place) {
    new_visit(&*store, "v", vec![entry("a", "s", 0)]).await;
    let lease = claim_one(&*store, 1).await;
    store.close().await;
    let store = place.again().await;
    settle(&*store, lease, Outcome::Delivered, 2).await;
    assert_eq!(story(&walked(&*store).await), ["started a 1/1", "settled a 1/1 delivered"]);
    store.close().await;
}
