//! What becomes of closed visits: summed up, everything sealed gone, and nothing lost without a word.

use std::sync::Arc;

use roomed_relay::store::{
    Change, ChartWord, ClosedVisit, EntryFilter, EntryState, EventKey, LookupKey, Meeting, NotDone, Outcome,
    PageSession, Settled, Store, StoredWatch, Summary,
};

use crate::given::{
    ORGANIZATION, claim, claim_one, claim_short, claim_when_free, close, entry, event, member, new_visit, parked,
    person, retry, settle, t, tell, visit,
};

pub(crate) fn summary(visit: &str, planned_start: i64) -> Summary {
    Summary {
        visit: visit.into(),
        organization: ORGANIZATION.into(),
        appointment: b"hmac".to_vec(),
        department: Some("Cardiology".into()),
        practitioner: Some("oid".into()),
        outcome: "finished".into(),
        planned_start: t(planned_start),
        arrived_at: Some(t(1)),
        started_at: Some(t(2)),
        ended_at: None,
        closed_at: t(100),
        delivered: 3,
        undelivered: 1,
        waited: Some(754),
        left_unseen: Some(0),
    }
}

async fn summaries(store: &dyn Store) -> Vec<Summary> {
    store.summaries(ORGANIZATION, t(-9999), t(9999)).await.unwrap()
}

pub(crate) async fn a_closed_visit_is_forgotten_and_summed_up(store: Arc<dyn Store>) {
    let everything = Change {
        members: Some(vec![member("ann")]),
        meeting: Some(Meeting { lookup: LookupKey(b"m".to_vec()), sealed: b"m".to_vec() }),
        watches: vec![StoredWatch {
            subscription: "w".into(),
            organization: ORGANIZATION.into(),
            visit: "v".into(),
            client_state_hash: "h".into(),
            certificate_id: "c".into(),
            expires_at: t(9999),
        }],
        outbox: vec![entry("delivered", "a", 0), event("parked", "b", 0), entry("old", "c", 0), entry("new", "c", 0)],
        ..Change::of(visit("v"), None, t(0))
    };
    store.commit(everything).await.unwrap();
    new_visit(&*store, "other", vec![entry("of other", "d", 0)]).await;
    let page = PageSession { hash: "page".into(), visit: "v".into(), participant: "p".into(), expires_at: t(9999) };
    store.put_page_session(page).await.unwrap();
    for lease in claim(&*store, 1).await {
        let outcome = if lease.id == "parked" { parked("poison") } else { Outcome::Delivered };
        settle(&*store, lease, outcome, 1).await;
    }
    close(&*store, "v", Some(50), 50).await;
    let before = store.ledger_head().await.unwrap();
    store.forget_visit("v", summary("v", 0), t(60)).await.unwrap();

    assert_eq!(store.visit("v").await.unwrap(), None);
    assert_eq!(store.visit_of_appointment(ORGANIZATION, &visit("v").appointment).await.unwrap(), None);
    assert_eq!(store.visit_of_meeting(ORGANIZATION, &LookupKey(b"m".to_vec())).await.unwrap(), None);
    assert!(store.open_visits_of(&person("ann")).await.unwrap().is_empty());
    assert_eq!(store.page_session("page", t(60)).await.unwrap(), None);
    assert_eq!(store.watch("w").await.unwrap(), None);
    assert_eq!(summaries(&*store).await, [summary("v", 0)]);
    assert!(store.closed_visits(t(999), 9).await.unwrap().is_empty());
    assert_eq!(store.ledger_head().await.unwrap(), before, "nothing happened to any write-back");
    // The rows can be seen still, without what they said.
    let rows = store.entries(EntryFilter { limit: 9, ..EntryFilter::default() }).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|it| (it.id.as_str(), it.state, it.destroyed)).collect();
    use EntryState as S;
    let expected = [
        ("delivered", S::Delivered, true),
        ("parked", S::Parked, true),
        ("old", S::Superseded, true),
        ("new", S::Delivered, true),
        ("of other", S::Delivered, false),
    ];
    assert_eq!(seen, expected);
    assert_eq!(rows[1].reason.as_deref(), Some("poison"));
    assert_eq!(store.days_in_use().await.unwrap(), ["2027-01-15"], "the other visit's");
    // Said again it changes nothing, and its appointment may be begun anew.
    store.forget_visit("v", summary("v", 77), t(61)).await.unwrap();
    assert_eq!(summaries(&*store).await, [summary("v", 0)]);
    let mut anew = visit("v2");
    anew.appointment = visit("v").appointment;
    store.commit(Change::of(anew, None, t(62))).await.unwrap();
}

