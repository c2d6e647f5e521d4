//! What a released relay must not have: the places at which a test lets it die.

use std::path::Path;
use std::process::{Command, ExitStatus};

use roomed_relay::failpoint::NAMES;

/// Ends at the first failpoint it passes, if there are any.
const PROGRAM: &str = "
#[path = \"{failpoint}\"]
mod failpoint;

fn main() {
    failpoint::NAMES.iter().for_each(|name| failpoint::at(name));
}
";

/// The relay's own file, compiled into a program of its own as a release is, or as a debug build is.
fn passes(folder: &Path, as_release: bool) -> ExitStatus {
    let failpoint = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/failpoint.rs");
    let (source, program) = (folder.join("main.rs"), folder.join("program"));
    std::fs::write(&source, PROGRAM.replace("{failpoint}", &failpoint.display().to_string())).unwrap();
    let assertions = if as_release { "debug-assertions=off" } else { "debug-assertions=on" };
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--cap-lints", "allow", "-C", assertions]);
    let compiled = rustc.arg("-o").arg(&program).arg(&source).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    Command::new(program).env("ROOMED_FAILPOINT", format!("{}:1", NAMES[0])).status().unwrap()
}

#[test]
fn a_failpoint_is_passed_as_if_it_were_not_there() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!passes(folder.path(), false).success(), "or what follows would prove nothing");
    assert!(passes(folder.path(), true).success(), "a release could be made to die by its environment");
}

/// Cargo's default for what is released is to leave them out; nothing here says otherwise.
#[test]
fn no_profile_puts_debug_assertions_into_a_release() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let workspace: toml::Table = std::fs::read_to_string(workspace).unwrap().parse().unwrap();
    let profiles = workspace["profile"].as_table().unwrap();
    for (name, profile) in profiles.iter().filter(|(name, _)| !matches!(name.as_str(), "dev" | "test")) {
        let set = profile.get("debug-assertions").and_then(toml::Value::as_bool);
        assert_ne!(set, Some(true), "profile.{name} in Cargo.toml");
    }
}
