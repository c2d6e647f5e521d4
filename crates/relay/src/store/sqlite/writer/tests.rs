//! The writer on a small table: nobody is answered before the COMMIT, nobody pays for another's failure, and a disk that
//! fails ends it.

use std::borrow::Cow;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::Semaphore;

use super::*;

/// A file with one table, and a writer on it whose commits a test holds in its hand.
struct Given {
    folder: tempfile::TempDir,
    writer: Arc<Writer>,
}

async fn connect(folder: &tempfile::TempDir) -> SqliteConnection {
    let file = folder.path().join("t.sqlite");
    SqliteConnectOptions::new().filename(file).create_if_missing(true).connect().await.expect("it opens")
}

async fn given(commit: Option<Commit>) -> Given {
    let folder = tempfile::tempdir().expect("a folder");
    let mut connection = connect(&folder).await;
    connection.execute("PRAGMA journal_mode = WAL").await.expect("it has a log");
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)").await.expect("it is made");
    let writer = match commit {
        None => Writer::start(connection),
        Some(commit) => Writer::committing(connection, commit),
    };
    Given { folder, writer: Arc::new(writer) }
}

impl Given {
    /// What another connection sees.
    async fn rows(&self) -> Vec<i64> {
        let mut other = connect(&self.folder).await;
        sqlx::query_scalar("SELECT n FROM t ORDER BY n").fetch_all(&mut other).await.expect("it reads")
    }
}

/// Enters `n`; entering it twice fails.
async fn put(writer: Arc<Writer>, n: i64) -> Result<i64, StoreError> {
    writer
        .write(move |tx| {
            Box::pin(async move {
                sqlx::query("INSERT INTO t VALUES (?)").bind(n).execute(tx).await?;
                Ok(n)
            })
        })
        .await
}

/// A disk that waits at each commit until it is told to go on.
struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Gate {
    fn closed() -> Arc<Self> {
        Arc::new(Self { reached: Semaphore::new(0), open: Semaphore::new(0) })
    }

    fn commit(gate: &Arc<Self>) -> Commit {
        let gate = Arc::clone(gate);
        Box::new(move |tx| {
            let gate = Arc::clone(&gate);
            Box::pin(async move {
                gate.reached.add_permits(1);
                gate.open.acquire().await.expect("it is never closed").forget();
                tx.execute("COMMIT").await.map(drop)
            })
        })
    }

    /// Waits until a batch is about to be committed.
    async fn reached(&self) {
        let reached = tokio::time::timeout(Duration::from_secs(20), self.reached.acquire()).await;
        reached.expect("a batch gets there").expect("it is never closed").forget();
    }

    fn open(&self) {
        self.open.add_permits(99);
    }
}

/// Waits until so many jobs are queued.
async fn queued(writer: &Writer, count: usize) {
    let all = async {
        while writer.jobs.max_capacity() - writer.jobs.capacity() < count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all).await.expect("they are queued");
}

#[derive(Debug)]
struct Fails(&'static str);

impl std::fmt::Display for Fails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "(code: {})", self.0)
    }
}

impl std::error::Error for Fails {}

