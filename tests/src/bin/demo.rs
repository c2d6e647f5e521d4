//! `cargo xtask demo`: a stand-in hospital to click through, or a whole visit with nobody at the keyboard (`--headless`).

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use e2e::scenario::{self, Scenario};

#[derive(Parser)]
#[command(about = "A whole stand-in hospital with Roomed in it")]
struct Arguments {
    /// Plays a visit by itself and reports what other parties saw.
    #[arg(long)]
    headless: bool,
    /// Which visit.
    #[arg(long, value_enum, default_value = "clinician-first")]
    scenario: Scenario,
    /// Standard output is one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Keeps database, logs, pictures and journal in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let arguments = Arguments::parse();
    let throwaway = tempfile::tempdir()?;
    let directory = arguments.keep.clone().unwrap_or_else(|| throwaway.path().to_owned());
    if !arguments.headless {
        e2e::demo::guide(&directory).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let report = scenario::play(arguments.scenario, &directory).await;
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        for step in &report.steps {
            let mark = if step.ok { "ok" } else { "FAILED" };
            println!("{mark:>6}  {:<26} {:>6} ms  seen by {}", step.step, step.ms, step.seen_by);
        }
        if let Some(error) = &report.error {
            println!("\n{error}");
        }
        println!("\n{} write-backs, leaks: {:?} {:?}", report.write_backs.len(), report.leaks, report.found);
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
