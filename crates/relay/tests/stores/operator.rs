//! What an operator may do with a row, and what is refused and why.

use std::sync::Arc;

use roomed_relay::store::{
    Channel, ChartWord, EntryFilter, EntryRow, EntryState, NotDone, Outcome, Settled, Store, Wish,
};

use crate::given::{
    EHR, ORGANIZATION, SETTLE, claim, claim_one, entry, event, ids, new_visit, parked, policy, retry, settle, t, tell,
    unknown,
};

async fn row(store: &dyn Store, id: &str) -> EntryRow {
    store.entry(id).await.unwrap().unwrap()
}

pub(crate) async fn a_parked_row_is_retried(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0), event("e", "f", 0), event("later", "f", 0)]).await;
    assert_eq!(store.retry("none", t(0)).await.unwrap(), Err(NotDone::Unknown));
    assert_eq!(store.retry("o", t(0)).await.unwrap(), Err(NotDone::State("waiting")));
    for round in 0..2 {
        for lease in claim(&*store, round * 10).await {
            let outcome = if round == 0 { retry(10) } else { parked("poison") };
            settle(&*store, lease, outcome, round * 10).await;
        }
    }
    let stuck = row(&*store, "o").await;
    assert_eq!((stuck.state, stuck.failures, stuck.attempts), (EntryState::Parked, 1, 2));
    assert_eq!(stuck.reason.as_deref(), Some("poison"));
    assert_eq!(store.retry("o", t(20)).await.unwrap(), Ok(()));
    let again = row(&*store, "o").await;
    assert_eq!((again.state, again.failures, again.run_at), (EntryState::Waiting, 0, t(20)));
    assert_eq!(again.reason, None);
    assert_eq!(store.retry("o", t(20)).await.unwrap(), Err(NotDone::State("waiting")));
    // An event may be tried again though later ones of its stream wait.
    assert_eq!(store.retry("e", t(20)).await.unwrap(), Ok(()));
    let leases = claim(&*store, 20).await;
    assert_eq!(ids(&leases).len(), 2);
    for lease in leases {
        assert_eq!((lease.failures, lease.attempt, lease.others_went), (0, 3, true), "{}", lease.id);
        assert_ne!(lease.id, "later", "the earlier one goes first");
        settle(&*store, lease, Outcome::Delivered, 21).await;
    }
    assert_eq!(store.retry("e", t(22)).await.unwrap(), Err(NotDone::State("delivered")));
}

pub(crate) async fn a_row_is_skipped_with_its_reason(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("a", "a", 0), entry("b", "b", 0), entry("c", "c", 0), entry("d", "d", 9)]).await;
    assert_eq!(store.skip("none", "why", t(0)).await.unwrap(), Err(NotDone::Unknown));
    let mut leases = claim(&*store, 0).await;
    assert_eq!(store.skip("a", "why", t(0)).await.unwrap(), Err(NotDone::State("in-flight")));
    settle(&*store, leases.pop().unwrap(), Outcome::Delivered, 0).await;
    settle(&*store, leases.pop().unwrap(), Outcome::Unsupported { reason: "no words".into() }, 0).await;
    settle(&*store, leases.pop().unwrap(), parked("poison"), 0).await;
    for id in ["a", "b", "d"] {
        assert_eq!(store.skip(id, "told by phone", t(1)).await.unwrap(), Ok(()), "{id}");
        let row = row(&*store, id).await;
        assert_eq!((row.state, row.reason.as_deref()), (EntryState::Skipped, Some("told by phone")), "{id}");
        assert_eq!(store.skip(id, "twice", t(2)).await.unwrap(), Err(NotDone::State("skipped")), "{id}");
        assert_eq!(store.retry(id, t(2)).await.unwrap(), Err(NotDone::State("skipped")), "{id}");
    }
    assert_eq!(store.skip("c", "why", t(1)).await.unwrap(), Err(NotDone::State("delivered")));
    assert!(claim(&*store, 999).await.is_empty());
    assert_eq!(store.outbox_counts().await.unwrap(), Default::default());
    // What comes after is sent as ever.
    tell(&*store, "v", vec![entry("e", "a", 10)], 10).await;
    assert_eq!(claim_one(&*store, 10).await.id, "e");
    let told: Vec<_> =
        store.ledger(0, 99).await.unwrap().into_iter().filter(|it| it.record.kind == "skipped").collect();
    assert_eq!(told.iter().map(|it| it.record.entry.as_str()).collect::<Vec<_>>(), ["a", "b", "d"]);
    assert!(told.iter().all(|it| it.record.reason == "told by phone" && it.record.at() == Some(t(1))));
}

