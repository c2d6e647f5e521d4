//! Nothing is wrong: the measure of all other episodes. Everything accepted takes effect once, in the order it was accepted,
//! and nothing is said again, waits for an operator, or is in doubt.

use std::path::Path;

use super::super::outcome::{Never, Outcome};
use super::super::profile::Haste;
use super::super::scene::Scene;
use super::super::town::Town;

const VISITS: (usize, usize) = (20, 10);
/// Everybody comes and goes so often, and is waited for each time, or what was not sent yet would give way.
const TURNS: u32 = 4;

/// Everybody in turn.
pub(crate) async fn run(directory: &Path, seed: u64) -> anyhow::Result<Outcome> {
    let scene = Scene::set_with(directory, directory, seed, Haste::None, Town::configuration_with_messages).await?;
    let town = Town::gather(&scene, VISITS.0, VISITS.1).await?.with_messages();
    let mut outcome = Outcome::new("calm");
    for _ in 0..TURNS {
        town.turn_all().await?;
        scene.quiet().await?;
    }
    outcome.verdict = town.judge(&scene, &mut outcome).await?;
    outcome.never(&[Never::Reasserted, Never::PossibleDouble, Never::Parked]);
    outcome.count("accepted", town.accepted());
    // The verdict counts statuses and events; the visits' Encounters are beside them.
    let (wanted, found) = (town.wanted(), outcome.verdict.effects);
    anyhow::ensure!(found == wanted, "{found} effects of what should have had {wanted}");
    anyhow::ensure!(outcome.counted("creates_tried_again") == 0, "a create was tried again");
    Ok(outcome)
}
