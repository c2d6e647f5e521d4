//! Notices and cursors, links, watches.

use std::sync::Arc;

use futures_util::future::join_all;
use roomed_relay::store::{Change, CommitError, Link, Store, StoredWatch, VisitRow};

use crate::given::{new_visit, notice, person, t, visit};

pub(crate) async fn notices_come_in_order_per_person(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let change = Change {
        notices: vec![notice("ann", "1"), notice("bob", "b"), notice("ann", "2")],
        ..Change::of(visit("v"), Some(1), t(1))
    };
    let told = store.commit(change).await.unwrap().notices;
    let told: Vec<_> = told.iter().map(|it| (it.recipient.oid.as_str(), it.seq)).collect();
    assert_eq!(told, [("ann", 1), ("bob", 1), ("ann", 2)]);
    let more = store.announce("v", vec![notice("ann", "3")], t(2)).await.unwrap();
    assert_eq!(more[0].seq, 3);
    let after = |cursor, limit| {
        let store = store.clone();
        async move {
            let notices = store.notices_after(&person("ann"), cursor, limit).await.unwrap();
            notices.into_iter().map(|it| (it.seq, it.kind)).collect::<Vec<_>>()
        }
    };
    assert_eq!(after(0, 2).await, [(1, "1".into()), (2, "2".into())]);
    assert_eq!(after(2, 200).await, [(3, "3".into())]);
    assert!(after(3, 200).await.is_empty());
    let first = store.notices_after(&person("bob"), 0, 9).await.unwrap().remove(0);
    assert_eq!((first.visit.as_str(), first.at, first.kind.as_str()), ("v", t(1), "b"));
    assert_eq!(store.cursor(&person("ann")).await.unwrap(), 3);
    assert_eq!(store.cursor(&person("nobody")).await.unwrap(), 0);
}

pub(crate) async fn cursors_grow_without_gaps_under_load(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let tell = |n: usize| {
        let store = store.clone();
        tokio::spawn(
            async move { store.announce("v", vec![notice("ann", &n.to_string())], t(1)).await.unwrap()[0].seq },
        )
    };
    let telling: Vec<_> = (0..40).map(tell).collect();
    for told in telling {
        let seq = told.await.unwrap();
        // Whoever reads up to a committed cursor sees everything below it.
        let below = store.notices_after(&person("ann"), 0, 100).await.unwrap();
        assert!(below.len() >= usize::try_from(seq).unwrap());
    }
    let all: Vec<u32> = store.notices_after(&person("ann"), 0, 100).await.unwrap().iter().map(|it| it.seq).collect();
    assert_eq!(all, (1..=40).collect::<Vec<_>>());
}

pub(crate) async fn forgotten_notices_leave_the_cursor(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    store.announce("v", vec![notice("ann", "old")], t(1)).await.unwrap();
    store.announce("v", vec![notice("ann", "new")], t(100)).await.unwrap();
    assert_eq!(store.forget_notices(t(50)).await.unwrap(), 1);
    let left = store.notices_after(&person("ann"), 0, 9).await.unwrap();
    assert_eq!(left.iter().map(|it| it.seq).collect::<Vec<_>>(), [2]);
    assert_eq!(store.forget_notices(t(200)).await.unwrap(), 1);
    assert_eq!(store.cursor(&person("ann")).await.unwrap(), 2);
    assert_eq!(store.announce("v", vec![notice("ann", "next")], t(201)).await.unwrap()[0].seq, 3);
    // Being seen is kept beside the cursor and touches it not.
    assert_eq!(store.companion_last_seen(&person("ann")).await.unwrap(), None);
    store.companion_seen(&person("ann"), t(300)).await.unwrap();
    store.companion_seen(&person("bob"), t(301)).await.unwrap();
    assert_eq!(store.companion_last_seen(&person("ann")).await.unwrap(), Some(t(300)));
    assert_eq!(store.cursor(&person("ann")).await.unwrap(), 3);
    assert_eq!(store.cursor(&person("bob")).await.unwrap(), 0);
}

