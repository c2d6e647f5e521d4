//! Starting other programs: with their output on our standard error, or watched, counted and with a time limit.
//! Standard output stays free for the one thing a command was asked for.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::Stopwatch;
use crate::count::Counts;
use crate::sweep::Mark;

/// One line to the person at the terminal.
pub(crate) fn say(text: impl std::fmt::Display) {
    eprintln!("xtask: {text}");
}

/// A program with arguments in a folder.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder);
    command
}

/// cargo, the same one that started us.
pub(crate) fn cargo(args: &[&str], folder: &Path) -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), args, folder)
}

/// npm, told not to ask and not to fetch browsers.
pub(crate) fn npm(args: &[&str], folder: &Path) -> Command {
    let mut npm = command("npm", args, folder);
    npm.env("CI", "true").env("NO_UPDATE_NOTIFIER", "1");
    npm.env("PUPPETEER_SKIP_DOWNLOAD", "1").env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    npm
}

/// As a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Runs to the end with all output on standard error; an error if it fails.
pub(crate) fn loudly(mut command: Command) -> Result<()> {
    let said = shown(&command);
    say(&said);
    let stderr = std::io::stderr().as_fd().try_clone_to_owned().context("standard error is closed")?;
    let status = command.stdout(Stdio::from(stderr)).status().with_context(|| format!("cannot start `{said}`"))?;
    if !status.success() {
        bail!("`{said}` failed ({status})");
    }
    Ok(())
}

/// What a program says, for a question to the system; an error if it fails.
pub(crate) fn answer(mut command: Command) -> Result<String> {
    let said = shown(&command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{said}`"))?;
    if !output.status.success() {
        bail!("`{said}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// How a watched program ended.
pub(crate) struct Outcome {
    /// Ended by itself, with success.
    pub(crate) ok: bool,
    /// What its runner counted.
    pub(crate) counts: Counts,
}

/// Runs a stage's program: its output is shown as it comes and counted; when the limit is over, or it leaves anything
/// running, that is ended.
pub(crate) fn watched(mut command: Command, limit: Duration) -> Result<Outcome> {
    let said = shown(&command);
    let mark = Mark::new();
    mark.put_on(&mut command);
    let watch = Stopwatch::start();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{said}`"))?;

    let counts = Arc::new(Mutex::new(Counts::default()));
    let (closed, all_closed) = mpsc::channel::<()>();
    let mut readers = Vec::new();
    if let Some(out) = child.stdout.take() {
        readers.push(echo(out, |line| print!("{line}"), Arc::clone(&counts), closed.clone()));
    }
    if let Some(err) = child.stderr.take() {
        readers.push(echo(err, |line| eprint!("{line}"), Arc::clone(&counts), closed.clone()));
    }
    drop(closed);

    let mut over_time = false;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if watch.elapsed() >= limit {
            over_time = true;
            say(format!("`{said}` did not end within {} s and is ended", limit.as_secs()));
            child.kill()?;
            break child.wait()?;
        }
        // wakes at once when the program closes its output, which is when it usually ends
        let _ = all_closed.recv_timeout(Duration::from_millis(50));
    };
    mark.sweep();
    for reader in readers {
        // a reader only panics if the terminal is gone
        let _ = reader.join();
    }
    let counts = counts.lock().map(|counts| *counts).unwrap_or_default();
    Ok(Outcome { ok: status.success() && !over_time, counts })
}

fn echo(
    from: impl Read + Send + 'static,
    show: fn(&str),
    counts: Arc<Mutex<Counts>>,
    closed: mpsc::Sender<()>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line);
            show(&text);
            if let Ok(mut counts) = counts.lock() {
                counts.read(&text);
            }
            line.clear();
        }
        drop(closed);
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn shell(script: &str) -> Command {
        command("sh", &["-c", script], Path::new("/"))
    }

    #[test]
    fn counts_what_the_runner_says_and_believes_the_exit_code() {
        let fine =
            watched(shell("echo 'test result: ok. 3 passed; 0 failed; 0 ignored'"), Duration::from_secs(20)).unwrap();
        assert!(fine.ok);
        assert_eq!((fine.counts.passed, fine.counts.failed), (3, 0));
        let broken = watched(shell("echo '3 passed, 0 failed' >&2; exit 7"), Duration::from_secs(20)).unwrap();
        assert!(!broken.ok);
        assert_eq!(broken.counts.passed, 3);
    }

    #[test]
    fn what_hangs_is_ended_with_everything_it_started() {
        let outcome = watched(shell("tail -f /dev/null & tail -f /dev/null"), Duration::from_millis(200)).unwrap();
        assert!(!outcome.ok);
    }

    #[test]
    fn what_is_left_running_does_not_hold_the_stage() {
        assert!(watched(shell("tail -f /dev/null & exit 0"), Duration::from_secs(60)).unwrap().ok);
    }
}
