//! One-time values, page sessions, organization keys.

use std::sync::Arc;

use roomed_relay::store::{Change, CommitError, OneTime, OneTimeKind, PageSession, Store};

use crate::given::{new_visit, t, visit};

fn nonce(hash: &str) -> OneTime {
    OneTime {
        kind: OneTimeKind::Nonce,
        hash: hash.into(),
        organization: "northside".into(),
        payload: b"bound".to_vec(),
        expires_at: t(300),
    }
}

pub(crate) async fn a_nonce_is_used_once(store: Arc<dyn Store>) {
    assert!(store.put_once(nonce("n")).await.unwrap());
    assert!(!store.put_once(OneTime { payload: b"other".to_vec(), ..nonce("n") }).await.unwrap());
    assert_eq!(store.peek_once(OneTimeKind::Nonce, "n", t(0)).await.unwrap(), Some(nonce("n")));
    assert_eq!(store.peek_once(OneTimeKind::LaunchHandle, "n", t(0)).await.unwrap(), None, "another kind");
    assert_eq!(store.take_once(OneTimeKind::Nonce, "n", t(299)).await.unwrap(), Some(nonce("n")));
    assert_eq!(store.take_once(OneTimeKind::Nonce, "n", t(299)).await.unwrap(), None);
    // Expired is gone, at the very moment.
    store.put_once(nonce("late")).await.unwrap();
    assert_eq!(store.peek_once(OneTimeKind::Nonce, "late", t(300)).await.unwrap(), None);
    assert_eq!(store.take_once(OneTimeKind::Nonce, "late", t(300)).await.unwrap(), None);
    assert_eq!(store.forget_expired(t(300)).await.unwrap(), 1);
}

pub(crate) async fn of_many_takers_one_gets_it(store: Arc<dyn Store>) {
    store.put_once(nonce("n")).await.unwrap();
    let take = |_| {
        let store = store.clone();
        tokio::spawn(async move { store.take_once(OneTimeKind::Nonce, "n", t(1)).await.unwrap().is_some() })
    };
    let takers: Vec<_> = (0..20).map(take).collect();
    let mut got = 0;
    for taker in takers {
        got += usize::from(taker.await.unwrap());
    }
    assert_eq!(got, 1);
}

pub(crate) async fn a_commit_uses_up_or_refuses(store: Arc<dyn Store>) {
    store.put_once(nonce("n")).await.unwrap();
    let launch =
        |id: &str| Change { consume: vec![(OneTimeKind::Nonce, "n".into())], ..Change::of(visit(id), None, t(1)) };
    // A commit that fails for another reason does not use it up.
    new_visit(&*store, "there", vec![]).await;
    assert!(matches!(store.commit(launch("there")).await, Err(CommitError::Conflict)));
    store.commit(launch("v")).await.unwrap();
    let replay = store.commit(launch("w")).await;
    assert!(matches!(replay, Err(CommitError::NotConsumable(OneTimeKind::Nonce))), "{replay:?}");
    assert_eq!(store.visit("w").await.unwrap(), None, "nothing of a replay is kept");
    store.put_once(nonce("old")).await.unwrap();
    let late = Change { consume: vec![(OneTimeKind::Nonce, "old".into())], ..Change::of(visit("x"), None, t(300)) };
    assert!(matches!(store.commit(late).await, Err(CommitError::NotConsumable(_))));
}

pub(crate) async fn page_sessions_end(store: Arc<dyn Store>) {
    new_visit(&*store, "v", vec![]).await;
    let page =
        |hash: &str| PageSession { hash: hash.into(), visit: "v".into(), participant: "p".into(), expires_at: t(100) };
    store.put_page_session(page("a")).await.unwrap();
    store.put_page_session(page("b")).await.unwrap();
    assert_eq!(store.page_session("a", t(99)).await.unwrap(), Some(page("a")));
    assert_eq!(store.page_session("a", t(100)).await.unwrap(), None);
    assert_eq!(store.page_session("c", t(0)).await.unwrap(), None);
    store.put_page_session(PageSession { participant: "q".into(), ..page("other") }).await.unwrap();
    assert_eq!(store.end_page_sessions("w", "p").await.unwrap(), 0);
    assert_eq!(store.end_page_sessions("v", "p").await.unwrap(), 2);
    assert!(store.page_session("other", t(0)).await.unwrap().is_some(), "another's page");
    assert_eq!(store.page_session("b", t(0)).await.unwrap(), None);
    store.put_page_session(page("d")).await.unwrap();
    assert_eq!(store.forget_expired(t(100)).await.unwrap(), 2);
}

pub(crate) async fn the_first_organization_key_stands(store: Arc<dyn Store>) {
    store.ready().await.unwrap();
    assert_eq!(store.organization_key("northside").await.unwrap(), None);
    let keep = |key: &'static [u8]| {
        let store = store.clone();
        tokio::spawn(async move { store.keep_organization_key("northside", key.to_vec()).await.unwrap() })
    };
    let (one, two) = (keep(b"one"), keep(b"two"));
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    assert_eq!(one, two);
    assert_eq!(store.organization_key("northside").await.unwrap(), Some(one));
    assert_eq!(store.organization_key("harbor").await.unwrap(), None);
}
