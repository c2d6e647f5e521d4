//! `roomed-relay`: the service and its operator's tools. Only reads arguments, sets up logs and wires; rules are elsewhere.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use roomed_relay::clock::{SystemClock, SystemRandomness};
use roomed_relay::config::{Config, DEFAULTS};
use roomed_relay::serve::{Outside, assemble};
use roomed_relay::store::sqlite::SqliteStore;
use roomed_relay::store::{Recipient, Store};
use roomed_relay::{log, stop};
use secrecy::ExposeSecret;

#[derive(Parser)]
#[command(version, about = "Roomed's relay: visits, meetings, write-back and the web pages of a hospital")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the relay. Prints one line of JSON with its address once it listens.
    Serve {
        /// The configuration file. Every key is explained by `config default`.
        #[arg(long, env = "ROOMED_CONFIG_FILE")]
        config: PathBuf,
    },
    /// Brings the database's schema to this version.
    Migrate {
        /// The configuration file.
        #[arg(long, env = "ROOMED_CONFIG_FILE")]
        config: PathBuf,
    },
    /// Forgets which EHR user a Microsoft account is, for instance after the account was replaced. The next launch links
    /// anew.
    Unlink {
        /// The configuration file.
        #[arg(long, env = "ROOMED_CONFIG_FILE")]
        config: PathBuf,
        /// The organization's key.
        #[arg(long)]
        organization: String,
        /// The account's Entra object id.
        #[arg(long)]
        oid: String,
    },
    /// The configuration itself.
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Prints every key with its default and what it is for.
    Default,
    /// Checks a file and says what is wrong with it.
    Check {
        /// The configuration file.
        file: PathBuf,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    match Arguments::parse().command {
        Command::Serve { config } => serve(load(&config)?).await,
        Command::Migrate { config } => {
            open(&load(&config)?).await?.close().await;
            println!("The database is ready for this version.");
            Ok(())
        }
        Command::Unlink { config, organization, oid } => unlink(&load(&config)?, organization, &oid).await,
        Command::Config(ConfigCommand::Default) => {
            print!("{DEFAULTS}");
            Ok(())
        }
        Command::Config(ConfigCommand::Check { file }) => {
            load(&file)?;
            println!("The configuration can be used.");
            Ok(())
        }
    }
}

fn load(file: &std::path::Path) -> anyhow::Result<Config> {
    Ok(Config::load(Some(file), std::env::vars())?)
}

async fn open(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let busy = Duration::from_millis(config.database.busy_timeout_ms.into());
    let store = SqliteStore::open(config.database.url.expose_secret(), config.database.readers, busy).await;
    Ok(Arc::new(store.context("the database cannot be used")?))
}

async fn unlink(config: &Config, organization: String, oid: &str) -> anyhow::Result<()> {
    let known = config.organization(&organization).context("this relay serves no organization of that key")?;
    let oid = oid.to_ascii_lowercase();
    let recipient = Recipient { tid: known.tid.clone(), organization, oid };
    let store = open(config).await?;
    let gone = store.forget_links(&recipient).await.context("the links could not be removed")?;
    store.close().await;
    println!("{gone} links removed.");
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    log::init(&config.log);
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().context("no metrics")?;
    if config.dev.loopback_http {
        tracing::warn!("dev.loopback_http is on: plain http on this machine only. Never use it with real patients.");
    }
    let store = open(&config).await?;
    let listener = tokio::net::TcpListener::bind(config.bind).await.with_context(|| {
        format!("{} cannot be listened on; is another relay running? Change `bind` or stop it.", config.bind)
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let outside = Outside {
        config,
        store: Arc::clone(&store),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandomness::default()),
        metrics,
    };
    let assembled = assemble(outside).await?;
    println!("{}", serde_json::json!({ "listening": format!("http://{address}") }));
    assembled.serve(listener, stop::asked()).await?;
    store.close().await;
    Ok(())
}
