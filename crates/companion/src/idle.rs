//! How long nobody has touched this workstation, where the desktop says it: GNOME's idle monitor. Other desktops have no
//! question that all of them answer alike; there only presses in the companion count (see [`crate::ports::Idle`]).
//! That the session is locked is said by its screen saver (freedesktop's or GNOME's interface) and by logind.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{SystemClock, within};
use crate::ports::Idle;

#[cfg(target_os = "linux")]
pub use linux::locked_on;

/// The operating system's word.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsIdle;

#[async_trait]
impl Idle for OsIdle {
    async fn idle(&self) -> Option<Duration> {
        answer(None, LIMIT).await
    }

    #[cfg(target_os = "linux")]
    async fn locked(&self) {
        locked_on(None, None).await;
    }
}

/// False where no desktop of this operating system can be asked.
pub(crate) const OS_SAYS: bool = cfg!(target_os = "linux");

const LIMIT: Duration = Duration::from_secs(2);

/// A desktop that hangs is one that does not say. `bus` is an address; without it, the session's.
pub async fn answer(bus: Option<&str>, limit: Duration) -> Option<Duration> {
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

#[cfg(target_os = "linux")]
mod linux {
    use futures_util::StreamExt;
    use zbus::connection::Builder;
    use zbus::zvariant::OwnedObjectPath;
    use zbus::{Connection, MatchRule, Message, MessageStream};

    const LOGIND: &str = "org.freedesktop.login1";
    /// Interfaces of screen savers, on the session's bus.
    const SAVERS: [&str; 2] = ["org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver"];

    /// Returns when a screen saver says that it is on, or logind that this session is to be locked; never where nobody can be
    /// heard. Both are addresses of buses; without one, it is the session's and the system's.
    pub async fn locked_on(session: Option<&str>, system: Option<&str>) {
        let savers = async {
            let Ok(bus) = session.map_or_else(Builder::session, Builder::address) else { return None };
            let bus = bus.build().await.ok()?;
            tokio::select! {
                on = is_on(&bus, SAVERS[0]) => on,
                on = is_on(&bus, SAVERS[1]) => on,
            }
        };
        let logind = async {
            let Ok(bus) = system.map_or_else(Builder::system, Builder::address) else { return None };
            let bus = bus.build().await.ok()?;
            locks(&bus).await
        };
        tokio::select! {
            () = for_ever_without(savers) => {}
            () = for_ever_without(logind) => {}
        }
    }

    /// A bus that is not there, or goes away, says nothing: it is no lock.
    async fn for_ever_without(said: impl Future<Output = Option<()>>) {
        if said.await.is_none() {
            tracing::debug!("one of the two buses says nothing of a locked session");
            std::future::pending::<()>().await;
        }
    }

    async fn is_on(bus: &Connection, interface: &str) -> Option<()> {
        let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal);
        let rule = rule.interface(interface).ok()?.member("ActiveChanged").ok()?.build();
        heard(bus, rule, |message| message.body().deserialize::<bool>().unwrap_or(false)).await
    }

    /// Of this session only: whoever else is logged in locks their own.
    async fn locks(bus: &Connection) -> Option<()> {
        let path = own_session(bus).await?;
        let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal).path(path).ok()?;
        // The bus itself knows who that is: whoever else is on it may send what they like.
        let rule = rule.sender(LOGIND).ok()?;
        let rule = rule.interface("org.freedesktop.login1.Session").ok()?.member("Lock").ok()?.build();
        heard(bus, rule, |_| true).await
    }

    /// `auto` is the session of the person's screen also where this program was started by their systemd, outside of every
    /// session. An older logind knows the session by a process of it only.
    async fn own_session(bus: &Connection) -> Option<OwnedObjectPath> {
        let (at, manager) = ("/org/freedesktop/login1", Some("org.freedesktop.login1.Manager"));
        let process = std::process::id();
        let answer = match bus.call_method(Some(LOGIND), at, manager, "GetSession", &("auto",)).await {
            Ok(answer) => answer,
            Err(_) => bus.call_method(Some(LOGIND), at, manager, "GetSessionByPID", &(process,)).await.ok()?,
        };
        answer.body().deserialize().ok()
    }

    async fn heard(bus: &Connection, rule: MatchRule<'_>, means_it: fn(&Message) -> bool) -> Option<()> {
        let mut signals = MessageStream::for_match_rule(rule, bus, None).await.ok()?;
        while let Some(signal) = signals.next().await {
            if signal.is_ok_and(|it| means_it(&it)) {
                return Some(());
            }
        }
        None
    }
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