pub(crate) async fn a_delivered_state_is_replayed(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0), event("e", "f", 0)]).await;
    assert_eq!(store.replay("none", t(0)).await.unwrap(), Err(NotDone::Unknown));
    assert_eq!(store.replay("o", t(0)).await.unwrap(), Err(NotDone::State("waiting")));
    for lease in claim(&*store, 0).await {
        settle(&*store, lease, Outcome::Delivered, 1).await;
    }
    assert!(matches!(store.replay("e", t(5)).await.unwrap(), Err(NotDone::State(_))), "an event is said once");
    assert_eq!(store.replay("o", t(5)).await.unwrap(), Ok(()));
    assert!(claim(&*store, 4).await.is_empty());
    // The chart has it meanwhile.
    assert_eq!(store.chart("v").await.unwrap()[0].word, ChartWord::Written { at: t(1) });
    let lease = claim_one(&*store, 5).await;
    assert_eq!((lease.id.as_str(), lease.attempt), ("o", 2));
    settle(&*store, lease, Outcome::Delivered, 6).await;
    assert_eq!(store.chart("v").await.unwrap()[0].word, ChartWord::Written { at: t(6) });
    tell(&*store, "v", vec![entry("newer", "s", 7)], 7).await;
    assert_eq!(store.replay("o", t(8)).await.unwrap(), Err(NotDone::Superseded));
    // Who only looks is told the same.
    let (old, newer, event) = (row(&*store, "o").await, row(&*store, "newer").await, row(&*store, "e").await);
    assert_eq!((old.newest, newer.newest, event.newest), (false, true, true));
    assert_eq!(Wish::Replay.granted(old.standing()), Err(NotDone::Superseded));
    assert_eq!(Wish::Replay.granted(event.standing()), Err(NotDone::State("said once")));
    assert_eq!(Wish::Skip.granted(newer.standing()), Ok(()));
}

pub(crate) async fn a_possible_double_stays_known(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![event("e", "f", 0), event("p", "g", 0)]).await;
    for lease in claim(&*store, 0).await {
        assert!(store.about_to_send(&lease).await.unwrap());
        let possible_double = lease.id == "e";
        let outcome = Outcome::Parked {
            reason: "frozen between search and send".into(),
            uncertain: possible_double,
            possible_double,
        };
        settle(&*store, lease, outcome, 0).await;
    }
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.parked, counts.possible_double), (2, 1));
    assert!(row(&*store, "e").await.possible_double && !row(&*store, "p").await.possible_double);
    assert_eq!(store.retry("e", t(1)).await.unwrap(), Ok(()));
    assert!(row(&*store, "e").await.possible_double);
    let lease = claim_one(&*store, 1).await;
    assert!(lease.uncertain, "so it is searched for before it is sent");
    settle(&*store, lease, retry(2), 1).await;
    assert!(row(&*store, "e").await.possible_double);
    assert_eq!(store.outbox_counts().await.unwrap().possible_double, 0, "only those parked are counted");
}

