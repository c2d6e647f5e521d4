//! The doctor: looks at everything a visit needs, and says of each thing how it stands, why, whose it is and what they can do.
//! It runs beside a live relay with the relay's own clients and guards, changes nothing, and takes back what it had to make
//! (`doctor/graph.rs`). Which checks there are: `doctor/list.rs`; in which words: `doctor/words.rs`.

mod address;
mod ask;
mod clocks;
pub mod code;
mod copy;
mod database;
mod disk;
mod ehr;
mod entra;
mod environment;
pub mod finding;
mod graph;
mod keys;
mod lane;
mod list;
pub mod report;
pub mod runs;
mod scene;
pub mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::{BoxFuture, join_all};

use crate::clock::{Clock, Random};
use crate::config::Config;
use copy::{About, copy};
use finding::{Finding, Measured};
use lane::Step;
use list::{CHECKS, Check, Run};
use report::Report;
use scene::{Door, Scene, Tenant};

/// How far a run is.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU32,
    total: AtomicU32,
}

impl Progress {
    /// Checks made, and how many there are; none while that is not known yet.
    pub fn seen(&self) -> (u32, u32) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    fn begins(&self, lanes: &[Lane<'_>]) {
        let all: usize = lanes.iter().map(|it| it.steps.len()).sum();
        self.total.store(u32::try_from(all).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    fn made(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

/// Checks that are made one after the other.
struct Lane<'a> {
    about: About<'a>,
    steps: Vec<Step<'a>>,
}

/// Makes all checks: of every organization, or of the one with this key.
///
/// # Errors
/// It could not begin.
pub async fn examine(
    config: Config,
    only: Option<&str>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let scene = Scene::open(config, clock, random).await?;
    let about = About { public_url: &scene.config.public_url, organization: None, connection: None };
    let tenants: Vec<_> = scene.organizations(only).map(|it| Tenant::new(&scene, it)).collect();
    let doors: Vec<_> = scene
        .organizations(only)
        .flat_map(|organization| organization.ehr.iter().map(move |it| (organization, it)))
        .map(|(organization, it)| (organization, Door::new(&scene, it)))
        .collect();
    let mut lanes = vec![Lane {
        about,
        steps: steps(|run| match run {
            Run::Relay(run) => Some((run(&scene), false)),
            _ => None,
        }),
    }];
    for tenant in &tenants {
        let about = About { organization: Some(tenant.organization), ..about };
        let steps = steps(|run| match run {
            Run::Tenant(run) => Some((run(tenant), false)),
            Run::Clean(run) => Some((run(tenant), true)),
            _ => None,
        });
        lanes.push(Lane { about, steps });
    }
    for (organization, door) in &doors {
        let about = About { organization: Some(organization), connection: Some(door.connection), ..about };
        let steps = steps(|run| match run {
            Run::Door(run) => Some((run(door), false)),
            _ => None,
        });
        lanes.push(Lane { about, steps });
    }
    progress.begins(&lanes);
    let findings: Vec<Finding> =
        join_all(lanes.into_iter().map(|lane| of(lane, progress))).await.into_iter().flatten().collect();
    let report = Report::new(scene.clock.now(), &scene.config.public_url, findings);
    drop((tenants, doors));
    if let Ok(database) = scene.database.into_inner() {
        database.close().await;
    }
    Ok(report)
}

/// The checks of one kind, in the list's order.
fn steps<'a>(made: impl Fn(&'static Run) -> Option<(BoxFuture<'a, Measured>, bool)>) -> Vec<Step<'a>> {
    let step = |check: &'static Check| made(&check.run).map(|(work, anyway)| Step { check, work, anyway });
    CHECKS.iter().filter_map(step).collect()
}

/// One lane's findings.
async fn of(Lane { about, steps }: Lane<'_>, progress: &Progress) -> Vec<Finding> {
    lane::run(steps, progress).await.into_iter().map(|(check, measured)| finding(check, measured, &about)).collect()
}

fn finding(check: &'static Check, measured: Measured, about: &About<'_>) -> Finding {
    let words::Words { state, owner, cause, fix } = words::words(measured.code);
    Finding {
        check: check.id,
        area: check.area,
        organization: about.organization.map(|it| it.key.clone()),
        ehr: about.connection.map(|it| it.iss.clone()),
        state,
        code: measured.code,
        measured: measured.text,
        cause,
        owner,
        fix,
        copy: copy(measured.code, about),
    }
}
