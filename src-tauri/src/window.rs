//! The one window. Its title is always the same: a title bar is no place for a name. Made anew when it was closed,
//! because a hidden window frees nothing.

use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};

const LABEL: &str = "main";

/// Opens it, or shows the one there is.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(LABEL) {
        window.unminimize()?;
        window.show()?;
        return window.set_focus();
    }
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("index.html".into()))
        .title("Roomed")
        .inner_size(420.0, 760.0)
        .min_inner_size(360.0, 480.0)
        .build()
        .map(drop)
}

/// Brings it to the front, from any thread.
pub(crate) fn bring_forward(app: &AppHandle) {
    let on_main = app.clone();
    let shown = app.run_on_main_thread(move || {
        if let Err(error) = open(&on_main) {
            tracing::warn!(%error, "the window could not be shown");
        }
    });
    if let Err(error) = shown {
        tracing::warn!(%error, "the window could not be shown");
    }
}
