//! The real binary, in a home of its own, beside an EHR of which only is known who asked it anything.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::home::Home;
use crate::place::configuration;

pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

/// Runs `roomed-relay` to its end.
pub(crate) async fn run(arguments: &[&str]) -> Ended {
    let output = program(arguments).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_roomed-relay"));
    command.args(arguments).env_clear().kill_on_drop(true).stdin(Stdio::null());
    command
}

/// An EHR that knows nothing and remembers who asked.
pub(crate) struct Listening {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Listening {
    pub(crate) async fn start() -> Self {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let answer = async |State(asked): State<Arc<Mutex<Vec<String>>>>, uri: Uri| {
            asked.lock().unwrap().push(uri.path().to_owned());
            StatusCode::SERVICE_UNAVAILABLE
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&asked));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, asked }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// Writes the configuration for who lives in `home`, and says where.
pub(crate) fn configure(home: &Home, ehr: &str) -> String {
    let file = home.folder().join("relay.toml");
    std::fs::write(&file, configuration(home, ehr, 0)).unwrap();
    file.display().to_string()
}

/// Starts `roomed-relay serve`, and returns once it listens.
pub(crate) async fn serve(config: &str, more: &[&str]) -> Child {
    let mut arguments = vec!["serve", "--config", config];
    arguments.extend(more);
    let mut child = program(&arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let heard = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("listening") {
                return;
            }
        }
        panic!("the relay ended before it listened");
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await.unwrap();
    // What it says further must not fill the pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    child
}

/// Polls until `done`, at most for half a minute.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let poll = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        while !done() {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), poll).await.unwrap_or_else(|_| panic!("{what}"));
}
