//! `roomed-relay config`: the defaults, and what is wrong with a file.

use std::path::PathBuf;

use clap::Subcommand;
use roomed_relay::config::DEFAULTS;

use super::ConfigFile;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prints every key with its default and what it is for.
    Default,
    /// Checks a file and says what is wrong with it.
    Check {
        /// The configuration file.
        file: PathBuf,
    },
}

impl Command {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Default => print!("{DEFAULTS}"),
            Self::Check { file } => {
                ConfigFile { config: file }.load()?;
                println!("The configuration can be used.");
            }
        }
        Ok(())
    }
}
