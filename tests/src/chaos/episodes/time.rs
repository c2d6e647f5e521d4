//! The relay's clock is set wrong, an hour ahead and an hour back, by minutes and by seconds, and set right again, while
//! people come and go and answers are lost. Leases are the database's affair; what is judged is what stands once the clock
//! is right, and that nobody has to wait an hour for it.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::super::dice::Dice;
use super::super::outcome::Outcome;
use super::super::profile::Haste;
use super::super::scene::Scene;
use super::super::town::Town;
use crate::clock::pause;

const SOURCES: usize = 4;
const HOUR: i64 = 3_600_000;
/// How wrong a clock can be, in milliseconds. Each is stepped to, and from each to another.
const WRONG: [i64; 8] = [HOUR, -HOUR, 300_000, -300_000, 20_000, -20_000, 1_500, -1_500];
/// The chart is compared after so many steps, with the clock right.
const BETWEEN_LOOKS: u32 = 8;

/// Sets the clock `steps` times.
pub(crate) async fn run(directory: &Path, steps: u32, seed: u64) -> anyhow::Result<Outcome> {
    let scene = Scene::set_with(directory, directory, seed, Haste::Short, Town::configuration).await?;
    let town = Town::gather(&scene, 20 + steps as usize, 15).await?.by_wrong_clocks();
    for target in ["epic.write", "r4.write"] {
        for (mode, percent) in [("drop_after_apply", 8), ("status_after_apply", 8), ("drop_before", 4)] {
            let fault = json!({ "target": target, "mode": mode, "percent": percent, "times": 0, "seed": seed });
            scene.hospital.fault(&fault).await?;
        }
    }
    let mut dice = Dice::of(seed, "time");
    let mut outcome = Outcome::new("time");
    let mut done = 0;
    while done < steps {
        let mut sources = town.begin(SOURCES, seed.wrapping_add(done.into()), Duration::from_millis(15));
        for _ in 0..BETWEEN_LOOKS.min(steps - done) {
            // An hour back comes after an hour ahead often enough.
            let offset = if dice.below(3) == 0 { -HOUR } else { *dice.one(&WRONG).unwrap_or(&HOUR) };
            set(&scene, offset).await?;
            pause(Duration::from_millis(150 + dice.below(400))).await;
            done += 1;
        }
        set(&scene, 0).await?;
        town.calm(&mut sources).await?;
        let verdict = town.judge(&scene, &mut outcome).await?;
        if done >= steps || !verdict.is_clean() {
            outcome.verdict.add(verdict);
        }
    }
    outcome.count("clock_steps", done.into());
    outcome.count("accepted", town.accepted());
    Ok(outcome)
}

async fn set(scene: &Scene, offset: i64) -> anyhow::Result<()> {
    scene.node(0)?.get("clock", &json!({ "offset_ms": offset })).await.map(drop)
}
