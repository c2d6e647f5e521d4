//! The scenarios: each a plan, run from many seeds.

use crate::plan::{Manners, NodeFault, Plan};
use crate::report;
use crate::run::{Ran, Run, run};
use std::sync::Arc;

/// How many seeds a scenario runs, unless `ROOMED_SEEDS` says otherwise.
fn seeds(few: u64) -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|it| it.parse::<u64>().expect("a number"));
    match number("ROOMED_SEED") {
        Some(one) => vec![one],
        None => (1..=number("ROOMED_SEEDS").unwrap_or(few)).collect(),
    }
}

async fn nothing(_: Arc<Run>) {}

fn check(plan: &Plan, seed: u64, ran: &Ran) {
    report::add(seed, ran, 0);
    if ran.wrongs.is_empty() {
        return;
    }
    for line in &ran.lines {
        println!("{line}");
    }
    panic!("{} with ROOMED_SEED={seed}:\n{}\n{:?}", plan.name, ran.wrongs.join("\n"), ran.verdict);
}

/// Runs it from several seeds, the first of them twice.
fn sweep(plan: &Plan, few: u64) {
    let seeds = seeds(few);
    let again = run(plan, seeds[0], nothing);
    for seed in seeds {
        let ran = run(plan, seed, nothing);
        if seed == 1 {
            assert_eq!(ran.journal, again.journal, "{} is not the same twice", plan.name);
        }
        check(plan, seed, &ran);
    }
}

fn rough() -> Manners {
    Manners { latency_ms: 5..1500, ambiguous: 150, late: 100, unavailable: 60, busy: 10, ..Manners::default() }
}

#[test]
fn calm() {
    sweep(&Plan::calm("calm"), 20);
}

#[test]
fn rough_ehr() {
    let plan = Plan { ehr: rough(), ..Plan::calm("rough") };
    sweep(&plan, 20);
}

#[test]
fn nodes_fail() {
    use NodeFault as F;
    let plan = Plan {
        faults: vec![F::Freeze, F::Kill, F::Cut, F::Restart],
        faults_per_node: 5,
        ..Plan::calm("nodes")
    };
    sweep(&plan, 20);
}
