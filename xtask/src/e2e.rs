//! Starts the binaries of package `e2e` behind `demo`, `bench` and `chaos`. They know the crates; this only sets up, builds, gives
//! them a desktop, and sees to it that with `--json` standard output holds one JSON object whatever happens.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::build;
use crate::places::Places;
use crate::postgres::{self, Postgres};
use crate::run::say;
use crate::session;
use crate::setup::{self, Consent};
use crate::test::test_program;

/// `cargo xtask demo`: on the person's own desktop, or with `--headless` in a session of its own.
pub(crate) fn demo(places: &Places, args: &[String]) -> Result<ExitCode> {
    let headless = args.iter().any(|arg| arg == "--headless");
    if !headless && ["DISPLAY", "WAYLAND_DISPLAY"].iter().all(|name| std::env::var_os(name).is_none()) {
        say("there is no display here. `cargo xtask demo --headless` plays the same visit with nobody at the keyboard");
        return Ok(ExitCode::FAILURE);
    }
    start(places, args, "demo", headless)
}

/// `cargo xtask bench`, for `outbox` with a PostgreSQL server of its own, for `companion` in a desktop session of its own.
pub(crate) fn bench(places: &Places, args: &[String]) -> Result<ExitCode> {
    if !args.iter().any(|arg| arg == "outbox") {
        return start(places, args, "bench", args.iter().any(|arg| arg == "companion"));
    }
    let ready = || {
        setup::run(places, &Consent::from(args))?;
        build::run(places)?;
        Postgres::start()
    };
    let server = or_say(args, "bench", ready())?;
    spawn(places, args, "bench", Some(&server))
}

/// `cargo xtask chaos`: with a PostgreSQL server of its own, and the relay's simulation to ask.
pub(crate) fn chaos(places: &Places, args: &[String]) -> Result<ExitCode> {
    let ready = || {
        setup::run(places, &Consent::from(args))?;
        build::run(places)?;
        Ok((Postgres::start()?, test_program(places, "crates/relay", "simulation")?))
    };
    let (server, simulation) = or_say(args, "chaos", ready())?;
    let rest = args.iter().filter(|arg| *arg != "--yes");
    let status = Command::new(places.binary("chaos"))
        .args(rest)
        .env("ROOMED_BIN_DIR", &places.bin)
        .env("ROOMED_SIMULATION_TEST", simulation)
        .env(postgres::VARIABLE, server.url())
        .status()
        .context("cannot start chaos")?;
    Ok(session::exit_code(status))
}

/// With `--json`, says as JSON why nothing could be started.
fn or_say<T>(args: &[String], name: &str, ready: Result<T>) -> Result<T> {
    if let Err(error) = &ready
        && args.iter().any(|arg| arg == "--json")
    {
        println!("{}", refusal(name, &format!("{error:#}")));
    }
    ready
}

fn start(places: &Places, args: &[String], name: &str, desktop: bool) -> Result<ExitCode> {
    or_say(args, name, setup::run(places, &Consent::from(args)).and_then(|()| build::run(places)))?;
    if desktop {
        let mut all = vec!["--".to_owned(), places.binary(name).to_string_lossy().into_owned()];
        all.extend(args.iter().filter(|arg| *arg != "--yes").cloned());
        return session::run(places, &all);
    }
    spawn(places, args, name, None)
}

/// Runs the binary to its end, with a server where it needs one.
fn spawn(places: &Places, args: &[String], name: &str, server: Option<&Postgres>) -> Result<ExitCode> {
    let status = Command::new(places.binary(name))
        .args(args.iter().filter(|arg| *arg != "--yes"))
        .env("ROOMED_BIN_DIR", &places.bin)
        .env("TAURI_DRIVER", places.tauri_driver())
        .envs(server.map(|it| (postgres::VARIABLE, it.url())))
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    Ok(session::exit_code(status))
}

/// The one JSON object when nothing could be started.
fn refusal(name: &str, reason: &str) -> String {
    let mut text = String::new();
    for letter in reason.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    match name {
        "chaos" => format!(r#"{{"ok":false,"error":"{text}"}}"#),
        "bench" => format!(r#"{{"bench":"","figures":[],"error":"{text}"}}"#),
        _ => format!(r#"{{"ok":false,"steps":[],"error":"{text}"}}"#),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_escaped() {
        assert_eq!(refusal("demo", "a \"b\"\nc\\"), r#"{"ok":false,"steps":[],"error":"a \"b\" c\\"}"#);
        assert_eq!(refusal("bench", "no"), r#"{"bench":"","figures":[],"error":"no"}"#);
    }
}
