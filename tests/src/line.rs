//! A line that can be cut, between a node and its database or between a person and the relay: as a firewall or a tunnel
//! does it, so that nobody hears anything any more; as a reset, so that both ends hear at once; or one way only.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Carries.
    Whole,
    /// Takes everything and delivers nothing; connections stay open.
    Silent,
    /// Carries what is asked and keeps every answer back.
    Unanswered,
    /// Closes what is open and what is opened.
    Closed,
}

/// The ports by which who is asked knows the connections.
type Far = Mutex<BTreeSet<u16>>;

/// A listening line. Dropping it closes it.
pub struct Wire {
    /// Where whoever asks is to connect to.
    pub port: u16,
    state: Arc<watch::Sender<Line>>,
    far: Arc<Far>,
    _lines: JoinSet<()>,
}

impl Wire {
    /// A line to `behind`.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn to(behind: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(watch::Sender::new(Line::Whole));
        let mut lines = JoinSet::new();
        let states = Arc::clone(&state);
        let far = Arc::<Far>::default();
        let ports = Arc::clone(&far);
        lines.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((near, _)) = listener.accept().await {
                let (state, ports) = (states.subscribe(), Arc::clone(&ports));
                open.spawn(async move {
                    // A line that breaks is what this is for.
                    let _ = carry(near, behind, state, &ports).await;
                });
            }
        });
        Ok(Self { port, state, far, _lines: lines })
    }

    /// The ports by which whoever is asked knows the connections that are open.
    pub fn ports(&self) -> Vec<i32> {
        self.far.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|it| i32::from(*it)).collect()
    }

    /// Cut for a while: nobody hears anything, and what was said meanwhile is lost with its connections: whoever does not
    /// connect anew hears nothing of it. It is whole again when this returns.
    ///
    /// # Errors
    /// When a connection outlives the cut.
    pub async fn cut_for(&self, time: Duration) -> anyhow::Result<()> {
        self.dead_after(time).await;
        crate::wait::until("every connection of before is gone", async || Ok(self.ports().is_empty().then_some(())))
            .await?;
        self.is(Line::Whole);
        Ok(())
    }

    /// Nobody hears anything for a while, then every connection is dead, and with it what it had taken: whoever wants to
    /// hear on must connect anew, and cannot before the line [`is`](Self::is) whole.
    pub async fn dead_after(&self, time: Duration) {
        self.is(Line::Silent);
        crate::clock::pause(time).await;
        self.is(Line::Closed);
    }

    /// From now on.
    pub fn is(&self, line: Line) {
        self.state.send_replace(line);
    }
}

async fn carry(
    near: TcpStream,
    behind: SocketAddr,
    mut state: watch::Receiver<Line>,
    ports: &Far,
) -> anyhow::Result<()> {
    // A connection that begins while nothing is heard hangs until it can be made.
    state.wait_for(|it| *it != Line::Silent).await?;
    if *state.borrow() == Line::Closed {
        return Ok(());
    }
    let far = TcpStream::connect(behind).await?;
    let port = far.local_addr()?.port();
    ports.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let mut closed = state.clone();
    tokio::select! {
        _ = closed.wait_for(|it| *it == Line::Closed) => {}
        () = pass(near_in, far_out, state.clone(), |it| matches!(it, Line::Whole | Line::Unanswered)) => {}
        () = pass(far_in, near_out, state, |it| it == Line::Whole) => {}
    }
    ports.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
    Ok(())
}

/// Holds back what came while nothing is heard, as TCP does: it arrives once the line is whole again.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<Line>,
    carries: fn(Line) -> bool,
) {
    let mut part = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut part).await {
        if state.wait_for(|it| carries(*it)).await.is_err() {
            return;
        }
        if to.write_all(&part[..length]).await.is_err() {
            return;
        }
    }
}
