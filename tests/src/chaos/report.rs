//! What a run reports: one object (DESIGN 6) or a table for people. With `--long` also what zero failures in so many
//! tries are worth: with 0 in N, the true rate is below 3/N at 95 %.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::outcome::{AT_PLACES, FIGURES, Outcome};
use super::places::Places;
use super::verdict::Verdict;

/// A whole run.
#[derive(Debug, Clone)]
pub struct Report {
    seed: u64,
    long: bool,
    seconds: f64,
    outcomes: Vec<Outcome>,
}

impl Report {
    pub(super) fn new(seed: u64, long: bool, lasted: Duration, outcomes: Vec<Outcome>) -> Self {
        Self { seed, long, seconds: (lasted.as_secs_f64() * 10.0).round() / 10.0, outcomes }
    }

    /// Every episode ran and did what it is there for; nothing was lost, doubled, reordered or invented, and nothing else
    /// happened where it must not.
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

    /// How often a relay died at each named place on this database.
    fn places(&self, database: &str) -> Places {
        let mut sum = Places::default();
        let on = |it: &&Outcome| it.database() == Some(database);
        self.outcomes.iter().filter(on).for_each(|it| sum.add(&it.places));
        sum
    }

    /// The one object.
    pub fn json(&self) -> Value {
        let verdict = self.verdict();
        let mut all = Map::new();
        for (_, figure) in FIGURES {
            all.insert(figure.to_owned(), json!(self.counted(figure)));
        }
        for (name, value) in [
            ("lost", verdict.lost),
            ("doubled", verdict.doubled),
            ("reordered", verdict.reordered),
            ("invented", verdict.invented),
            ("reasserted", verdict.reasserted),
            ("possible_double", verdict.possible_double),
            ("stuck", verdict.stuck),
            ("creates", self.counted("creates")),
            ("effects", verdict.effects),
        ] {
            all.insert(name.to_owned(), json!(value));
        }
        for (_, database) in AT_PLACES {
            all.entry("failpoints").or_insert_with(|| json!({}))[database] = died_at(&self.places(database));
        }
        all.insert("stale_ms_p50".to_owned(), json!(percentile(&verdict.stale_ms, 50)));
        all.insert("stale_ms_p99".to_owned(), json!(percentile(&verdict.stale_ms, 99)));
        all.insert("seconds".to_owned(), json!(self.seconds));
        all.insert("seed".to_owned(), json!(self.seed));
        all.insert("ok".to_owned(), json!(self.is_good()));
        all.insert("episodes".to_owned(), self.outcomes.iter().map(episode).collect());
        if self.long {
            let bounds = self.bounds_of_wrongs().into_iter().chain(self.bounds_of_faults());
            let bounds = bounds.map(|(of, many, bound)| (of.to_owned(), json!([many, bound])));
            all.insert("bounds".to_owned(), Value::Object(bounds.collect()));
        }
        Value::Object(all)
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!("seed {}\n\n", self.seed);
        for it in &self.outcomes {
            let counts = it.counts.iter().map(|(what, many)| format!("{many} {what}"));
            let times = it.measured.iter().map(|(what, times)| format!("{what} p99 {}", percentile(times, 99)));
            let places = it.places.each().filter(|(_, times)| *times > 0);
            let places = places.map(|(name, times)| format!("{times} at {name}"));
            let counts: Vec<String> = counts.chain(times).chain(places).collect();
            let _ = writeln!(text, "{:<12}{:>7.1} s  {}", it.name, it.seconds, counts.join(", "));
            let v = &it.verdict;
            let _ = writeln!(
                text,
                "{:>24}lost {} doubled {} reordered {} invented {} stuck {}; reasserted {} possible_double {}; stale p99 {} ms",
                "",
                v.lost,
                v.doubled,
                v.reordered,
                v.invented,
                v.stuck,
                v.reasserted,
                v.possible_double,
                percentile(&v.stale_ms, 99)
            );
            it.complaints().iter().chain(&v.findings).for_each(|words| {
                let _ = writeln!(text, "{:>24}{words}", "");
            });
        }
        if self.long {
            for (wrong, many, bound) in self.bounds_of_wrongs() {
                let _ = writeln!(text, "{wrong:<9} 0 in {many}: below {bound:.2e} each, at 95 %");
            }
            for (figure, many, bound) in self.bounds_of_faults() {
                let _ = writeln!(text, "nothing of it in {many} {figure}: below {bound:.2e} each, at 95 %");
            }
        }
        let failed = self.outcomes.iter().filter(|it| !it.is_good()).count();
        let _ = writeln!(text, "\n{} passed, {failed} failed, {} s", self.outcomes.len() - failed, self.seconds);
        text
    }

    /// How often each wrong was looked for and not found. Nothing where something failed.
    fn bounds_of_wrongs(&self) -> Vec<(&'static str, u64, f64)> {
        self.bounds(self.verdict().judged.by_wrong())
    }

    /// How often each fault was done, and nothing was wrong after it.
    fn bounds_of_faults(&self) -> Vec<(&'static str, u64, f64)> {
        self.bounds(FIGURES.map(|(_, figure)| (figure, self.counted(figure))))
    }

    fn bounds<const N: usize>(&self, of: [(&'static str, u64); N]) -> Vec<(&'static str, u64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "nobody kills anything 2^52 times")]
        let bound = |(what, many): (&'static str, u64)| (many > 0).then(|| (what, many, 3.0 / many as f64));
        if self.is_good() { of.into_iter().filter_map(bound).collect() } else { Vec::new() }
    }
}

fn died_at(places: &Places) -> Value {
    Value::Object(places.each().map(|(name, times)| (name.to_owned(), json!(times))).collect())
}

fn episode(it: &Outcome) -> Value {
    let mut one = json!({
        "episode": it.name, "seconds": (it.seconds * 10.0).round() / 10.0, "lost": it.verdict.lost,
        "doubled": it.verdict.doubled, "reordered": it.verdict.reordered, "invented": it.verdict.invented,
        "reasserted": it.verdict.reasserted, "possible_double": it.verdict.possible_double,
        "stuck": it.verdict.stuck, "parked": it.verdict.parked, "effects": it.verdict.effects,
        "stale_ms_p99": percentile(&it.verdict.stale_ms, 99),
        "findings": it.verdict.findings,
    });
    if it.database().is_some() {
        one["failpoints"] = died_at(&it.places);
    }
    for (wrong, many) in it.verdict.judged.by_wrong() {
        one["judged"][wrong] = json!(many);
    }
    for (what, many) in &it.counts {
        one[*what] = json!(many);
    }
    for (what, times) in &it.measured {
        one[*what] =
            json!({ "p50": percentile(times, 50), "p99": percentile(times, 99), "most": percentile(times, 100) });
    }
    let complaints = it.complaints();
    if !complaints.is_empty() {
        one["error"] = json!(complaints.join("; "));
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
mod tests;
