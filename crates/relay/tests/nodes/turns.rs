//! Reads of an EHR take their turn by the database's time, since nodes with clocks of their own share one pace.

use jiff::{SignedDuration, Timestamp};
use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::restore::{self, Reconciler};
use roomed_relay::witness::{self, Looked};

use crate::node::Ground;
use crate::place::{ORGANIZATION, Place};

/// By how much the clock of the node that reads is ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// When the connection's pace was last looked at.
async fn looked_at(place: &Place) -> Timestamp {
    let ehr = &place.relay.organization(ORGANIZATION).unwrap().ehr[0].iss;
    let connection = place.relay.store.connection(ORGANIZATION, ehr).await.unwrap();
    serde_json::to_value(connection).unwrap()["lookedAt"].as_str().unwrap().parse().unwrap()
}

fn is_of_today(at: Timestamp) -> bool {
    at < SystemClock.now() + SignedDuration::from_hours(1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_witness_whose_clock_is_ahead_does_not_stop_the_others() {
    let ground = Ground::at(SystemClock.now() + AHEAD).await;
    let place = ground.place().await;
    place.visit("v").await;
    assert_eq!(witness::look_once(&place.relay, &mut Looked::default()).await.unwrap(), 1);
    assert!(is_of_today(looked_at(&place).await), "the turn was taken by the node's clock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_a_node_that_looks_after_a_restored_backup() {
    let ground = Ground::at(SystemClock.now() + AHEAD).await;
    let place = ground.place().await;
    let visit = place.visit("v").await;
    place.arrive(&visit, "page").await;
    restore::begin(&place.relay).await.unwrap();
    Reconciler::default().round(&place.relay).await.unwrap();
    assert_eq!(place.ehr.asked.lock().unwrap().len(), 2);
    assert!(is_of_today(looked_at(&place).await), "the turn was taken by the node's clock");
}
