//! SQLite's own part: a fresh file per test, and what only a file can show.

use std::sync::Arc;
use std::time::Duration;

use roomed_relay::store::sqlite::SqliteStore;
use roomed_relay::store::{Change, Store, StoreError};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::given::{claim_one, claim_when_free, entry, new_visit, short, t, tell, visit};

pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) store: Arc<dyn Store>,
}

async fn open(folder: &tempfile::TempDir) -> Result<SqliteStore, StoreError> {
    let url = format!("sqlite:{}", folder.path().join("deep/relay.sqlite").display());
    SqliteStore::open(&url, 2, Duration::from_secs(10)).await
}

pub(crate) async fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(&folder).await.unwrap());
    Place { folder, store }
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_so_is_what_was_in_flight() {
    let Place { folder, store } = place().await;
    new_visit(&*store, "v", vec![entry("o1", "s", 0)]).await;
    let taken = store.claim(short(1)).await.unwrap();
    assert_eq!(taken.len(), 1);
    drop(taken);
    store.close().await;
    assert!(store.ready().await.is_err());
    let again: Arc<dyn Store> = Arc::new(open(&folder).await.unwrap());
    again.ready().await.unwrap();
    assert_eq!(again.visit("v").await.unwrap().unwrap().row, visit("v"));
    let lease = claim_when_free(&*again, 1).await;
    assert_eq!((lease.id.as_str(), lease.attempt, lease.fence), ("o1", 2, 2));
}

#[tokio::test]
async fn two_processes_share_a_file_without_losing_anything() {
    let Place { folder, store } = place().await;
    let other: Arc<dyn Store> = Arc::new(open(&folder).await.unwrap());
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
async fn the_file_itself_refuses_a_second_of_a_stream_in_flight_or_waiting() {
    let Place { folder, store } = place().await;
    new_visit(&*store, "v", vec![entry("o1", "s", 0), entry("other", "t", 9)]).await;
    claim_one(&*store, 1).await;
    tell(&*store, "v", vec![entry("o2", "s", 9)], 2).await;
    let file = SqliteConnectOptions::new().filename(folder.path().join("deep/relay.sqlite"));
    let mut direct = SqliteConnection::connect_with(&file).await.unwrap();
    let second = "UPDATE outbox SET state = ? WHERE stream = 's'";
    for state in [0, 1] {
        let error = sqlx::query(second).bind(state).execute(&mut direct).await.unwrap_err();
        assert!(error.as_database_error().is_some_and(|it| it.is_unique_violation()), "{state}: {error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    std::fs::write(folder.path().join("deep/relay.sqlite"), "not a database, but long enough to be taken for one")
        .unwrap();
    let error = open(&folder).await.unwrap_err().to_string();
    assert!(error.contains("not a database"), "{error}");
    let error = SqliteStore::open("mysql:x", 1, Duration::from_secs(1)).await.unwrap_err().to_string();
    assert!(error.contains("sqlite:<path>"), "{error}");
}
