//! The one way to wait: look until it is so, or say what never happened.

use std::time::Duration;

use anyhow::bail;

use crate::clock::{Stopwatch, breathe};

/// Long enough for a busy machine; reached only when something is broken.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One look takes no longer: a WebDriver that hangs must not hang everything with it.
const ONE_LOOK: Duration = Duration::from_secs(20);

/// Looks again and again until `look` finds something.
///
/// # Errors
/// Names `what` when it has not come within [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let began = Stopwatch::start();
    loop {
        let found = tokio::time::timeout(ONE_LOOK, look()).await;
        match found.unwrap_or_else(|_| Err(anyhow::anyhow!("whoever was asked did not answer"))) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) if began.elapsed() < PATIENCE => {}
            Ok(None) => bail!("did not happen within {} s: {what}", PATIENCE.as_secs()),
            // While a page is being replaced its elements cannot be asked; the last error is the one that counts.
            Err(_) if began.elapsed() < PATIENCE => {}
            Err(error) => return Err(error.context(format!("while waiting for: {what}"))),
        }
        breathe().await;
    }
}

/// Until the person at the keyboard presses Ctrl-C.
pub async fn for_ctrl_c() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
