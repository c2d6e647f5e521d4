//! Hints between nodes over LISTEN/NOTIFY. Said after the commit and outside its transaction, several at a time, since a
//! NOTIFY makes every transaction that has one wait for the others.

use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::StoreError;
use super::super::hints::{Hint, Hints};
use super::{PostgresStore, fitness};

const CHANNEL: &str = "roomed";
/// More than so many wait to be said only when the database is in trouble; then they are dropped.
const QUEUE: usize = 1024;
const BATCH: usize = 64;
/// Between two attempts to be heard again.
const PAUSE: Duration = Duration::from_secs(5);

/// A hint and who says it: nobody listens to themselves.
#[derive(Serialize, Deserialize)]
struct Said {
    node: String,
    #[serde(flatten)]
    hint: Hint,
}

/// Says hints, in a task of its own.
#[derive(Debug)]
pub(super) struct Mouth {
    node: String,
    queue: Mutex<Option<mpsc::Sender<String>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Mouth {
    pub(super) fn open(pool: PgPool, node: String) -> Self {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while waiting.recv_many(&mut batch, BATCH).await > 0 {
                let said = sqlx::query("SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload")
                    .bind(CHANNEL)
                    .bind(std::mem::take(&mut batch))
                    .execute(&pool)
                    .await;
                if let Err(error) = said {
                    tracing::debug!(%error, "the other nodes were not told at once; they will look by themselves");
                }
            }
        });
        Self { node, queue: Mutex::new(Some(queue)), task: Mutex::new(Some(task)) }
    }

    /// Says them soon, if it can.
    pub(super) fn say(&self, hints: impl IntoIterator<Item = Hint>) {
        let queue = self.queue.lock().expect("nothing panics while holding the lock");
        let Some(queue) = &*queue else { return };
        for hint in hints {
            let said = Said { node: self.node.clone(), hint };
            // A full queue: the others look by themselves.
            let _ = queue.try_send(serde_json::to_string(&said).expect("a hint is plain data"));
        }
    }

    /// Says what is still to be said, and falls silent.
    pub(super) async fn close(&self) {
        drop(self.queue.lock().expect("nothing panics while holding the lock").take());
        let task = self.task.lock().expect("nothing panics while holding the lock").take();
        if let Some(task) = task {
            drop(task.await);
        }
    }
}

impl PostgresStore {
    /// Hears what others say from now on, on a connection of its own.
    pub(super) async fn listen(&self) -> Result<Hints, StoreError> {
        let ear = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| Box::pin(fitness::still(connection)))
            .connect_with(self.options.clone())
            .await?;
        let mut listener = PgListener::connect_with(&ear).await?;
        listener.listen(CHANNEL).await?;
        let (heard, hints) = mpsc::channel(QUEUE);
        let (node, main) = (self.mouth.node.clone(), self.pool.clone());
        tokio::spawn(async move {
            let listening = async {
                let mut pause = tokio::time::interval(PAUSE);
                loop {
                    let interrupted = match listener.try_recv().await {
                        Ok(Some(said)) => {
                            let Ok(said) = serde_json::from_str::<Said>(said.payload()) else { continue };
                            if said.node != node && heard.send(said.hint).await.is_err() {
                                return;
                            }
                            continue;
                        }
                        Ok(None) => None,
                        Err(sqlx::Error::PoolClosed) => return,
                        Err(error) => Some(error),
                    };
                    if let Some(error) = interrupted {
                        tracing::debug!(%error, "hints of other nodes are not heard for a while; this one still looks");
                        pause.tick().await;
                    }
                    if heard.send(Hint::Missed).await.is_err() {
                        return;
                    }
                }
            };
            tokio::select! {
                () = listening => {}
                () = heard.closed() => {}
                () = main.close_event() => {}
            }
            drop(listener);
            ear.close().await;
        });
        Ok(hints)
    }
}
