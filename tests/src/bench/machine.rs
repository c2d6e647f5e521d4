//! What Linux says about a process: its memory, its processor time and how many files it may open.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval};

/// How long a process idles before its memory is read (dependencies.md 4.1).
const LOOK_EVERY: Duration = Duration::from_millis(500);
const FEWEST_LOOKS: usize = 4;
const MOST_LOOKS: usize = 20;
/// Two readings this close are the same.
const SAME_KIB: u64 = 64;

/// `VmRSS` in KiB.
fn resident_kib(process: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).context("the process has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS; is this Linux?")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// `Pss` in KiB: what several processes share counts for each of them in part.
pub(super) fn proportional_kib(process: u32) -> anyhow::Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).context("the process has ended")?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss; is this Linux?")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Milliseconds of one of [`ticks`]: `USER_HZ` is 100.
pub(super) const TICK_MS: f64 = 10.0;

/// Processor time it has used, its own and the kernel's for it.
pub(super) fn ticks(process: u32) -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).context("the process has ended")?;
    // Its name, in brackets, may hold anything; `utime` and `stime` are the 12th and 13th after it (proc_pid_stat(5)).
    let (_, rest) = stat.rsplit_once(") ").context("no stat; is this Linux?")?;
    rest.split(' ').skip(11).take(2).map(|it| Ok(it.parse::<u64>()?)).sum()
}

/// `VmRSS` in KiB once it has stopped moving, at least 1.5 s after the call, at most 10 s.
pub(super) async fn settled_kib(process: u32) -> anyhow::Result<f64> {
    settled(|| resident_kib(process)).await
}

/// A reading in KiB once it has stopped moving, at least 1.5 s after the call, at most 10 s.
pub(super) async fn settled(mut read: impl FnMut() -> anyhow::Result<u64>) -> anyhow::Result<f64> {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = 0;
    for look in 1..=MOST_LOOKS {
        ticks.tick().await;
        let now = read()?;
        if look >= FEWEST_LOOKS && now.abs_diff(before) <= SAME_KIB {
            return Ok(kib(now));
        }
        before = now;
    }
    Ok(kib(before))
}

fn kib(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Refuses to begin where the sockets cannot all be opened.
pub(super) fn may_open(files: u64) -> anyhow::Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("no /proc/self/limits; is this Linux?")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let soft = line.split_whitespace().next().unwrap_or_default();
    // "unlimited" is no number, and enough.
    let enough = soft.parse::<u64>().map_or(soft == "unlimited", |soft| soft >= files);
    anyhow::ensure!(
        enough,
        "a process may open {soft} files here and {files} are needed: run `ulimit -n {files}` first"
    );
    Ok(())
}
