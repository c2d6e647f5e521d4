//! Checks of one thing one after the other, with an end: what does not answer holds up nobody else's checks.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::timeout_at;

use super::Progress;
use super::code::FindingCode;
use super::finding::Measured;
use super::list::Check;
use crate::clock::moment;

/// What an organization or EHR may take as a whole.
pub(super) const LIMIT: Duration = Duration::from_secs(20);
/// What taking back may take after that.
const CLEANING: Duration = Duration::from_secs(5);

/// A check about to be made.
pub(super) struct Step<'a> {
    pub(super) check: &'static Check,
    pub(super) work: BoxFuture<'a, Measured>,
    /// Also when the time is up.
    pub(super) anyway: bool,
}

/// Makes them. Nothing is begun any more once the time is up.
pub(super) async fn run(steps: Vec<Step<'_>>, progress: &Progress) -> Vec<(&'static Check, Measured)> {
    let until = moment() + LIMIT;
    let mut found = Vec::with_capacity(steps.len());
    for Step { check, work, anyway } in steps {
        let now = moment();
        let measured = match (now < until, anyway) {
            (_, true) => timeout_at(until.max(now + CLEANING), work).await.ok(),
            (true, false) => timeout_at(until, work).await.ok(),
            (false, false) => None,
        };
        let late = || Measured::new(FindingCode::NoTime, format!("more than {} s for all of it", LIMIT.as_secs()));
        found.push((check, measured.unwrap_or_else(late)));
        progress.made();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::super::list::CHECKS;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_ends_its_own_lane_and_what_was_made_is_taken_back() {
        let done = |text: &str| Box::pin(ready(Measured::new(FindingCode::CleanFine, text))) as BoxFuture<'_, Measured>;
        let step = |work, anyway| Step { check: &CHECKS[0], work, anyway };
        let begun = moment();
        let steps = vec![
            step(done("first"), false),
            step(Box::pin(pending()), false),
            step(done("not begun"), false),
            step(done("cleaned"), true),
            step(Box::pin(pending()), true),
        ];
        let progress = Progress::default();
        let codes: Vec<_> = run(steps, &progress).await.into_iter().map(|(_, it)| it.text).collect();
        assert_eq!(moment() - begun, LIMIT + CLEANING);
        let late = "more than 20 s for all of it";
        assert_eq!(codes, ["first", late, late, "cleaned", late]);
        assert_eq!(progress.seen().0, 5, "each counts, also what came to nothing");
    }
}
