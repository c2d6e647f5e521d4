//! How many requests really leave in an attempt. A claim pays for what a write-back takes as a rule
//! ([`Ehr::requests_per_row`](super::Ehr::requests_per_row)); what it needed beyond that, or did not need, is settled with
//! the attempt. The pace itself is `outbox/connection.rs`. Requests for a token are not counted: another server may answer
//! them, and one token serves many attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

tokio::task_local! {
    /// Whoever pays for what leaves in this task.
    static PAYS: Requests;
}

/// Requests that left.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<AtomicU32>);

impl Requests {
    /// What leaves in `work` is counted here, also if it is cut off.
    pub async fn of<W: Future>(&self, work: W) -> W::Output {
        PAYS.scope(self.clone(), work).await
    }

    /// So many did.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One leaves.
pub fn left() {
    // A launch reads an appointment while a person waits: nobody pays for that.
    let _ = PAYS.try_with(|it| it.0.fetch_add(1, Ordering::SeqCst));
}
