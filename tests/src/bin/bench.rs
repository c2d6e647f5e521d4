//! `cargo xtask bench [NAME] [--json]`: measured figures of the real binaries, each beside its peer or limit.

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use e2e::bench::{self, Buffers, CompanionSizes, PatientSizes, Sizes};

#[derive(Parser)]
#[command(about = "Measured figures, each beside its peer or limit in the same run")]
struct Arguments {
    /// Which figures.
    #[arg(value_enum, default_value = "arrival")]
    name: Name,
    /// Standard output is one JSON object and nothing else.
    #[arg(long)]
    json: bool,
    /// Benches `outbox`, `patient` and `companion`: just enough of everything to see that it works. The figures say nothing.
    #[arg(long, hide = true)]
    tiny: bool,
    /// Is the peer that a bench compares with; the bench starts it itself.
    #[arg(long, value_enum, hide = true)]
    peer: Option<Buffers>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Name {
    /// From Graph's notification to the frame at a companion, and a companion's memory.
    Arrival,
    /// The delivery engine: inserts, claims, drains, and from accepted to delivered.
    Outbox,
    /// The visit page on a slow phone, from *I'm ready* to the alert, and a full waiting room.
    Patient,
    /// The desktop's window: start, deep link, memory and idle time; and the relay's start. Needs a desktop session.
    Companion,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Outbox => "outbox",
            Self::Patient => "patient",
            Self::Companion => "companion",
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let arguments = Arguments::parse();
    if let Some(buffers) = arguments.peer {
        bench::serve(buffers).await?;
        return Ok(ExitCode::SUCCESS);
    }
    // Beside the binary: the folder for temporary files is often in memory, where a commit costs nothing.
    let beside = std::env::current_exe()?;
    let directory = tempfile::tempdir_in(beside.parent().context("a program is in a folder")?)?;
    let measured = match arguments.name {
        Name::Arrival => bench::arrival(directory.path()).await,
        Name::Outbox => {
            let sizes = if arguments.tiny { Sizes::TINY } else { Sizes::FULL };
            bench::outbox(directory.path(), sizes).await
        }
        Name::Patient => {
            let sizes = if arguments.tiny { PatientSizes::TINY } else { PatientSizes::FULL };
            bench::patient(directory.path(), sizes).await
        }
        Name::Companion => {
            let sizes = if arguments.tiny { CompanionSizes::TINY } else { CompanionSizes::FULL };
            bench::companion(directory.path(), sizes).await
        }
    };
    match measured {
        Ok(report) if arguments.json => println!("{}", serde_json::to_string(&report)?),
        Ok(report) => print!("{}", report.table()),
        Err(error) => {
            if arguments.json {
                println!(
                    "{}",
                    serde_json::json!({ "bench": arguments.name.as_str(), "figures": [], "error": format!("{error:#}") })
                );
            } else {
                eprintln!("{error:#}");
            }
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
