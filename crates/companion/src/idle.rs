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
        // A desktop that hangs is one that does not say.
        within(&SystemClock, LIMIT, milliseconds()).await.flatten().map(Duration::from_millis)
    }
}

/// False where no desktop of this operating system can be asked.
pub(crate) const OS_SAYS: bool = cfg!(target_os = "linux");

const LIMIT: Duration = Duration::from_secs(2);

#[cfg(target_os = "linux")]
async fn milliseconds() -> Option<u64> {
    let bus = zbus::Connection::session().await.ok()?;
    let (name, path) = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core");
    let answer = bus.call_method(Some(name), path, Some(name), "GetIdletime", &()).await.ok()?;
    answer.body().deserialize().ok()
}

#[cfg(not(target_os = "linux"))]
async fn milliseconds() -> Option<u64> {
    None
}
