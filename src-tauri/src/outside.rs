//! The companion's ports on a real desktop: browser, keychain, notifications, window, time.

use std::sync::Arc;

use roomed_companion::Ports;
use roomed_companion::clock::SystemClock;
use roomed_companion::desktop::{OsNotifier, scheme_has_handler};
use roomed_companion::idle::OsIdle;
use roomed_companion::ports::{Opener, Refused, SystemRandom, Window};
use roomed_companion::secrets::OsKeychain;
use tauri::AppHandle;

use crate::window;

struct Desktop;

impl Opener for Desktop {
    fn open(&self, url: &str) -> Result<(), Refused> {
        tauri_plugin_opener::open_url(url, None::<&str>).map_err(|_| Refused)
    }

    fn handles(&self, scheme: &str) -> bool {
        scheme_has_handler(scheme)
    }
}

struct Front(AppHandle);

impl Window for Front {
    fn bring_forward(&self) {
        window::bring_forward(&self.0);
    }
}

struct NoWindow;

impl Window for NoWindow {
    fn bring_forward(&self) {}
}

fn with(window: Arc<dyn Window>) -> Ports {
    Ports {
        opener: Arc::new(Desktop),
        secrets: Arc::new(OsKeychain),
        notifier: Arc::new(OsNotifier),
        window,
        idle: Arc::new(OsIdle),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    }
}

/// The desktop's ports, with this application's window.
pub(crate) fn ports(app: AppHandle) -> Ports {
    with(Arc::new(Front(app)))
}

/// For `--sign-out`, which has none.
pub(crate) fn without_window() -> Ports {
    with(Arc::new(NoWindow))
}
