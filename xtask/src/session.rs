//! A desktop session of its own for one command: home, display, bus, unlocked keyring, window manager, notification
//! daemon. Everything in it is temporary and ends with the command, so a test cannot see or touch the person's own desktop.
//! The order inside (keyring before anything that may ask for a secret) is in session.sh.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::places::Places;
use crate::sweep::{Guard, Mark};

const INSIDE: &str = include_str!("session.sh");
const PICK_ACTION: &str = include_str!("pick-action.sh");
const SCREEN: &str = "1280x900x24";

/// Of the person's own session: nothing inside may find the way back there.
const FORGOTTEN: &[&str] = &[
    "DBUS_SESSION_BUS_ADDRESS",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "SESSION_MANAGER",
    "DESKTOP_SESSION",
    "GNOME_KEYRING_CONTROL",
    "SSH_AUTH_SOCK",
    "XDG_SESSION_TYPE",
    "XDG_DATA_DIRS",
    "XDG_CONFIG_DIRS",
];

/// `cargo xtask session [--] COMMAND ARG..`: its exit code is ours.
pub(crate) fn run(places: &Places, args: &[String]) -> Result<ExitCode> {
    let args = match args.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => args,
    };
    if args.is_empty() {
        bail!("session needs a command to run");
    }
    let folder = Folder::make()?;
    let mark = Mark::new();
    let guard = Guard::post(&mark, &folder.0)?;
    let result = live(places, &folder, &mark, args);
    guard.finish()?;
    result.map(exit_code)
}

/// The command's exit code as ours; by a signal, as a shell says it.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn live(places: &Places, folder: &Folder, mark: &Mark, args: &[String]) -> Result<ExitStatus> {
    let (_display, number) = display(folder, mark)?;
    // The bus starts services that talk on standard output (at-spi does); only the command's own words belong there, as
    // `--json` promises. So everything but the command writes to standard error, and the command finds its output on 3.
    let mut command = Command::new("bash");
    command.args(["-c", "exec 3>&1 1>&2; exec dbus-run-session -- bash \"$@\"", "session"]);
    command.arg(folder.script("session.sh", INSIDE)?).args(args);
    for name in FORGOTTEN {
        command.env_remove(name);
    }
    command.envs(environment(places, folder, &number)?);
    mark.put_on(&mut command);
    command.status().context("cannot start dbus-run-session (package dbus): run `cargo xtask setup`")
}

/// What the command finds in its environment, beside what it inherits.
fn environment(places: &Places, folder: &Folder, display: &str) -> Result<Vec<(&'static str, PathBuf)>> {
    // cargo and rustup stay those of the person: a new home would make them start from nothing
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let own = |name: &str, default: &str| std::env::var_os(name).map_or_else(|| home.join(default), PathBuf::from);
    let action = folder.0.join("dunst-action");
    std::fs::write(&action, "Join\n")?;
    folder.script("pick-action.sh", PICK_ACTION)?;
    Ok(vec![
        ("CARGO_HOME", own("CARGO_HOME", ".cargo")),
        ("RUSTUP_HOME", own("RUSTUP_HOME", ".rustup")),
        ("HOME", folder.sub("home")?),
        ("XDG_CONFIG_HOME", folder.sub("home/.config")?),
        ("XDG_DATA_HOME", folder.sub("home/.local/share")?),
        ("XDG_STATE_HOME", folder.sub("home/.local/state")?),
        ("XDG_CACHE_HOME", folder.sub("home/.cache")?),
        ("XDG_RUNTIME_DIR", folder.sub("run")?),
        ("DISPLAY", PathBuf::from(format!(":{display}"))),
        ("GDK_BACKEND", "x11".into()),
        // xdg-open then goes by our own handlers only, and never to a browser nobody chose
        ("XDG_CURRENT_DESKTOP", "".into()),
        ("BROWSER", "/bin/false".into()),
        ("LANG", "C.UTF-8".into()),
        // without a GPU: second animation frame after 30 ms instead of up to 600
        ("WEBKIT_DISABLE_DMABUF_RENDERER", "1".into()),
        ("LIBGL_ALWAYS_SOFTWARE", "1".into()),
        ("NO_AT_BRIDGE", "1".into()),
        ("NO_PROXY", "127.0.0.1,localhost".into()),
        ("no_proxy", "127.0.0.1,localhost".into()),
        ("TAURI_DRIVER", places.tauri_driver()),
        ("ROOMED_BIN_DIR", places.bin.clone()),
        ("ROOMED_SESSION_DIR", folder.0.clone()),
        ("ROOMED_DUNST_ACTION", action),
    ])
}

/// An X server. The number is nobody's: one that was in use a moment ago could lose its socket to the server that just
/// left it, so the first free one, which Xvfb would pick by itself, is a poor choice where sessions follow each other.
fn display(folder: &Folder, mark: &Mark) -> Result<(Child, String)> {
    let logs = folder.sub("logs")?;
    for attempt in 0..20 {
        let number = 100 + (std::process::id() + attempt * 997) % 30_000;
        let mut xvfb = Command::new("Xvfb");
        // it says its number on standard output once it is ready; without -noreset it starts over when its last client
        // leaves, and takes along the one that comes just then
        xvfb.arg(format!(":{number}")).args(["-displayfd", "1", "-screen", "0", SCREEN]);
        xvfb.args(["-nolisten", "tcp", "-ac", "-noreset"]);
        mark.put_on(&mut xvfb);
        let mut xvfb = xvfb
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(std::fs::File::create(logs.join("xvfb.log"))?))
            .spawn()
            .context("cannot start Xvfb (package xvfb): run `cargo xtask setup`")?;
        let mut said = String::new();
        if let Some(out) = xvfb.stdout.take() {
            BufReader::new(out).read_line(&mut said)?;
        }
        if said.trim() == number.to_string() {
            return Ok((xvfb, said.trim().to_owned()));
        }
        xvfb.wait()?;
    }
    bail!("Xvfb does not start: {}", std::fs::read_to_string(logs.join("xvfb.log")).unwrap_or_default().trim())
}

/// The session's temporary folder; the guard deletes it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("roomed-{}", clock::unique()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    fn sub(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::DirBuilder::new().mode(0o700).recursive(true).create(&path)?;
        Ok(path)
    }

    fn script(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path: &Path = &self.0.join(name);
        std::fs::write(path, text)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
        Ok(path.to_path_buf())
    }
}
