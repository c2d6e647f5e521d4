//! The tray: the third twin of an alert, and the way back to a closed window. Time and role only, never a name.

use roomed_companion::view::{AlertAbout, AppState};
use tauri::image::Image;
use tauri::menu::{Menu, MenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager};

use crate::shell::Shell;
use crate::window;

const ID: &str = "roomed";
const IDLE: Image<'_> = tauri::include_image!("../icons/tray-idle.png");
const ALERT: Image<'_> = tauri::include_image!("../icons/tray-alert.png");

/// Puts it up.
pub(crate) fn put_up(app: &AppHandle) -> tauri::Result<()> {
    let open = MenuItem::with_id(app, "open", "Open Roomed", true, None::<&str>)?;
    let sign_out = MenuItem::with_id(app, "sign-out", "Sign out", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", "Quit", true, None::<&str>)?;
    let menu = Menu::with_items(app, &[&open, &sign_out, &quit])?;
    TrayIconBuilder::with_id(ID)
        .icon(IDLE)
        .tooltip("Roomed")
        .menu(&menu)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => window::bring_forward(app),
            "sign-out" => {
                sign_out_of(app);
                window::bring_forward(app);
            }
            "quit" => app.exit(0),
            _ => {}
        })
        .build(app)?;
    Ok(())
}

/// Signs out; the window is left where it is.
pub(crate) fn sign_out_of(app: &AppHandle) {
    let Some(handle) = app.try_state::<Shell>().and_then(|shell| shell.handle().cloned()) else { return };
    tauri::async_runtime::spawn(async move {
        // What went wrong is in the state, and so on the screen.
        let _ = handle.sign_out().await;
    });
}

/// Shows whether somebody waits or asks for help.
pub(crate) fn show(app: &AppHandle, state: &AppState) {
    let Some(tray) = app.tray_by_id(ID) else { return };
    let (icon, words) = match state.alert.as_ref().map(|alert| alert.about) {
        Some(AlertAbout::Help) => (ALERT, "Roomed - Somebody asks for help"),
        Some(AlertAbout::Ready) => (ALERT, "Roomed - Patient ready"),
        None => (IDLE, "Roomed"),
    };
    let shown = tray.set_icon(Some(icon)).and_then(|()| tray.set_tooltip(Some(words)));
    if let Err(error) = shown {
        tracing::debug!(%error, "the tray could not be changed");
    }
}