pub(crate) async fn an_open_visit_is_not_forgotten(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    close(&*store, "v", Some(1), 1).await;
    close(&*store, "v", None, 2).await;
    store.forget_visit("v", summary("v", 0), t(3)).await.unwrap();
    assert_eq!(store.visit("v").await.unwrap().unwrap().version, 3);
    assert!(summaries(&*store).await.is_empty());
    assert_eq!(claim_one(&*store, 3).await.sealed, b"sealed o");
}

pub(crate) async fn what_was_not_sent_is_given_up_aloud(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("flying", "a", 0), entry("waiting", "b", 90)]).await;
    let flying = claim_one(&*store, 0).await;
    close(&*store, "v", Some(1), 1).await;
    store.forget_visit("v", summary("v", 0), t(2)).await.unwrap();
    for id in ["flying", "waiting"] {
        let row = store.entry(id).await.unwrap().unwrap();
        assert_eq!((row.state, row.destroyed), (EntryState::Skipped, true), "{id}");
        assert!(row.reason.is_some());
    }
    let told: Vec<_> = store.ledger(0, 9).await.unwrap().into_iter().filter(|it| it.record.kind == "skipped").collect();
    assert_eq!(told.len(), 2);
    assert!(store.connections_in_use().await.unwrap().is_empty());
    assert_eq!(settle(&*store, flying, Outcome::Delivered, 3).await, Settled::FenceLost);
    assert!(claim(&*store, 999).await.is_empty());
}

pub(crate) async fn a_late_word_does_not_wake_what_is_destroyed(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    let frozen = claim_short(&*store, 0).await;
    let lease = claim_when_free(&*store, 1).await;
    settle(&*store, lease, Outcome::Delivered, 2).await;
    // The assertion that the takeover asks for settles it for good.
    let again = claim_one(&*store, 20).await;
    settle(&*store, again, Outcome::Delivered, 20).await;
    close(&*store, "v", Some(21), 21).await;
    store.forget_visit("v", summary("v", 0), t(22)).await.unwrap();
    assert_eq!(settle(&*store, frozen, Outcome::Delivered, 23).await, Settled::FenceLost);
    assert_eq!(store.entry("o").await.unwrap().unwrap().state, EntryState::Delivered);
    assert!(store.connections_in_use().await.unwrap().is_empty());
}

pub(crate) async fn destroyed_rows_cannot_be_sent_and_go_with_time(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![entry("parked", "a", 0), entry("delivered", "b", 0), entry("restored", "c", 0)]).await;
    for lease in claim(&*store, 0).await {
        let outcome = match lease.id.as_str() {
            "parked" => parked("poison"),
            "delivered" => Outcome::Delivered,
            _ => retry(5),
        };
        settle(&*store, lease, outcome, 0).await;
    }
    // Out of a backup, and its visit closed long ago.
    assert_eq!(store.quarantine("restored", t(1)).await.unwrap(), 1);
    close(&*store, "v", Some(1), 1).await;
    assert_eq!(store.forget_entries(t(999)).await.unwrap(), 0, "they have their payload still");
    store.forget_visit("v", summary("v", 0), t(2)).await.unwrap();
    assert_eq!(store.retry("parked", t(3)).await.unwrap(), Err(NotDone::Destroyed));
    assert_eq!(store.retry("restored", t(3)).await.unwrap(), Err(NotDone::Destroyed));
    assert_eq!(store.replay("delivered", t(3)).await.unwrap(), Err(NotDone::Destroyed));
    assert!(claim(&*store, 999).await.is_empty());
    assert_eq!(store.chart("v").await.unwrap()[1].word, ChartWord::Written { at: t(0) });
    assert_eq!(store.skip("parked", "seen to", t(4)).await.unwrap(), Ok(()), "it may be given up");
    // A row of a visit that is there is not of those that go.
    new_visit(&*store, "w", vec![entry("there", "d", 0)]).await;
    let head = store.ledger_head().await.unwrap();
    assert_eq!(store.forget_entries(t(0)).await.unwrap(), 0, "accepted at that very moment");
    assert_eq!(store.forget_entries(t(1)).await.unwrap(), 3);
    let left = store.entries(EntryFilter { limit: 9, ..EntryFilter::default() }).await.unwrap();
    assert_eq!(left.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["there"]);
    assert_eq!(store.ledger_head().await.unwrap(), head, "what happened is kept");
}

