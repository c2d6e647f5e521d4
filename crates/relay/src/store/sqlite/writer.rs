//! The one writer of a SQLite file. Everything written at the same moment shares one transaction and so one fsync: each
//! job runs within its own savepoint, so that a job that fails takes nothing of the others with it, and nobody is
//! answered before the COMMIT. What a job does is its caller's affair; when a disk is beyond use is decided here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use tokio::sync::{mpsc, oneshot, watch};

use super::super::StoreError;

/// At most so many jobs share a transaction: the first of them must not wait for long.
const BATCH: usize = 256;
/// At most so many wait; whoever comes then waits for room.
const QUEUE: usize = 1024;
/// How long the log's emptying waits for those who read: whoever writes waits with it.
const PATIENCE_MS: u32 = 250;
/// SQLite's primary result code of a failing read, write or fsync (the extended ones have it in their low byte).
const SQLITE_IOERR: i32 = 10;

/// How the writer commits: a test puts a disk that fails in its place.
type Commit = Box<dyn for<'c> FnMut(&'c mut SqliteConnection) -> BoxFuture<'c, Result<(), sqlx::Error>> + Send>;

/// Tells the caller how it ended: with the job's own result once the batch is committed, or with the batch's failure.
type Answer = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// Why a whole batch is not kept.
#[derive(Debug, Clone)]
enum Failure {
    Database(Arc<sqlx::Error>),
    Broken(String),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => Self::Shared(error),
            Failure::Broken(words) => Self::Broken(words),
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// Something to write, and somebody who waits for it.
trait Job: Send {
    /// False when the caller has gone away before it began.
    fn wanted(&self) -> bool;
    /// Runs it. Says whether what it wrote is to be kept.
    fn run(self: Box<Self>, tx: &mut SqliteConnection) -> BoxFuture<'_, (bool, Answer)>;
    /// Does not run it.
    fn refuse(self: Box<Self>, failure: Failure);
}

struct Work<F, T, E> {
    work: F,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    fn wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(self: Box<Self>, tx: &mut SqliteConnection) -> BoxFuture<'_, (bool, Answer)> {
        let Self { work, answer } = *self;
        Box::pin(async move {
            // A job that panics must not take the writer with it.
            let ended = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
            let result = ended.unwrap_or_else(|_| Err(StoreError::Database(sqlx::Error::WorkerCrashed).into()));
            let kept = result.is_ok();
            // A refusal waits for the COMMIT too: it may rest on what another job of the batch wrote.
            let answer: Answer = Box::new(move |batch: Result<(), Failure>| {
                let result = batch.map_err(|failure| StoreError::from(failure).into()).and(result);
                drop(answer.send(result));
            });
            (kept, answer)
        })
    }

    fn refuse(self: Box<Self>, failure: Failure) {
        drop(self.answer.send(Err(StoreError::from(failure).into())));
    }
}

/// Somebody who wants the log emptied.
type Emptying = oneshot::Sender<Result<bool, StoreError>>;

/// Hands jobs to the task that has the writing connection.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    emptyings: mpsc::Sender<Emptying>,
    closing: watch::Sender<bool>,
    ended: watch::Receiver<()>,
    broken: watch::Receiver<bool>,
    transactions: Arc<AtomicU64>,
}

impl Writer {
    /// Takes the connection over. It must be the only one of this process that writes.
    pub(super) fn start(connection: SqliteConnection) -> Self {
        Self::committing(connection, Box::new(|tx| Box::pin(async move { tx.execute("COMMIT").await.map(drop) })))
    }

