//! Durable inserts: a visit with one row each, acknowledged after its commit. Callers at the same time share commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::ensure;
use roomed_relay::store::Change;

use super::given::{Database, entry, now, visit};
use crate::clock::Stopwatch;

/// As many at once.
pub(super) const CALLERS: usize = 64;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// What was measured.
pub(super) struct Inserted {
    /// Inserts.
    pub(super) per_second: f64,
    /// Inserts each time the log was forced to the disk.
    pub(super) each_time: f64,
}

/// `inserts` of them into a new database, by so many callers.
pub(super) async fn run(database: &Database, callers: usize, inserts: usize) -> anyhow::Result<Inserted> {
    let opened = database.fresh().await?;
    let before = database.forced(&opened).await?;
    let each = inserts.div_ceil(callers);
    let began = Stopwatch::start();
    let mut tasks = Vec::new();
    for _ in 0..callers {
        let store = Arc::clone(&opened.store);
        tasks.push(tokio::spawn(async move {
            for _ in 0..each {
                let id = format!("v{}", NEXT.fetch_add(1, Ordering::Relaxed));
                let outbox = vec![entry(format!("o{id}"), format!("{id}/p/state"), vec![7; 400])];
                store.commit(Change { outbox, ..Change::of(visit(&id), None, now()) }).await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let took = began.elapsed().as_secs_f64();
    opened.close().await;
    let forced = database.forced(&opened).await?.saturating_sub(before);
    ensure!(forced > 0, "nothing was forced to the disk");
    let inserted = f64::from(u32::try_from(each * callers)?);
    Ok(Inserted { per_second: inserted / took, each_time: inserted / f64::from(forced) })
}
