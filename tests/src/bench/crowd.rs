//! Many companions' sockets that only stay connected, and the one whose frames are timed. They say hello, answer pings
//! and never ask for anything, so that what is measured is the push alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use roomed_protocol::{FromCompanion, FromRelay, PROTOCOL_VERSION};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use crate::clock::Stopwatch;
use crate::wait::PATIENCE;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How many handshakes run at the same time.
const AT_ONCE: usize = 16;

/// Sockets that stay. Dropping it drops them.
#[derive(Default)]
pub(super) struct Crowd {
    sockets: JoinSet<()>,
    lost: Arc<AtomicUsize>,
}

impl Crowd {
    /// Connects one socket per token, and is back once all of them have been greeted.
    pub(super) async fn join(&mut self, base: &str, tokens: &[String]) -> anyhow::Result<()> {
        for some in tokens.chunks(AT_ONCE) {
            let mut opening = JoinSet::new();
            for token in some {
                let (base, token) = (base.to_owned(), token.clone());
                opening.spawn(async move { open(&base, &token).await });
            }
            while let Some(opened) = opening.join_next().await {
                let (mut socket, _) = opened??;
                let lost = Arc::clone(&self.lost);
                self.sockets.spawn(async move {
                    while let Some(Ok(_)) = socket.next().await {}
                    lost.fetch_add(1, Ordering::Relaxed);
                });
            }
        }
        Ok(())
    }

    /// Everybody must still be there, or the figures are those of a smaller crowd.
    pub(super) fn is_whole(&self) -> anyhow::Result<()> {
        let lost = self.lost.load(Ordering::Relaxed);
        anyhow::ensure!(lost == 0, "{lost} of {} sockets were lost on the way", self.sockets.len());
        Ok(())
    }
}

/// A hint, and when its frame had been read.
pub(super) struct Frame {
    /// By the bench's watch.
    pub(super) at: Duration,
    /// The newest notice of this companion.
    pub(super) cursor: u32,
}

/// The companion that is told.
pub(super) struct Recipient {
    /// Hints, in order.
    pub(super) frames: UnboundedReceiver<Frame>,
    /// The newest notice when it connected.
    pub(super) cursor: u32,
    _socket: JoinSet<()>,
}

impl Recipient {
    /// Times are those of `watch`.
    pub(super) async fn join(base: &str, token: &str, watch: Stopwatch) -> anyhow::Result<Self> {
        let (mut socket, hello) = open(base, token).await?;
        let Ok(FromRelay::Hello { cursor, .. }) = serde_json::from_str(&hello) else {
            anyhow::bail!("the relay said no hello")
        };
        let (sender, frames) = unbounded_channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let at = watch.elapsed();
                let Message::Text(text) = message else { continue };
                if let Ok(FromRelay::Hint { cursor }) = serde_json::from_str(&text) {
                    let _ = sender.send(Frame { at, cursor });
                }
            }
        });
        Ok(Self { frames, cursor, _socket: tasks })
    }
}

/// Connects as the companion does and reads the greeting.
async fn open(base: &str, token: &str) -> anyhow::Result<(Socket, String)> {
    let mut request = format!("{}/api/v1/socket", base.replacen("http", "ws", 1)).into_client_request()?;
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
    let connecting = async {
        let (mut socket, _) = connect_async_with_config(request, Some(config), true).await?;
        let greeting = loop {
            let message = socket.next().await.context("the socket was closed before the greeting")??;
            if let Message::Text(text) = message {
                break text.as_str().to_owned();
            }
        };
        // This companion has seen everything: an older cursor would bring a hint at once.
        let cursor = match serde_json::from_str(&greeting) {
            Ok(FromRelay::Hello { cursor, .. }) => cursor,
            _ => 0,
        };
        let hello = FromCompanion::Hello { version: PROTOCOL_VERSION, cursor };
        socket.send(Message::text(serde_json::to_string(&hello)?)).await?;
        anyhow::Ok((socket, greeting))
    };
    tokio::time::timeout(PATIENCE, connecting).await.context("a socket was not greeted in time")?
}
