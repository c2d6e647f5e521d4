//! The tray: the third twin of an alert, and the way back to a closed window. Time and role only, never a name.

use roomed_companion::summary;
use roomed_companion::view::{AlertView, AppState};
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
    let alert = state.alert.as_ref();
    let icon = if alert.is_some() { ALERT } else { IDLE };
    let shown = tray.set_icon(Some(icon)).and_then(|()| tray.set_tooltip(Some(tip(alert))));
    if let Err(error) = shown {
        tracing::debug!(%error, "the tray could not be changed");
    }
}

/// What stands beside the icon: who it is about in the notification's words.
fn tip(alert: Option<&AlertView>) -> String {
    alert.map_or_else(|| "Roomed".to_owned(), |alert| format!("Roomed - {}", summary(alert)))
}

#[cfg(test)]
mod tests {
    use roomed_companion::Role;
    use roomed_companion::view::AlertAbout;

    use super::*;

    #[test]
    fn the_tray_says_of_whom_it_speaks() {
        let says = |about, role| {
            let (visit, start, since) = (String::new(), String::new(), String::new());
            tip(Some(&AlertView { visit, about, start, role, proven: true, as_delegate: false, since }))
        };
        assert_eq!(tip(None), "Roomed");
        for (about, role, words) in [
            (AlertAbout::Ready, Role::Patient, "Roomed - Patient ready"),
            (AlertAbout::Ready, Role::Proxy, "Roomed - Patient's proxy ready"),
            (AlertAbout::Ready, Role::Colleague, "Roomed - Colleague ready"),
            (AlertAbout::Ready, Role::Interpreter, "Roomed - Somebody is waiting"),
            (AlertAbout::Help, Role::Interpreter, "Roomed - Interpreter asks for help"),
        ] {
            assert_eq!(says(about, role), words);
        }
    }
}
