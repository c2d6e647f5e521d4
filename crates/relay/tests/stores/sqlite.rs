//! SQLite's own part: a fresh file per test, and what only a file can show.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roomed_relay::store::sqlite::SqliteStore;
use roomed_relay::store::{Change, ChartWord, CommitError, EntryState, Store, StoreError, VisitRow, Visits};
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::forgetting::summary;
use crate::given::{Place, claim_one, claim_short, claim_when_free, close, entry, new_visit, person, t, visit};
use crate::looked_at::Addressed;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(crate) struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("deep/relay.sqlite")
    }

    async fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.address(), 2, Duration::from_secs(10)).await
    }

    /// The file as anybody with the right to read it sees it.
    async fn raw(&self) -> SqliteConnection {
        std::fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        SqliteConnectOptions::new().filename(self.path()).create_if_missing(true).connect().await.unwrap()
    }
}

impl Addressed for File {
    fn address(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }
}

#[async_trait]
impl Place for File {
    async fn again(&self) -> Arc<dyn Store> {
        Arc::new(self.open().await.unwrap())
    }
}

pub(crate) async fn given() -> (Arc<dyn Store>, File) {
    let file = File::new();
    (file.again().await, file)
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_so_is_what_was_in_flight() {
    let (store, file) = given().await;
    new_visit(&*store, "v", vec![entry("o1", "s", 0)]).await;
    drop(claim_short(&*store, 1).await);
    store.close().await;
    assert!(store.ready().await.is_err());
    let again = file.again().await;
    again.ready().await.unwrap();
    assert_eq!(again.visit("v").await.unwrap().unwrap().row, visit("v"));
    let lease = claim_when_free(&*again, 1).await;
    assert_eq!((lease.id.as_str(), lease.attempt, lease.fence), ("o1", 2, 2));
}

#[tokio::test]
async fn two_processes_share_a_file_without_losing_anything() {
    let (store, file) = given().await;
    let other = file.again().await;
    let commit = |store: Arc<dyn Store>, id: String| {
        tokio::spawn(async move { store.commit(Change::of(visit(&id), None, t(0))).await.map(|it| it.version) })
    };
    let mut commits = Vec::new();
    for n in 0..40 {
        commits.push(commit(store.clone(), format!("a{n}")));
        commits.push(commit(other.clone(), format!("b{n}")));
    }
    for commit in commits {
        assert_eq!(commit.await.unwrap().unwrap(), 1);
    }
    assert_eq!(store.open_visits("northside").await.unwrap().len(), 80);
}

#[tokio::test]
async fn commits_at_the_same_moment_share_transactions_and_one_refused_stops_no_other() {
    let file = File::new();
    let store = Arc::new(file.open().await.unwrap());
    new_visit(&*store, "there", vec![]).await;
    let before = store.transactions();
    let commit = |n: u32| {
        let store = store.clone();
        let row = if n == 50 { visit("there") } else { visit(&format!("v{n}")) };
        tokio::spawn(async move { store.commit(Change::of(row, None, t(0))).await })
    };
    let commits: Vec<_> = (0..200).map(commit).collect();
    for (n, commit) in commits.into_iter().enumerate() {
        match commit.await.unwrap() {
            Ok(_) => assert_ne!(n, 50),
            Err(CommitError::Conflict) => assert_eq!(n, 50),
            Err(error) => panic!("{error}"),
        }
    }
    let transactions = store.transactions() - before;
    assert!(transactions < 100, "200 commits made {transactions} transactions");
    store.close().await;
    assert_eq!(file.again().await.open_visits("northside").await.unwrap().len(), 200);
}

#[tokio::test]
async fn the_ledger_can_be_neither_rewritten_nor_cut() {
    let (store, file) = given().await;
    new_visit(&*store, "v", vec![entry("o", "s", 0)]).await;
    drop(claim_one(&*store, 0).await);
    let mut raw = file.raw().await;
    for statement in [
        "UPDATE ledger SET reason = 'nothing happened'",
        "UPDATE ledger SET seq = seq + 1",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger SELECT seq, previous, link, kind, 0, organization, ehr, entry, channel, attempt,
           fence, reference, digest, outcome, reason FROM ledger",
    ] {
        let error = sqlx::query(statement).execute(&mut raw).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{statement}: {error}");
    }
    assert_eq!(store.ledger(0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_forgotten_is_wiped_out_of_file_and_log() {
    let (store, file) = given().await;
    let contains = |path: &std::path::Path, needle: &[u8]| {
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|it| it == needle))
    };
    let log = file.path().with_extension("sqlite-wal");
    let stands = |what: &[u8]| [contains(&file.path(), what), contains(&log, what)];
    assert!(store.wipe().await.unwrap(), "nobody reads");
    let sealed = VisitRow { sealed: b"what the visit was about".to_vec(), ..visit("v") };
    let outbox = vec![entry("o", "s", 0)];
    store.commit(Change { outbox, ..Change::of(sealed, None, t(0)) }).await.unwrap();
    close(&*store, "v", Some(1), 1).await;
    store.forget_visit("v", summary("v", 0), t(2)).await.unwrap();
    let told: [&[u8]; 2] = [b"what the visit was about", b"sealed o"];
    for what in told {
        assert_eq!(stands(what), [false, true], "the proof below would prove nothing");
    }
    // Whoever reads what was before keeps it there, and is not waited for.
    let mut raw = file.raw().await;
    raw.execute("BEGIN; SELECT * FROM visit_summary").await.unwrap();
    new_visit(&*store, "w", vec![]).await;
    assert!(!store.wipe().await.unwrap());
    raw.execute("ROLLBACK").await.unwrap();
    assert!(store.wipe().await.unwrap());
    for what in told {
        assert_eq!(stands(what), [false, false]);
    }
    assert_eq!(store.visit("w").await.unwrap().unwrap().version, 1);
    new_visit(&*store, "x", vec![]).await;
}

#[tokio::test]
async fn rows_of_the_version_before_are_kept() {
    let file = File::new();
    let mut raw = file.raw().await;
    let old: Vec<_> = MIGRATIONS.iter().filter(|it| it.version <= 3).cloned().collect();
    let old = Migrator { migrations: Cow::Owned(old), ..Migrator::DEFAULT };
    old.run(&mut raw).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO visit VALUES ('v', 'northside', x'01', '2027-01-15', x'02', x'03', 'arrived', 1800000000000,
           1800001800000, NULL, NULL, 4, 1800000000000, NULL, NULL);
         INSERT INTO outbox (id, stream, visit, participant, ehr, sealed, state, run_at, attempts, failures, accepted_at,
                             delivered_at, reason)
         VALUES ('gone', 's', 'v', 'p', 'https://ehr.example', x'0a', 3, 0, 1, 0, 1800000000000, NULL, NULL),
                ('delivered', 's', 'v', 'p', 'https://ehr.example', x'0b', 2, 0, 1, 0, 1800000000000, 1800000001000, NULL),
                ('parked', 't', 'v', 'q', 'https://ehr.example', x'0c', 4, 0, 7, 7, 1800000000000, NULL, 'poison'),
                ('waiting', 'u', 'v', 'r', 'https://ehr.example', x'0d', 0, 1800000005000, 2, 2, 1800000000000, NULL, '503');
         INSERT INTO attempt VALUES ('waiting', 1, 1, 1800000000000, 1800000001000, 'retry', '503');
         DELETE FROM outbox WHERE id = 'gone';
         INSERT INTO link VALUES ('northside', 'https://ehr.example', 'Practitioner/p', 'tid', 'ann', 1),
                ('northside', 'https://ehr.example', 'Practitioner/q', 'tid', 'ann', 2),
                ('northside', 'https://ehr.example', 'Practitioner/r', 'tid', 'bob', 3);",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    raw.close().await.unwrap();

    let store = file.again().await;
    assert_eq!(store.visit("v").await.unwrap().unwrap().version, 4);
    let word = |index: usize, marks: &[roomed_relay::store::ChartRow]| marks[index].word.clone();
    let marks = store.chart("v").await.unwrap();
    assert_eq!(word(0, &marks), ChartWord::Written { at: t(1) });
    assert_eq!(word(1, &marks), ChartWord::Parked { reason: "poison".into() });
    assert_eq!(word(2, &marks), ChartWord::Pending { since: t(0) });
    assert_eq!(store.connections_in_use().await.unwrap(), [("northside".into(), "https://ehr.example".into())]);
    let lease = claim_one(&*store, 5).await;
    assert_eq!((lease.id.as_str(), lease.sealed.as_slice(), lease.attempt), ("waiting", &[0x0d][..], 3));
    assert_eq!((lease.failures, lease.accepted_at), (2, t(0)));
    assert_eq!(store.retry("parked", t(6)).await.unwrap(), Ok(()));
    assert_eq!(store.entry("parked").await.unwrap().unwrap().state, EntryState::Waiting);
    // One account with two EHR users was possible then: both are asked again; whoever was linked once stays so.
    assert_eq!(store.links_of(&person("ann")).await.unwrap(), []);
    assert_eq!(store.links_of(&person("bob")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_in_words_and_left_as_it_is() {
    let (store, file) = given().await;
    new_visit(&*store, "v", vec![]).await;
    store.close().await;
    let mut raw = file.raw().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99, 'what is to come', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let error = file.open().await.unwrap_err().to_string();
    assert!(error.contains("written by a newer version") && error.contains("start that version"), "{error}");
    // Somebody else's build of the same step is another matter.
    let mut raw = file.raw().await;
    let other = "DELETE FROM _sqlx_migrations WHERE version = 99; UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2";
    sqlx::raw_sql(other).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let error = file.open().await.unwrap_err().to_string();
    assert!(error.contains("another build"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_in_words() {
    let file = File::new();
    std::fs::create_dir(file.path().parent().unwrap()).unwrap();
    std::fs::write(file.path(), "not a database, but long enough to be taken for one").unwrap();
    let error = file.open().await.unwrap_err().to_string();
    assert!(error.contains("not a database"), "{error}");
    let error = SqliteStore::open("mysql:x", 1, Duration::from_secs(1)).await.unwrap_err().to_string();
    assert!(error.contains("sqlite:<path>"), "{error}");
}
