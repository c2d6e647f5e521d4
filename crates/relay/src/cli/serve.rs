//! `roomed-relay serve`: logs, figures, database and listener, and then the relay.

use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use roomed_relay::clock::{SystemClock, SystemRandomness};
use roomed_relay::serve::{Outside, assemble};
use roomed_relay::{log, stop};

use super::{ConfigFile, database};

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
    /// The database came out of a backup: what it has not delivered may have been delivered, or overtaken, since then.
    /// Nothing of it is sent before the EHR or a witness says what is so. Give it for the first start after a restore
    /// only.
    #[arg(long)]
    restored: bool,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        log::init(&config.log);
        let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().context("no metrics")?;
        if config.dev.loopback_http {
            tracing::warn!(
                "dev.loopback_http is on: plain http on this machine only. Never use it with real patients."
            );
        }
        let store = database::open(&config).await?;
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
            restored: self.restored,
        };
        let assembled = assemble(outside).await?;
        println!("{}", serde_json::json!({ "listening": format!("http://{address}") }));
        assembled.serve(listener, stop::asked()).await?;
        store.close().await;
        Ok(())
    }
}
