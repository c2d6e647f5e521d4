//! The episodes, each a fault or a family of faults: it sets its scene, torments it, and hands back what it counted.

mod ambiguous;
mod calm;
mod disks;
mod kills;
mod nodes;
mod poison;
mod serve;
mod simulation;
mod time;

use tokio::task::JoinSet;

pub(super) use ambiguous::run as ambiguous;
pub(super) use calm::run as calm;
pub(super) use disks::run as disks;
pub(super) use kills::run as kills;
pub(super) use nodes::run as nodes;
pub(super) use poison::run as poison;
pub(super) use serve::run as serve;
pub(super) use simulation::run as simulation;
pub(super) use time::run as time;

/// Waits for sources to end; the first that failed is the episode's failure.
pub(super) async fn ended(sources: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(ended) = sources.join_next().await {
        ended??;
    }
    Ok(())
}
