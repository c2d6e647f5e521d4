//! `cargo xtask test`: sets up, builds, runs the stages of the chosen suites, ends in a table of seconds per stage and one
//! line `N passed, M failed`. A failing stage does not keep the others from running.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::build;
use crate::clock::Stopwatch;
use crate::count::Counts;
use crate::places::Places;
use crate::postgres::{self, Postgres};
use crate::run::{Outcome, answer, cargo, npm, say, watched};
use crate::setup::{self, Consent};
use crate::stages::{Does, STAGES, Stage, suites};

/// A test program cargo has built.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    folder: String,
    target: String,
    path: PathBuf,
}

/// One row of the table at the end.
struct Row {
    name: String,
    seconds: f64,
    counts: Counts,
    ok: bool,
}

/// Runs the suites named, or all.
pub(crate) fn run(places: &Places, args: &[String]) -> Result<ExitCode> {
    let chosen: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--yes").collect();
    if let Some(unknown) = chosen.iter().find(|name| !suites().contains(name)) {
        bail!("there is no suite `{unknown}`; there are {}", suites().join(", "));
    }
    let all = chosen.is_empty();
    let mut table = Table::default();

    let ready = table.step("setup", || setup::run(places, &Consent::from(args)))
        && table.step("build: pages", || build::pages(places));
    // without the pages nothing can be built or tested
    let mut programs = Vec::new();
    if ready && table.step("build: crates", || build::crates(places)) {
        table.step("build: list of tests", || {
            programs = test_programs(places)?;
            Ok(())
        });
    }
    if ready {
        let mut run = HashSet::new();
        for stage in STAGES.iter().filter(|stage| all || chosen.contains(&stage.suite)) {
            run.extend(
                programs.iter().enumerate().filter(|(_, it)| stage.does.runs(&it.folder, &it.target)).map(|(n, _)| n),
            );
            table.stage(places, stage, &programs);
        }
        if all {
            table.step("no test is left out", || match programs.iter().enumerate().find(|(n, _)| !run.contains(n)) {
                Some((_, it)) => bail!("tests `{}` of {} are in no stage (xtask/src/stages.rs)", it.target, it.folder),
                None => Ok(()),
            });
        }
    }
    Ok(table.print())
}

/// The rows so far.
#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        self.add(name.to_owned(), || work().map(|()| Outcome { ok: true, counts: Counts::default() }))
    }

    fn stage(&mut self, places: &Places, stage: &Stage, programs: &[Program]) {
        self.add(format!("{}: {}", stage.suite, stage.name), || run_stage(places, stage, programs));
    }

    fn add(&mut self, name: String, work: impl FnOnce() -> Result<Outcome>) -> bool {
        say(format!("=== {name}"));
        let watch = Stopwatch::start();
        let mut outcome = work().unwrap_or_else(|error| {
            say(format!("{error:#}"));
            Outcome { ok: false, counts: Counts::default() }
        });
        if outcome.counts.failed > 0 {
            outcome.ok = false;
        } else if !outcome.ok {
            // a check without a runner, or a runner that died before it could count
            outcome.counts.failed = 1;
        }
        self.0.push(Row { name, seconds: watch.elapsed().as_secs_f64(), counts: outcome.counts, ok: outcome.ok });
        outcome.ok
    }

    fn print(&self) -> ExitCode {
        let (text, ok) = self.text();
        println!("{text}");
        if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn text(&self) -> (String, bool) {
        let mut text = format!("\n{:<44}{:>9}{:>8}{:>8}\n", "stage", "seconds", "passed", "failed");
        let mut sum = Counts::default();
        for row in &self.0 {
            let verdict = if row.ok { "" } else { "  FAILED" };
            let Counts { passed, failed } = row.counts;
            text += &format!("{:<44}{:>9.1}{passed:>8}{failed:>8}{verdict}\n", row.name, row.seconds);
            sum.add(row.counts);
        }
        let seconds: f64 = self.0.iter().map(|row| row.seconds).sum();
        text += &format!("{:<44}{seconds:>9.1}{:>8}{:>8}\n\n", "total", sum.passed, sum.failed);
        text += &format!("{} passed, {} failed", sum.passed, sum.failed);
        (text, self.0.iter().all(|row| row.ok))
    }
}

fn run_stage(places: &Places, stage: &Stage, programs: &[Program]) -> Result<Outcome> {
    let limit = Duration::from_secs(stage.minutes * 60);
    match &stage.does {
        Does::Cargo(args) => watched(cargo(args, &places.root), limit),
        Does::Npm(script) => watched(npm(&["run", script], &places.ui()), limit),
        Does::Xtask(args) => {
            let mut again = Command::new(std::env::current_exe()?);
            again.args(*args).current_dir(&places.root);
            watched(again, limit)
        }
        Does::Tests { args, desktop, postgres: needed, .. } => {
            // stopped when the stage is over, however it ends
            let server = if *needed { Some(Postgres::start()?) } else { None };
            let mut sum = Outcome { ok: true, counts: Counts::default() };
            for program in programs.iter().filter(|it| stage.does.runs(&it.folder, &it.target)) {
                say(format!("{} of {}", program.target, program.folder));
                let mut command = test_command(places, program, args, *desktop)?;
                command.envs(server.iter().map(|it| (postgres::VARIABLE, it.url())));
                let outcome = watched(command, limit)?;
                sum.ok &= outcome.ok;
                sum.counts.add(outcome.counts);
            }
            if sum.ok && sum.counts.passed == 0 {
                bail!("no test ran: the stage and the tests have lost each other (xtask/src/stages.rs)");
            }
            Ok(sum)
        }
    }
}

