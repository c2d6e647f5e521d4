//! The one commit: compare and set, all or nothing, and finding visits again.

use std::sync::Arc;

use roomed_relay::store::{Change, CommitError, EventKey, Link, LookupKey, Meeting, Store, StoredWatch, VisitRow};

use crate::given::{claim, entry, member, new_visit, notice, person, t, visit};

pub(crate) async fn a_visit_is_found_by_id_and_by_appointment(store: Arc<dyn Store>) {
    let row = visit("v");
    let change = Change { members: Some(vec![member("ann")]), ..Change::of(row.clone(), None, t(0)) };
    assert_eq!(store.commit(change).await.unwrap().version, 1);
    let found = store.visit("v").await.unwrap().unwrap();
    assert_eq!((found.row.clone(), found.version, found.members.clone()), (row.clone(), 1, vec![member("ann")]));
    let same = store.visit_of_appointment("northside", &row.appointment).await.unwrap();
    assert_eq!(same, Some(found));
    assert_eq!(store.visit_of_appointment("harbor", &row.appointment).await.unwrap(), None);
    assert_eq!(store.visit("other").await.unwrap(), None);
    assert_eq!(store.days_in_use().await.unwrap(), ["2027-01-15"]);
}

pub(crate) async fn the_version_decides_who_commits(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let first = VisitRow { sealed: b"first".to_vec(), ..visit("v") };
    let second = VisitRow { sealed: b"second".to_vec(), ..visit("v") };
    assert_eq!(store.commit(Change::of(first, Some(1), t(1))).await.unwrap().version, 2);
    let refused = store.commit(Change::of(second.clone(), Some(1), t(1))).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
    assert_eq!(store.visit("v").await.unwrap().unwrap().row.sealed, b"first");
    // The same appointment under another id, and a visit that does not exist, conflict as well.
    let twin = VisitRow { id: "twin".into(), ..visit("v") };
    assert!(matches!(store.commit(Change::of(twin, None, t(1))).await, Err(CommitError::Conflict)));
    assert!(matches!(store.commit(Change::of(visit("none"), Some(1), t(1))).await, Err(CommitError::Conflict)));
    assert_eq!(store.commit(Change::of(second, Some(2), t(1))).await.unwrap().version, 3);
}

