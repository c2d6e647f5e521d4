//! What a relay leaves behind when it stops: a folder with its keys, and a database, which is a file in that folder or one of
//! its own on the test server. Backed up and put back as `docs/operating.md` says.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::process::Command;

use crate::server::Database;
use crate::server_time::ServerTime;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A relay's, and thrown away with the test.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    /// None: `relay.sqlite` in the folder.
    server: Option<Database>,
}

impl Home {
    /// An empty one.
    pub(crate) async fn make(kind: Kind) -> Self {
        let server = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(Database::make("").await),
        };
        Self { folder: tempfile::tempdir().unwrap(), server }
    }

    pub(crate) fn kind(&self) -> Kind {
        if self.server.is_some() { Kind::Postgres } else { Kind::Sqlite }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// As `database.url` and `--database` take it.
    pub(crate) fn url(&self) -> String {
        match &self.server {
            None => format!("sqlite:{}", self.folder().join("relay.sqlite").display()),
            Some(database) => database.url(),
        }
    }

    /// The time by which its outbox goes, unless that is the relay's own.
    pub(crate) async fn time(&self) -> Option<ServerTime> {
        match &self.server {
            None => None,
            Some(database) => Some(ServerTime::stop(database).await),
        }
    }

    /// Statements by somebody with every right on the database.
    pub(crate) async fn sql(&self, statements: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
        match &self.server {
            None => {
                let mut outside = SqliteConnection::connect(&self.url()).await.unwrap();
                statements.execute(&mut outside).await.unwrap();
                outside.close().await.unwrap();
            }
            Some(database) => drop(statements.execute(&mut database.connect().await).await.unwrap()),
        }
    }

    /// A backup of the database while it is in use, put back into an empty home, and after it the keys directory.
    pub(crate) async fn restored_elsewhere(&self) -> Self {
        let elsewhere = match &self.server {
            None => {
                let elsewhere = Self::make(Kind::Sqlite).await;
                self.sql(&format!("VACUUM INTO '{}'", elsewhere.folder().join("relay.sqlite").display())).await;
                elsewhere
            }
            Some(database) => {
                let server = Some(put_back(&dump(database, &self.folder().join("backup.dump")).await).await);
                Self { folder: tempfile::tempdir().unwrap(), server }
            }
        };
        std::fs::create_dir_all(elsewhere.folder().join("keys")).unwrap();
        for entry in std::fs::read_dir(self.folder().join("keys")).unwrap() {
            let entry = entry.unwrap();
            if entry.metadata().unwrap().is_file() {
                std::fs::copy(entry.path(), elsewhere.folder().join("keys").join(entry.file_name())).unwrap();
            }
        }
        elsewhere
    }

    /// A copy of the database while the relay has it open, as a thief gets hold of it; says where it can be read. From
    /// SQLite the file and its WAL as they lie there, from PostgreSQL a dump.
    pub(crate) async fn stolen(&self, name: &str) -> Stolen {
        match &self.server {
            None => {
                let to = self.folder().join(name);
                std::fs::create_dir(&to).unwrap();
                for name in ["relay.sqlite", "relay.sqlite-wal"] {
                    std::fs::copy(self.folder().join(name), to.join(name)).unwrap();
                }
                Stolen { url: format!("sqlite:{}", to.join("relay.sqlite").display()), _server: None }
            }
            Some(database) => {
                let server = put_back(&dump(database, &self.folder().join(name)).await).await;
                Stolen { url: server.url(), _server: Some(server) }
            }
        }
    }

    /// The files in which a database server keeps what it is given, its write-ahead log among them.
    pub(crate) async fn files_of_the_server(&self) -> Option<PathBuf> {
        let mut outside = self.server.as_ref()?.connect().await;
        // What lies only in memory is not on the disk yet.
        sqlx::raw_sql("CHECKPOINT").execute(&mut outside).await.unwrap();
        Some(setting(&mut outside, "SELECT current_setting('data_directory')").await)
    }
}

/// A copy of a database.
pub(crate) struct Stolen {
    pub(crate) url: String,
    _server: Option<Database>,
}

/// `pg_dump`, not compressed: what stands in it can be searched for.
async fn dump(database: &Database, to: &Path) -> PathBuf {
    let file = to.display().to_string();
    tool(database, "pg_dump", &["--format=custom", "--compress=0", "--file", &file, "--dbname", &database.url()]).await;
    to.to_owned()
}

/// `pg_restore` into a new database.
async fn put_back(dump: &Path) -> Database {
    let database = Database::make("").await;
    let file = dump.display().to_string();
    tool(&database, "pg_restore", &["--exit-on-error", "--dbname", &database.url(), &file]).await;
    database
}

/// One of the programs that belong to the server: another version's may refuse.
async fn tool(database: &Database, name: &str, arguments: &[&str]) {
    let programs = "SELECT setting FROM pg_config WHERE name = 'BINDIR'";
    let program = setting(&mut database.connect().await, programs).await.join(name);
    let output = Command::new(program).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn setting(outside: &mut PgConnection, query: &'static str) -> PathBuf {
    sqlx::query_scalar::<_, String>(query).fetch_one(outside).await.unwrap().into()
}
