//! `cargo xtask chaos [--long [--minutes N]] [--json] [--seed N] [EPISODE..]`: the fault proofs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use e2e::chaos::{self, Options};

#[derive(Parser)]
#[command(about = "What was killed, cut and confused, and what was lost, doubled, reordered or invented")]
struct Arguments {
    /// Only these.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(chaos::episodes()))]
    episodes: Vec<String>,
    /// The same by the thousands, again and again from other seeds, and the bound that follows from it.
    #[arg(long)]
    long: bool,
    /// With `--long`: for about so long.
    #[arg(long, default_value_t = 180, requires = "long")]
    minutes: u64,
    /// Standard output is one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Repeats the random choices of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
    /// So many hundredths of everything: for a look while something is being changed.
    #[arg(long, default_value_t = 100, hide = true)]
    percent: u32,
    /// Keeps databases and logs in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let arguments = Arguments::parse();
    let throwaway = tempfile::tempdir()?;
    let directory = arguments.keep.unwrap_or_else(|| throwaway.path().to_owned());
    let seed = arguments.seed.unwrap_or_else(chaos::fresh_seed);
    let long = arguments.long.then(|| Duration::from_secs(60 * arguments.minutes));
    let options = Options { long, seed, only: arguments.episodes, percent: arguments.percent };
    eprintln!("chaos: seed {seed}");
    let report = chaos::run(&directory, &options).await;
    if arguments.json {
        println!("{}", report.json());
    } else {
        print!("{}", report.table());
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