pub(crate) async fn after_a_restore_nothing_is_sent_blindly(store: Arc<dyn Store>) {
    let mut rows = vec![entry("waiting", "a", 0), entry("flying", "b", 0), event("waiting event", "c", 0)];
    rows.extend([event("double", "d", 0), entry("parked", "e", 0), entry("delivered", "f", 0), entry("no", "g", 0)]);
    new_visit(&*store, "v", rows).await;
    let mut flying = None;
    for lease in claim(&*store, 0).await {
        let outcome = match lease.id.as_str() {
            "waiting" | "waiting event" => retry(0),
            "double" => Outcome::Parked { reason: "maybe".into(), uncertain: true, possible_double: true },
            "parked" => parked("poison"),
            "delivered" => Outcome::Delivered,
            "no" => Outcome::Unsupported { reason: "no words".into() },
            _ => {
                flying = Some(lease);
                continue;
            }
        };
        settle(&*store, lease, outcome, 0).await;
    }
    assert_eq!(store.quarantine("restored", t(1)).await.unwrap(), 4);
    assert_eq!(store.quarantine("restored", t(1)).await.unwrap(), 0);
    assert!(claim(&*store, 999).await.is_empty());
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.quarantined, counts.waiting, counts.in_flight, counts.parked), (4, 0, 0, 1));
    assert_eq!((counts.unsupported, counts.possible_double), (1, 0));
    assert!(store.connections_in_use().await.unwrap().is_empty());
    assert_eq!(row(&*store, "waiting").await.reason.as_deref(), Some("restored"));
    // Whoever flew is fenced off.
    let flying = flying.unwrap();
    assert!(!store.about_to_send(&flying).await.unwrap());
    assert_eq!(settle(&*store, flying, unknown(5), 2).await, Settled::FenceLost);
    // An operator lets each go by itself: as something that may have been applied already.
    for (id, now) in [("waiting", 3), ("waiting event", 4), ("double", 5), ("flying", 6)] {
        assert_eq!(store.retry(id, t(now)).await.unwrap(), Ok(()), "{id}");
        let lease = claim_one(&*store, now + SETTLE).await;
        assert_eq!((lease.id.as_str(), lease.uncertain), (id, true));
        settle(&*store, lease, Outcome::Delivered, now + SETTLE).await;
    }
    // A newer state takes a quarantined one's place, and its doubt.
    tell(&*store, "v", vec![entry("old", "z", 20)], 20).await;
    store.quarantine("restored", t(21)).await.unwrap();
    tell(&*store, "v", vec![entry("new", "z", 22)], 22).await;
    assert_eq!(store.retry("old", t(23)).await.unwrap(), Err(NotDone::State("superseded")));
    let lease = claim_one(&*store, 23).await;
    assert_eq!((lease.id.as_str(), lease.uncertain), ("new", true));
}

pub(crate) async fn rows_are_listed_by_acceptance(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("a", "a", 50), event("b", "b", 3)]).await;
    tell(&*store, "v", vec![entry("c", "c", 0), entry("d", "d", 0)], 10).await;
    let lease = store.claim(policy(0, 1)).await.unwrap().leases.remove(0);
    assert_eq!(lease.id, "c");
    settle(&*store, lease, parked("no"), 11).await;
    let list = async |filter: EntryFilter| store.entries(filter).await.unwrap();
    let all = EntryFilter { limit: 99, ..EntryFilter::default() };
    let found = list(all.clone()).await;
    assert_eq!(found.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert!(found.is_sorted_by_key(|it| it.seq));
    assert_eq!(store.entry("b").await.unwrap().as_ref(), Some(&found[1]));
    assert_eq!(store.entry("none").await.unwrap(), None);
    let expected = EntryRow {
        seq: found[1].seq,
        id: "b".into(),
        organization: ORGANIZATION.into(),
        ehr: EHR.into(),
        visit: "v".into(),
        stream: "b".into(),
        channel: Channel::Audit,
        state: EntryState::Waiting,
        for_identifier: false,
        possible_double: false,
        attempts: 0,
        failures: 0,
        accepted_at: t(0),
        run_at: t(3),
        delivered_at: None,
        reason: None,
        destroyed: false,
        newest: true,
    };
    assert_eq!(found[1], expected);
    let named = async |filter| list(filter).await.into_iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(named(EntryFilter { state: Some(EntryState::Parked), ..all.clone() }).await, ["c"]);
    assert_eq!(named(EntryFilter { state: Some(EntryState::Quarantined), ..all.clone() }).await, [""; 0]);
    assert_eq!(named(EntryFilter { since: Some(t(10)), ..all.clone() }).await, ["c", "d"]);
    assert_eq!(named(EntryFilter { until: Some(t(10)), ..all.clone() }).await, ["a", "b"]);
    assert_eq!(named(EntryFilter { id: Some("b".into()), ..all.clone() }).await, ["b"]);
    let other = EntryFilter { id: Some("b".into()), organization: Some("harbor".into()), ..all.clone() };
    assert_eq!(named(other).await, [""; 0], "another organization's is unknown");
    assert_eq!(named(EntryFilter { organization: Some("harbor".into()), ..all.clone() }).await, [""; 0]);
    let both = EntryFilter { organization: Some(ORGANIZATION.into()), state: Some(EntryState::Waiting), ..all.clone() };
    assert_eq!(named(both).await, ["a", "b", "d"]);
    // Page by page.
    assert_eq!(named(EntryFilter { limit: 2, ..all.clone() }).await, ["a", "b"]);
    assert_eq!(named(EntryFilter { after: Some(found[1].seq), limit: 1, ..all }).await, ["c"]);
}