    fn committing(connection: SqliteConnection, commit: Commit) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (emptyings, emptying) = mpsc::channel(1);
        let (closing, close) = watch::channel(false);
        let (end, ended) = watch::channel(());
        let (is_broken, broken) = watch::channel(false);
        let transactions = Arc::new(AtomicU64::new(0));
        let batches = Batches { connection, commit, transactions: Arc::clone(&transactions) };
        tokio::spawn(async move {
            serve(batches, queue, emptying, close, is_broken).await;
            drop(end);
        });
        Self { jobs, emptyings, closing, ended, broken, transactions }
    }

    /// Runs `job` on the writing connection. Answers once what it wrote is durable; what a failing job wrote is undone.
    /// A caller that goes away later than its job began does not stop it.
    pub(super) async fn write<F, T, E>(&self, job: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let closed = || StoreError::Database(sqlx::Error::PoolClosed).into();
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Box::new(Work { work: job, answer })).await.is_err() {
            return Err(closed());
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Moves all of the log into the file and cuts it to nothing: what was overwritten or deleted stays in it otherwise,
    /// until something else comes to lie there. False if somebody who reads kept it from that.
    pub(super) async fn empty_log(&self) -> Result<bool, StoreError> {
        let closed = || StoreError::Database(sqlx::Error::PoolClosed);
        let (answer, answered) = oneshot::channel();
        self.emptyings.send(answer).await.map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// How many transactions were committed.
    pub(super) fn transactions(&self) -> u64 {
        self.transactions.load(Ordering::Relaxed)
    }

    /// Turns true when the disk has failed.
    pub(super) fn broken(&self) -> watch::Receiver<bool> {
        self.broken.clone()
    }

    /// Finishes what is queued, takes nothing more, and closes the connection.
    pub(super) async fn close(&self) {
        self.closing.send_replace(true);
        // Nothing is ever sent on it: it ends with the task.
        drop(self.ended.clone().changed().await);
    }
}

async fn serve(
    mut batches: Batches,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    mut emptyings: mpsc::Receiver<Emptying>,
    mut close: watch::Receiver<bool>,
    is_broken: watch::Sender<bool>,
) {
    let mut jobs = Vec::with_capacity(BATCH);
    let mut closing = false;
    loop {
        let ended = tokio::select! {
            biased;
            () = async { drop(close.wait_for(|it| *it).await) }, if !closing => {
                closing = true;
                queue.close();
                Ok(())
            }
            Some(answer) = emptyings.recv() => {
                let emptied = batches.empty_log().await;
                drop(answer.send(emptied.clone().map_err(StoreError::from)));
                emptied.map(drop)
            }
            taken = queue.recv_many(&mut jobs, BATCH) => {
                if taken == 0 {
                    break;
                }
                batches.run(&mut jobs).await
            }
        };
        if let Err(Failure::Broken(words)) = ended {
            tracing::error!(error = words, "the disk failed while committing; nothing more is written");
            is_broken.send_replace(true);
            // Closing would sync the file once more, and a second fsync may claim what the first one lost.
            std::mem::forget(batches.connection);
            return refuse_all(queue, close, Failure::Broken(words)).await;
        }
    }
    drop(batches.connection.close().await);
}

async fn refuse_all(mut queue: mpsc::Receiver<Box<dyn Job>>, mut close: watch::Receiver<bool>, failure: Failure) {
    loop {
        tokio::select! {
            _ = close.wait_for(|it| *it) => return,
            job = queue.recv() => match job {
                Some(job) => job.refuse(failure.clone()),
                None => return,
            }
        }
    }
}

/// The connection, and what is done to it for each batch.
struct Batches {
    connection: SqliteConnection,
    commit: Commit,
    transactions: Arc<AtomicU64>,
}

impl Batches {
    /// One transaction for all of `jobs`.
    async fn run(&mut self, jobs: &mut Vec<Box<dyn Job>>) -> Result<(), Failure> {
        jobs.retain(|job| job.wanted());
        if jobs.is_empty() {
            return Ok(());
        }
        let mut answers = Vec::with_capacity(jobs.len());
        // IMMEDIATE holds the lock from the start, so that no job fails half-way because another process writes.
        let mut so_far = self.say("BEGIN IMMEDIATE").await;
        for job in jobs.drain(..) {
            match so_far.clone() {
                Ok(()) => so_far = self.run_one(job, &mut answers).await,
                Err(failure) => job.refuse(failure),
            }
        }
        if so_far.is_ok() {
            so_far = (self.commit)(&mut self.connection).await.map_err(at_commit);
        }
        match &so_far {
            Ok(()) => {
                self.transactions.fetch_add(1, Ordering::Relaxed);
            }
            // Where SQLite has rolled back by itself there is nothing to roll back any more.
            Err(Failure::Database(_)) => drop(self.say("ROLLBACK").await),
            Err(Failure::Broken(_)) => {}
        }
        for answer in answers {
            answer(so_far.clone());
        }
        so_far
    }

    async fn run_one(&mut self, job: Box<dyn Job>, answers: &mut Vec<Answer>) -> Result<(), Failure> {
        if let Err(failure) = self.say("SAVEPOINT job").await {
            job.refuse(failure.clone());
            return Err(failure);
        }
        let (kept, answer) = job.run(&mut self.connection).await;
        answers.push(answer);
        if !kept {
            // Fails where the job's error undid the whole transaction (a full disk): then nobody's work is kept.
            self.say("ROLLBACK TO job").await?;
        }
        self.say("RELEASE job").await
    }

    /// Between two batches. An fsync that fails here is as bad as one of a commit: the log is cut once the file is synced.
    async fn empty_log(&mut self) -> Result<bool, Failure> {
        let patience: i64 = sqlx::query_scalar("PRAGMA busy_timeout").fetch_one(&mut self.connection).await?;
        self.wait_for_others(PATIENCE_MS.into()).await?;
        let emptied = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut self.connection).await;
        self.wait_for_others(patience).await?;
        let (busy, _, _): (bool, i64, i64) = emptied.map_err(at_commit)?;
        Ok(!busy)
    }

    async fn wait_for_others(&mut self, milliseconds: i64) -> Result<(), Failure> {
        let statement = format!("PRAGMA busy_timeout = {milliseconds}");
        self.connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        Ok(())
    }

    async fn say(&mut self, statement: &'static str) -> Result<(), Failure> {
        sqlx::query(statement).execute(&mut self.connection).await?;
        Ok(())
    }
}

/// A full disk refuses a commit; a failing one leaves it open whether the commit stands.
fn at_commit(error: sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(|it| it.code()).and_then(|it| it.parse::<i32>().ok());
    match code {
        Some(code) if code & 0xff == SQLITE_IOERR => Failure::Broken(error.to_string()),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests;
