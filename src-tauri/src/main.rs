//! `roomed`: the desktop shell. Reads arguments and starts; every decision is in the crate `companion`.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod commands;
mod log;
mod outside;
mod shell;
mod tray;
mod window;

use std::process::ExitCode;

use clap::Parser;

/// Roomed, the companion for virtual visits.
#[derive(Parser)]
#[command(name = "roomed", version)]
struct Arguments {
    /// Removes this account's sign-in from the computer, and from the companion that is running.
    #[arg(long)]
    sign_out: bool,
    /// A `roomed:` link to begin a visit with.
    // Whatever else a desktop hands over is not ours to choke on: the companion judges every link itself.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    links: Vec<String>,
}

fn main() -> ExitCode {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    log::init();
    let Arguments { sign_out, links } = Arguments::parse();
    if sign_out {
        return shell::sign_out();
    }
    match shell::run(links) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Roomed cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}
