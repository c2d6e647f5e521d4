//! A tap in the line from Graph to the relay: passes each request on byte for byte and notes when it was complete and
//! when the relay had answered. HTTP/1.1 with `Content-Length` only, which is all that comes this way.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::clock::Stopwatch;

/// Larger messages do not come this way.
const LARGEST: usize = 1024 * 1024;

/// One request that went through.
pub(super) struct Passed {
    /// When the whole of it was there; from here on it is the relay's time.
    pub(super) received: Duration,
    /// When the relay's answer was complete.
    pub(super) answered: Duration,
    /// The answer's status.
    pub(super) status: u16,
}

/// A listening tap. Dropping it closes it.
pub(super) struct Tap {
    /// Where Graph is to send to: `http://127.0.0.1:port`.
    pub(super) base: String,
    /// What went through, in order.
    pub(super) passed: UnboundedReceiver<Passed>,
    _lines: JoinSet<()>,
}

impl Tap {
    /// Times are those of `watch`.
    pub(super) async fn open(relay: SocketAddr, watch: Stopwatch) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let (sender, passed) = unbounded_channel();
        let mut lines = JoinSet::new();
        lines.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((graph, _)) = listener.accept().await {
                let sender = sender.clone();
                open.spawn(async move {
                    // A line that breaks is Graph's business: it sends again.
                    let _ = carry(graph, relay, watch, sender).await;
                });
            }
        });
        Ok(Self { base, passed, _lines: lines })
    }
}

async fn carry(
    graph: TcpStream,
    relay: SocketAddr,
    watch: Stopwatch,
    passed: UnboundedSender<Passed>,
) -> anyhow::Result<()> {
    let mut graph = Line::of(graph)?;
    let mut behind: Option<Line> = None;
    while let Some(request) = graph.message().await? {
        // The relay may have been restarted since the last one.
        let mut line = match behind.take() {
            Some(line) if line.is_open() => line,
            _ => Line::of(TcpStream::connect(relay).await?)?,
        };
        let received = watch.elapsed();
        line.stream.write_all(&request).await?;
        let answer = line.message().await?.context("the relay closed the line")?;
        let answered = watch.elapsed();
        graph.stream.write_all(&answer).await?;
        let status = std::str::from_utf8(answer.get(9..12).unwrap_or_default())?.parse()?;
        // Nobody listens any more once the bench is over.
        let _ = passed.send(Passed { received, answered, status });
        behind = Some(line);
    }
    Ok(())
}

/// One end of a connection and what was read too far.
struct Line {
    stream: TcpStream,
    ahead: Vec<u8>,
}

impl Line {
    fn of(stream: TcpStream) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, ahead: Vec::new() })
    }

    /// Nothing to read and not closed by the other side.
    fn is_open(&self) -> bool {
        matches!(self.stream.try_read(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// The next request or answer with its head; nothing once the other side has closed.
    async fn message(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            if let Some(length) = length(&self.ahead)?
                && self.ahead.len() >= length
            {
                let rest = self.ahead.split_off(length);
                return Ok(Some(std::mem::replace(&mut self.ahead, rest)));
            }
            anyhow::ensure!(self.ahead.len() <= LARGEST, "a message is too large");
            if self.stream.read_buf(&mut self.ahead).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Length of the message at the start of `bytes`, once its head is complete.
fn length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..head]).context("a head is ASCII")?;
    let mut body = 0;
    for (name, value) in text.lines().skip(1).filter_map(|line| line.split_once(':')) {
        anyhow::ensure!(!name.eq_ignore_ascii_case("transfer-encoding"), "a body without a length");
        if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse::<usize>()?;
        }
    }
    Ok(Some(head + 4 + body))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::length;

    #[test]
    fn a_message_ends_where_its_length_says() {
        let message = b"POST /graph HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabcPOST";
        assert_eq!(length(message).unwrap(), Some(message.len() - 4));
        assert_eq!(length(b"HTTP/1.1 202 Accepted\r\n\r\n").unwrap(), Some(25));
        assert_eq!(length(b"HTTP/1.1 202 Acc").unwrap(), None);
        assert!(length(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
    }
}
