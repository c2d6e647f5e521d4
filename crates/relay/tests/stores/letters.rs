//! Letters: written with their visit, claimed by one, settled by whoever holds them, gone with the visit.

use std::sync::Arc;

use futures_util::future::join_all;
use roomed_relay::store::{Change, ClaimedLetter, NewLetter, Store, VisitRow};

use crate::forgetting::summary;
use crate::given::{ORGANIZATION, t, visit};

fn letter(id: &str) -> NewLetter {
    NewLetter { id: id.into(), sealed: format!("sealed {id}").into_bytes(), expires_at: t(9_000) }
}

async fn with_letters(store: &Arc<dyn Store>, of: &str, letters: &[&str], at: i64) {
    let mut change = Change::of(visit(of), None, t(at));
    change.letters = letters.iter().map(|id| letter(id)).collect();
    store.commit(change).await.unwrap();
}

fn ids(claimed: &[ClaimedLetter]) -> Vec<&str> {
    claimed.iter().map(|it| it.id.as_str()).collect()
}

pub(crate) async fn a_letter_is_one_nodes_until_it_is_settled(store: Arc<dyn Store>) {
    assert_eq!(store.next_letter_at(ORGANIZATION).await.unwrap(), None);
    with_letters(&store, "v1", &["a", "b"], 0).await;
    assert_eq!(store.next_letter_at(ORGANIZATION).await.unwrap(), Some(t(0)));
    assert_eq!(store.next_letter_at("harbor").await.unwrap(), None);
    assert_eq!(store.claim_letters("harbor", t(1), t(60), 9).await.unwrap(), [], "another organization's");
    assert_eq!(store.claim_letters(ORGANIZATION, t(-1), t(60), 9).await.unwrap(), [], "not before its time");
    let mut first = store.claim_letters(ORGANIZATION, t(1), t(60), 9).await.unwrap();
    first.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(ids(&first), ["a", "b"]);
    let whole = ClaimedLetter {
        id: "a".into(),
        visit: "v1".into(),
        organization: ORGANIZATION.into(),
        sealed: b"sealed a".to_vec(),
        expires_at: t(9_000),
        attempt: 1,
    };
    assert_eq!(first[0], whole);
    assert_eq!(store.claim_letters(ORGANIZATION, t(59), t(99), 9).await.unwrap(), [], "somebody has them");
    // Whoever had them is gone: the next one gets them, and the first settles nothing any more.
    let second = store.claim_letters(ORGANIZATION, t(60), t(120), 9).await.unwrap();
    assert_eq!(second.iter().map(|it| it.attempt).collect::<Vec<_>>(), [2, 2]);
    assert!(!store.settle_letter("a", 1, None).await.unwrap());
    assert!(store.settle_letter("a", 2, None).await.unwrap());
    assert!(!store.settle_letter("a", 2, None).await.unwrap(), "it is gone");
    assert!(store.settle_letter("b", 2, Some(t(500))).await.unwrap());
    assert_eq!(store.next_letter_at(ORGANIZATION).await.unwrap(), Some(t(500)));
    assert_eq!(store.claim_letters(ORGANIZATION, t(499), t(600), 9).await.unwrap(), []);
    assert_eq!(ids(&store.claim_letters(ORGANIZATION, t(500), t(600), 9).await.unwrap()), ["b"]);
}

pub(crate) async fn of_many_each_letter_goes_to_one(store: Arc<dyn Store>) {
    let names: Vec<String> = (0..40).map(|n| format!("letter {n:02}")).collect();
    with_letters(&store, "v1", &names.iter().map(String::as_str).collect::<Vec<_>>(), 0).await;
    let claims = (0..8).map(|_| store.claim_letters(ORGANIZATION, t(1), t(60), 7));
    let mut all: Vec<String> = Vec::new();
    for claimed in join_all(claims).await {
        let claimed = claimed.unwrap();
        assert!(claimed.len() <= 7, "no more than were asked for");
        all.extend(claimed.into_iter().map(|it| it.id));
    }
    all.extend(store.claim_letters(ORGANIZATION, t(1), t(60), 99).await.unwrap().into_iter().map(|it| it.id));
    all.sort();
    assert_eq!(all, names);
}

pub(crate) async fn a_refused_change_sends_nothing_and_a_forgotten_visit_neither(store: Arc<dyn Store>) {
    with_letters(&store, "v1", &["a"], 0).await;
    let mut stale = Change::of(visit("v1"), Some(7), t(1));
    stale.letters = vec![letter("b")];
    store.commit(stale).await.unwrap_err();
    assert_eq!(ids(&store.claim_letters(ORGANIZATION, t(2), t(3), 9).await.unwrap()), ["a"]);
    let over = VisitRow { closed_at: Some(t(10)), ..visit("v1") };
    store.commit(Change::of(over, Some(1), t(10))).await.unwrap();
    store.forget_visit("v1", summary("v1", 0), t(11)).await.unwrap();
    assert_eq!(store.next_letter_at(ORGANIZATION).await.unwrap(), None);
}
