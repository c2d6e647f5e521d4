//! Everything the companion needs from the outside, as traits: the shell plugs in the desktop, tests plug in doubles.
//! Secrets have a file of their own (`secrets`), the time too (`clock`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::secrets::SecretStore;
use crate::view::NotificationsView;

pub use roomed_smart::{Random, SystemRandom};

/// The outside.
#[derive(Clone)]
pub struct Ports {
    /// Opens addresses in the system browser and in Teams.
    pub opener: Arc<dyn Opener>,
    /// The operating system's keychain.
    pub secrets: Arc<dyn SecretStore>,
    /// The operating system's notifications.
    pub notifier: Arc<dyn Notifier>,
    /// The companion's window.
    pub window: Arc<dyn Window>,
    /// How long nobody has touched the workstation.
    pub idle: Arc<dyn Idle>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports { .. }")
    }
}

/// Opens addresses. Both calls may block; they are made on a thread that may.
pub trait Opener: Send + Sync {
    /// Hands an address to the operating system: `https`, loopback `http`, or `msteams:`. The address is secret: not for logs.
    ///
    /// # Errors
    /// [`Refused`] if the operating system would not take it.
    fn open(&self, url: &str) -> Result<(), Refused>;

    /// True if some program is registered for the scheme. [`crate::desktop::scheme_has_handler`] knows.
    fn handles(&self, scheme: &str) -> bool;
}

/// The operating system said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system refused")]
pub struct Refused;

/// The window.
pub trait Window: Send + Sync {
    /// Shows it and brings it to the front: a person asked for it, or has to answer something.
    fn bring_forward(&self);
}

/// How long nobody has touched the workstation, and whether somebody has locked it.
#[async_trait]
pub trait Idle: Send + Sync {
    /// Since the last key or pointer, in any program; `None` where the operating system does not say. Then only what is
    /// pressed in the companion counts.
    async fn idle(&self) -> Option<Duration>;

    /// Returns when the session is locked the next time; never where the operating system does not say.
    async fn locked(&self) {
        std::future::pending().await
    }
}

/// What an OS notification says. There is no field for a name on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertText {
    /// "Patient ready".
    pub summary: String,
    /// Planned start in local time, "10:30".
    pub body: String,
    /// The button.
    pub action: AlertAction,
}

/// The button of an OS notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertAction {
    /// After a proven launch: id `join`, label "Join".
    Join,
    /// Before one: id `open`, label "Open".
    Open,
}

/// What a person did with an OS notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Pressed it: the button, or the notification itself.
    Pressed,
    /// Closed it, or it closed by itself. Nobody has acknowledged anything.
    Closed,
}

/// Shows OS notifications.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Whether those that are shown reach anybody, as far as the desktop says it.
    async fn standing(&self) -> NotificationsView;

    /// Shows one. `answered` is called at most once, from any thread.
    ///
    /// # Errors
    /// [`Refused`] if nobody shows notifications here.
    async fn show(
        &self,
        text: &AlertText,
        answered: Box<dyn FnOnce(Answer) + Send>,
    ) -> Result<Box<dyn ShownAlert>, Refused>;
}

/// A notification that is up.
#[async_trait]
pub trait ShownAlert: Send + Sync {
    /// Takes it down where the operating system lets us.
    async fn close(&self);
}
