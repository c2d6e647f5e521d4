//! Places on the write path at which a test lets the relay die. In a release build there are none.
//!
//! `ROOMED_FAILPOINT=name:n` kills the process, without any goodbye, when `name` is reached for the n-th time.

/// Every place there is, in the order one write-back passes them.
pub const NAMES: [&str; 7] =
    ["commit.before", "commit.after", "claim.after", "send.before", "send.after", "settle.before", "settle.after"];

/// Dies here, if a test said so.
#[cfg(debug_assertions)]
pub fn at(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    debug_assert!(NAMES.contains(&name), "{name} is not in the list");
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("ROOMED_FAILPOINT").ok()?;
        let (name, count) = text.rsplit_once(':')?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    let Some((wanted, count)) = wanted else { return };
    if wanted == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *count {
        // As abrupt as kill -9: no destructor runs, nothing is flushed.
        std::process::abort();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
pub fn at(_: &str) {}
