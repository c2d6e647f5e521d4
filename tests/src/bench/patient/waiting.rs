//! The waiting room: pages whose sockets stay open. They listen and never ask for anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use futures_util::StreamExt;
use reqwest::Client;
use tokio::task::JoinSet;
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::clinic::{Entered, press_ready};
use crate::wait::PATIENCE;

/// How many come at the same time.
const AT_ONCE: usize = 16;

/// Sockets that stay. Dropping it drops them.
#[derive(Default)]
pub(super) struct Room {
    sockets: JoinSet<()>,
    lost: Arc<AtomicUsize>,
}

impl Room {
    /// Everybody opens their page and says that they are ready; back once all of them wait.
    pub(super) async fn all_wait(&mut self, relay: &str, all: &[Entered]) -> anyhow::Result<()> {
        let http = crate::clinician::http()?;
        for some in all.chunks(AT_ONCE) {
            let mut coming = JoinSet::new();
            for who in some {
                let (relay, who, http) = (relay.to_owned(), Entered(who.0.clone()), http.clone());
                let lost = Arc::clone(&self.lost);
                coming.spawn(async move {
                    let socket = Page::open(&relay, &who, lost).await?;
                    wait_there(&http, &relay, &who).await?;
                    anyhow::Ok(socket)
                });
            }
            while let Some(page) = coming.join_next().await {
                self.stays(page??);
            }
        }
        Ok(())
    }

    /// A page stays open.
    pub(super) fn stays(&mut self, page: Page) {
        self.sockets.spawn(page.listen());
    }

    /// How many were lost.
    pub(super) fn lost(&self) -> usize {
        self.lost.load(Ordering::Relaxed)
    }

    /// Who counts them.
    pub(super) fn losses(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.lost)
    }
}

async fn wait_there(http: &Client, relay: &str, who: &Entered) -> anyhow::Result<()> {
    let status = press_ready(http, relay, who).await?;
    anyhow::ensure!(status == 200, "the relay answered {status} to somebody who is ready");
    Ok(())
}

/// An open page.
pub(super) struct Page {
    socket: tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
    lost: Arc<AtomicUsize>,
}

impl Page {
    /// Connects as the page does and reads its first view.
    pub(super) async fn open(relay: &str, who: &Entered, lost: Arc<AtomicUsize>) -> anyhow::Result<Self> {
        let mut request = format!("{}/v/api/socket", relay.replacen("http", "ws", 1)).into_client_request()?;
        request.headers_mut().insert("cookie", who.0.parse()?);
        request.headers_mut().insert("origin", relay.parse()?);
        let config = WebSocketConfig::default().read_buffer_size(4 * 1024).write_buffer_size(0);
        let connecting = async {
            let (mut socket, _) = connect_async_with_config(request, Some(config), true).await?;
            loop {
                let message = socket.next().await.context("the socket was closed before the first view")??;
                if matches!(message, Message::Text(_)) {
                    return anyhow::Ok(socket);
                }
            }
        };
        let socket = tokio::time::timeout(PATIENCE, connecting).await.context("a page heard nothing in time")??;
        Ok(Self { socket, lost })
    }

    async fn listen(mut self) {
        while let Some(Ok(_)) = self.socket.next().await {}
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}
