//! Ten thousand reconnects of the real inbox with the real alerts: the line is cut at random points, and whatever happened
//! meanwhile is alerted once, whether it was heard, half heard or missed. The random numbers are seeded.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_companion::clock::Clock;
use roomed_companion::view::ConnectionState;
use roomed_companion::{Companion, Handle, Ports};
use roomed_protocol::{NoticeKind, Presence, Role, VisitView};

use crate::clock::FastClock;
use crate::desktop::{Desk, live, until};
use crate::world::{Cut, World, visit};

/// How often the companion comes back.
const TIMES: u32 = 10_000;
/// Of so many, the last one stands until what happened among them has been seen.
const EACH: u32 = 20;
/// Most visits of the list: those of before are closed.
const LISTED: usize = 3;

/// Knuth's: the same cuts at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A clock under which a pause between two attempts takes no time. It is random, so no whole second; a limit is one.
struct Swift(FastClock);

#[async_trait]
impl Clock for Swift {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn local_time(&self, at: Timestamp) -> String {
        self.0.local_time(at)
    }
    fn local_day(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        self.0.local_day(at)
    }
    async fn sleep(&self, length: Duration) {
        if length.subsec_nanos() != 0 && length < Duration::from_secs(60) {
            return tokio::task::yield_now().await;
        }
        self.0.sleep(length).await;
    }
}

/// The n-th visit of that day: each begins in a minute of its own, by which its alert is known.
fn nth(n: u32) -> (String, VisitView, NoticeKind) {
    let start = format!("2026-11-22T{:02}:{:02}:00Z", n / 60, n % 60);
    let it = VisitView { start: start.clone(), ..visit(&format!("v{n}"), Presence::Waiting, false) };
    let ready = NoticeKind::PatientReady { start, role: Role::Patient, proven: false, as_delegate: false };
    (it.id.clone(), it, ready)
}

async fn listed(world: &World, handle: &Handle, n: u32, cuts: Vec<Cut>, at: usize) {
    let (id, view, ready) = nth(n);
    {
        let mut state = world.state.lock().unwrap();
        let too_many = (state.visits.len() + 1).saturating_sub(LISTED);
        state.visits.drain(..too_many);
        state.visits.push(view);
        state.cuts = cuts;
        // Among the cuts; at the end of them, before the line that stands; or later, while it stands.
        if at < usize::try_from(EACH).unwrap() {
            state.between.push((at, id.clone(), ready.clone()));
        }
    }
    world.drop_sockets();
    if at >= usize::try_from(EACH).unwrap() {
        stands(world, handle).await;
        world.hint(world.commit(&id, ready));
    }
    until(handle, "the alert", |s| s.alert.as_ref().is_some_and(|alert| alert.visit == id)).await;
    stands(world, handle).await;
    handle.acknowledge(&id).await.unwrap();
    until(handle, "that it is seen", |s| s.alert.is_none()).await;
}

/// No cut is left, and the line is up.
async fn stands(world: &World, handle: &Handle) {
    until(handle, "a line that stands", |s| {
        s.connection.state == ConnectionState::Live && world.state.lock().unwrap().cuts.is_empty()
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_reconnects_alert_everything_once() {
    let (world, desk) = (World::start().await, Desk::new());
    world.state.lock().unwrap().repeat_seconds = Some(1_000_000);
    let ports = Ports { clock: Arc::new(Swift(FastClock::new())), ..desk.ports() };
    let handle = Companion::start(Desk::config(&world), ports).unwrap();
    handle.page_ready();
    handle.sign_in().await.unwrap();
    live(&handle).await;

    let mut dice = Dice(20_261_123);
    let (before, each) = (world.state.lock().unwrap().sockets, usize::try_from(EACH).unwrap());
    for n in 0..TIMES / EACH {
        let points = [Cut::BeforeHello, Cut::AfterHello, Cut::AtTheNotices, Cut::AtTheList];
        let cuts = (1..EACH).map(|_| points[dice.below(points.len())]).collect();
        // A quarter comes while the line stands, and so by a hint.
        let at = if dice.below(4) == 0 { each } else { dice.below(each) };
        listed(&world, &handle, n, cuts, at).await;
    }
    assert!(world.state.lock().unwrap().sockets - before >= TIMES, "too few reconnects");
    let shown: Vec<String> = desk.notifications.shown.lock().unwrap().iter().map(|text| text.body.clone()).collect();
    // A clinic at UTC+2.
    let expected: Vec<String> = (0..TIMES / EACH).map(|n| format!("{:02}:{:02}", n / 60 + 2, n % 60)).collect();
    assert_eq!(shown, expected, "each once, and in order");
    assert_eq!(handle.state().borrow().cursor, TIMES / EACH);
    // What has been settled is not asked for again.
    let pulls = world.state.lock().unwrap().pulls.clone();
    assert!(pulls.is_sorted(), "the cursor went back");
}
