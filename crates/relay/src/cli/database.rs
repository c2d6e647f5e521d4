//! The configured database, opened as the relay opens it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use roomed_relay::config::Config;
use roomed_relay::store::{self, Store};
use secrecy::ExposeSecret;

pub(super) async fn open(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    let busy = Duration::from_millis(config.database.busy_timeout_ms.into());
    let store = store::open(config.database.url.expose_secret(), config.database.readers, busy).await;
    store.context("the database cannot be used")
}
