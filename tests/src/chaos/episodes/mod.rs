//! The episodes, each a fault or a family of faults: it sets its scene, torments it, and hands back what it counted.

mod kills;

use tokio::task::JoinSet;

pub(super) use kills::run as kills;

/// Waits for sources to end; the first that failed is the episode's failure.
async fn ended(sources: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = sources.join_next().await {
        ended??;
    }
    Ok(())
}
