//! The day in the chart: asked for by the clinician's own midnights, again when a visit appears, and gone with the sign-in.

use jiff::Timestamp;
use roomed_protocol::{NoticeKind, Presence};

use crate::desktop::{Desk, becomes, until};
use crate::world::{World, visit};

#[tokio::test]
async fn the_day_is_asked_for_again_when_something_happens_and_goes_with_the_sign_in() {
    let (world, desk) = (World::start().await, Desk::new());
    let handle = desk.signed_in(&world).await;
    let state = until(&handle, "the day", |s| s.agenda.is_some()).await;
    assert_eq!(state.agenda.unwrap().rows.len(), 1);
    let asked = || world.state.lock().unwrap().days.len();
    let (from, to) = world.state.lock().unwrap().days[0].clone();
    let (from, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
    // The clinic of these tests is at UTC+2: its midnight is 22:00 UTC.
    assert!(from.to_string().ends_with("T22:00:00Z"), "{from}");
    assert_eq!(to.duration_since(from), jiff::SignedDuration::from_hours(24));

    let before = asked();
    world.put_visit(visit("v1", Presence::Absent, false));
    world.hint(world.commit("v1", NoticeKind::VisitChanged));
    becomes("asked because of a new visit", || asked() > before).await;
    handle.sign_out().await.unwrap();
    assert!(handle.state().borrow().agenda.is_none());
}
