//! A database of a test's own on the PostgreSQL server that `cargo xtask test stores` starts. Also compiled into
//! `tests/operations`.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// It goes with the server: to drop it is a checkpoint, and takes longer than most tests.
pub(crate) struct Database {
    server: String,
    pub(crate) name: String,
}

impl Database {
    pub(crate) async fn make(options: &str) -> Self {
        let server = std::env::var("ROOMED_TEST_POSTGRES").expect(
            "ROOMED_TEST_POSTGRES names no PostgreSQL server: run `cargo xtask test stores`, which starts one for the \
             tests, or `cargo xtask postgres cargo test ...`",
        );
        let mut admin = PgConnection::connect(&server).await.expect("the test server answers");
        let name: String = sqlx::query_scalar("SELECT 'roomed_test_' || replace(gen_random_uuid()::text, '-', '')")
            .fetch_one(&mut admin)
            .await
            .unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} {options}"))).await.unwrap();
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a URL with a database");
        format!("{server}/{}", self.name)
    }

    /// A look from outside.
    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}
