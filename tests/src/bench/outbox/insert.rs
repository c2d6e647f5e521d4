//! Durable inserts: a visit with one row each, acknowledged after its commit. Callers at the same time share commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use roomed_relay::store::Change;

use super::given::{Opened, entry, now, visit};
use crate::clock::Stopwatch;

/// As many at once.
pub(super) const CALLERS: usize = 64;
/// Inserts of one measurement.
const INSERTS: usize = 1_920;
/// By one caller alone: as many as take about as long.
const ALONE: usize = 240;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Inserts per second with so many callers.
pub(super) async fn per_second(opened: &Opened, callers: usize) -> anyhow::Result<f64> {
    let each = if callers == 1 { ALONE } else { INSERTS / callers };
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
    let inserted = u32::try_from(each * callers)?;
    Ok(f64::from(inserted) / began.elapsed().as_secs_f64())
}
