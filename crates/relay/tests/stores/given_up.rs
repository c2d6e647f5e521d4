//! Meetings that were given up: kept with the change that gives one up, one node's at a time, gone with their visit.

use std::sync::Arc;

use roomed_relay::store::{Change, ClaimedGivenUp, LookupKey, Meeting, NewGivenUp, Store, StoredWatch, VisitRow};

use crate::forgetting::summary;
use crate::given::{ORGANIZATION, t, visit};

fn given_up(id: &str) -> NewGivenUp {
    NewGivenUp { id: id.into(), sealed: format!("sealed {id}").into_bytes() }
}

fn meeting(name: &str) -> Meeting {
    Meeting { lookup: LookupKey(name.as_bytes().to_vec()), sealed: format!("meeting {name}").into_bytes() }
}

/// The visit gives a meeting up, as `ids`; another comes with the same change, perhaps.
async fn gives_up(store: &Arc<dyn Store>, version: Option<i64>, ids: &[&str], next: Option<Meeting>, at: i64) {
    let mut change = Change::of(visit("v1"), version, t(at));
    (change.gives_up, change.meeting) = (true, next);
    change.given_up = ids.iter().map(|id| given_up(id)).collect();
    store.commit(change).await.unwrap();
}

fn ids(claimed: &[ClaimedGivenUp]) -> Vec<&str> {
    let mut ids: Vec<&str> = claimed.iter().map(|it| it.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

pub(crate) async fn a_meeting_is_given_up_with_the_change_and_the_visit_has_none_or_the_next(store: Arc<dyn Store>) {
    let mut made = Change::of(visit("v1"), None, t(0));
    made.meeting = Some(meeting("first"));
    store.commit(made).await.unwrap();
    assert!(!store.has_given_up("v1").await.unwrap());
    assert_eq!(store.next_given_up_at().await.unwrap(), None);
    gives_up(&store, Some(1), &["a"], None, 5).await;
    assert_eq!(store.meeting("v1").await.unwrap(), None);
    assert_eq!(store.visit_of_meeting(ORGANIZATION, &meeting("first").lookup).await.unwrap(), None);
    assert!(store.has_given_up("v1").await.unwrap() && !store.has_given_up("v2").await.unwrap());
    assert_eq!(store.next_given_up_at().await.unwrap(), Some(t(5)));
    // A change that says nothing of meetings leaves both as they are.
    gives_up(&store, Some(2), &["b"], Some(meeting("second")), 6).await;
    store.commit(Change::of(visit("v1"), Some(3), t(7))).await.unwrap();
    assert_eq!(store.meeting("v1").await.unwrap(), Some(meeting("second")));
    assert_eq!(ids(&store.claim_given_up(t(7), t(30), 9).await.unwrap()), ["a", "b"], "each until it is deleted");
}

/// What still happens in it is not taken for what happens in the visit's next meeting.
pub(crate) async fn nobody_is_told_any_more_of_a_meeting_that_was_given_up(store: Arc<dyn Store>) {
    let watch = |subscription: &str, visit: &str| StoredWatch {
        subscription: subscription.into(),
        organization: ORGANIZATION.into(),
        visit: visit.into(),
        client_state_hash: "hash".into(),
        certificate_id: "certificate".into(),
        expires_at: t(90),
    };
    for (visit_id, subscription) in [("v1", "first"), ("v2", "another's")] {
        let mut made = Change::of(visit(visit_id), None, t(0));
        (made.meeting, made.watches) = (Some(meeting(subscription)), vec![watch(subscription, visit_id)]);
        store.commit(made).await.unwrap();
    }
    let mut stale = Change::of(visit("v1"), Some(7), t(1));
    stale.gives_up = true;
    store.commit(stale).await.unwrap_err();
    assert!(store.watch("first").await.unwrap().is_some(), "nothing was given up");
    // The next comes with the same change, and with a watch of its own.
    let mut next = Change::of(visit("v1"), Some(1), t(2));
    (next.gives_up, next.given_up) = (true, vec![given_up("a")]);
    (next.meeting, next.watches) = (Some(meeting("second")), vec![watch("second", "v1")]);
    store.commit(next).await.unwrap();
    assert_eq!(store.watch("first").await.unwrap(), None);
    assert_eq!(store.watches_of("v1").await.unwrap(), [watch("second", "v1")]);
    assert!(!store.watch_anew("first", watch("anew", "v1")).await.unwrap(), "who renews it comes too late");
    gives_up(&store, Some(2), &["b"], None, 3).await;
    assert_eq!(store.watches_of("v1").await.unwrap(), []);
    assert_eq!(store.watches_of("v2").await.unwrap().len(), 1, "another visit's is another's");
}

pub(crate) async fn a_given_up_meeting_is_one_nodes_until_it_is_settled(store: Arc<dyn Store>) {
    gives_up(&store, None, &["a"], None, 0).await;
    assert_eq!(store.claim_given_up(t(-1), t(20), 9).await.unwrap(), [], "not before its time");
    assert_eq!(store.claim_given_up(t(1), t(20), 0).await.unwrap(), [], "no more than asked for");
    let first = ClaimedGivenUp {
        id: "a".into(),
        visit: "v1".into(),
        organization: ORGANIZATION.into(),
        sealed: b"sealed a".to_vec(),
        since: t(0),
        attempt: 1,
    };
    assert_eq!(store.claim_given_up(t(1), t(20), 9).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.claim_given_up(t(19), t(40), 9).await.unwrap(), [], "somebody has it");
    assert!(store.settle_given_up("a", 1, Some(t(600))).await.unwrap());
    assert_eq!(store.next_given_up_at().await.unwrap(), Some(t(600)));
    let second = ClaimedGivenUp { attempt: 2, ..first };
    assert_eq!(
        store.claim_given_up(t(600), t(620), 9).await.unwrap(),
        std::slice::from_ref(&second),
        "since then still"
    );
    // Whoever had it is gone: the next one gets it, and the other settles nothing any more.
    assert_eq!(store.claim_given_up(t(620), t(640), 9).await.unwrap(), [ClaimedGivenUp { attempt: 3, ..second }]);
    assert!(!store.settle_given_up("a", 2, None).await.unwrap());
    assert!(store.has_given_up("v1").await.unwrap());
    assert!(store.settle_given_up("a", 3, None).await.unwrap());
    assert!(!store.settle_given_up("a", 3, None).await.unwrap(), "it is gone");
    assert!(!store.has_given_up("v1").await.unwrap());
    assert_eq!(store.next_given_up_at().await.unwrap(), None);
}

pub(crate) async fn a_refused_change_gives_nothing_up_and_a_forgotten_visit_leaves_nothing(store: Arc<dyn Store>) {
    let mut made = Change::of(visit("v1"), None, t(0));
    made.meeting = Some(meeting("first"));
    store.commit(made).await.unwrap();
    let mut stale = Change::of(visit("v1"), Some(7), t(1));
    (stale.gives_up, stale.given_up) = (true, vec![given_up("a")]);
    store.commit(stale).await.unwrap_err();
    assert_eq!(store.meeting("v1").await.unwrap(), Some(meeting("first")));
    assert!(!store.has_given_up("v1").await.unwrap());
    let mut over = Change::of(VisitRow { closed_at: Some(t(10)), ..visit("v1") }, Some(1), t(10));
    (over.gives_up, over.given_up) = (true, vec![given_up("a")]);
    store.commit(over).await.unwrap();
    let claimed = store.claim_given_up(t(10), t(30), 9).await.unwrap();
    store.forget_visit("v1", summary("v1", 0), t(11)).await.unwrap();
    assert!(!store.settle_given_up("a", claimed[0].attempt, Some(t(12))).await.unwrap(), "its key is gone");
    assert_eq!(store.claim_given_up(t(40), t(50), 9).await.unwrap(), []);
}
