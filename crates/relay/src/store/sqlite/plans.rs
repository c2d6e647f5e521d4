//! How SQLite goes about the statements that run all the time: along an index, never over the whole outbox, so that a
//! backlog makes no claim slower.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::{ClaimPolicy, Claimed, Operate, Outbox, OutboxCounts, StoreError};
use super::{SqliteStore, claim, connection, ledger};
use crate::outbox::connection::Policy;

async fn open(folder: &tempfile::TempDir) -> SqliteStore {
    let url = format!("sqlite:{}", folder.path().join("relay.sqlite").display());
    SqliteStore::open(&url, 1, Duration::from_secs(10)).await.expect("it opens")
}

/// `rows` waiting rows of a visit that is open, as many of one that has closed, and as many that are not yet due.
async fn fill(store: &SqliteStore, rows: i64) {
    store
        .write(move |tx| {
            Box::pin(async move {
                sqlx::raw_sql(
                    "INSERT INTO visit VALUES ('v', 'o', x'01', '2027-01-15', x'02', x'03', 'arrived', 0, 0, NULL, NULL, 1, 0,
                       NULL, NULL)",
                )
                .execute(&mut *tx)
                .await?;
                for (name, history, run_at) in [("open", 0, 0), ("history", 1, 0), ("later", 0, 5000)] {
                    sqlx::query(
                        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                         INSERT INTO outbox (id, organization, ehr, visit, stream, channel, participant, sealed, reference,
                                             digest, history, run_at, accepted_at)
                         SELECT ?2 || i, 'o', 'e', 'v', ?2 || i, i % 4, 'p', x'00', x'', x'', ?3, ?4, i FROM n",
                    )
                    .bind(rows)
                    .bind(name)
                    .bind(history)
                    .bind(run_at)
                    .execute(&mut *tx)
                    .await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await
        .expect("it is filled");
}

fn policy(limit: u32) -> ClaimPolicy {
    ClaimPolicy {
        organization: "o".into(),
        ehr: "e".into(),
        now: Timestamp::from_millisecond(1000).expect("a time"),
        limit,
        lease: SignedDuration::from_secs(60),
        settle_delay: SignedDuration::from_secs(5),
        longest_wait: SignedDuration::from_hours(1),
        one_per_visit: false,
        connection: Policy {
            per_second: 1000,
            per_row: 1,
            burst: 1000,
            trip_after: 9,
            open_for: SignedDuration::from_secs(30),
            open_at_most: SignedDuration::from_secs(30),
            asked_at_most: SignedDuration::from_secs(30),
        },
    }
}

/// Does `work` on the writing connection, and counts SQLite's steps meanwhile.
async fn in_steps<T, F>(store: &SqliteStore, work: F) -> (T, u64)
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
{
    let steps = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&steps);
    let done = store
        .write(move |tx| {
            Box::pin(async move {
                let count_one = move || {
                    count.fetch_add(1, Ordering::Relaxed);
                    true
                };
                tx.lock_handle().await?.set_progress_handler(1, count_one);
                let done = work(&mut *tx).await;
                tx.lock_handle().await?.remove_progress_handler();
                done
            })
        })
        .await
        .expect("it works");
    (done, steps.load(Ordering::Relaxed))
}

async fn claim_in_steps(store: &SqliteStore, limit: u32) -> (Claimed, u64) {
    in_steps(store, move |tx| Box::pin(async move { claim::claim(tx, &policy(limit)).await })).await
}

#[tokio::test]
async fn what_runs_all_the_time_goes_along_an_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder).await;
    fill(&store, 500).await;
    let mut statements =
        vec![claim::RUNNABLE, claim::NEXT_RUN, claim::LOST, claim::STRANDED, claim::NEXT_LOST, claim::IN_DOUBT];
    statements.extend(connection::NEXT_WAITING.into_iter().chain(connection::NEXT_IN_FLIGHT));
    // Before SQLite knows anything about the rows, and after.
    for analyze in [false, true] {
        if analyze {
            store
                .write(|tx| {
                    Box::pin(async move {
                        sqlx::query("ANALYZE").execute(tx).await?;
                        Ok::<_, StoreError>(())
                    })
                })
                .await
                .expect("it looks at the rows");
        }
        for statement in &statements {
            let plan: Vec<(i64, i64, i64, String)> =
                sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
                    .fetch_all(&store.readers)
                    .await
                    .expect("it plans");
            for (.., step) in plan {
                assert!(!step.contains("TEMP B-TREE") && !step.starts_with("SCAN"), "{step} in {statement}");
            }
        }
    }
}

#[tokio::test]
async fn the_story_of_one_row_is_found_without_reading_the_whole_ledger() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder).await;
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", ledger::ABOUT)))
            .fetch_all(&store.readers)
            .await
            .expect("it plans");
    let steps: Vec<&str> = plan.iter().map(|it| it.3.as_str()).collect();
    assert_eq!(steps, ["SEARCH ledger USING INDEX ledger_entry (entry=?)"]);
}

#[tokio::test]
async fn a_claim_takes_as_many_steps_however_many_rows_wait() {
    let mut steps = Vec::new();
    for rows in [100, 10_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let store = open(&folder).await;
        fill(&store, rows).await;
        let (claimed, took) = claim_in_steps(&store, 10).await;
        assert_eq!(claimed.leases.len(), 10);
        // And one that finds nothing it may take.
        let (nothing, took_nothing) = claim_in_steps(&store, 0).await;
        assert_eq!((nothing.leases.len(), nothing.next), (0, Some(policy(0).now)));
        let (in_use, took_in_use) = in_steps(&store, |tx| Box::pin(async move { connection::in_use(tx).await })).await;
        assert_eq!(in_use, [("o".into(), "e".into())]);
        steps.push([took, took_nothing, took_in_use]);
    }
    for (few, many) in steps[0].into_iter().zip(steps[1]) {
        assert!(few > 10, "something was counted: {steps:?}");
        assert!(many < few * 2, "{steps:?}");
    }
}

#[tokio::test]
async fn figures_count_what_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder).await;
    fill(&store, 20).await;
    store.claim(policy(5)).await.expect("it claims");
    let now = policy(0).now;
    let counts = store.outbox_counts().await.expect("it counts");
    let oldest = Timestamp::from_millisecond(1).ok();
    assert_eq!(counts, OutboxCounts { waiting: 55, in_flight: 5, oldest, ..OutboxCounts::default() });
    assert_eq!(store.quarantine("restored", now).await.expect("it works"), 60);
    let counts = store.outbox_counts().await.expect("it counts");
    assert_eq!(counts, OutboxCounts { quarantined: 60, ..OutboxCounts::default() });
}
