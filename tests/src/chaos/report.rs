//! What a run reports: one object (DESIGN 6) or a table for people. With `--long` also what zero failures in so many
//! tries are worth: with 0 in N, the true rate is below 3/N at 95 %.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::checker::Verdict;

/// Figures every report has, in order, whatever ran.
const FIGURES: [&str; 7] =
    ["kills", "ambiguous", "outage_backlog", "node_faults", "disk_faults", "clock_steps", "poison"];

/// One episode's counts and verdict.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Its name.
    pub(super) name: &'static str,
    /// What was judged.
    pub(super) verdict: Verdict,
    /// How long it took.
    pub(super) seconds: f64,
    /// Why it could not be run.
    pub(super) error: Option<String>,
    counts: BTreeMap<&'static str, u64>,
}

impl Outcome {
    /// Nothing counted yet.
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, verdict: Verdict::default(), seconds: 0.0, error: None, counts: BTreeMap::new() }
    }

    /// It could not be run.
    pub(super) fn failed(name: &'static str, error: &anyhow::Error) -> Self {
        Self { error: Some(format!("{error:#}")), ..Self::new(name) }
    }

    /// It ran, and nothing was lost, doubled, reordered or invented.
    fn is_good(&self) -> bool {
        self.error.is_none() && self.verdict.is_clean()
    }

    /// So many more of something.
    pub(super) fn count(&mut self, what: &'static str, many: u64) {
        *self.counts.entry(what).or_default() += many;
    }

    /// How many of something.
    pub(super) fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Report {
    seed: u64,
    long: bool,
    outcomes: Vec<Outcome>,
}

impl Report {
    pub(super) fn new(seed: u64, long: bool, outcomes: Vec<Outcome>) -> Self {
        Self { seed, long, outcomes }
    }

    /// Every episode ran, and nothing was lost, doubled, reordered or invented.
    pub fn is_good(&self) -> bool {
        self.outcomes.iter().all(Outcome::is_good)
    }

    fn verdict(&self) -> Verdict {
        let mut sum = Verdict::default();
        self.outcomes.iter().for_each(|it| sum.add(it.verdict.clone()));
        sum
    }

    fn counted(&self, what: &str) -> u64 {
        self.outcomes.iter().map(|it| it.counted(what)).sum()
    }

    /// The one object.
    pub fn json(&self) -> Value {
        let verdict = self.verdict();
        let mut all = Map::new();
        for figure in FIGURES {
            all.insert(figure.to_owned(), json!(self.counted(figure)));
        }
        for (name, value) in [
            ("lost", verdict.lost),
            ("doubled", verdict.doubled),
            ("reordered", verdict.reordered),
            ("invented", verdict.invented),
            ("reasserted", verdict.reasserted),
            ("possible_double", verdict.possible_double),
            ("effects", verdict.effects),
        ] {
            all.insert(name.to_owned(), json!(value));
        }
        all.insert("stale_ms_p50".to_owned(), json!(percentile(&verdict.stale_ms, 50)));
        all.insert("stale_ms_p99".to_owned(), json!(percentile(&verdict.stale_ms, 99)));
        all.insert("seed".to_owned(), json!(self.seed));
        all.insert("ok".to_owned(), json!(self.is_good()));
        all.insert("episodes".to_owned(), self.outcomes.iter().map(episode).collect());
        if self.long {
            let bounds = self.bounds().into_iter().map(|(figure, many, bound)| (figure, json!([many, bound])));
            all.insert("bounds".to_owned(), Value::Object(bounds.collect()));
        }
        Value::Object(all)
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!("seed {}\n\n", self.seed);
        for it in &self.outcomes {
            let counts: Vec<String> = it.counts.iter().map(|(what, many)| format!("{many} {what}")).collect();
            let _ = writeln!(text, "{:<12}{:>7.1} s  {}", it.name, it.seconds, counts.join(", "));
            let v = &it.verdict;
            let _ = writeln!(
                text,
                "{:>24}lost {} doubled {} reordered {} invented {}; reasserted {} possible_double {}; stale p99 {} ms",
                "",
                v.lost,
                v.doubled,
                v.reordered,
                v.invented,
                v.reasserted,
                v.possible_double,
                percentile(&v.stale_ms, 99)
            );
            it.error.iter().chain(&v.findings).for_each(|words| {
                let _ = writeln!(text, "{:>24}{words}", "");
            });
        }
        if self.long {
            for (figure, many, bound) in self.bounds() {
                let _ = writeln!(text, "0 in {many} {figure}: below {bound:.2e} each, at 95 %");
            }
        }
        let failed = self.outcomes.iter().filter(|it| !it.is_good()).count();
        let _ = writeln!(text, "\n{} passed, {failed} failed", self.outcomes.len() - failed);
        text
    }

