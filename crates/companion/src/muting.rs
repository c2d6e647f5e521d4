//! Whether this desktop holds our notifications back: do not disturb, switched off for us, or nobody there to show them.
//!
//! Where it cannot be known, the answer is [`NotificationsView::Unknown`], and the window does not claim anything:
//! - Windows says whether a program's toasts are switched off only to one that was installed with an application id, and has
//!   no public question for focus assist.
//! - macOS tells a bundled, signed application whether it may notify, and no application whether a focus is on.
//! - On Linux there is a common property, `Inhibited`, which Plasma has; dunst has one of its own; GNOME Shell says only
//!   whether a program is switched off (urgent notifications are let through its do not disturb). Others say nothing.

use crate::view::NotificationsView;

/// Our desktop entry, by which desktops know us.
pub(crate) const DESKTOP_ENTRY: &str = "roomed";

#[cfg(target_os = "linux")]
pub use linux::on;

/// Asks this desktop.
pub(crate) async fn of_this_desktop() -> NotificationsView {
    #[cfg(target_os = "linux")]
    return match zbus::Connection::session().await {
        Ok(bus) => linux::on(&bus, "gsettings".as_ref()).await,
        Err(_) => NotificationsView::Unavailable,
    };
    #[cfg(not(target_os = "linux"))]
    NotificationsView::Unknown
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use zbus::Connection;
    use zbus::zvariant::OwnedValue;

    use super::DESKTOP_ENTRY;
    use crate::view::NotificationsView;

    const SERVICE: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";
    const DUNST: &str = "org.dunstproject.cmd0";
    /// What a bus says when nobody has the name and nobody can be started for it.
    const NOBODY: [&str; 2] =
        ["org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"];

    /// Asks whoever shows notifications on this bus; `gsettings` is the program that reads GNOME's settings.
    pub async fn on(bus: &Connection, gsettings: &Path) -> NotificationsView {
        let server = match bus.call_method(Some(SERVICE), PATH, Some(SERVICE), "GetServerInformation", &()).await {
            Ok(answer) => {
                answer.body().deserialize::<(String, String, String, String)>().map_or(String::new(), |it| it.0)
            }
            Err(zbus::Error::MethodError(name, ..)) if NOBODY.contains(&name.as_str()) => {
                return NotificationsView::Unavailable;
            }
            Err(_) => return NotificationsView::Unknown,
        };
        let silenced = match is_on(bus, SERVICE, "Inhibited").await {
            None if server == "dunst" => is_on(bus, DUNST, "paused").await,
            known => known,
        };
        match silenced {
            Some(true) => NotificationsView::DoNotDisturb,
            Some(false) => NotificationsView::Shown,
            None if server == "gnome-shell" => of_gnome(gsettings.to_owned()).await,
            None => NotificationsView::Unknown,
        }
    }

    async fn is_on(bus: &Connection, interface: &str, property: &str) -> Option<bool> {
        let properties = "org.freedesktop.DBus.Properties";
        let asked = (interface, property);
        let answer = bus.call_method(Some(SERVICE), PATH, Some(properties), "Get", &asked).await.ok()?;
        bool::try_from(answer.body().deserialize::<OwnedValue>().ok()?).ok()
    }

    async fn of_gnome(gsettings: std::path::PathBuf) -> NotificationsView {
        let schema = "org.gnome.desktop.notifications.application";
        let ours = format!("{schema}:/org/gnome/desktop/notifications/application/{DESKTOP_ENTRY}/");
        let asked = tokio::task::spawn_blocking(move || {
            let mut command = Command::new(gsettings);
            command.args(["get", &ours, "enable"]).stdin(Stdio::null()).stderr(Stdio::null()).output()
        });
        match asked.await {
            Ok(Ok(said)) if said.stdout.trim_ascii() == b"false" => NotificationsView::SwitchedOff,
            _ => NotificationsView::Unknown,
        }
    }
}
