//! The scenarios: each a plan, run from many seeds, the first of them twice.

use crate::plan::{Manners, NodeFault, Plan, Traffic};
use crate::report;
use crate::run::{Ran, nothing, run};

/// How many seeds a scenario runs, unless `ROOMED_SEEDS` says otherwise.
pub(crate) fn seeds(few: u64) -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|it| it.parse::<u64>().expect("a number"));
    match (number("ROOMED_SEED"), number("ROOMED_SEEDS")) {
        (Some(one), None) => vec![one],
        (first, many) => {
            let first = first.unwrap_or(1);
            (first..first + many.unwrap_or(few)).collect()
        }
    }
}

fn sweep(plan: &Plan, few: u64) -> Vec<Ran> {
    let seeds = seeds(few);
    let again = run(plan, seeds[0], nothing);
    let mut bad = Vec::new();
    let mut all = Vec::new();
    for seed in seeds {
        let ran = run(plan, seed, nothing);
        report::add(&ran, 0);
        if seed == again.seed && ran.journal != again.journal {
            let differ = ran.lines.iter().zip(&again.lines).find(|(one, other)| one != other);
            bad.push(format!("ROOMED_SEED={seed} is not the same twice: {differ:?}"));
        }
        if !ran.wrongs.is_empty() {
            bad.push(format!("ROOMED_SEED={seed}: {}", ran.wrongs.join("; ")));
            if bad.len() == 1 {
                ran.lines.iter().for_each(|line| println!("{line}"));
            }
        }
        all.push(ran);
    }
    assert!(bad.is_empty(), "{}: {} bad\n{}", plan.name, bad.len(), bad.join("\n"));
    all
}

fn sum(all: &[Ran], of: impl Fn(&Ran) -> u64) -> u64 {
    all.iter().map(of).sum()
}

/// An EHR on a bad day: a third of what it is told has an unclear end.
fn rough() -> Manners {
    Manners { latency_ms: 5..1500, ambiguous: 170, late: 130, unavailable: 60, busy: 10, ..Manners::default() }
}

#[test]
fn on_a_calm_day_everything_is_said_once_and_nothing_again() {
    let all = sweep(&Plan::calm("calm"), 10);
    assert_eq!(sum(&all, |it| it.verdict.reasserted + it.verdict.parked + it.probes), 0);
    // As many as were not superseded before they left: not one more.
    assert_eq!(sum(&all, |it| it.verdict.requests), sum(&all, |it| it.verdict.delivered));
}

#[test]
fn unclear_ends_lose_double_reorder_and_invent_nothing() {
    let all = sweep(&Plan { ehr: rough(), ..Plan::calm("unclear ends") }, 30);
    assert!(sum(&all, |it| it.verdict.reasserted) > 0, "nothing had to be asserted again");
    assert_eq!(sum(&all, |it| it.verdict.parked), 0, "all of it was applied, so it is found");
}

#[test]
fn nodes_are_frozen_killed_cut_off_and_restarted() {
    use NodeFault as F;
    let ehr = Manners { latency_ms: 5..1500, ..Manners::default() };
    let faults = vec![F::Freeze, F::Ambush, F::Kill, F::Cut, F::Restart];
    sweep(&Plan { ehr, faults, faults_per_node: 4, ..Plan::calm("nodes") }, 50);
}

#[test]
fn everything_at_once() {
    use NodeFault as F;
    let ehr = Manners { lost: 30, poison: 10, unidentified: 100, ..rough() };
    let faults = vec![F::Freeze, F::Kill, F::Cut, F::Restart];
    sweep(&Plan { ehr, faults, faults_per_node: 3, ..Plan::calm("mixed") }, 40);
}

#[test]
fn clocks_that_differ_and_jump_confuse_nobody() {
    use NodeFault as F;
    let faults = vec![F::Freeze, F::Kill, F::Cut, F::Restart, F::Step, F::Step];
    let plan = Plan { ehr: rough(), faults, faults_per_node: 3, skew_ms: 300_000, ..Plan::calm("clocks") };
    sweep(&plan, 30);
}

#[test]
fn a_relay_by_itself_goes_by_a_clock_that_is_set_back() {
    use NodeFault as F;
    let faults = vec![F::Kill, F::Restart, F::StepBack];
    let plan = Plan { nodes: 1, shared: false, ehr: rough(), faults, faults_per_node: 3, ..Plan::calm("one clock") };
    sweep(&plan, 20);
}

#[test]
fn an_ehr_that_flaps_and_says_when_is_left_in_peace() {
    let ehr = Manners { latency_ms: 5..300, busy: 250, flaps_until: 900_000, ..Manners::default() };
    let traffic = Traffic { visits: 30, within_ms: 600_000, ..Plan::calm("").traffic };
    let all = sweep(&Plan { ehr, traffic, ..Plan::calm("flapping") }, 10);
    assert_eq!(sum(&all, |it| it.verdict.parked), 0);
    assert!(sum(&all, |it| it.probes) > 0, "the breaker never opened");
}

#[test]
fn poison_is_parked_and_holds_up_nobody() {
    let ehr = Manners { latency_ms: 5..300, poison: 10, ..Manners::default() };
    let traffic = Traffic { visits: 120, within_ms: 600_000, ..Plan::calm("").traffic };
    let all = sweep(&Plan { ehr, traffic, ..Plan::calm("poison") }, 5);
    assert!(sum(&all, |it| it.verdict.parked) > 0, "there was no poison");
}
