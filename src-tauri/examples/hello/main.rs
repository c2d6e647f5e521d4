//! What `cargo xtask bench companion` measures the companion beside: one window of Tauri's with an empty page, and nothing
//! else. Says on standard error when the page has drawn; makes its window anew for each line of input, and ends with it.

use std::io::BufRead;

use tauri::{AppHandle, RunEvent, WebviewUrl, WebviewWindowBuilder};

fn main() -> tauri::Result<()> {
    let app = tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![drawn])
        .setup(|app| {
            open(app.handle())?;
            let handle = app.handle().clone();
            std::thread::spawn(move || obey(&handle));
            Ok(())
        })
        .build(tauri::generate_context!("examples/hello/tauri.conf.json"))?;
    app.run(|_, event| {
        // Without a window it goes on, as the companion does.
        if let RunEvent::ExitRequested { api, code: None, .. } = event {
            api.prevent_exit();
        }
    });
    Ok(())
}

/// The companion's words, after two frames as there.
#[tauri::command]
async fn drawn() {
    eprintln!("the page has drawn");
}

/// As large as the companion's.
fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()));
    window.title("Hello").inner_size(420.0, 760.0).build().map(drop)
}

fn obey(app: &AppHandle) {
    for _ in std::io::stdin().lock().lines().map_while(Result::ok) {
        let on_main = app.clone();
        let asked = app.run_on_main_thread(move || {
            if let Err(error) = open(&on_main) {
                eprintln!("no window: {error}");
            }
        });
        if let Err(error) = asked {
            eprintln!("no window: {error}");
        }
    }
    app.exit(0);
}
