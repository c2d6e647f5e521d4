//! A patient is gone when their page is, and not when some relay is.

use std::time::Duration;

use jiff::SignedDuration;
use roomed_relay::neighbours::{Neighbours, Pulse, page_leg};
use roomed_relay::timers;
use roomed_visit::ChartStatus;

use crate::home::{Home, Kind};
use crate::node::{CALM, Ground, until};
use crate::page::{Page, open_pages, ready, told};
use crate::place::{Place, noon};

/// Long past the grace period, and well within the visit.
const LATER: SignedDuration = SignedDuration::from_mins(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_restarts_leaves_the_pages_of_another_open() {
    let ground = Ground::make().await;
    let (one, other) = (ground.start(CALM).await, ground.start(CALM).await);
    let visit = one.place.visit("v").await;
    let _page = Page::open(&one, &visit).await;
    ready(&one.place, &visit).await;
    let open = open_pages(&one.place, &visit).await;
    assert_eq!(open.len(), 1);

    other.stop().await;
    let alive = one.place.relay.store.nodes_alive(CALM.silent).await.unwrap();
    assert_eq!(alive, std::slice::from_ref(&one.place.relay.node), "who stops says so");
    let other = ground.start(CALM).await;
    assert_eq!(open_pages(&other.place, &visit).await, open);

    ground.clock.advance(LATER);
    for place in [&one.place, &other.place] {
        timers::tick_due(&place.relay).await.unwrap();
    }
    assert_eq!(told(&other.place, &visit).await, (Some(ChartStatus::Connected), 1), "nobody has left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_a_node_that_died_are_closed_by_another() {
    let ground = Ground::make().await;
    let one = ground.start(CALM).await;
    let other = ground.start(Pulse { silent: SignedDuration::from_secs(2), ..CALM }).await;
    let visit = one.place.visit("v").await;
    let _page = Page::open(&one, &visit).await;
    ready(&one.place, &visit).await;
    // Of a node of an earlier version, which does not say that it is alive.
    one.place.arrive(&visit, "page-of-yesterday").await;
    assert_eq!(open_pages(&other.place, &visit).await.len(), 2);

    one.kill();
    until("the other closes the page", async || open_pages(&other.place, &visit).await.len() < 2).await;
    let left = open_pages(&other.place, &visit).await;
    assert_eq!(left.iter().map(|leg| leg.as_str()).collect::<Vec<_>>(), ["page-of-yesterday"]);

    other.place.leave(&visit, "page-of-yesterday").await;
    ground.clock.advance(LATER);
    timers::tick_due(&other.place.relay).await.unwrap();
    assert_eq!(told(&other.place, &visit).await, (Some(ChartStatus::Disconnected), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_for_gone_sends_its_pages_to_connect_anew() {
    let ground = Ground::make().await;
    let one = ground.start(CALM).await;
    let visit = one.place.visit("v").await;
    let page = Page::open(&one, &visit).await;
    ready(&one.place, &visit).await;
    let before = open_pages(&one.place, &visit).await;

    // It was frozen for so long that another gave it up and closed its page.
    let other = ground.place().await;
    other.leave(&visit, before[0].as_str()).await;
    ground.give_all_up().await;

    page.ended().await;
    let _page = Page::open(&one, &visit).await;
    ground.clock.advance(LATER);
    timers::tick_due(&other.relay).await.unwrap();
    let after = open_pages(&other, &visit).await;
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    assert_eq!(told(&other, &visit).await, (Some(ChartStatus::Connected), 1), "it was there within the grace period");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_a_node_that_nobody_has_seen_come_or_go_are_found() {
    let ground = Ground::make().await;
    let one = ground.start(Pulse { look: Duration::from_millis(200), ..CALM }).await;
    let visit = one.place.visit("v").await;
    let other = ground.place().await;
    // It dies before it is seen, or what it was about to write comes after it was given up.
    other.arrive(&visit, page_leg(&other.relay.node, &*other.relay.random).as_str()).await;
    until("the page is closed", async || open_pages(&one.place, &visit).await.is_empty()).await;
}

#[tokio::test]
async fn a_relay_with_a_database_of_its_own_closes_what_its_last_run_left_open() {
    let home = Home::make(Kind::Sqlite).await;
    let place = Place::open(&home, noon()).await;
    let (named, unnamed) = (place.visit("named").await, place.visit("unnamed").await);
    let leg = page_leg(&place.relay.node, &*place.relay.random);
    place.arrive(&named, leg.as_str()).await;
    place.arrive(&unnamed, "page-of-yesterday").await;
    place.close().await;

    let place = Place::open(&home, noon() + SignedDuration::from_secs(5)).await;
    Neighbours::enter(&place.relay).await.unwrap();
    for visit in [&named, &unnamed] {
        assert_eq!(open_pages(&place, visit).await, []);
    }
    place.close().await;
}

#[test]
fn a_node_says_that_it_is_here_several_times_before_it_is_given_up() {
    let Pulse { every, silent, .. } = Pulse::default();
    assert!(every * 3 < Duration::try_from(silent).unwrap());
}
