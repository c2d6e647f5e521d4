//! Who is alive among the nodes of a database, and whose companion is at which of them.

use std::sync::Arc;

use jiff::SignedDuration;
use roomed_relay::store::{NodeId, Store};

use crate::given::person;

/// Nobody is silent for so long in a test.
const LONG: SignedDuration = SignedDuration::from_hours(1);

fn node(name: &str) -> NodeId {
    NodeId::new(name)
}

async fn online(store: &dyn Store, at_other_than: &str) -> Vec<String> {
    let who = ["ann", "ben", "eve"].map(person);
    let mut found = store.online_elsewhere(&node(at_other_than), &who).await.unwrap();
    found.sort();
    found.into_iter().map(|it| it.oid).collect()
}

pub(crate) async fn a_node_is_alive_until_it_leaves(store: Arc<dyn Store>) {
    assert_eq!(store.nodes_alive(LONG).await.unwrap(), []);
    let first = store.node_seen(&node("one")).await.unwrap();
    store.node_seen(&node("other")).await.unwrap();
    assert_eq!(store.nodes_alive(LONG).await.unwrap(), [node("one"), node("other")]);
    assert_eq!(store.node_seen(&node("one")).await.unwrap(), first, "its life was not interrupted");
    store.node_left(&node("one")).await.unwrap();
    assert_eq!(store.nodes_alive(LONG).await.unwrap(), [node("other")]);
    assert_ne!(store.node_seen(&node("one")).await.unwrap(), first);
    store.node_left(&node("never seen")).await.unwrap();
    assert_eq!(store.nodes_alive(LONG).await.unwrap(), [node("one"), node("other")]);
}

pub(crate) async fn a_silent_node_is_given_up_and_finds_it_out(store: Arc<dyn Store>) {
    let before = store.node_seen(&node("one")).await.unwrap();
    store.companions_came(&node("one"), &[person("ann")]).await.unwrap();
    assert_eq!(store.nodes_alive(LONG).await.unwrap(), [node("one")]);
    assert_eq!(store.nodes_alive(SignedDuration::ZERO).await.unwrap(), [], "whoever was seen before now is too late");
    assert_eq!(online(&*store, "other").await, [""; 0]);
    // What it says before it knows is not kept: it would outlive what the others believe of it.
    store.companions_came(&node("one"), &[person("ben")]).await.unwrap();
    store.companions_left(&node("one"), &[person("ann")]).await.unwrap();
    assert_ne!(store.node_seen(&node("one")).await.unwrap(), before);
    assert_eq!(online(&*store, "other").await, [""; 0]);
    assert_eq!(store.nodes_alive(LONG).await.unwrap(), [node("one")]);
}

pub(crate) async fn companions_are_where_they_are_said_to_be(store: Arc<dyn Store>) {
    for it in ["one", "other"] {
        store.node_seen(&node(it)).await.unwrap();
    }
    store.companions_came(&node("one"), &[person("ann"), person("ben")]).await.unwrap();
    store.companions_came(&node("one"), &[person("ann")]).await.unwrap();
    store.companions_came(&node("other"), &[person("ben")]).await.unwrap();
    assert_eq!(online(&*store, "one").await, ["ben"]);
    assert_eq!(online(&*store, "other").await, ["ann", "ben"]);
    assert_eq!(online(&*store, "third").await, ["ann", "ben"], "nobody is said twice");
    assert_eq!(store.online_elsewhere(&node("third"), &[]).await.unwrap(), []);
    store.companions_left(&node("one"), &[person("ben"), person("eve")]).await.unwrap();
    assert_eq!(online(&*store, "other").await, ["ann"]);
    assert_eq!(online(&*store, "third").await, ["ann", "ben"], "one who has left one node may be at another");
}

pub(crate) async fn a_node_that_is_gone_has_no_companions(store: Arc<dyn Store>) {
    for it in ["one", "other"] {
        store.node_seen(&node(it)).await.unwrap();
        store.companions_came(&node(it), &[person(it)]).await.unwrap();
    }
    let who = ["one", "other"].map(person);
    store.node_left(&node("one")).await.unwrap();
    assert_eq!(store.online_elsewhere(&node("third"), &who).await.unwrap(), [person("other")]);
    store.node_seen(&node("one")).await.unwrap();
    assert_eq!(
        store.online_elsewhere(&node("third"), &who).await.unwrap(),
        [person("other")],
        "they come again by word"
    );
}
