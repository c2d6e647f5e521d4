//! `chaos-node --config FILE`: the relay with one more door, for `chaos` to torment. See `tests/src/chaos/node.rs`.

use std::path::PathBuf;

use clap::Parser;

#[derive(Parser)]
#[command(about = "The relay with a door on standard input, for the fault proofs")]
struct Arguments {
    /// The relay's configuration file.
    #[arg(long)]
    config: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    e2e::chaos::node::serve(&Arguments::parse().config).await
}
