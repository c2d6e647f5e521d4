//! A report must be able to fail: for each figure that must be zero, and for each that must not.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::json;

use super::super::outcome::{Never, Outcome};
use super::super::places::Places;
use super::super::verdict::{Judged, Verdict};
use super::{Report, percentile};

const NODES: [&str; 5] =
    ["node_faults", "taken_over", "settled_after_the_lease", "frozen_taken_over", "long_frozen_taken_over"];

fn outcome(verdict: Verdict) -> Outcome {
    let mut it = Outcome::new("serve");
    it.count("kills", 300);
    it.places = everywhere();
    it.verdict = Verdict { stale_ms: (1..=200).collect(), ..verdict };
    it
}

fn everywhere() -> Places {
    let mut places = Places::default();
    for (name, _) in Places::default().each() {
        assert!(places.died_at(name, Some(ExitStatus::from_raw(6))));
    }
    places
}

fn clean() -> Outcome {
    outcome(Verdict::default())
}

fn report(long: bool, outcomes: Vec<Outcome>) -> Report {
    Report::new(7, long, Duration::from_secs(9), outcomes)
}

#[test]
fn each_kind_of_wrong_makes_the_run_fail() {
    let none = Verdict::default();
    assert!(report(false, vec![clean()]).is_good());
    for (word, wrong) in [
        ("lost", Verdict { lost: 1, ..none.clone() }),
        ("doubled", Verdict { doubled: 1, ..none.clone() }),
        ("reordered", Verdict { reordered: 1, ..none.clone() }),
        ("invented", Verdict { invented: 1, ..none.clone() }),
        ("stuck", Verdict { stuck: 1, ..none.clone() }),
    ] {
        let found = report(true, vec![clean(), outcome(wrong)]);
        assert!(!found.is_good(), "{word}");
        let json = found.json();
        assert_eq!((&json[word], &json["ok"], &json["bounds"]), (&json!(1), &json!(false), &json!({})), "{word}");
    }
    let failed = Outcome::failed("disks", &anyhow::anyhow!("no disk"));
    assert!(!report(false, vec![clean(), failed]).is_good());
}

#[test]
fn what_may_happen_elsewhere_is_a_failure_where_nothing_is_unclear() {
    for (never, verdict) in [
        (Never::Reasserted, Verdict { reasserted: 1, ..Verdict::default() }),
        (Never::PossibleDouble, Verdict { possible_double: 1, ..Verdict::default() }),
        (Never::Parked, Verdict { parked: 1, ..Verdict::default() }),
    ] {
        let mut it = outcome(verdict);
        assert!(report(false, vec![it.clone()]).is_good(), "{never:?}");
        it.never(&[never]);
        assert!(!report(false, vec![clean(), it]).is_good(), "{never:?}");
        let mut fine = clean();
        fine.never(&[never]);
        assert!(report(false, vec![fine]).is_good(), "{never:?}");
    }
}

#[test]
fn an_episode_that_did_nothing_proves_nothing() {
    let mut idle = Outcome::new("nodes");
    assert!(!report(false, vec![clean(), idle.clone()]).is_good());
    idle.places = everywhere();
    NODES.iter().for_each(|figure| idle.count(figure, 1));
    assert!(report(false, vec![clean(), idle.clone()]).is_good());
    // Nobody took over from a node that stood still.
    for figure in ["frozen_taken_over", "long_frozen_taken_over"] {
        let mut idle = idle.clone();
        idle.set(figure, 0);
        assert!(!report(false, vec![clean(), idle]).is_good(), "{figure}");
    }
}

