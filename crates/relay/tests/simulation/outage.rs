//! Eight hours without the EHR while tens of thousands of things become true: what the outage costs, and how it ends.

use std::sync::{Arc, Mutex};

use roomed_relay::store::{Channel, EntryState};

use crate::memory::Row;
use crate::plan::{Manners, Plan, Traffic};
use crate::report;
use crate::run::{Run, nothing, run};
use crate::scenarios::seeds;
use crate::world::pass;

const HOUR: u64 = 3_600_000;
const DOWN: std::ops::Range<u64> = 60_000..60_000 + 8 * HOUR;

/// What is seen when the EHR is back.
#[derive(Default)]
struct Seen {
    accepted: u64,
    backlog: u64,
    failures: u64,
    most_failures: u32,
    parked: u64,
    drained_ms: u64,
    fresh: Vec<u64>,
}

fn count(run: &Run, of: impl Fn(&Row) -> bool) -> u64 {
    run.site.store.look(|state| state.rows.values().filter(|row| of(row)).count() as u64)
}

/// Looks when the EHR is back, and lets people come in new visits until the backlog is gone.
async fn watch(run: Arc<Run>, seen: Arc<Mutex<Seen>>) {
    pass(DOWN.end).await;
    let waits = |row: &Row| matches!(row.state, EntryState::Waiting | EntryState::InFlight);
    {
        let seen = &mut *seen.lock().unwrap();
        seen.accepted = run.truth.facts().promises.len() as u64;
        seen.backlog = count(&run, waits);
        seen.parked = count(&run, |row| row.state == EntryState::Parked);
        seen.failures = run.site.store.look(|state| state.rows.values().map(|row| u64::from(row.failures)).sum());
        seen.most_failures = run.site.store.look(|state| state.rows.values().map(|row| row.failures).max().unwrap());
    }
    let from = run.world.ms();
    let mut number = 0;
    while run.site.store.look(|state| state.unsettled_of(|visit| !visit.starts_with('t'))) {
        number += 1;
        run.generator.trickle(number);
        pass(20_000).await;
    }
    let seen = &mut *seen.lock().unwrap();
    seen.drained_ms = run.world.ms() - from;
    let facts = run.truth.facts();
    let fresh = facts.promises.values().filter(|it| it.visit.starts_with('t'));
    // The first ones find the breaker open.
    let fresh = fresh.filter(|it| it.at > from + 600_000);
    seen.fresh = fresh.map(|it| facts.stood.get(&it.stream).map_or(u64::MAX, |stood| stood[0].0 - it.at)).collect();
    seen.fresh.sort_unstable();
}

fn plan(visits: u64) -> Plan {
    Plan {
        ehrs: 1,
        traffic: Traffic {
            visits,
            within_ms: 7 * HOUR,
            changes: 4..8,
            pause_ms: 1_000..300_000,
            doors: &[Channel::State, Channel::Audit, Channel::Message],
            closes: 1000,
            silent: 100,
        },
        ehr: Manners { latency_ms: 5..300, down: vec![DOWN], ..Manners::default() },
        lines: 200,
        ..Plan::calm("outage")
    }
}

#[test]
fn an_outage_of_eight_hours_costs_nothing_but_time() {
    let seed = seeds(1)[0];
    let seen: Arc<Mutex<Seen>> = Arc::default();
    let plan = plan(4_700);
    let ran = run(&plan, seed, |run| watch(run, Arc::clone(&seen)));
    let seen = seen.lock().unwrap();
    report::add(&ran, seen.accepted);
    println!(
        "accepted {}, waiting {}, drained in {} s, probes {}, failures {} (at most {} of a row), fresh: p99 {:?} ms",
        seen.accepted,
        seen.backlog,
        seen.drained_ms / 1000,
        ran.probes,
        seen.failures,
        seen.most_failures,
        seen.fresh.get(seen.fresh.len() * 99 / 100)
    );
    assert!(ran.wrongs.is_empty(), "ROOMED_SEED={seed}: {:?}", ran.wrongs);
    assert!(seen.accepted >= 50_000, "only {} were accepted", seen.accepted);
    assert_eq!((seen.parked, ran.verdict.parked), (0, 0), "the outage parked something");
    // A row that fails as the outage begins may fail once more after the last that was still under way was taken. Hours of
    // it add nothing to that.
    assert!(seen.most_failures <= 2, "the outage was counted against a row");
    // A breaker that is open for longer and longer asks less than twice a minute.
    assert!(ran.probes <= 8 * 120, "{} probes", ran.probes);
    let rate = u64::from(crate::run::shipped().outbox.per_ehr_per_second);
    // What comes in meanwhile takes its share of the pace.
    let at_best = (seen.backlog + seen.fresh.len() as u64) * 1000 / rate;
    assert!(seen.drained_ms * 10 <= at_best * 12, "{} ms for what takes {at_best} ms", seen.drained_ms);
    let p99 = seen.fresh[seen.fresh.len() * 99 / 100];
    assert!(p99 <= 5_000, "what is fresh waited {p99} ms behind history");
    drop(seen);
    let small = self::plan(40);
    let (one, other) = (run(&small, seed, nothing), run(&small, seed, nothing));
    assert_eq!(one.journal, other.journal, "not the same twice");
}
