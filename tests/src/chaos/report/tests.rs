//! A report must be able to fail: for each figure that must be zero, and for each that must not.

use std::time::Duration;

use serde_json::json;

use super::super::checker::Verdict;
use super::super::outcome::{Never, Outcome};
use super::{Report, percentile};

fn outcome(verdict: Verdict) -> Outcome {
    let mut it = Outcome::new("serve");
    it.count("kills", 300);
    it.verdict = Verdict { stale_ms: (1..=200).collect(), ..verdict };
    it
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
    for figure in ["node_faults", "taken_over", "settled_after_the_lease"] {
        idle.count(figure, 1);
    }
    assert!(report(false, vec![clean(), idle]).is_good());
}

#[test]
fn the_object_has_the_figures_of_the_design() {
    let json = report(true, vec![clean(), clean()]).json();
    assert_eq!((&json["kills"], &json["lost"], &json["seed"]), (&600.into(), &0.into(), &7.into()));
    assert_eq!((&json["stale_ms_p99"], &json["seconds"]), (&198.into(), &9.0.into()));
    assert_eq!(json["bounds"]["kills"][1], 3.0 / 600.0);
    for figure in
        ["ambiguous", "outage_backlog", "node_faults", "disk_faults", "poison", "reasserted", "possible_double"]
    {
        assert!(json[figure].is_u64(), "{figure}");
    }
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
