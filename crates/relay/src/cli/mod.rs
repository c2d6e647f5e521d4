//! The command line: which commands there are. What each does is in its file; what they share is `database.rs`,
//! `out.rs` and `when.rs`.

mod act;
mod audit;
mod config;
mod database;
mod doctor;
mod out;
mod outbox;
mod replay;
mod serve;
mod unlink;
mod when;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use roomed_relay::config::Config;

#[derive(Parser)]
#[command(version, about = "Roomed's relay: visits, meetings, write-back and the web pages of a hospital")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the relay. Prints one line of JSON with its address once it listens.
    Serve(serve::Serve),
    /// Brings the database's schema to this version.
    Migrate(ConfigFile),
    /// Write-backs: what waits, what is stuck, and what to do with it.
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// The ledger: verified, printed, exported. Needs no key and no configuration.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Forgets which EHR user a Microsoft account is, for instance after the account was replaced. The next launch links
    /// anew.
    Unlink(unlink::Unlink),
    /// Looks at everything a visit needs, and says what is wrong, whose it is and how to put it right. Changes nothing; a
    /// relay may run beside it.
    Doctor(doctor::Doctor),
    /// The configuration itself.
    #[command(subcommand)]
    Config(config::Command),
}

/// Which relay.
#[derive(Args)]
struct ConfigFile {
    /// The configuration file. Every key is explained by `config default`.
    #[arg(long, env = "ROOMED_CONFIG_FILE")]
    config: PathBuf,
}

impl ConfigFile {
    fn load(&self) -> anyhow::Result<Config> {
        Ok(Config::load(Some(&self.config), std::env::vars())?)
    }
}

/// Reads the arguments and does what they say.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Serve(serve) => serve.run().await?,
        Command::Migrate(file) => {
            database::open(&file.load()?).await?.close().await;
            println!("The database is ready for this version.");
        }
        Command::Outbox(outbox) => outbox.run().await?,
        Command::Audit(audit) => return audit.run().await,
        Command::Doctor(doctor) => return doctor.run().await,
        Command::Unlink(unlink) => unlink.run().await?,
        Command::Config(config) => config.run()?,
    }
    Ok(ExitCode::SUCCESS)
}
