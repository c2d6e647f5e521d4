//! Ends everything a stage or a session started, and nothing else: each gets a mark in its environment, children inherit
//! it, and whatever carries the mark is ended by its process id. Finds what a process group misses: a bus that forked
//! itself away, services the bus started. Linux only (`/proc`).

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;

/// The environment variable that holds the marks, innermost last.
const VARIABLE: &str = "ROOMED_SWEEP";

/// A mark and the way to end all that carry it.
pub(crate) struct Mark(String);

impl Mark {
    /// A mark nobody carries yet.
    pub(crate) fn new() -> Self {
        Self(format!("mark-{}", clock::unique()))
    }

    /// Marks a process about to be started, keeping the marks it inherits.
    pub(crate) fn put_on(&self, command: &mut Command) {
        let inherited = std::env::var(VARIABLE).unwrap_or_default();
        command.env(VARIABLE, format!("{inherited} {}", self.0));
    }

    /// Ends all who carry the mark: asks first, insists after three seconds.
    pub(crate) fn sweep(&self) {
        for signal in ["TERM", "KILL"] {
            let found = self.carriers();
            if found.is_empty() {
                return;
            }
            kill(signal, &found);
            clock::wait_until(Duration::from_secs(3), || self.carriers().is_empty());
        }
    }

    fn carriers(&self) -> Vec<u32> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| *pid != std::process::id())
            // unreadable: another user's, or gone; empty: already dead and not yet buried
            .filter(|pid| std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| carries(&environ, &self.0)))
            .collect()
    }
}

fn carries(environ: &[u8], mark: &str) -> bool {
    environ.split(|byte| *byte == 0).any(|pair| {
        std::str::from_utf8(pair)
            .ok()
            .and_then(|pair| pair.strip_prefix(VARIABLE)?.strip_prefix('='))
            .is_some_and(|marks| marks.split(' ').any(|one| one == mark))
    })
}

/// The shell's own `kill`, so that no package has to bring one.
fn kill(signal: &str, pids: &[u32]) {
    let mut command = Command::new("sh");
    command.args(["-c", r#"for pid in "$@"; do kill -s "$0" "$pid"; done"#, signal]);
    command.args(pids.iter().map(u32::to_string));
    // "no such process" is what we want, so neither its words nor its status say anything
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// A process of its own that sweeps when we end, however we end: its standard input is our life line.
pub(crate) struct Guard {
    process: Child,
    life_line: Option<ChildStdin>,
}

impl Guard {
    /// Watches over `mark` and `folder`, which is deleted at the end.
    pub(crate) fn post(mark: &Mark, folder: &Path) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("sweep")
            .arg(&mark.0)
            .arg(folder)
            // an outer sweep must not take the guard away before it has done its work
            .env_remove(VARIABLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Ctrl-C ends us, not the guard
            .process_group(0)
            .spawn()
            .context("cannot start the process that cleans up")?;
        let life_line = process.stdin.take();
        Ok(Self { process, life_line })
    }

    /// Lets go of the life line and waits until everything is clean.
    pub(crate) fn finish(mut self) -> Result<()> {
        drop(self.life_line.take());
        self.process.wait().context("the process that cleans up was lost")?;
        Ok(())
    }
}

/// The guard's own main: waits for the end of its standard input, then cleans up.
pub(crate) fn guard(args: &[String]) -> Result<()> {
    let [mark, folder] = args else { bail!("sweep is started by `session` only") };
    let folder = PathBuf::from(folder);
    if !mark.starts_with("mark-") || !folder.starts_with(std::env::temp_dir()) {
        bail!("sweep is started by `session` only");
    }
    let mut nothing = Vec::new();
    // an error here means the other end is gone, which is what we wait for
    let _ = std::io::stdin().read_to_end(&mut nothing);
    Mark(mark.clone()).sweep();
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot delete {}", folder.display()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn only_the_whole_mark_counts() {
        assert!(carries(b"HOME=/x\0ROOMED_SWEEP= mark-1 mark-22\0A=b\0", "mark-22"));
        assert!(!carries(b"HOME=/x\0ROOMED_SWEEP= mark-1 mark-22\0A=b\0", "mark-2"));
        assert!(!carries(b"OTHER=mark-22\0", "mark-22"));
    }

    #[test]
    fn a_grandchild_that_left_its_group_is_found_and_a_stranger_is_left_alone() {
        let mark = Mark::new();
        let mut stranger =
            Command::new("tail").args(["-f", "/dev/null"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut parent = Command::new("sh");
        parent.args(["-c", "setsid tail -f /dev/null & echo started; wait"]).stdout(Stdio::piped());
        mark.put_on(&mut parent);
        let mut parent = parent.spawn().unwrap();
        let mut said = [0; 7];
        // held to the end: `tail` goes by itself when nobody reads it any more
        let mut out = parent.stdout.take().unwrap();
        out.read_exact(&mut said).unwrap();
        assert!(clock::wait_until(Duration::from_secs(10), || mark.carriers().len() >= 2));

        mark.sweep();

        parent.wait().unwrap();
        drop(out);
        let strangers_end = stranger.try_wait();
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        assert!(mark.carriers().is_empty());
        assert!(strangers_end.unwrap().is_none(), "the stranger was ended too");
    }

    #[test]
    fn the_guard_deletes_no_folder_outside_the_temporary_one() {
        assert!(guard(&["mark-1".into(), "/usr".into()]).is_err());
        assert!(guard(&["1".into(), "/tmp/x".into()]).is_err());
    }
}
