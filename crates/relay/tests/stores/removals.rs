//! Meetings to be emptied: due with the change that ends a visit, one node's at a time, and anew when the end changes.

use std::sync::Arc;

use roomed_relay::store::{Change, ClaimedRemoval, NextLook, Store, VisitRow};

use crate::forgetting::summary;
use crate::given::{ORGANIZATION, t, visit};

async fn ended(store: &Arc<dyn Store>, version: Option<i64>, at: i64) {
    let mut change = Change::of(visit("v1"), version, t(at));
    change.removal = true;
    store.commit(change).await.unwrap();
}

fn next(at: i64, call: Option<&str>, refused: Option<&str>) -> Option<NextLook> {
    Some(NextLook { at: t(at), call: call.map(str::to_owned), refused: refused.map(str::to_owned) })
}

pub(crate) async fn an_ended_visit_is_one_nodes_and_keeps_its_leg(store: Arc<dyn Store>) {
    assert_eq!(store.next_removal_at().await.unwrap(), None);
    ended(&store, None, 0).await;
    assert_eq!(store.next_removal_at().await.unwrap(), Some(t(0)));
    assert!(store.has_removal("v1").await.unwrap() && !store.has_removal("v2").await.unwrap());
    assert_eq!(store.claim_removals(t(-1), t(20), 9).await.unwrap(), [], "not before its time");
    let first =
        ClaimedRemoval { visit: "v1".into(), organization: ORGANIZATION.into(), call: None, refused: None, attempt: 1 };
    assert_eq!(store.claim_removals(t(1), t(20), 9).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.claim_removals(t(19), t(40), 9).await.unwrap(), [], "somebody has it");
    assert!(store.settle_removal("v1", 1, next(3, Some("call"), Some("held"))).await.unwrap());
    assert_eq!(store.removal_refused("v1").await.unwrap().as_deref(), Some("held"));
    let second = ClaimedRemoval { call: Some("call".into()), refused: Some("held".into()), attempt: 2, ..first };
    assert_eq!(store.claim_removals(t(3), t(23), 9).await.unwrap(), std::slice::from_ref(&second));
    // Whoever had it is gone: the next one gets it with the leg, and the other settles nothing any more.
    let third = ClaimedRemoval { attempt: 3, ..second };
    assert_eq!(store.claim_removals(t(23), t(43), 9).await.unwrap(), [third]);
    assert!(!store.settle_removal("v1", 2, None).await.unwrap());
    assert!(store.settle_removal("v1", 3, None).await.unwrap());
    assert!(!store.settle_removal("v1", 3, None).await.unwrap(), "it is gone");
    assert_eq!(store.next_removal_at().await.unwrap(), None);
    assert!(!store.has_removal("v1").await.unwrap());
    assert_eq!(store.removal_refused("v1").await.unwrap(), None);
}

pub(crate) async fn an_end_given_or_taken_back_meanwhile_is_not_lost(store: Arc<dyn Store>) {
    ended(&store, None, 0).await;
    store.claim_removals(t(1), t(20), 9).await.unwrap();
    assert!(store.settle_removal("v1", 1, next(500, Some("call"), Some("held"))).await.unwrap());
    ended(&store, Some(1), 2).await;
    assert_eq!(store.next_removal_at().await.unwrap(), Some(t(2)), "at once, whatever was planned");
    assert_eq!(store.removal_refused("v1").await.unwrap(), None);
    let claimed = store.claim_removals(t(2), t(22), 9).await.unwrap();
    assert_eq!(claimed[0].call.as_deref(), Some("call"), "the leg is still in");
    ended(&store, Some(2), 3).await;
    // Whoever looked at the visit as it was before says nothing about it.
    assert!(!store.settle_removal("v1", claimed[0].attempt, None).await.unwrap());
    assert_eq!(store.claim_removals(t(3), t(23), 9).await.unwrap().len(), 1);
}

pub(crate) async fn a_refused_end_removes_nobody_and_a_leg_outlives_its_visit(store: Arc<dyn Store>) {
    store.commit(Change::of(visit("v1"), None, t(0))).await.unwrap();
    let mut stale = Change::of(visit("v1"), Some(7), t(1));
    stale.removal = true;
    store.commit(stale).await.unwrap_err();
    assert_eq!(store.next_removal_at().await.unwrap(), None, "no end, nobody to be removed");
    let over = VisitRow { closed_at: Some(t(10)), ..visit("v1") };
    let mut over = Change::of(over, Some(1), t(10));
    over.removal = true;
    store.commit(over).await.unwrap();
    store.claim_removals(t(10), t(30), 9).await.unwrap();
    store.settle_removal("v1", 1, next(12, Some("call"), None)).await.unwrap();
    store.forget_visit("v1", summary("v1", 0), t(11)).await.unwrap();
    let left = store.claim_removals(t(12), t(32), 9).await.unwrap();
    assert_eq!(left[0].call.as_deref(), Some("call"), "it still has to come out");
}
