//! Runs of the doctor that the portal asked for: one at a time for each organization, and what the last one found. Kept by this
//! process only: a report is of the machine that made it, and a new one takes seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::Progress;
use super::report::Report;

/// One organization's.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Since when a run is under way, and how far it is.
    pub running: Option<(Timestamp, Arc<Progress>)>,
    /// What the last finished one found.
    pub report: Option<Arc<Report>>,
    /// The last one could not begin.
    pub failed: bool,
}

/// By organization.
#[derive(Debug, Default)]
pub struct Runs(Mutex<HashMap<String, Known>>);

impl Runs {
    /// What is known of an organization's.
    pub fn of(&self, organization: &str) -> Known {
        self.held(|all| all.get(organization).cloned().unwrap_or_default())
    }

    /// A run is to begin. `None`: one is under way.
    pub fn begin(&self, organization: &str, now: Timestamp) -> Option<Arc<Progress>> {
        self.held(|all| {
            let known = all.entry(organization.to_owned()).or_default();
            if known.running.is_some() {
                return None;
            }
            let progress = Arc::new(Progress::default());
            known.running = Some((now, Arc::clone(&progress)));
            Some(progress)
        })
    }

    /// It is over. `None`: it could not begin; what the one before found is not true any more.
    pub fn over(&self, organization: &str, report: Option<Report>) {
        self.held(|all| {
            let failed = report.is_none();
            all.insert(organization.to_owned(), Known { running: None, report: report.map(Arc::new), failed });
        });
    }

    fn held<T>(&self, what: impl FnOnce(&mut HashMap<String, Known>) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_run_at_a_time_for_each_organization_and_a_failed_one_takes_the_old_report_away() {
        let (runs, now) = (Runs::default(), Timestamp::UNIX_EPOCH);
        assert!(runs.begin("northside", now).is_some());
        assert!(runs.begin("northside", now).is_none(), "one is under way");
        assert!(runs.begin("harbor", now).is_some(), "another's is another's");
        runs.over("northside", Some(Report::new(now, "https://roomed.example", Vec::new())));
        let known = runs.of("northside");
        assert!(known.running.is_none() && known.report.is_some() && !known.failed);
        assert!(runs.of("harbor").running.is_some() && runs.of("harbor").report.is_none());
        assert!(runs.begin("northside", now).is_some());
        assert!(runs.of("northside").report.is_some(), "until the new one is there");
        runs.over("northside", None);
        let known = runs.of("northside");
        assert!(known.failed && known.report.is_none());
    }
}