impl DatabaseError for Fails {
    fn message(&self) -> &str {
        "made up"
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }
    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// A commit that fails with this code of SQLite's, the first `times` times.
fn failing(code: &'static str, times: u32) -> Commit {
    let mut left = times;
    Box::new(move |tx| {
        let fails = left > 0;
        left = left.saturating_sub(1);
        Box::pin(async move {
            if fails {
                return Err(sqlx::Error::Database(Box::new(Fails(code))));
            }
            tx.execute("COMMIT").await.map(drop)
        })
    })
}

#[tokio::test]
async fn nobody_is_answered_before_the_commit() {
    let gate = Gate::closed();
    let given = given(Some(Gate::commit(&gate))).await;
    let first = tokio::spawn(put(given.writer.clone(), 1));
    let same = tokio::spawn(put(given.writer.clone(), 1));
    gate.reached().await;
    // Neither the one that worked nor the one that was refused because of it.
    let mut answers = [first, same];
    for answer in &mut answers {
        let early = tokio::time::timeout(Duration::from_millis(50), answer).await;
        assert!(early.is_err(), "answered before the commit");
    }
    assert!(given.rows().await.is_empty());
    gate.open();
    let [first, same] = answers;
    assert_eq!(first.await.expect("it ends").expect("it is kept"), 1);
    assert!(same.await.expect("it ends").is_err());
    assert_eq!(given.rows().await, [1]);
}

#[tokio::test]
async fn those_that_come_together_share_a_transaction_and_one_that_fails_stops_no_other() {
    let gate = Gate::closed();
    let given = given(Some(Gate::commit(&gate))).await;
    let first = tokio::spawn(put(given.writer.clone(), 0));
    gate.reached().await;
    // While the first waits for the disk, the others gather: 7 is entered twice.
    let others: Vec<_> = (1..=20).chain([7]).map(|n| tokio::spawn(put(given.writer.clone(), n))).collect();
    queued(&given.writer, 21).await;
    gate.open();
    first.await.expect("it ends").expect("it is kept");
    let mut refused = 0;
    for other in others {
        refused += usize::from(other.await.expect("it ends").is_err());
    }
    assert_eq!(refused, 1);
    assert_eq!(given.rows().await, (0..=20).collect::<Vec<_>>());
    assert_eq!(given.writer.transactions(), 2);
}

#[tokio::test]
async fn who_goes_away_stops_no_other_and_is_not_begun_for() {
    let gate = Gate::closed();
    let given = given(Some(Gate::commit(&gate))).await;
    let begun = tokio::spawn(put(given.writer.clone(), 1));
    gate.reached().await;
    let waiting = tokio::spawn(put(given.writer.clone(), 2));
    let stays = tokio::spawn(put(given.writer.clone(), 3));
    queued(&given.writer, 2).await;
    for gone in [&begun, &waiting] {
        gone.abort();
    }
    drop((begun.await, waiting.await));
    gate.open();
    stays.await.expect("it ends").expect("it is kept");
    assert_eq!(given.rows().await, [1, 3]);
}

#[tokio::test]
async fn a_job_that_panics_fails_alone() {
    let given = given(None).await;
    let panics = given.writer.write::<_, (), StoreError>(|tx| {
        Box::pin(async move {
            sqlx::query("INSERT INTO t VALUES (1)").execute(tx).await?;
            panic!("a bug");
        })
    });
    let (failed, kept) = tokio::join!(panics, put(given.writer.clone(), 2));
    assert!(failed.is_err());
    kept.expect("it is kept");
    assert_eq!(given.rows().await, [2]);
}

#[tokio::test]
async fn a_full_disk_refuses_the_whole_batch_and_the_next_one_may_do() {
    let given = given(Some(failing("13", 1))).await;
    let (one, two) = tokio::join!(put(given.writer.clone(), 1), put(given.writer.clone(), 2));
    for refused in [one, two] {
        assert!(matches!(refused, Err(StoreError::Shared(_))), "{refused:?}");
    }
    assert!(given.rows().await.is_empty());
    assert!(!*given.writer.broken().borrow());
    put(given.writer.clone(), 3).await.expect("it is kept");
    assert_eq!((given.rows().await, given.writer.transactions()), (vec![3], 1));
}

#[tokio::test]
async fn a_refusal_that_rests_on_what_is_not_kept_is_not_told() {
    // The second finds the first's row and is refused; then neither is kept. Told "it is there", its source would be
    // content, and the row would be lost.
    let given = given(Some(failing("13", 1))).await;
    let (one, same) = tokio::join!(put(given.writer.clone(), 1), put(given.writer.clone(), 1));
    for refused in [one, same] {
        assert!(matches!(refused, Err(StoreError::Shared(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_disk_that_fails_under_a_commit_ends_all_writing() {
    // 1034 is SQLITE_IOERR_FSYNC, 778 SQLITE_IOERR_WRITE.
    for code in ["1034", "778", "10"] {
        let given = given(Some(failing(code, 1))).await;
        let mut broken = given.writer.broken();
        assert!(!*broken.borrow());
        let (one, two) = tokio::join!(put(given.writer.clone(), 1), put(given.writer.clone(), 2));
        for refused in [one, two] {
            assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
        }
        broken.wait_for(|it| *it).await.expect("the writer says so");
        // The disk would do again, and is not asked.
        let refused = put(given.writer.clone(), 3).await;
        assert!(matches!(refused, Err(StoreError::Broken(_))), "{refused:?}");
        given.writer.close().await;
        assert!(put(given.writer.clone(), 4).await.is_err());
        assert!(given.rows().await.is_empty());
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_takes_nothing_more() {
    let gate = Gate::closed();
    let given = given(Some(Gate::commit(&gate))).await;
    let first = tokio::spawn(put(given.writer.clone(), 1));
    gate.reached().await;
    let second = tokio::spawn(put(given.writer.clone(), 2));
    queued(&given.writer, 1).await;
    let (a, b) = (given.writer.clone(), given.writer.clone());
    let closing = [tokio::spawn(async move { a.close().await }), tokio::spawn(async move { b.close().await })];
    gate.open();
    first.await.expect("it ends").expect("it is kept");
    second.await.expect("it ends").expect("it is kept");
    for closed in closing {
        closed.await.expect("it ends");
    }
    let late = put(given.writer.clone(), 3).await;
    assert!(matches!(late, Err(StoreError::Database(sqlx::Error::PoolClosed))), "{late:?}");
    given.writer.close().await;
    assert_eq!(given.rows().await, [1, 2]);
}

#[tokio::test]
async fn a_transaction_that_a_job_lost_is_nobodys() {
    // A full disk in the midst of a job undoes everything: no savepoint is left to go back to.
    let given = given(None).await;
    let loses = given.writer.write::<_, (), StoreError>(|tx| {
        Box::pin(async move {
            sqlx::query("ROLLBACK").execute(tx).await?;
            Err(StoreError::Unreadable("thing"))
        })
    });
    let (one, lost, two) = tokio::join!(put(given.writer.clone(), 1), loses, put(given.writer.clone(), 2));
    assert!(one.is_err() && lost.is_err() && two.is_err(), "{one:?} {lost:?} {two:?}");
    put(given.writer.clone(), 3).await.expect("it is kept");
    assert_eq!(given.rows().await, [3]);
}
