//! Settles of one EHR connection that come together share a transaction. Each locks the connection's row until its commit
//! is on the disk: one by one they would stand in line for that, and a backlog with them. What a settle does is
//! `settle.rs`. Nobody is answered before the COMMIT, and one that the database refuses takes nothing of the others with
//! it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::postgres::PgPool;
use tokio::sync::oneshot;

use super::super::StoreError;
use super::super::outbox::{Lease, Settled, Settlement};
use super::settle;

/// At most so many share a transaction: whoever commits to one of their streams waits for all of them.
const BATCH: usize = 64;

/// An attempt that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) lease: Lease,
    pub(super) settlement: Settlement,
}

/// Why nothing of a transaction is kept.
pub(super) enum Failure {
    /// It was undone for sure: each of those who shared it may be tried alone.
    Undone(StoreError),
    /// It failed while it was committed. It may stand, so nobody tries again.
    AtCommit(sqlx::Error),
}

impl<E: Into<StoreError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Undone(error.into())
    }
}

/// An attempt that has ended, and who waits to hear that this is kept.
#[derive(Debug)]
struct Waiting {
    ended: Arc<Ended>,
    answer: oneshot::Sender<Result<Settled, StoreError>>,
}

/// By organization and `iss`. Where there is an entry somebody is at work, and takes what is in it next.
type Queues = Mutex<HashMap<(String, String), Vec<Waiting>>>;

/// Nothing is left half done while it is held.
fn held(queues: &Queues) -> MutexGuard<'_, HashMap<(String, String), Vec<Waiting>>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waits for the settles before it.
#[derive(Debug, Default)]
pub(super) struct Together {
    queues: Arc<Queues>,
}

impl Together {
    /// Settles it at once, or with all who have come meanwhile as soon as those before are through. A caller who goes away
    /// does not stop it.
    pub(super) async fn settle(&self, pool: &PgPool, ended: Ended) -> Result<Settled, StoreError> {
        let connection = (ended.lease.organization.clone(), ended.lease.ehr.clone());
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { ended: Arc::new(ended), answer };
        match held(&self.queues).entry(connection.clone()) {
            Entry::Occupied(mut queue) => queue.get_mut().push(waiting),
            Entry::Vacant(place) => {
                place.insert(vec![waiting]);
                let turn = Turn { queues: Arc::clone(&self.queues), connection, over: false };
                tokio::spawn(turn.run(pool.clone()));
            }
        }
        answered.await.unwrap_or_else(|_| Err(StoreError::Database(sqlx::Error::WorkerCrashed)))
    }
}

/// Whoever is at work for a connection. If it panics, those who wait are told and the next one begins anew.
struct Turn {
    queues: Arc<Queues>,
    connection: (String, String),
    over: bool,
}

impl Turn {
    async fn run(mut self, pool: PgPool) {
        while let Some(batch) = self.next() {
            let all: Vec<_> = batch.iter().map(|it| Arc::clone(&it.ended)).collect();
            match settle::all(&pool, &all).await {
                Ok(settled) => {
                    for (waiting, settled) in batch.into_iter().zip(settled) {
                        drop(waiting.answer.send(Ok(settled)));
                    }
                }
                // It was reached and refused one of them: the others are not to suffer for that.
                Err(Failure::Undone(error)) if batch.len() > 1 && !is_out_of_reach(&error) => {
                    for Waiting { ended, answer } in batch {
                        drop(answer.send(alone(&pool, ended).await));
                    }
                }
                Err(Failure::AtCommit(error) | Failure::Undone(StoreError::Database(error))) => {
                    let error = Arc::new(error);
                    for waiting in batch {
                        drop(waiting.answer.send(Err(StoreError::Shared(Arc::clone(&error)))));
                    }
                }
                Err(Failure::Undone(error)) => {
                    let waiting = batch.into_iter().next();
                    drop(waiting.map(|it| it.answer.send(Err(error))));
                }
            }
        }
    }

    /// Those who have come meanwhile; none ends the turn.
    fn next(&mut self) -> Option<Vec<Waiting>> {
        let mut queues = held(&self.queues);
        let queue = queues.get_mut(&self.connection).filter(|it| !it.is_empty());
        let batch = queue.map(|it| it.drain(..it.len().min(BATCH)).collect());
        if batch.is_none() {
            queues.remove(&self.connection);
            self.over = true;
        }
        batch
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.over {
            held(&self.queues).remove(&self.connection);
        }
    }
}

/// Not one row is refused but everything: one by one they would all wait for the same nothing. PostgreSQL's classes of
/// connections (08), resources (53), operators who shut it down (57) and its own system (58).
fn is_out_of_reach(error: &StoreError) -> bool {
    let StoreError::Database(error) = error else { return false };
    let code = error.as_database_error().map(|it| it.code());
    code.is_none_or(|code| code.is_some_and(|it| ["08", "53", "57", "58"].iter().any(|class| it.starts_with(class))))
}

async fn alone(pool: &PgPool, ended: Arc<Ended>) -> Result<Settled, StoreError> {
    let settled = settle::all(pool, &[ended]).await.map_err(|failure| match failure {
        Failure::Undone(error) => error,
        Failure::AtCommit(error) => error.into(),
    })?;
    settled.into_iter().next().ok_or(StoreError::Unreadable("settle"))
}
