//! `roomed-relay`: the service and its operator's tools. Each command is a file of `cli/`.

mod cli;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    cli::run().await
}