    /// What was done how often, and what is known of its rate of failure. Nothing where something failed.
    fn bounds(&self) -> Vec<(String, u64, f64)> {
        if !self.is_good() {
            return Vec::new();
        }
        let bound = |figure: &&str| {
            let many = self.counted(figure);
            #[expect(clippy::cast_precision_loss, reason = "nobody kills anything 2^52 times")]
            (many > 0).then(|| ((*figure).to_owned(), many, 3.0 / many as f64))
        };
        FIGURES.iter().filter_map(bound).collect()
    }
}

fn episode(it: &Outcome) -> Value {
    let mut one = json!({
        "episode": it.name, "seconds": (it.seconds * 10.0).round() / 10.0, "lost": it.verdict.lost,
        "doubled": it.verdict.doubled, "reordered": it.verdict.reordered, "invented": it.verdict.invented,
        "reasserted": it.verdict.reasserted, "possible_double": it.verdict.possible_double,
        "effects": it.verdict.effects, "stale_ms_p99": percentile(&it.verdict.stale_ms, 99),
        "findings": it.verdict.findings,
    });
    for (what, many) in &it.counts {
        one[*what] = json!(many);
    }
    if let Some(error) = &it.error {
        one["error"] = json!(error);
    }
    one
}

/// Nearest rank; 0 of nothing.
fn percentile(values: &[i64], percent: usize) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::checker::Verdict;
    use super::{Outcome, Report, percentile};

    fn outcome(lost: u64) -> Outcome {
        let mut it = Outcome::new("kills");
        it.count("kills", 300);
        it.verdict = Verdict { lost, stale_ms: (1..=200).collect(), ..Verdict::default() };
        it
    }

    #[test]
    fn one_lost_state_or_one_episode_that_did_not_run_is_a_failure() {
        assert!(Report::new(1, false, vec![outcome(0)]).is_good());
        assert!(!Report::new(1, false, vec![outcome(0), outcome(1)]).is_good());
        let failed = Outcome::failed("disk", &anyhow::anyhow!("no disk"));
        assert!(!Report::new(1, false, vec![outcome(0), failed]).is_good());
    }

    #[test]
    fn the_object_has_the_figures_of_the_design() {
        let json = Report::new(7, true, vec![outcome(0), outcome(0)]).json();
        assert_eq!((&json["kills"], &json["lost"], &json["seed"]), (&600.into(), &0.into(), &7.into()));
        assert_eq!(json["stale_ms_p99"], 198);
        assert_eq!(json["bounds"]["kills"][1], 3.0 / 600.0);
        for figure in ["ambiguous", "outage_backlog", "node_faults", "disk_faults", "poison", "doubled", "reordered"] {
            assert!(json[figure].is_u64(), "{figure}");
        }
        assert_eq!(Report::new(7, true, vec![outcome(1)]).json()["bounds"], serde_json::json!({}));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!((percentile(&[], 99), percentile(&[5], 99), percentile(&[3, 1, 2], 50)), (0, 5, 2));
    }
}
