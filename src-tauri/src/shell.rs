//! The application: plugins, the companion behind it, and the state that goes to the page at every change.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// What was handed over and has not reached the companion: a second start may come before the first has one.
#[derive(Default)]
struct Early {
    links: Mutex<Vec<String>>,
    sign_out: AtomicBool,
}

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
            app.state::<Early>().sign_out.store(true, Ordering::SeqCst);
            return sign_out_early(app);
        }
        take_links(app, arguments.into_iter().skip(1));
        window::bring_forward(app);
    });
    let app = tauri::Builder::default()
        .manage(Early { links: Mutex::new(links), sign_out: AtomicBool::new(false) })
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
            sign_out_early(&handle);
            take_links(&handle, std::iter::empty());
            answer_sign_out(&handle);
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
    early.links.lock().unwrap_or_else(PoisonError::into_inner).extend(arguments.filter(|it| it.starts_with("roomed:")));
    let Some(shell) = app.try_state::<Shell>() else { return };
    let Some(handle) = shell.handle() else { return };
    for link in std::mem::take(&mut *early.links.lock().unwrap_or_else(PoisonError::into_inner)) {
        handle.link(&link);
    }
}

/// Kept and handed on as links are.
fn sign_out_early(app: &AppHandle) {
    if app.try_state::<Shell>().is_some() && app.state::<Early>().sign_out.swap(false, Ordering::SeqCst) {
        tray::sign_out_of(app);
    }
}

/// Lets `roomed --sign-out` ask, and hear what came of it.
#[cfg(target_os = "linux")]
fn answer_sign_out(app: &AppHandle) {
    let handle = app.state::<Shell>().handle().cloned();
    tauri::async_runtime::spawn(async move {
        let Err(error) = roomed_companion::remote::serve(None, handle).await;
        tracing::warn!(%error, "`roomed --sign-out` cannot reach this companion");
    });
}

#[cfg(not(target_os = "linux"))]
fn answer_sign_out(_: &AppHandle) {}

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

/// `roomed --sign-out`: out of the companion that is running, if one is, and out of the keychain. Says so last, and only when
/// both are done. The companion comes first: it might otherwise keep a token that it has just been given.
#[cfg(target_os = "linux")]
pub(crate) fn sign_out() -> ExitCode {
    let told = tauri::async_runtime::block_on(roomed_companion::remote::sign_out(None));
    if let Err(error) = &told {
        eprintln!("{error}");
    }
    match (forget(), told) {
        (Ok(words), Ok(_)) => {
            println!("{words}");
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}

/// `roomed --sign-out`: out of the keychain, then out of the companion that is running, if one is: that is given our
/// arguments, and this process ends there with success.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sign_out() -> ExitCode {
    let Ok(words) = forget() else { return ExitCode::FAILURE };
    println!("{words}");
    let single = tauri_plugin_single_instance::init(|_, _, _| {});
    match tauri::Builder::default().plugin(single).build(context()) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("A running companion could not be looked for: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What to say once it is done. What went wrong is said already.
fn forget() -> Result<&'static str, ()> {
    let Ok(config) = Config::load() else {
        return Ok("Roomed is not set up on this computer: there is nothing to sign out of.");
    };
    let ports = outside::without_window();
    match tauri::async_runtime::block_on(Companion::sign_out(&config, &ports)) {
        Ok(()) => Ok("Signed out."),
        Err(problem) => {
            eprintln!("{}", problem.detail);
            Err(())
        }
    }
}
