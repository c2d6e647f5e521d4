//! `roomed-sandbox`: the stand-in hospital as a process. Prints its addresses as one line of JSON, logs to stderr.

use clap::Parser;
use roomed_sandbox::{Options, Sandbox};
use std::{io::Write, net::SocketAddr};
use tokio::signal::unix::{SignalKind, signal};

/// The stand-in hospital: Entra, three EHRs, Graph and Teams on loopback. No real patients.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Microsoft Entra ID
    #[arg(long, default_value = "127.0.0.1:0")]
    entra: SocketAddr,
    /// Epic: Hyperspace, MyChart, SMART, FHIR, Interconnect
    #[arg(long, default_value = "127.0.0.1:0")]
    epic: SocketAddr,
    /// Oracle Health: Backend Services, FHIR
    #[arg(long, default_value = "127.0.0.1:0")]
    oracle: SocketAddr,
    /// A generic FHIR R4 server: Backend Services, FHIR
    #[arg(long, default_value = "127.0.0.1:0")]
    r4: SocketAddr,
    /// Microsoft Graph
    #[arg(long, default_value = "127.0.0.1:0")]
    graph: SocketAddr,
    /// Teams meetings
    #[arg(long, default_value = "127.0.0.1:0")]
    teams: SocketAddr,
    /// Mail relay (SMTP, without TLS)
    #[arg(long, default_value = "127.0.0.1:0")]
    mail: SocketAddr,
    /// Control API for tests and demos
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// The same seed gives the same people, ids and order of tokens
    #[arg(long)]
    seed: Option<u64>,
    /// Give every patient field a value found nowhere else
    #[arg(long)]
    canaries: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("a TLS provider is already installed"))?;
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,roomed_sandbox=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let Arguments { entra, epic, oracle, r4, graph, teams, mail, control, seed, canaries } = Arguments::parse();
    let options = Options { entra, epic, oracle, r4, graph, teams, mail, control, seed, canaries };
    let running = Sandbox::start(options).await?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&running.addresses)?)?;
    stdout.flush()?;
    drop(stdout);

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    running.shutdown().await;
    Ok(())
}
