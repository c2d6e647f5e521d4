//! The relay's configuration for the fault proofs: waits short enough for thousands of attempts, and yet in the order that
//! makes delivery sound: what lands late lands within the settle delay, and a deadline is shorter than its lease.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// How long a write-back belongs to who took it.
pub(super) const LEASE: Duration = Duration::from_millis(1600);
/// How long an attempt may take.
pub(super) const DEADLINE: Duration = Duration::from_millis(1000);
/// After an answer that never came, the state is asserted again so long after.
pub(super) const SETTLE_DELAY: Duration = Duration::from_millis(500);
/// What lands late does so within this: well within the settle delay, on a busy machine too.
pub(super) const LATE: Duration = Duration::from_millis(150);
/// A create may land even later, when it has been looked for already: nothing is promised of its time, so what is not found
/// waits for an operator, or is made again where that makes no second one.
pub(super) const TOO_LATE: Duration = Duration::from_millis(1200);

/// A fault: so many hundredths of the creates at this target land that late.
pub(super) fn too_late(target: &str, percent: f64, seed: u64) -> Value {
    let delay = u64::try_from(TOO_LATE.as_millis()).unwrap_or(u64::MAX);
    json!({ "target": target, "mode": "late", "percent": percent, "delay_ms": delay, "times": 0, "seed": seed })
}

/// How long an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// So short that owners are overtaken in time.
    Short,
    /// As a hospital has it: on a busy machine, too, nothing is late, and every outcome is the EHR's own.
    None,
}

/// Where a relay keeps what.
pub(super) struct Places<'a> {
    /// `sqlite:` or `postgres:`.
    pub(super) database: &'a str,
    /// Shared by all nodes of one database.
    pub(super) keys: &'a Path,
    /// Its own.
    pub(super) port: u16,
}

/// Everything a relay is told, as TOML. `organization` is what its administrators would type.
pub(super) fn configuration(places: &Places<'_>, organization: &Value, haste: Haste) -> anyhow::Result<String> {
    let address = format!("127.0.0.1:{}", places.port);
    let mut outbox = outbox();
    if haste == Haste::None {
        outbox["lease_ms"] = json!(60_000);
        outbox["deadline_ms"] = json!(40_000);
    }
    Ok(toml::to_string(&json!({
        "bind": address,
        "public_url": format!("http://{address}"),
        "region": "emea",
        "dev": { "loopback_http": true },
        "log": { "level": "info" },
        "database": { "url": places.database },
        "keys": {
            "directory": places.keys,
            // A key for a folder that is thrown away with everything in it.
            "master_key": hex::encode([7_u8; 32]),
        },
        // Every coming and going is a write-back at once, and only what the roster says is one.
        "visit": { "grace_seconds": 0, "connected_at": "admitted" },
        "ehr": { "poll_seconds": 0 },
        "outbox": outbox,
        "limits": { "anonymous_per_minute": 1_000_000, "person_per_minute": 1_000_000 },
        "organizations": [organization],
    }))?)
}

/// `[outbox]`.
pub(super) fn outbox() -> Value {
    let millis = |it: Duration| u32::try_from(it.as_millis()).unwrap_or(u32::MAX);
    json!({
        "lease_ms": millis(LEASE),
        "deadline_ms": millis(DEADLINE),
        "settle_delay_ms": millis(SETTLE_DELAY),
        "schedule_ms": [50, 100, 200, 400],
        "park_after_failures": 40,
        "retry_after_max_seconds": 1,
        "identifier_ms": 200,
        "concurrency": 16,
        "per_ehr_per_second": 2000,
        "per_ehr_burst": 2000,
        "breaker_failures": 6,
        "breaker_ms": 60,
        "breaker_max_ms": 250,
    })
}
