//! `cargo xtask`: installs, builds, spawns, checks. Holds no product code and knows none of our crates: what must know
//! them (code generation, demo, bench) is a binary of package `e2e` that this one starts.

mod build;
mod clock;
mod codegen;
mod count;
mod e2e;
mod places;
mod postgres;
mod run;
mod session;
mod setup;
mod stages;
mod sweep;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::{Result, bail};

use places::Places;

const USAGE: &str = "\
cargo xtask COMMAND

  setup [--yes]                     install what is missing: system packages, npm packages, tauri-driver
  build                             the pages, then every crate with its tests
  test [SUITE..]                    rules, stores, adapters, ui, window, e2e, chaos; bare: all of them
  demo [--headless ..]              a visit to live through; --headless plays it alone
  bench [NAME] [--json]             measured figures, each beside its peer or limit
  chaos [--long] [--json] [--seed N] what was killed, cut and confused, and what was lost: aim, nothing
  codegen [--check]                 TypeScript of the wire types into ui/shared/protocol/
  tidy                              heads, sizes, imports, names, banned text, paths
  session [--] COMMAND ARG..        run a command in a desktop session of its own
  postgres [--] COMMAND ARG..       run a command with a PostgreSQL server of its own (ROOMED_TEST_POSTGRES)

--yes (or CI=true) does not ask before sudo.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        println!("{USAGE}");
        return Ok(ExitCode::FAILURE);
    };
    if command == "help" || command == "--help" || command == "-h" {
        println!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    }
    let places = Places::find()?;
    match command.as_str() {
        "setup" => {
            only(rest, &["--yes"])?;
            setup::run(&places, &setup::Consent::from(rest)).map(|()| ExitCode::SUCCESS)
        }
        "build" => {
            only(rest, &["--yes"])?;
            setup::run(&places, &setup::Consent::from(rest))?;
            build::run(&places).map(|()| ExitCode::SUCCESS)
        }
        "test" => test::run(&places, rest),
        "demo" => e2e::demo(&places, rest),
        "bench" => e2e::bench(&places, rest),
        "chaos" => e2e::chaos(&places, rest),
        "codegen" => {
            only(rest, &["--check"])?;
            codegen::run(&places, rest.iter().any(|arg| arg == "--check")).map(|()| ExitCode::SUCCESS)
        }
        "tidy" => {
            only(rest, &[])?;
            tidy::run(&places).map(|()| ExitCode::SUCCESS)
        }
        "session" => session::run(&places, rest),
        "postgres" => postgres::run(rest),
        // not for people: the process that cleans up after a session, see `sweep`
        "sweep" => sweep::guard(rest).map(|()| ExitCode::SUCCESS),
        unknown => bail!("there is no command `{unknown}`\n\n{USAGE}"),
    }
}

/// Refuses arguments a command does not have, so that a misspelt `--check` does not write instead.
fn only(args: &[String], known: &[&str]) -> Result<()> {
    match args.iter().find(|arg| !known.contains(&arg.as_str())) {
        Some(stranger) => bail!("`{stranger}` is not an argument of this command\n\n{USAGE}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_argument_is_refused() {
        assert!(only(&["--chekc".into()], &["--check"]).is_err());
        assert!(only(&["--check".into()], &["--check"]).is_ok());
    }
}
