//! The application: plugins, the companion behind it, and the state that goes to the page at every change.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use roomed_companion::view::AppState;
use roomed_companion::{Companion, Config, Handle};
use tauri::{AppHandle, Emitter, Manager, RunEvent};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::{commands, outside, tray, window};

/// What the commands reach: the companion, or the reason why there is none.
pub(crate) enum Shell {
    /// It runs.
    Running(Handle),
    /// It is not set up; the window says what IT has to do.
    NotSetUp(Box<AppState>),
}

/// Links that were handed over and have not reached the companion: a second start may come before the first has one.
#[derive(Default)]
struct Early(Mutex<Vec<String>>);

impl Shell {
    fn start(app: &AppHandle) -> Self {
        let config = match Config::load() {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "the companion is not set up");
                return Self::NotSetUp(Box::new(error.state()));
            }
        };
        let ports = outside::ports(app.clone());
        // The companion spawns its tasks on the runtime it is started in.
        match tauri::async_runtime::block_on(async { Companion::start(config, ports) }) {
            Ok(handle) => Self::Running(handle),
            Err(problem) => Self::NotSetUp(Box::new(AppState { problem: Some(problem), ..AppState::default() })),
        }
    }

    /// The companion, if it runs.
    pub(crate) fn handle(&self) -> Option<&Handle> {
        match self {
            Self::Running(handle) => Some(handle),
            Self::NotSetUp(_) => None,
        }
    }
}

const SIGN_OUT: &str = "--sign-out";

fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Runs until the person quits.
pub(crate) fn run(links: Vec<String>) -> tauri::Result<()> {
    // First of all, as its documentation asks: a second start hands its links over and ends.
    let single = tauri_plugin_single_instance::init(|app, arguments, _| {
        if arguments.iter().skip(1).any(|argument| argument == SIGN_OUT) {
            // Run by a script when a shared workstation is left: nothing is to come to the front.
            return tray::sign_out_of(app);
        }
        take_links(app, arguments.into_iter().skip(1));
        window::bring_forward(app);
    });
    let app = tauri::Builder::default()
        .manage(Early(Mutex::new(links)))
        .plugin(single)
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_opener::init())
        .invoke_handler(commands::all())
        .setup(|app| {
            let handle = app.handle().clone();
            // Links that reach us by the operating system's event (macOS); told twice they count once.
            let events = handle.clone();
            app.deep_link().on_open_url(move |event| take_links(&events, event.urls().into_iter().map(String::from)));
            app.manage(Shell::start(&handle));
            take_links(&handle, std::iter::empty());
            window::open(&handle)?;
            tray::put_up(&handle)?;
            tauri::async_runtime::spawn(show_every_change(handle));
            Ok(())
        })
        .build(context())?;
    app.run(|_, event| {
        // Closing the window keeps the companion in the tray: an arrival must still be heard.
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}

/// Kept first and handed on afterwards, so that none falls between "no companion yet" and the companion's start.
fn take_links(app: &AppHandle, arguments: impl Iterator<Item = String>) {
    let early = app.state::<Early>();
    early.0.lock().unwrap_or_else(PoisonError::into_inner).extend(arguments.filter(|it| it.starts_with("roomed:")));
    let Some(shell) = app.try_state::<Shell>() else { return };
    let Some(handle) = shell.handle() else { return };
    for link in std::mem::take(&mut *early.0.lock().unwrap_or_else(PoisonError::into_inner)) {
        handle.link(&link);
    }
}

/// The whole state, to page and tray, at every change.
async fn show_every_change(app: AppHandle) {
    let Some(mut states) = app.state::<Shell>().handle().map(Handle::state) else { return };
    loop {
        let state = states.borrow_and_update().clone();
        tray::show(&app, &state);
        if let Err(error) = app.emit("state", state) {
            tracing::warn!(%error, "the page could not be told");
        }
        if states.changed().await.is_err() {
            return;
        }
    }
}

/// `roomed --sign-out`: out of the keychain first, then out of the companion that is running, if one is.
pub(crate) fn sign_out() -> ExitCode {
    let outcome = forget();
    hand_over();
    outcome
}

/// Where another companion runs, it is given our arguments and this process ends here with success: whatever its keychain
/// would not let go of is said in its window.
fn hand_over() {
    let screen = |name: &str| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    if cfg!(target_os = "linux") && !screen("DISPLAY") && !screen("WAYLAND_DISPLAY") {
        return;
    }
    let single = tauri_plugin_single_instance::init(|_, _, _| {});
    if let Err(error) = tauri::Builder::default().plugin(single).build(context()) {
        tracing::warn!(%error, "a running companion could not be looked for");
    }
}

fn forget() -> ExitCode {
    let Ok(config) = Config::load() else {
        eprintln!("Roomed is not set up on this computer: there is nothing to sign out of.");
        return ExitCode::SUCCESS;
    };
    let ports = outside::without_window();
    match tauri::async_runtime::block_on(Companion::sign_out(&config, &ports)) {
        Ok(()) => {
            println!("Signed out.");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{}", problem.detail);
            ExitCode::FAILURE
        }
    }
}
