//! An independent witness of desktop notifications: `dbus-monitor`, which sees what any program asks of the
//! notification service. It knows nothing of Roomed.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::wait;

/// One `Notify` call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notification {
    /// The first line.
    pub summary: String,
    /// The rest.
    pub body: String,
    /// Action ids and labels, alternating.
    pub actions: Vec<String>,
}

/// Watches the session bus.
pub struct Witness {
    seen: Arc<Mutex<Vec<Notification>>>,
    _monitor: Child,
}

impl Witness {
    /// Starts watching.
    pub async fn start() -> anyhow::Result<Self> {
        let mut monitor = Command::new("dbus-monitor")
            .args(["--session", "type='method_call',interface='org.freedesktop.Notifications',member='Notify'"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("dbus-monitor is not installed; `cargo xtask setup` installs it")?;
        let mut lines = BufReader::new(monitor.stdout.take().context("dbus-monitor has no output")?).lines();
        // Its first line tells that it listens; before that a notification could pass unseen.
        lines.next_line().await?.context("dbus-monitor said nothing; is there a session bus?")?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut call = Call::default();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(notification) = call.read(&line) {
                    list.lock().expect("nobody panics while holding the list").push(notification);
                }
            }
        });
        Ok(Self { seen, _monitor: monitor })
    }

    /// Everything seen so far.
    pub fn seen(&self) -> Vec<Notification> {
        self.seen.lock().expect("nobody panics while holding the list").clone()
    }

    /// Waits for one with this summary.
    pub async fn saw(&self, summary: &str) -> anyhow::Result<Notification> {
        wait::until(&format!("the desktop shows \"{summary}\""), async || {
            Ok(self.seen().into_iter().find(|it| it.summary == summary))
        })
        .await
    }
}

/// The lines of one call, as dbus-monitor prints them.
#[derive(Default)]
struct Call {
    strings: Vec<String>,
    in_actions: bool,
    open: bool,
    notification: Notification,
}

impl Call {
    /// Takes one line; answers once the actions have been read.
    fn read(&mut self, line: &str) -> Option<Notification> {
        let trimmed = line.trim();
        if line.starts_with("method call") {
            *self = Self { open: line.contains("member=Notify"), ..Self::default() };
            return None;
        }
        if !self.open {
            return None;
        }
        if let Some(text) = trimmed.strip_prefix("string \"").and_then(|rest| rest.strip_suffix('"')) {
            if self.in_actions {
                self.notification.actions.push(text.to_owned());
            } else {
                // app_name, app_icon, summary, body: the order of the Notify call.
                self.strings.push(text.to_owned());
            }
        } else if trimmed.starts_with("array [") && !self.in_actions {
            self.in_actions = true;
        } else if trimmed == "]" && self.in_actions {
            self.open = false;
            let mut strings = std::mem::take(&mut self.strings).into_iter().skip(2);
            self.notification.summary = strings.next().unwrap_or_default();
            self.notification.body = strings.next().unwrap_or_default();
            return Some(std::mem::take(&mut self.notification));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_as_dbus_monitor_prints_it() {
        let printed = r#"method call time=1 sender=:1.5 -> destination=:1.2 serial=7 path=/org/freedesktop/Notifications; interface=org.freedesktop.Notifications; member=Notify
   string "roomed"
   uint32 0
   string ""
   string "Patient ready"
   string "10:30"
   array [
      string "default"
      string "Open Roomed"
      string "join"
      string "Join"
   ]
   array [
   ]
   int32 0"#;
        let mut call = Call::default();
        let read: Vec<Notification> = printed.lines().filter_map(|line| call.read(line)).collect();
        let wanted = Notification {
            summary: "Patient ready".into(),
            body: "10:30".into(),
            actions: ["default", "Open Roomed", "join", "Join"].map(str::to_owned).to_vec(),
        };
        assert_eq!(read, [wanted]);
    }
}