pub(crate) async fn closed_visits_say_what_holds_them(store: Arc<dyn Store>) {
    let mut rows = vec![event("e1", "a", 0), event("e2", "b", 0), entry("flying", "c", 0), entry("waiting", "d", 99)];
    rows.push(entry("delivered", "e", 0));
    new_visit(&*store, "held", rows).await;
    new_visit(&*store, "free", vec![]).await;
    new_visit(&*store, "open", vec![]).await;
    tell(&*store, "open", vec![entry("unrelated", "f", 99)], 0).await;
    for lease in claim(&*store, 1).await {
        let (outcome, now) = match lease.id.as_str() {
            "e1" => (parked("first"), 5),
            "e2" => (parked("second"), 3),
            "delivered" => (Outcome::Delivered, 2),
            _ => continue,
        };
        settle(&*store, lease, outcome, now).await;
    }
    close(&*store, "held", Some(20), 20).await;
    close(&*store, "free", Some(10), 20).await;
    let (day, organization) = ("2027-01-15", ORGANIZATION);
    let closed = |id: &str, closed_at, unsettled, parked_since: Option<i64>| ClosedVisit {
        id: id.into(),
        organization: organization.into(),
        day: day.into(),
        closed_at: t(closed_at),
        unsettled,
        parked_since: parked_since.map(t),
    };
    let both = [closed("free", 10, 0, None), closed("held", 20, 2, Some(3))];
    assert_eq!(store.closed_visits(t(20), 9).await.unwrap(), both);
    assert_eq!(store.closed_visits(t(20), 1).await.unwrap(), both[..1]);
    assert_eq!(store.closed_visits(t(19), 9).await.unwrap(), both[..1]);
    assert!(store.closed_visits(t(9), 9).await.unwrap().is_empty());
    store.quarantine("restored", t(30)).await.unwrap();
    assert_eq!(store.closed_visits(t(20), 9).await.unwrap()[1].unsettled, 2, "quarantined is not settled");
}

pub(crate) async fn events_are_forgotten_by_age(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let heard = |version, now| Change {
        seen: vec![EventKey { source: "graph", key: format!("at {now}") }],
        ..Change::of(visit("v"), Some(version), t(now))
    };
    store.commit(heard(1, 10)).await.unwrap();
    store.commit(heard(2, 20)).await.unwrap();
    assert_eq!(store.forget_events(t(10)).await.unwrap(), 0);
    assert_eq!(store.forget_events(t(20)).await.unwrap(), 1);
    assert!(store.commit(heard(3, 20)).await.is_err(), "heard still");
    store.commit(heard(3, 10)).await.unwrap();
}

pub(crate) async fn summaries_are_found_by_planned_start(store: Arc<dyn Store>) {
    for (id, start) in [("late", 300), ("early", 100), ("mid", 200)] {
        new_visit(&*store, id, vec![]).await;
        close(&*store, id, Some(1), 1).await;
        store.forget_visit(id, summary(id, start), t(2)).await.unwrap();
    }
    new_visit(&*store, "bare", vec![]).await;
    close(&*store, "bare", Some(1), 1).await;
    let bare = Summary {
        department: None,
        practitioner: None,
        arrived_at: None,
        started_at: None,
        ended_at: Some(t(7)),
        waited: None,
        left_unseen: None,
        organization: "harbor".into(),
        ..summary("bare", 150)
    };
    store.forget_visit("bare", bare.clone(), t(2)).await.unwrap();
    let found = async |from, until| {
        let found = store.summaries(ORGANIZATION, t(from), t(until)).await.unwrap();
        found.into_iter().map(|it| it.visit).collect::<Vec<_>>()
    };
    assert_eq!(found(0, 999).await, ["early", "mid", "late"]);
    assert_eq!(found(100, 300).await, ["early", "mid"], "from, and until but not at");
    assert_eq!(store.summaries("harbor", t(0), t(999)).await.unwrap(), [bare]);
}