/// As `cargo test` would start it: in the crate's folder, knowing where that is.
fn test_command(places: &Places, program: &Program, args: &[&str], desktop: bool) -> Result<Command> {
    let folder = places.root.join(&program.folder);
    let mut command = if desktop {
        let mut session = Command::new(std::env::current_exe()?);
        session.arg("session").arg("--").arg(&program.path);
        session
    } else {
        Command::new(&program.path)
    };
    command.args(args).current_dir(&folder).env("CARGO_MANIFEST_DIR", &folder).env("ROOMED_BIN_DIR", &places.bin);
    Ok(command)
}

fn test_programs(places: &Places) -> Result<Vec<Program>> {
    let mut list = cargo(&["test", "--no-run", "--message-format=json-render-diagnostics"], &places.root);
    list.args(build::EVERYTHING);
    let root = places.root.to_string_lossy().into_owned();
    let programs: Vec<Program> = answer(list)?.lines().filter_map(|line| program(line, &root)).collect();
    if programs.is_empty() {
        bail!("cargo names no test program");
    }
    Ok(programs)
}

/// One of them, built.
pub(crate) fn test_program(places: &Places, folder: &str, target: &str) -> Result<PathBuf> {
    let found = test_programs(places)?.into_iter().find(|it| it.folder == folder && it.target == target);
    found.map(|it| it.path).with_context(|| format!("{folder} has no tests `{target}`"))
}

/// One line of cargo's messages (doc.rust-lang.org/cargo/reference/external-tools.html), if it is about a test program.
fn program(line: &str, root: &str) -> Option<Program> {
    // the target, too, has a key `test`, which says that it could be tested
    let profile = line[line.find(r#""profile":{"#)?..].split('}').next()?;
    if !line.contains(r#""reason":"compiler-artifact""#) || !profile.contains(r#""test":true"#) {
        return None;
    }
    let path = string(line, "executable")?;
    let manifest = string(line, "manifest_path")?;
    let folder = manifest.strip_prefix(root)?.trim_start_matches('/').strip_suffix("/Cargo.toml")?;
    // the target's name stands in its own object, which comes before the features and file names
    let target = string(&line[line.find(r#""target":{"#)?..], "name")?;
    Some(Program { folder: folder.to_owned(), target: target.to_owned(), path: PathBuf::from(path) })
}

/// The text of a key in a line of JSON whose values need no unescaping: names and paths of this repository.
fn string<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let start = line.find(&format!(r#""{key}":""#))? + key.len() + 4;
    line[start..].split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"reason":"compiler-artifact","package_id":"path+file:///r/crates/visit#roomed-visit@0.1.0","manifest_path":"/r/crates/visit/Cargo.toml","target":{"kind":["lib"],"crate_types":["lib"],"name":"roomed_visit","src_path":"/r/crates/visit/src/lib.rs","edition":"2024","doc":true,"doctest":true,"test":true},"profile":{"opt_level":"0","debuginfo":"line-tables-only","debug_assertions":true,"overflow_checks":true,"test":true},"features":[],"filenames":["/t/debug/deps/roomed_visit-1"],"executable":"/t/debug/deps/roomed_visit-1","fresh":true}"#;

    #[test]
    fn a_test_program_is_read_from_cargos_message() {
        let found = program(LINE, "/r").expect("it is one");
        assert_eq!(
            found,
            Program {
                folder: "crates/visit".into(),
                target: "roomed_visit".into(),
                path: "/t/debug/deps/roomed_visit-1".into()
            }
        );
        assert_eq!(
            program(&LINE.replace(r#""executable":"/t/debug/deps/roomed_visit-1""#, r#""executable":null"#), "/r"),
            None
        );
        assert_eq!(program(LINE, "/elsewhere"), None);
        let the_binary_itself =
            LINE.replace(r#""overflow_checks":true,"test":true"#, r#""overflow_checks":true,"test":false"#);
        assert_eq!(program(&the_binary_itself, "/r"), None);
    }

    #[test]
    fn a_failed_check_counts_even_where_nothing_was_counted() {
        let mut table = Table::default();
        assert!(table.step("fine", || Ok(())));
        assert!(!table.step("broken", || bail!("no")));
        assert!(!table.add("lies".into(), || Ok(Outcome { ok: true, counts: Counts { passed: 2, failed: 1 } })));
        let (text, ok) = table.text();
        assert!(!ok);
        assert!(text.ends_with("\n2 passed, 2 failed"), "{text}");
    }
}