pub(crate) async fn of_many_at_once_each_version_goes_to_one(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let writer = |n: u8| {
        let store = store.clone();
        tokio::spawn(async move {
            loop {
                let found = store.visit("v").await.unwrap().unwrap();
                let mut row = found.row;
                row.sealed.push(n);
                match store.commit(Change::of(row, Some(found.version), t(1))).await {
                    Ok(committed) => return committed.version,
                    Err(CommitError::Conflict) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    };
    let writers: Vec<_> = (0..12).map(writer).collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.push(writer.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..14).collect::<Vec<_>>());
    let mut seen = store.visit("v").await.unwrap().unwrap().row.sealed.split_off("state of v".len());
    seen.sort_unstable();
    assert_eq!(seen, (0..12).collect::<Vec<_>>(), "no writer's change was lost");
}

pub(crate) async fn an_event_heard_twice_writes_nothing(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let heard = |version| Change {
        seen: vec![EventKey { source: "graph", key: "e1".into() }],
        notices: vec![notice("ann", "{}")],
        outbox: vec![entry(&format!("o{version}"), "s", 0)],
        ..Change::of(VisitRow { sealed: b"heard".to_vec(), ..visit("v") }, Some(version), t(1))
    };
    let committed = store.commit(heard(1)).await.unwrap();
    assert!(committed.wake_outbox);
    assert_eq!(committed.notices.len(), 1);
    for version in [1, 2] {
        let again = store.commit(heard(version)).await;
        assert!(matches!(again, Err(CommitError::AlreadySeen)), "{again:?}");
    }
    assert_eq!(store.visit("v").await.unwrap().unwrap().version, 2);
    assert_eq!(store.cursor(&person("ann")).await.unwrap(), 1);
    assert_eq!(claim(&*store, 1).await.len(), 1);
    // Another source may use the same key.
    let other = Change {
        seen: vec![EventKey { source: "visit-page", key: "e1".into() }],
        ..Change::of(visit("v"), Some(2), t(1))
    };
    assert_eq!(store.commit(other).await.unwrap().version, 3);
}

pub(crate) async fn a_refused_change_leaves_no_trace(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let everything = Change {
        members: Some(vec![member("ann")]),
        seen: vec![EventKey { source: "graph", key: "e".into() }],
        outbox: vec![entry("o", "s", 0)],
        notices: vec![notice("ann", "{}")],
        links: vec![Link {
            organization: "northside".into(),
            iss: "i".into(),
            fhir_user: "Practitioner/p".into(),
            tid: "tid".into(),
            oid: "ann".into(),
        }],
        watches: vec![StoredWatch {
            subscription: "w".into(),
            organization: "northside".into(),
            visit: "v".into(),
            client_state_hash: "h".into(),
            certificate_id: "c".into(),
            expires_at: t(9),
        }],
        meeting: Some(Meeting { lookup: LookupKey(b"m".to_vec()), sealed: b"m".to_vec() }),
        ..Change::of(visit("v"), Some(7), t(1))
    };
    assert!(matches!(store.commit(everything.clone()).await, Err(CommitError::Conflict)));
    assert_eq!(store.cursor(&person("ann")).await.unwrap(), 0);
    assert!(claim(&*store, 1).await.is_empty());
    assert_eq!(store.watch("w").await.unwrap(), None);
    assert_eq!(store.meeting("v").await.unwrap(), None);
    assert_eq!(store.linked_person("northside", "i", "Practitioner/p").await.unwrap(), None);
    // Even the event counts as unheard: said again with the right version, all of it is kept.
    store.commit(Change { expected: Some(1), ..everything }).await.unwrap();
    assert_eq!(store.linked_person("northside", "i", "Practitioner/p").await.unwrap(), Some(person("ann")));
    assert_eq!(store.watch("w").await.unwrap().unwrap().visit, "v");
    assert_eq!(claim(&*store, 1).await.len(), 1);
}

pub(crate) async fn open_visits_and_timers(store: Arc<dyn Store>) {
    let rows = [("late", 50, Some(20)), ("early", 10, Some(30)), ("closed", 5, None)];
    for (id, start, timer) in rows {
        let row = VisitRow { planned_start: t(start), next_timer_at: timer.map(t), ..visit(id) };
        store.commit(Change { members: Some(vec![member("ann")]), ..Change::of(row, None, t(0)) }).await.unwrap();
    }
    let closed = VisitRow { planned_start: t(5), closed_at: Some(t(6)), ..visit("closed") };
    store.commit(Change::of(closed, Some(1), t(6))).await.unwrap();
    let ids =
        |visits: Vec<roomed_relay::store::StoredVisit>| visits.into_iter().map(|it| it.row.id).collect::<Vec<_>>();
    assert_eq!(ids(store.open_visits("northside").await.unwrap()), ["early", "late"]);
    assert_eq!(ids(store.open_visits_of(&person("ann")).await.unwrap()), ["early", "late"]);
    assert!(store.open_visits_of(&person("bob")).await.unwrap().is_empty());
    assert!(store.open_visits("harbor").await.unwrap().is_empty());
    assert_eq!(store.next_timer_at().await.unwrap(), Some(t(20)));
    assert!(store.due_visits(t(19), 10).await.unwrap().is_empty());
    let due = store.due_visits(t(30), 10).await.unwrap();
    assert_eq!(due.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["late", "early"]);
    assert_eq!(due[0].due_at, t(20));
    assert_eq!(store.due_visits(t(30), 1).await.unwrap().len(), 1);
}

pub(crate) async fn a_meeting_is_found_by_its_key(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let meeting = Meeting { lookup: LookupKey(b"hmac of the meeting".to_vec()), sealed: b"links".to_vec() };
    let change = Change { meeting: Some(meeting.clone()), ..Change::of(visit("v"), Some(1), t(1)) };
    store.commit(change).await.unwrap();
    assert_eq!(store.meeting("v").await.unwrap(), Some(meeting.clone()));
    assert_eq!(store.visit_of_meeting("northside", &meeting.lookup).await.unwrap().as_deref(), Some("v"));
    assert_eq!(store.visit_of_meeting("harbor", &meeting.lookup).await.unwrap(), None);
    // A later change that says nothing of the meeting leaves it.
    store.commit(Change::of(visit("v"), Some(2), t(2))).await.unwrap();
    assert_eq!(store.meeting("v").await.unwrap(), Some(meeting));
}

pub(crate) async fn one_refused_among_many_at_once_stops_no_other(store: Arc<dyn Store>) {
    new_visit(&*store, "there", vec![]).await;
    let commit = |n: u32| {
        let store = store.clone();
        // Every fourth one claims that the visit that is there is new.
        let row = if n.is_multiple_of(4) { visit("there") } else { visit(&format!("v{n}")) };
        let change = Change { notices: vec![notice("ann", &n.to_string())], ..Change::of(row, None, t(1)) };
        tokio::spawn(async move { store.commit(change).await })
    };
    let commits: Vec<_> = (0..80).map(commit).collect();
    let mut refused = 0;
    for commit in commits {
        match commit.await.unwrap() {
            Ok(committed) => assert_eq!(committed.version, 1),
            Err(CommitError::Conflict) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(refused, 20);
    assert_eq!(store.open_visits("northside").await.unwrap().len(), 61);
    // Nothing of those refused is kept, and no cursor was used up by them.
    assert_eq!(store.cursor(&person("ann")).await.unwrap(), 60);
    assert_eq!(store.notices_after(&person("ann"), 0, 100).await.unwrap().len(), 60);
}
