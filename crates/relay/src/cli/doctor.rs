//! `roomed-relay doctor`: what is wrong, whose it is and how to put it right. Exit code 0: nothing is wrong; 1: something is;
//! 2: the doctor could not begin.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use roomed_relay::clock::{SystemClock, SystemRandomness};
use roomed_relay::doctor::report::Report;
use roomed_relay::doctor::{Progress, examine};

use super::{ConfigFile, out};

const BAD: u8 = 1;
const NOT_BEGUN: u8 = 2;

#[derive(Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    file: ConfigFile,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Only the organization of this key, and the relay itself.
    #[arg(long)]
    organization: Option<String>,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let report = match self.examine().await {
            Ok(report) => report,
            Err(error) => {
                eprintln!("The doctor could not begin: {error:#}");
                return Ok(ExitCode::from(NOT_BEGUN));
            }
        };
        if self.json {
            out::line(serde_json::to_string(&report)?)?;
        } else {
            out::line(report.text())?;
        }
        Ok(if report.is_bad() { ExitCode::from(BAD) } else { ExitCode::SUCCESS })
    }

    async fn examine(&self) -> anyhow::Result<Report> {
        let config = self.file.load()?;
        let only = self.organization.as_deref();
        if let Some(key) = only {
            config.organization(key).context("this relay serves no organization of that key")?;
        }
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandomness::default()));
        examine(config, only, clock, random, &Progress::default()).await
    }
}
