//! The time of a database server, in the hands of the test. Where several relays can share a database, the outbox goes by its
//! time and not by theirs, so a test that moves on the relay's clock moves on this one too.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::sync::Mutex;

use crate::server::Database;

/// What the server's function of that name says to whoever connects from now on. It is a setting of this database, not a
/// part of it: a backup that is put back elsewhere has the real time again.
const TIME: &str = "
    CREATE SCHEMA IF NOT EXISTS test;
    CREATE TABLE IF NOT EXISTS test.time (ms BIGINT NOT NULL);
    CREATE OR REPLACE FUNCTION test.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT timestamptz 'epoch' + max(ms) * interval '1 millisecond' FROM test.time $$;";

pub(crate) struct ServerTime(Mutex<PgConnection>);

impl ServerTime {
    /// Stands still, from now on.
    pub(crate) async fn stop(database: &Database) -> Self {
        let mut outside = database.connect().await;
        let name = &database.name;
        // Where the system's own schema is not named, it comes first.
        let first = format!("{TIME} ALTER DATABASE {name} SET search_path = public, test, pg_catalog");
        sqlx::raw_sql(AssertSqlSafe(first)).execute(&mut outside).await.unwrap();
        Self(Mutex::new(outside))
    }

    pub(crate) async fn set(&self, now: Timestamp) {
        let now = now.as_millisecond();
        let set = format!("DELETE FROM test.time; INSERT INTO test.time VALUES ({now})");
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut *self.0.lock().await).await.unwrap();
    }
}
