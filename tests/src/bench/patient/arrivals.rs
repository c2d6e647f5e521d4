//! People who press *I'm ready*: one after the other, with the companion's alert and an operation of the floor in between;
//! and so many in each second, whether or not the ones before have been answered.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::super::floor::Floor;
use super::clinic::{Clinic, Entered, press_ready};
use super::desk::Desk;
use super::waiting::{Page, Room};
use crate::clock::Stopwatch;

/// Microseconds.
#[derive(Default)]
pub(super) struct Times {
    /// Until the companion asked the desktop to show the alert.
    pub(super) alerted: Vec<f64>,
    /// Until the page was answered.
    pub(super) answered: Vec<f64>,
    /// Operations of the floor in between.
    pub(super) floor: Vec<f64>,
    /// Refused, or not answered at all.
    pub(super) failed: usize,
}

/// Each in a visit of their own, of a clinician who is linked and online.
pub(super) async fn one_by_one(
    clinic: &Clinic,
    desk: &mut Desk,
    watch: Stopwatch,
    presses: usize,
) -> anyhow::Result<Times> {
    let mut times = Times::default();
    let mut floor = Floor::new(&clinic.stack.directory)?;
    for who in clinic.enter(presses).await? {
        let pressed = watch.elapsed();
        let status = clinic.ready(&who).await?;
        anyhow::ensure!(status == 200, "the relay answered {status} to somebody who is ready");
        times.answered.push(microseconds(watch.elapsed().saturating_sub(pressed)));
        times.alerted.push(microseconds(desk.alerted().await?.saturating_sub(pressed)));
        desk.acknowledges().await?;
        let took;
        (floor, took) = floor.measure().await?;
        times.floor.push(microseconds(took));
    }
    Ok(times)
}

/// Everybody opens their page and presses, `per_second` of them begin in each second.
pub(super) async fn at_a_rate(
    clinic: &Clinic,
    room: &mut Room,
    coming: &[Entered],
    per_second: u32,
) -> anyhow::Result<Times> {
    let mut pace = interval(Duration::from_secs(1) / per_second.max(1));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut arriving = JoinSet::new();
    for who in coming {
        pace.tick().await;
        let (http, relay, lost) = (clinic.http.clone(), clinic.stack.relay.clone(), room.losses());
        let who = Entered(who.0.clone());
        arriving.spawn(async move {
            let page = Page::open(&relay, &who, lost).await?;
            let watch = Stopwatch::start();
            let status = press_ready(&http, &relay, &who).await?;
            anyhow::ensure!(status == 200, "refused");
            anyhow::Ok((page, microseconds(watch.elapsed())))
        });
    }
    let mut times = Times::default();
    while let Some(arrived) = arriving.join_next().await {
        match arrived? {
            Ok((page, took)) => {
                times.answered.push(took);
                room.stays(page);
            }
            // Counted: it is a figure of this bench.
            Err(_) => times.failed += 1,
        }
    }
    Ok(times)
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
