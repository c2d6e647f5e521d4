//! A message bus of a test's own, as a desktop has one per session.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A bus without anybody.
pub(crate) struct Bus {
    pub(crate) address: String,
    _daemon: Child,
}

impl Bus {
    pub(crate) async fn start(folder: &Path) -> Self {
        let file = folder.join("bus.conf");
        let configuration = format!(
            "<busconfig><type>session</type><listen>unix:dir={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy></busconfig>",
            folder.display()
        );
        std::fs::write(&file, configuration).unwrap();
        let mut daemon = Command::new("dbus-daemon");
        let daemon = daemon.args(["--nofork", "--print-address", "--config-file"]).arg(&file).kill_on_drop(true);
        let mut daemon = daemon.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).await.unwrap();
        Self { address: address.trim().to_owned(), _daemon: daemon }
    }
}
