//! The real notifications, and whether a scheme has a handler. The window, the browser and the tray are the shell's.

use std::process::{Command, Stdio};

use async_trait::async_trait;
use notify_rust::{Notification, NotificationResponse};

use crate::muting;
use crate::ports::{AlertAction, AlertText, Answer, Notifier, Refused, ShownAlert};
use crate::view::NotificationsView;

/// OS notifications through notify-rust.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsNotifier;

fn notification(text: &AlertText) -> Notification {
    let (id, label) = match text.action {
        AlertAction::Join => ("join", "Join"),
        AlertAction::Open => ("open", "Open"),
    };
    let mut notification = Notification::new();
    notification.appname("Roomed").summary(&text.summary).body(&text.body).action("default", label).action(id, label);
    // Without an id of its own, Windows names PowerShell as the sender.
    #[cfg(windows)]
    notification.app_id("org.roomed.companion");
    #[cfg(all(unix, not(target_os = "macos")))]
    notification
        .urgency(notify_rust::Urgency::Critical)
        .hint(notify_rust::Hint::Category("im.received".to_owned()))
        // Whose it is, for desktops where programs can be silenced one by one.
        .hint(notify_rust::Hint::DesktopEntry(muting::DESKTOP_ENTRY.to_owned()));
    notification.finalize()
}

fn answer(response: &NotificationResponse) -> Answer {
    match response {
        NotificationResponse::Default | NotificationResponse::Action(_) => Answer::Pressed,
        NotificationResponse::Reply(_) | NotificationResponse::Closed(_) => Answer::Closed,
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
mod shown {
    //! XDG: the handle can wait and close at the same time, so closing needs no thread that could hang.
    use std::sync::Arc;

    use notify_rust::NotificationHandle;
    use tokio::task::JoinHandle;

    use super::*;

    struct Shown {
        handle: Arc<NotificationHandle>,
        waiting: JoinHandle<()>,
    }

    impl Drop for Shown {
        fn drop(&mut self) {
            self.waiting.abort();
        }
    }

    #[async_trait]
    impl ShownAlert for Shown {
        async fn close(&self) {
            self.handle.close_async().await;
        }
    }

    #[async_trait]
    impl Notifier for OsNotifier {
        async fn standing(&self) -> NotificationsView {
            muting::of_this_desktop().await
        }

        async fn show(
            &self,
            text: &AlertText,
            answered: Box<dyn FnOnce(Answer) + Send>,
        ) -> Result<Box<dyn ShownAlert>, Refused> {
            let handle = Arc::new(notification(text).show_async().await.map_err(|_| Refused)?);
            let waits = handle.clone();
            let waiting = tokio::spawn(async move {
                waits.wait_for_action_async(move |response: &NotificationResponse| answered(answer(response))).await;
            });
            Ok(Box::new(Shown { handle, waiting }))
        }
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod shown {
    //! macOS and Windows: waiting takes the handle and a thread (`dependencies.md` 1.5); closing by id is not offered.
    use super::*;

    struct Shown;

    #[async_trait]
    impl ShownAlert for Shown {
        async fn close(&self) {}
    }

    #[async_trait]
    impl Notifier for OsNotifier {
        async fn standing(&self) -> NotificationsView {
            muting::of_this_desktop().await
        }

        async fn show(
            &self,
            text: &AlertText,
            answered: Box<dyn FnOnce(Answer) + Send>,
        ) -> Result<Box<dyn ShownAlert>, Refused> {
            let notification = notification(text);
            let (up, is_up) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || match notification.show() {
                Ok(handle) => {
                    let _ = up.send(Ok(()));
                    let _ = handle.wait_for_response(move |response: &NotificationResponse| answered(answer(response)));
                }
                Err(_) => {
                    let _ = up.send(Err(Refused));
                }
            });
            is_up.await.unwrap_or(Err(Refused))?;
            Ok(Box::new(Shown))
        }
    }
}

/// True if some program is registered for `scheme`, e.g. `msteams`. Blocks for as long as a small program runs.
pub fn scheme_has_handler(scheme: &str) -> bool {
    if cfg!(windows) {
        // Present as soon as any program has registered the scheme (Windows: URL protocol under HKEY_CLASSES_ROOT).
        return output("reg", &["query", &format!("HKCR\\{scheme}"), "/v", "URL Protocol"]).is_some();
    }
    if cfg!(target_os = "macos") {
        // `open` fails without a handler, and then the browser is taken.
        return true;
    }
    output("xdg-mime", &["query", "default", &format!("x-scheme-handler/{scheme}")])
        .is_some_and(|handler| !handler.trim().is_empty())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
