//! Tauri's build step: turns tauri.conf.json and the capabilities into code.

fn main() {
    tauri_build::build();
}
