//! Whole visits with nobody at the keyboard: every step is caused as a person would cause it and confirmed by another
//! party. The comments of `clinician_first.rs` are the steps of the walkthrough in ARCHITECTURE.md.

mod clinician_first;
mod everyone;
mod everyone_leaves;
mod guests;
mod people;
mod report;
mod steps;
mod unlinked;

use std::path::Path;

pub use report::{Leaks, Report, Step};

use crate::stack::{Options, Stack};
use crate::window::Desktop;
use people::Cast;
use report::Recorder;

/// Which visit is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// The clinician begins from the chart, then the patient comes.
    ClinicianFirst,
    /// The patient comes first; an earlier launch has linked the clinician.
    PatientFirst,
    /// The patient comes first and nobody is linked: a delegate is alerted.
    PatientFirstUnlinked,
    /// Patient, staff, an interpreter and a colleague of another hospital; then the clinician ends it for all.
    Everyone,
}

/// Plays a visit in `directory`, which keeps everything that was written.
pub async fn play(scenario: Scenario, directory: &Path) -> Report {
    let mut recorder = Recorder::new();
    let outcome = run(scenario, directory, &mut recorder).await;
    recorder.finish(outcome)
}

async fn run(scenario: Scenario, directory: &Path, recorder: &mut Recorder) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory.join("shots"))?;
    let options = Options { staff: scenario == Scenario::Everyone, ..Options::default() };
    let stack = Stack::start(directory, &options).await?;
    let desktop = Desktop::prepare(directory, &stack.relay, "northside").await?;
    let mut cast = Cast::gather(&stack, desktop).await?;
    // The first step begins when everything stands.
    recorder.restart();
    let played = match scenario {
        Scenario::ClinicianFirst => clinician_first::play(&mut cast, recorder, false).await,
        Scenario::PatientFirst => clinician_first::play(&mut cast, recorder, true).await,
        Scenario::PatientFirstUnlinked => unlinked::play(&mut cast, recorder).await,
        Scenario::Everyone => everyone::play(&mut cast, recorder).await,
    };
    cast.pictures_of_failure(played.is_err()).await;
    recorder.keep(&cast).await;
    played
}
