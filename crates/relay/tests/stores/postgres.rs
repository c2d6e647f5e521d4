//! PostgreSQL's own part: a fresh database per test (`server.rs`), and what only a server can show: its settings, and a
//! schema that is newer than we are. Several nodes are `nodes.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use roomed_relay::store::postgres::PostgresStore;
use roomed_relay::store::{Change, CommitError, EventKey, Outcome, Store, StoreError};
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::given::{self, entry, new_visit, notice, t, visit};
use crate::looked_at::Addressed;
pub(crate) use crate::server::Database as Place;

impl Place {
    /// Another node.
    pub(crate) async fn node(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(PostgresStore::open(&self.url(), 6, Duration::from_secs(20)).await?))
    }
}

impl Addressed for Place {
    fn address(&self) -> String {
        self.url()
    }
}

#[async_trait]
impl given::Place for Place {
    async fn again(&self) -> Arc<dyn Store> {
        self.node().await.unwrap()
    }
}

pub(crate) async fn given() -> (Arc<dyn Store>, Place) {
    let place = Place::make("").await;
    (place.node().await.unwrap(), place)
}

#[tokio::test]
async fn what_the_database_says_of_durability_is_overruled() {
    for (set, becomes) in [("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")] {
        let place = Place::make("").await;
        let mut outside = place.connect().await;
        let name = &place.name;
        let alter = format!("ALTER DATABASE {name} SET synchronous_commit = {set}");
        outside.execute(AssertSqlSafe(alter)).await.unwrap();
        let store = place.node().await.unwrap();
        // Written down by the transaction that commits a visit, as it is there.
        let spy = "CREATE TABLE spied (setting TEXT);
                   CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                     INSERT INTO spied VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
                   CREATE TRIGGER spy AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION spy();";
        sqlx::raw_sql(spy).execute(&mut outside).await.unwrap();
        new_visit(&*store, "v", vec![]).await;
        let spied: Vec<String> = sqlx::query_scalar("SELECT setting FROM spied").fetch_all(&mut outside).await.unwrap();
        assert_eq!(spied, [becomes], "set to {set}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_letter_is_refused_in_words() {
    let place = Place::make("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0").await;
    let error = place.node().await.err().expect("refused").to_string();
    assert!(error.contains("must be UTF8"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_in_words() {
    let (store, place) = given().await;
    store.close().await;
    assert!(store.ready().await.is_err());
    let mut outside = place.connect().await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (9999, 'of tomorrow', true, '', 0)";
    outside.execute(newer).await.unwrap();
    let error = place.node().await.err().expect("refused").to_string();
    assert!(error.contains("newer version"), "{error}");
}

#[tokio::test]
async fn a_database_of_another_build_is_refused_in_words() {
    let (store, place) = given().await;
    store.close().await;
    let mut outside = place.connect().await;
    outside.execute("UPDATE _sqlx_migrations SET checksum = '' WHERE version = 2").await.unwrap();
    let error = place.node().await.err().expect("refused").to_string();
    assert!(error.contains("another build") && error.contains("step 2"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_told_without_the_password() {
    let url = "postgres://roomed:hunter2@127.0.0.1:1/roomed";
    let error = PostgresStore::open(url, 2, Duration::from_secs(1)).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let error = PostgresStore::open("sqlite:x", 2, Duration::from_secs(1)).await.unwrap_err().to_string();
    assert!(error.contains("postgres://"), "{error}");
}

#[tokio::test]
async fn the_ledger_cannot_be_rewritten_or_cut() {
    let (store, place) = given().await;
    new_visit(&*store, "v", vec![entry("o1", "s", 0)]).await;
    assert_eq!(given::claim(&*store, 0).await.len(), 1);
    let mut outside = place.connect().await;
    for attack in ["UPDATE ledger SET outcome = 'delivered'", "DELETE FROM ledger", "TRUNCATE ledger"] {
        let refused = outside.execute(attack).await.unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{attack}: {refused}");
    }
    assert_eq!(store.ledger(0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_fails_last_takes_the_whole_change_with_it() {
    let (store, place) = given().await;
    new_visit(&*store, "v", vec![]).await;
    let refuse = "ALTER TABLE notice ADD CONSTRAINT refused CHECK (kind <> 'refused')";
    place.connect().await.execute(refuse).await.unwrap();
    let change = |kind| Change {
        seen: vec![EventKey { source: "graph", key: "e".into() }],
        outbox: vec![entry("o", "s", 0)],
        notices: vec![notice("ann", kind)],
        ..Change::of(visit("v"), Some(1), t(1))
    };
    // Notices are written last: by then the event, the visit and its row were.
    assert!(matches!(store.commit(change("refused")).await, Err(CommitError::Store(_))));
    assert!(given::claim(&*store, 1).await.is_empty(), "a row of what never was");
    assert_eq!(store.visit("v").await.unwrap().unwrap().version, 1);
    assert_eq!(store.commit(change("{}")).await.unwrap().version, 2, "nor was its event heard");
}

#[tokio::test]
async fn several_nodes_make_the_schema_at_the_same_moment() {
    let place = Place::make("").await;
    let (a, b, c) = tokio::join!(place.node(), place.node(), place.node());
    for store in [a.unwrap(), b.unwrap(), c.unwrap()] {
        store.ready().await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn a_claim_looks_at_as_many_rows_however_many_wait() {
    let (few, many) = (looked_at_with(2_000).await, looked_at_with(40_000).await);
    assert!(many < few + few / 2, "{few} rows were looked at where 2000 wait, {many} where 40000 do");
}

/// Claims and settles among so many rows, four in five behind another of their stream, and says how many were looked at.
async fn looked_at_with(waiting: i64) -> i64 {
    let (store, place) = given().await;
    new_visit(&*store, "v", vec![entry("first", "first", 0)]).await;
    let mut outside = place.connect().await;
    // Never analyzed: the worst the planner can know.
    let backlog = "INSERT INTO outbox (id, organization, ehr, visit, stream, channel, participant, sealed, reference,
                                       digest, run_at, accepted_at, history)
                   SELECT 'o' || n, organization, ehr, visit, 's' || n / 5, 2, '', sealed, reference, digest, run_at + n,
                          accepted_at, n % 2 = 0
                   FROM outbox, generate_series(1, $1) AS n WHERE id = 'first'";
    sqlx::query(backlog).bind(waiting).execute(&mut outside).await.unwrap();
    store.close().await;
    let before = rows_looked_at(&mut outside).await;
    let store = place.node().await.unwrap();
    let mut settled = 0;
    for _ in 0..10 {
        let claimed = store.claim(given::policy(1_000_000, 10)).await.unwrap();
        assert!(claimed.next.is_some());
        settled += claimed.leases.len();
        for lease in claimed.leases {
            given::settle(&*store, lease, Outcome::Delivered, 1_000_000).await;
        }
    }
    assert_eq!(settled, 100);
    assert_eq!(store.connections_in_use().await.unwrap().len(), 1);
    store.close().await;
    rows_looked_at(&mut outside).await - before
}

/// Rows of the outbox that were read so far, once everybody else has gone and so has told what they did.
async fn rows_looked_at(outside: &mut PgConnection) -> i64 {
    let others = "SELECT count(*) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    let looked = "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) +
                         (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'outbox')
                  FROM pg_stat_user_tables WHERE relname = 'outbox'";
    let quiet = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            if sqlx::query_scalar::<_, i64>(others).fetch_one(&mut *outside).await.unwrap() == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), quiet).await.expect("the others go");
    outside.execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    sqlx::query_scalar(looked).fetch_one(outside).await.unwrap()
}
