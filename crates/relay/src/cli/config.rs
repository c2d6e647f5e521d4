//! `roomed-relay config`: the defaults, and what is wrong with a file.

use std::path::PathBuf;

use clap::Subcommand;
use roomed_relay::config::DEFAULTS;
use roomed_relay::context_link::ContextLinks;

use super::ConfigFile;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Prints every key with its default and what it is for.
    Default,
    /// Checks a file, and the secrets it names, and says what is wrong.
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
                let config = ConfigFile { config: file }.load()?;
                ContextLinks::of(&config)?;
                println!("The configuration can be used.");
            }
        }
        Ok(())
    }
}
