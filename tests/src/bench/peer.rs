//! The peer of the memory figures: a bare axum websocket server that says hello once and then only listens, as a process
//! of its own (`bench --peer NAME`) so that its memory can be read.

use std::net::Ipv4Addr;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::get;
use tokio::net::TcpListener;

/// It ends by itself when the bench that started it was killed.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// What the relay reads into (`crates/relay/src/http/socket.rs`).
const SMALL: usize = 4 * 1024;

/// What a socket reserves for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Buffers {
    /// As axum comes: 128 KiB.
    DefaultBuffers,
    /// 4 KiB, as the relay sets it: what is left then is ours.
    SmallBuffers,
}

impl Buffers {
    pub(super) fn argument(self) -> &'static str {
        match self {
            Self::DefaultBuffers => "default-buffers",
            Self::SmallBuffers => "small-buffers",
        }
    }
}

/// Serves until it is killed. Prints one JSON line with its address, like every program of ours.
///
/// # Errors
/// When it cannot listen.
pub async fn serve(buffers: Buffers) -> anyhow::Result<()> {
    let answer = move |upgrade: WebSocketUpgrade| async move {
        let upgrade = match buffers {
            Buffers::DefaultBuffers => upgrade,
            Buffers::SmallBuffers => upgrade.read_buffer_size(SMALL).write_buffer_size(0),
        };
        upgrade.on_upgrade(listen)
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", serde_json::json!({ "listening": format!("http://{}", listener.local_addr()?) }));
    let serving = axum::serve(listener, Router::new().route("/api/v1/socket", get(answer))).into_future();
    match tokio::time::timeout(LONGEST, serving).await {
        Ok(ended) => Ok(ended?),
        Err(_) => Ok(()),
    }
}

async fn listen(mut socket: WebSocket) {
    if socket.send(Message::Text("{}".into())).await.is_err() {
        return;
    }
    while let Some(Ok(_)) = socket.recv().await {}
}
