//! One relay among others: started, stopped in order, or killed where it stands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_relay::clock::{Clock, ManualClock, SystemClock};
use roomed_relay::neighbours::Pulse;
use roomed_relay::store::Store;
use roomed_relay::store::postgres::PostgresStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::home::{Home, Kind};
use crate::place::{EHR, Place};

/// As a relay is by itself: within a test nobody is silent for so long.
pub(crate) const CALM: Pulse =
    Pulse { every: Duration::from_millis(50), silent: SignedDuration::from_mins(10), look: Duration::from_secs(600) };

/// What the nodes of a test share.
pub(crate) struct Ground {
    home: Arc<Home>,
    pub(crate) clock: Arc<ManualClock>,
}

impl Ground {
    /// With a fresh database, and clocks that agree with it.
    pub(crate) async fn make() -> Self {
        Self::at(SystemClock.now()).await
    }

    /// Where the relays' clocks say `now`, whatever the database's says.
    pub(crate) async fn at(now: Timestamp) -> Self {
        Self { home: Arc::new(Home::make(Kind::Postgres).await), clock: Arc::new(ManualClock::new(now)) }
    }

    /// The database, as seen by nobody in particular.
    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(&self.home.url(), 4, Duration::from_secs(20)).await.unwrap())
    }

    /// Every node is given up, as others do with one that is silent for too long.
    pub(crate) async fn give_all_up(&self) {
        self.home.sql("DELETE FROM node").await;
    }

    /// Somebody says this to all nodes.
    pub(crate) async fn say(&self, hint: &str) {
        self.home.sql(&format!("SELECT pg_notify('roomed', '{hint}')")).await;
    }

    /// A relay on it that is not serving.
    pub(crate) async fn place(&self) -> Place {
        let clock = Arc::clone(&self.clock);
        Place::assembled(EHR, &self.home, self.store().await, clock, CALM).await.0
    }

    /// A relay that serves.
    pub(crate) async fn start(&self, pulse: Pulse) -> Node {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (home, clock) = (Arc::clone(&self.home), Arc::clone(&self.clock));
        let (quit, asked) = oneshot::channel::<()>();
        let starting = async move {
            let store = PostgresStore::open(&home.url(), 4, Duration::from_secs(20)).await.unwrap();
            let (place, assembled) = Place::assembled(EHR, &home, Arc::new(store), clock, pulse).await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let quit = async { drop(asked.await) };
            (place, address, tokio::spawn(async move { assembled.serve(listener, quit).await.unwrap() }))
        };
        let (place, address, served) = runtime.spawn(starting).await.unwrap();
        answers(address).await;
        Node { place, address, quit, served, runtime: Alone(Some(runtime)) }
    }
}

/// Only a relay that has begun to serve answers.
async fn answers(address: SocketAddr) {
    let mut line = TcpStream::connect(address).await.unwrap();
    line.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("200 OK"), "{answer}");
}

/// A relay that serves.
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) address: SocketAddr,
    quit: oneshot::Sender<()>,
    served: JoinHandle<()>,
    runtime: Alone,
}

/// A runtime of its own: it goes with everything that runs on it, as a process does.
struct Alone(Option<Runtime>);

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

impl Node {
    /// Asked to stop, and stopped.
    pub(crate) async fn stop(self) {
        self.quit.send(()).unwrap();
        self.served.await.unwrap();
    }

    /// Everything it does ends in the middle of it.
    pub(crate) fn kill(self) {
        drop(self.runtime);
    }
}

/// Looks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let poll = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        while !is_so().await {
            every.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), poll).await.unwrap_or_else(|_| panic!("never: {what}"));
}
