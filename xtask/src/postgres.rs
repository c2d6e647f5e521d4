//! A PostgreSQL server of its own for one stage or one command: made in a temporary folder, on a loopback port nobody had,
//! with a password nobody knows, and gone afterwards however that ends. As durable as a real one (fsync on), so that what
//! is tested is what is run. Never the system's own server: tests make and drop databases.

use std::ffi::OsString;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::run::{answer, command};
use crate::session::exit_code;
use crate::sweep::{Guard, Mark};

/// Where test programs find the server: a URL of a superuser.
pub(crate) const VARIABLE: &str = "ROOMED_TEST_POSTGRES";

const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    // a database per test, each with connections of its own, as many at a time as the runner has threads
    "max_connections=400",
];

/// A server that runs.
pub(crate) struct Postgres {
    folder: PathBuf,
    tools: Tools,
    server: Child,
    mark: Mark,
    guard: Option<Guard>,
    url: String,
}

/// PostgreSQL's programs and who runs them: the server refuses to be root.
struct Tools {
    bin: PathBuf,
    other: Option<String>,
}

impl Postgres {
    /// Starts one.
    pub(crate) fn start() -> Result<Self> {
        let tools = Tools::find()?;
        let folder = std::env::temp_dir().join(format!("roomed-postgres-{}", clock::unique()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let mark = Mark::new();
        // from here on the folder and whatever runs in it go with us, even if we are killed
        let guard = Guard::post(&mark, &folder).inspect_err(|_| drop(std::fs::remove_dir(&folder)))?;
        tools.own(&folder)?;
        let password = password(&folder)?;
        tools.own(&folder.join("password"))?;
        answer(tools.command("initdb", &folder, |initdb| {
            initdb.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(folder.join("password"));
            initdb.args(["--username", "postgres", "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale"]);
            // the folder is new; what the server writes is synced
            initdb.arg("--no-sync");
        }))
        .context("PostgreSQL cannot make its folder")?;
        for _ in 0..5 {
            let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
            let mut server = serve(&tools, &folder, &mark, port)?;
            if ready(&tools, &folder, port, &mut server) {
                let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
                return Ok(Self { folder, tools, server, mark, guard: Some(guard), url });
            }
            // somebody took the port meanwhile, or it does not start at all
            server.kill().and_then(|()| server.wait().map(drop)).unwrap_or_default();
        }
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        guard.finish()?;
        bail!("PostgreSQL does not start: {}", log.trim());
    }

    /// As a superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stop = self.tools.command("pg_ctl", &self.folder, |pg_ctl| {
            pg_ctl.args(["stop", "--mode", "immediate", "--silent", "--pgdata"]).arg(self.folder.join("data"));
        });
        // whatever that leaves, the guard ends
        if answer(stop).is_ok() {
            let _ = self.server.wait();
        }
        if let Some(guard) = self.guard.take() {
            let _ = guard.finish();
        }
        let _ = self.server.wait();
    }
}

/// `cargo xtask postgres [--] COMMAND ARG..`: its exit code is ours.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let args = match args.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => args,
    };
    let Some((program, rest)) = args.split_first() else { bail!("postgres needs a command to run") };
    let server = Postgres::start()?;
    let mut command = Command::new(program);
    command.args(rest).env(VARIABLE, server.url());
    server.mark.put_on(&mut command);
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    Ok(exit_code(status))
}

impl Tools {
    fn find() -> Result<Self> {
        let Some(bin) = bin(Path::new("/usr/lib/postgresql")).or_else(on_path) else {
            bail!("PostgreSQL is missing: run `cargo xtask setup`");
        };
        let root = answer(command("id", &["-u"], Path::new("/")))?.trim() == "0";
        Ok(Self { bin, other: root.then(|| "postgres".to_owned()) })
    }

    /// One of the programs, run by whom it must be run.
    fn command(&self, name: &str, folder: &Path, arguments: impl FnOnce(&mut Command)) -> Command {
        let program = self.bin.join(name);
        let mut command = match &self.other {
            None => Command::new(program),
            Some(user) => {
                // becomes the program, so that the process we started is the server itself
                let mut setpriv = Command::new("setpriv");
                setpriv.args(["--reuid", user, "--regid", user, "--init-groups", "--"]).arg(program);
                setpriv
            }
        };
        arguments(&mut command);
        command.current_dir(folder).env("LC_ALL", "C").env_remove("PGDATA").env_remove("PGPASSWORD");
        command
    }

    /// Gives a path to whoever runs the server.
    fn own(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.other else { return Ok(()) };
        let id = |which: &str| -> Result<u32> {
            let said = answer(command("id", &[which, user], Path::new("/"))).with_context(|| {
                format!("PostgreSQL does not run as root, and there is no user `{user}`: run `cargo xtask setup`")
            })?;
            said.trim().parse().context("id does not say a number")
        };
        chown(path, Some(id("-u")?), Some(id("-g")?)).with_context(|| format!("cannot give away {}", path.display()))
    }
}

/// Debian's folder of the newest version there is.
fn bin(versions: &Path) -> Option<PathBuf> {
    let numbers = std::fs::read_dir(versions).ok()?.flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let mut numbers: Vec<u32> =
        numbers.filter(|number| versions.join(format!("{number}/bin/initdb")).is_file()).collect();
    numbers.sort_unstable();
    Some(versions.join(format!("{}/bin", numbers.pop()?)))
}

/// Elsewhere the programs are where all programs are.
fn on_path() -> Option<PathBuf> {
    let path: OsString = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

fn password(folder: &Path) -> Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("password"))?;
    std::io::Write::write_all(&mut file, password.as_bytes())?;
    Ok(password)
}

fn serve(tools: &Tools, folder: &Path, mark: &Mark, port: u16) -> Result<Child> {
    let log = std::fs::File::create(folder.join("log"))?;
    let mut server = tools.command("postgres", folder, |server| {
        server.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]);
        for setting in SETTINGS {
            server.args(["-c", setting]);
        }
        server.args(["-c", "unix_socket_directories="]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    });
    mark.put_on(&mut server);
    server.spawn().context("cannot start PostgreSQL")
}

fn ready(tools: &Tools, folder: &Path, port: u16, server: &mut Child) -> bool {
    let mut ended = false;
    let asked = clock::wait_until(Duration::from_secs(30), || {
        ended = !matches!(server.try_wait(), Ok(None));
        let port = port.to_string();
        let ask = tools.command("pg_isready", folder, |ask| {
            ask.args(["--quiet", "--host", "127.0.0.1", "--port", &port]);
        });
        ended || answer(ask).is_ok()
    });
    asked && !ended
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_newest_version_is_taken_and_a_missing_one_is_missed() {
        let folder = std::env::temp_dir().join(format!("roomed-versions-{}", clock::unique()));
        for version in ["9", "15", "common"] {
            std::fs::create_dir_all(folder.join(version).join("bin")).unwrap();
            std::fs::write(folder.join(version).join("bin/initdb"), "").unwrap();
        }
        std::fs::create_dir_all(folder.join("16/bin")).unwrap();
        let found = bin(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, Some(folder.join("15/bin")));
        assert_eq!(bin(&folder), None);
    }
}
