//! How long nobody has touched this workstation, where the desktop says it: GNOME's idle monitor. Other desktops have no
//! question that all of them answer alike; there only presses in the companion count (see [`crate::ports::Idle`]).

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{SystemClock, within};
use crate::ports::Idle;

/// The operating system's word.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsIdle;

#[async_trait]
impl Idle for OsIdle {
    async fn idle(&self) -> Option<Duration> {
        answer(None, LIMIT).await
    }
}

/// False where no desktop of this operating system can be asked.
pub(crate) const OS_SAYS: bool = cfg!(target_os = "linux");

const LIMIT: Duration = Duration::from_secs(2);

/// A desktop that hangs is one that does not say. `bus` is an address; without it, the session's.
async fn answer(bus: Option<&str>, limit: Duration) -> Option<Duration> {
    within(&SystemClock, limit, milliseconds(bus)).await.flatten().map(Duration::from_millis)
}

#[cfg(target_os = "linux")]
async fn milliseconds(bus: Option<&str>) -> Option<u64> {
    use zbus::connection::Builder;
    let bus = bus.map_or_else(Builder::session, Builder::address).ok()?.build().await.ok()?;
    let (name, path) = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core");
    let answer = bus.call_method(Some(name), path, Some(name), "GetIdletime", &()).await.ok()?;
    answer.body().deserialize().ok()
}

#[cfg(not(target_os = "linux"))]
async fn milliseconds(_: Option<&str>) -> Option<u64> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[tokio::test]
    async fn a_bus_that_takes_calls_and_says_nothing_is_no_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bus");
        let _listener = tokio::net::UnixListener::bind(&path).unwrap();
        let asking = tokio::spawn(async move {
            answer(Some(&format!("unix:path={}", path.display())), Duration::from_millis(50)).await
        });
        // However slow this machine is: without a limit it never ends.
        let ended = tokio::time::timeout(Duration::from_secs(30), asking).await;
        assert_eq!(ended.unwrap().unwrap(), None);
    }
}