#[test]
fn every_named_place_is_died_at_on_both_databases() {
    let whole = |name: &'static str, figures: &[&'static str]| {
        let mut it = Outcome::new(name);
        figures.iter().for_each(|figure| it.count(figure, 1));
        it.places = everywhere();
        it
    };
    let sqlite = || [clean(), whole("kills", &["node_kills", "creates_tried_again"])];
    let postgres = || whole("nodes", &NODES);
    let [serve, kills] = sqlite();
    let all = report(false, vec![serve, kills, postgres()]);
    assert!(all.is_good(), "{}", all.table());
    assert_eq!(all.json()["failpoints"]["sqlite"]["claim.after"], 2);
    assert_eq!(all.json()["failpoints"]["postgres"]["claim.after"], 1);
    for (nth, database) in [(0, "sqlite"), (1, "sqlite"), (2, "postgres")] {
        for (missing, _) in Places::default().each() {
            let [serve, kills] = sqlite();
            let mut outcomes = vec![serve, kills, postgres()];
            outcomes[nth].places = Places::default();
            for (name, _) in everywhere().each().filter(|(name, _)| *name != missing) {
                outcomes[nth].places.died_at(name, Some(ExitStatus::from_raw(6)));
            }
            let found = report(false, outcomes);
            assert!(!found.is_good(), "{missing} {database}");
            let words = format!("nobody died at {missing} on {database}");
            assert!(found.table().contains(&words), "{}", found.table());
        }
    }
}

#[test]
fn the_object_has_the_figures_of_the_design() {
    let json = report(true, vec![clean(), clean()]).json();
    assert_eq!((&json["kills"], &json["lost"], &json["seed"]), (&600.into(), &0.into(), &7.into()));
    assert_eq!((&json["stale_ms_p99"], &json["seconds"]), (&198.into(), &9.0.into()));
    for figure in [
        "kills",
        "ambiguous",
        "outage_backlog",
        "node_faults",
        "disk_faults",
        "poison",
        "lost",
        "doubled",
        "reordered",
        "invented",
        "reasserted",
        "possible_double",
        "seed",
    ] {
        assert!(json[figure].is_u64(), "{figure}");
    }
    assert!(json["stale_ms_p99"].is_i64());
}

#[test]
fn each_bound_is_of_as_many_as_were_judged() {
    let judged = Judged { lost: 1_000, doubled: 300, reordered: 900, invented: 6_000 };
    let one = || outcome(Verdict { judged, ..Verdict::default() });
    let long = report(true, vec![one(), one()]);
    let bounds = &long.json()["bounds"];
    for (wrong, many) in [("lost", 2_000), ("doubled", 600), ("reordered", 1_800), ("invented", 12_000), ("kills", 600)]
    {
        assert_eq!(bounds[wrong], json!([many, 3.0 / f64::from(many)]), "{wrong}");
    }
    for line in ["lost      0 in 2000: below 1.50e-3", "doubled   0 in 600: below 5.00e-3"] {
        assert!(long.table().contains(line), "{line}\n{}", long.table());
    }
    assert!(!report(false, vec![one()]).table().contains("below"));
    // What was never looked for has no bound, and a run with something wrong in it has none at all.
    assert!(report(true, vec![clean()]).json()["bounds"]["lost"].is_null());
    let wrong = Verdict { judged, invented: 1, ..Verdict::default() };
    assert!(!report(true, vec![one(), outcome(wrong)]).table().contains("below"));
}

#[test]
fn rounds_of_an_episode_add_up() {
    let (mut sum, mut second) = (clean(), outcome(Verdict { lost: 1, ..Verdict::default() }));
    (sum.seconds, second.seconds) = (1.0, 2.0);
    second.measure("takeover_ms", [5, 7]);
    second.set("creates", 4);
    sum.add(second);
    assert_eq!((sum.counted("kills"), sum.counted("creates"), sum.verdict.lost), (600, 4, 1));
    let json = report(false, vec![sum]).json();
    assert_eq!(json["episodes"][0]["takeover_ms"], json!({ "p50": 5, "p99": 7, "most": 7 }));
    assert_eq!(json["episodes"][0]["seconds"], 3.0);
}

#[test]
fn percentiles_are_values_that_were_measured() {
    assert_eq!((percentile(&[], 99), percentile(&[5], 99), percentile(&[3, 1, 2], 50)), (0, 5, 2));
}
