//! A long outage is over: how fast the real worker empties a full outbox, against what the EHR alone would take.

use std::sync::Arc;

use anyhow::ensure;
use roomed_relay::store::Change;
use tokio::sync::watch;

use super::ehr::Taking;
use super::given::{Database, entry, now};
use super::idle::Office;
use crate::clock::Stopwatch;

const VISITS: usize = 200;
/// In flight at once, on both sides.
pub(super) const AT_ONCE: u32 = 64;

/// Both rates, per second.
pub(super) struct Drained {
    pub(super) rate: f64,
    /// Before and after.
    pub(super) ehr_alone: [f64; 2],
}

pub(super) async fn run(database: &Database, rows: usize, requests: usize) -> anyhow::Result<Drained> {
    let ehr = Arc::new(Taking::start().await?);
    let office = Office::open(database, Arc::clone(&ehr), AT_ONCE).await?;
    for n in 0..VISITS {
        let (row, key) = office.visit(&format!("v{n}"))?;
        let mut outbox = Vec::new();
        for i in (n..rows).step_by(VISITS) {
            let id = format!("o{i}");
            let sealed = office.intent(&key, &id)?;
            outbox.push(entry(id, format!("v{n}/{i}/state"), sealed));
        }
        office.opened.commit(Change { outbox, ..Change::of(row, None, now()) }).await?;
    }
    let callers = usize::try_from(AT_ONCE)?;
    let before = ehr.alone(callers, requests).await?;
    let taken = ehr.taken();
    let (stop, stopping) = watch::channel(false);
    let began = Stopwatch::start();
    let running = tokio::spawn(office.worker.run(stopping));
    office.board.until(rows).await?;
    let rate = f64::from(u32::try_from(rows)?) / began.elapsed().as_secs_f64();
    stop.send_replace(true);
    running.await?;
    ensure!(ehr.taken() - taken == u64::try_from(rows)?, "each row is to be sent once");
    office.opened.close().await;
    Ok(Drained { rate, ehr_alone: [before, ehr.alone(callers, requests).await?] })
}
