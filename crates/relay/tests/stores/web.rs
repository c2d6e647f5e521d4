//! Sessions of browsers.

use std::sync::Arc;

use roomed_relay::store::{Recipient, Store, WebSession};

use crate::given::t;

fn session(hash: &str, oid: &str) -> WebSession {
    WebSession {
        hash: hash.into(),
        person: Recipient { organization: "northside".into(), tid: "t".into(), oid: oid.into() },
        roles: vec!["Staff.Read".into(), "Staff.Act".into()],
        sealed: b"sealed".to_vec(),
        ends_at: t(1_000),
        expires_at: t(100),
    }
}

pub(crate) async fn a_browser_is_signed_in_until_it_is_out(store: Arc<dyn Store>) {
    let (a, b) = (session("a", "one"), session("b", "one"));
    for it in [&a, &b, &session("c", "two")] {
        store.put_web_session(it.clone()).await.unwrap();
    }
    assert_eq!(store.web_session("a", t(99)).await.unwrap(), Some(a.clone()));
    assert_eq!(store.web_session("a", t(100)).await.unwrap(), None, "idle for too long");
    assert_eq!(store.web_session("d", t(0)).await.unwrap(), None);
    assert!(store.end_web_session("a").await.unwrap());
    assert!(!store.end_web_session("a").await.unwrap());
    assert_eq!(store.web_session("a", t(0)).await.unwrap(), None);
    // Everywhere: this person's other browser, and nobody else's.
    assert_eq!(store.end_web_sessions_of(&b.person).await.unwrap(), 1);
    assert_eq!(store.web_session("b", t(0)).await.unwrap(), None);
    assert!(store.web_session("c", t(0)).await.unwrap().is_some());
    assert_eq!(store.forget_expired(t(100)).await.unwrap(), 1, "who was idle is forgotten");
}

pub(crate) async fn a_browser_in_use_lives_on_and_not_for_ever(store: Arc<dyn Store>) {
    store.put_web_session(session("a", "one")).await.unwrap();
    let until = async |at: i64| store.web_session("a", t(at - 1)).await.unwrap().map(|it| it.expires_at);
    for (extended, expected) in [(300, 300), (200, 300), (5_000, 1_000)] {
        store.extend_web_session("a", t(extended)).await.unwrap();
        assert_eq!(until(expected).await, Some(t(expected)), "extended to {extended}");
        assert_eq!(store.web_session("a", t(expected)).await.unwrap(), None);
    }
    store.extend_web_session("nobody", t(5_000)).await.unwrap();
}
