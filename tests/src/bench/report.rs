//! The form every bench reports in (DESIGN 6), and the little arithmetic behind it: nearest-rank percentiles, the median
//! over rounds, and ratios.

use std::fmt::Write as _;

use serde::Serialize;

/// A bench's figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Its name.
    pub bench: &'static str,
    /// In reading order.
    pub figures: Vec<Figure>,
}

/// One figure beside what it is to be judged by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured, and on which build.
    pub figure: String,
    /// The median over the rounds, in `unit`.
    pub value: f64,
    /// `us`, `/s`, `KiB`, or what is counted.
    pub unit: &'static str,
    /// The floor or peer of the same run.
    pub against: String,
    /// Its median, in `unit`.
    pub against_value: f64,
    /// `value / against_value`.
    pub ratio: f64,
    /// What we want.
    pub aim: String,
}

impl Figure {
    /// The medians of `values` and of `against_values`, one of each per round, side by side.
    ///
    /// # Errors
    /// Without a round, or when the other side measured nothing.
    pub(super) fn of(
        (figure, values): (&str, &[f64]),
        unit: &'static str,
        (against, against_values): (&str, &[f64]),
        aim: &str,
    ) -> anyhow::Result<Self> {
        let (value, against_value) = (median(values), median(against_values));
        let (Some(value), Some(against_value)) = (value, against_value) else {
            anyhow::bail!("{figure}: nothing was measured")
        };
        let ratio = ratio(value, against_value);
        Ok(Self {
            figure: figure.to_owned(),
            value: rounded(value, 1),
            unit,
            against: against.to_owned(),
            against_value: rounded(against_value, 1),
            ratio: rounded(ratio.ok_or_else(|| anyhow::anyhow!("{figure}: the other side measured nothing"))?, 3),
            aim: aim.to_owned(),
        })
    }
}

impl Report {
    /// For a person: four lines per figure.
    pub fn table(&self) -> String {
        let mut text = format!("bench {}\n", self.bench);
        for it in &self.figures {
            let _ = write!(
                text,
                "\n{}\n  {:>10} {:<4}\n  {:>10} {:<4} {}\n  {:>10}      ratio; aim: {}\n",
                it.figure, it.value, it.unit, it.against_value, it.unit, it.against, it.ratio, it.aim
            );
        }
        text
    }
}

/// The nearest-rank percentile: the smallest value that `percent` of all values do not exceed.
pub(super) fn percentile(values: &[f64], percent: u8) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * usize::from(percent.min(100))).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

/// The middle value; of an even number the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// How many times as much as the other side; nothing if that is nothing.
pub(super) fn ratio(value: f64, against: f64) -> Option<f64> {
    (against > 0.0).then(|| value / against)
}

/// By how many percent the last value differs from the first.
pub(super) fn drift_percent(values: &[f64]) -> f64 {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return 0.0 };
    ratio((last - first).abs(), *first).unwrap_or_default() * 100.0
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50), Some(50.0));
        assert_eq!(percentile(&hundred, 99), Some(99.0));
        assert_eq!(percentile(&hundred, 100), Some(100.0));
        assert_eq!(percentile(&hundred, 0), Some(1.0));
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
        assert_eq!(percentile(&[1.0, 2.0, 1000.0], 99), Some(1000.0));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn the_median_is_not_moved_by_one_bad_round() {
        assert_eq!(median(&[900.0, 10.0, 12.0]), Some(12.0));
        assert_eq!(median(&[4.0, 2.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn ratios_and_drift() {
        assert_eq!(ratio(9.0, 3.0), Some(3.0));
        assert_eq!(ratio(9.0, 0.0), None);
        assert!((drift_percent(&[100.0, 500.0, 130.0]) - 30.0).abs() < 1e-9);
        assert!((drift_percent(&[100.0, 70.0]) - 30.0).abs() < 1e-9);
    }

    #[test]
    fn a_figure_is_the_ratio_of_the_medians() {
        let rounds = [300.0, 200.0, 9_000.0];
        let it = Figure::of(("x", &rounds), "us", ("y", &[100.0, 150.0, 100.0]), "small").unwrap();
        assert_eq!((it.value, it.against_value, it.ratio), (300.0, 100.0, 3.0));
        assert!(Figure::of(("x", &rounds), "us", ("y", &[0.0]), "small").is_err());
        assert!(Figure::of(("x", &[]), "us", ("y", &[1.0]), "small").is_err());
    }

    #[test]
    fn the_form_is_the_one_of_the_design() {
        let figures = vec![Figure::of(("x", &[1.0]), "us", ("y", &[2.0]), "small").unwrap()];
        let json = serde_json::to_value(Report { bench: "arrival", figures }).unwrap();
        let wanted = serde_json::json!({
            "bench": "arrival",
            "figures": [{
                "figure": "x", "value": 1.0, "unit": "us", "against": "y", "against_value": 2.0, "ratio": 0.5, "aim": "small"
            }],
        });
        assert_eq!(json, wanted);
    }
}
