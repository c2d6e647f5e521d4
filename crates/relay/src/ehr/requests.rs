//! How many requests really left through an EHR connection. A claim pays for one; what a write-back needed beyond that (or
//! did not need) is taken out of the connection's pace when the attempt ends. The pace itself is `outbox/connection.rs`.

use std::sync::atomic::{AtomicI64, Ordering};

/// Requests that left and are not paid for yet; below zero, paid for and not left yet.
#[derive(Debug, Default)]
pub struct Requests(AtomicI64);

impl Requests {
    /// One leaves.
    pub fn left(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// One is paid for already.
    pub fn prepaid(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    /// What is still to be paid for, and is from now on.
    pub fn owed(&self) -> i64 {
        self.0.swap(0, Ordering::SeqCst)
    }
}