pub(crate) async fn links_lead_both_ways_and_stand(store: Arc<dyn Store>) {
    let link = |fhir_user: &str, oid: &str| Link {
        organization: "northside".into(),
        iss: "https://ehr.example".into(),
        fhir_user: fhir_user.into(),
        tid: "tid".into(),
        oid: oid.into(),
    };
    let elsewhere = Link { iss: "https://other.example".into(), ..link("Practitioner/q", "ann") };
    assert!(store.put_link(link("Practitioner/p", "ann"), t(1)).await.unwrap());
    assert!(store.put_link(link("Practitioner/p", "ann"), t(1)).await.unwrap(), "it stands already");
    assert!(!store.put_link(link("Practitioner/q", "ann"), t(1)).await.unwrap(), "one user of an EHR for an account");
    assert!(store.put_link(elsewhere.clone(), t(1)).await.unwrap(), "another EHR knows them by another name");
    let linked = |fhir_user: &'static str| {
        let store = store.clone();
        async move { store.linked_person("northside", "https://ehr.example", fhir_user).await.unwrap() }
    };
    assert_eq!(linked("Practitioner/p").await, Some(person("ann")));
    assert_eq!(linked("Practitioner/x").await, None);
    assert_eq!(store.linked_person("northside", "https://other", "Practitioner/p").await.unwrap(), None);
    let both = [link("Practitioner/p", "ann"), elsewhere];
    assert_eq!(store.links_of(&person("ann")).await.unwrap(), both);
    // Linked once: nobody moves a link by launching.
    assert!(!store.put_link(link("Practitioner/p", "bob"), t(2)).await.unwrap());
    assert_eq!(linked("Practitioner/p").await, Some(person("ann")));
    // Until an operator has forgotten the old one.
    assert_eq!(store.forget_links(&person("ann")).await.unwrap(), 2);
    assert!(store.put_link(link("Practitioner/p", "bob"), t(3)).await.unwrap());
    assert_eq!(linked("Practitioner/p").await, Some(person("bob")));
    // In the commit that begins a visit too: whoever comes second begins nothing.
    let change = |of: Link| Change { links: vec![of], ..Change::of(visit("second"), None, t(4)) };
    let refused = store.commit(change(link("Practitioner/p", "cid"))).await;
    assert!(matches!(refused, Err(CommitError::LinkedOtherwise)), "{refused:?}");
    assert!(store.visit("second").await.unwrap().is_none(), "nothing of it stands");
    store.commit(change(link("Practitioner/p", "bob"))).await.unwrap();
}

/// Ann and Bob say at the same moment that they are the EHR's user p; and Ann that she is q and r.
pub(crate) async fn of_two_first_links_at_once_one_stands(store: Arc<dyn Store>) {
    let link = |fhir_user: &str, oid: &str| Link {
        organization: "northside".into(),
        iss: "https://ehr.example".into(),
        fhir_user: fhir_user.into(),
        tid: "tid".into(),
        oid: oid.into(),
    };
    for round in 0..20 {
        let (user, account) = (format!("Practitioner/p{round}"), format!("ann{round}"));
        let change = |id: String, of: Link| Change { links: vec![of], ..Change::of(visit(&id), None, t(1)) };
        let rivals = [
            change(format!("a{round}"), link(&user, &account)),
            change(format!("b{round}"), link(&user, &format!("bob{round}"))),
            change(format!("c{round}"), link(&format!("Practitioner/q{round}"), &account)),
        ];
        let said = join_all(rivals.map(|it| store.commit(it))).await;
        let stands = [link(&user, &account), link(&user, &format!("bob{round}"))];
        let person_of = store.linked_person("northside", "https://ehr.example", &user).await.unwrap();
        let winners = said.iter().take(2).filter(|it| it.is_ok()).count();
        assert!(winners <= 1, "{said:?}");
        assert!(said.iter().all(|it| matches!(it, Ok(_) | Err(CommitError::LinkedOtherwise))), "{said:?}");
        match person_of {
            Some(person) => assert!(stands.iter().any(|it| it.oid == person.oid), "{person:?}"),
            None => assert!(said[2].is_ok(), "somebody is linked: {said:?}"),
        }
        assert!(store.links_of(&person(&account)).await.unwrap().len() <= 1, "an account with two users");
    }
}

pub(crate) async fn watches_are_renewed_and_end(store: Arc<dyn Store>) {
    new_visit(&*store, "open", vec![]).await;
    new_visit(&*store, "over", vec![]).await;
    let watch = |subscription: &str, visit: &str, ends| StoredWatch {
        subscription: subscription.into(),
        organization: "northside".into(),
        visit: visit.into(),
        client_state_hash: "hash".into(),
        certificate_id: "certificate".into(),
        expires_at: t(ends),
    };
    store.put_watch(watch("w1", "open", 20)).await.unwrap();
    store.put_watch(watch("w2", "open", 10)).await.unwrap();
    store.put_watch(watch("w3", "over", 5)).await.unwrap();
    let closed = VisitRow { closed_at: Some(t(1)), ..visit("over") };
    store.commit(Change::of(closed, Some(1), t(1))).await.unwrap();
    let ending = |before| {
        let store = store.clone();
        async move {
            let ending = store.watches_ending(t(before), 10).await.unwrap();
            ending.into_iter().map(|it| it.subscription).collect::<Vec<_>>()
        }
    };
    assert_eq!(ending(30).await, ["w2", "w1"]);
    assert_eq!(ending(20).await, ["w2"]);
    store.watch_renewed("w2", t(99)).await.unwrap();
    assert_eq!(ending(30).await, ["w1"]);
    assert_eq!(store.watch("w2").await.unwrap(), Some(watch("w2", "open", 99)));
    assert_eq!(store.watches_of("open").await.unwrap().len(), 2);
    store.put_watch(watch("w1", "open", 77)).await.unwrap();
    assert_eq!(store.watch("w1").await.unwrap().unwrap().expires_at, t(77));
    assert!(store.watch_anew("w1", watch("w4", "open", 80)).await.unwrap());
    assert_eq!(store.watch("w1").await.unwrap(), None);
    assert_eq!(store.watch("w4").await.unwrap(), Some(watch("w4", "open", 80)));
    assert!(!store.watch_anew("w1", watch("w5", "open", 90)).await.unwrap(), "it is over for good");
    assert_eq!(store.watch("w5").await.unwrap(), None);
}
