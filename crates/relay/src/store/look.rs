//! What a database is, read beside a relay that runs on it: nothing is migrated, made or locked. SQLite is asked for the files'
//! rights instead of for a write, since even an empty one would keep the relay waiting.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::{postgres, sqlite};

/// A database that is open for reading.
pub struct Look(Kind);

enum Kind {
    Sqlite(SqliteConnection, PathBuf),
    Postgres(PgConnection),
}

/// Why it cannot be looked at. Holds nothing of the address: that may be the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blind {
    /// The address is of no database.
    Address,
    /// There is no such file: the relay's first start makes it.
    Absent,
    /// It does not open, or the server does not answer.
    Closed,
    /// It opens, and is no relay's.
    Strange,
}

/// How the schema stands to the one this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It is the same.
    Same {
        /// The last step.
        step: i64,
    },
    /// It is at an earlier step.
    Older {
        /// The last step there.
        step: i64,
        /// The last one known here.
        known: i64,
    },
    /// It has steps this program does not know.
    Newer {
        /// The last step there.
        step: i64,
        /// The last one known here.
        known: i64,
    },
    /// A step reads otherwise there, or was left half done.
    Other {
        /// Which.
        step: i64,
    },
}

/// A step as the database has it.
type Step = (i64, Vec<u8>, bool);

const STEPS: &str = "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version";

impl Look {
    /// Opens the database of `database.url`.
    ///
    /// # Errors
    /// Says why not.
    pub async fn open(address: &str) -> Result<Self, Blind> {
        match address.split(':').next() {
            Some("sqlite") => Self::sqlite(address).await,
            Some("postgres" | "postgresql") => Self::postgres(address).await,
            _ => Err(Blind::Address),
        }
    }

    async fn sqlite(address: &str) -> Result<Self, Blind> {
        let options = SqliteConnectOptions::from_str(address).map_err(|_| Blind::Address)?;
        let file = options.get_filename().to_owned();
        if !file.is_file() {
            return Err(Blind::Absent);
        }
        // Without a log nobody has it open, and SQLite must not want to make one.
        let immutable = !beside(&file, "-wal").is_file();
        let options = options.read_only(true).create_if_missing(false).immutable(immutable);
        let connection = SqliteConnection::connect_with(&options).await.map_err(|_| Blind::Closed)?;
        Ok(Self(Kind::Sqlite(connection, file)))
    }

    async fn postgres(address: &str) -> Result<Self, Blind> {
        let options = PgConnectOptions::from_str(address).map_err(|_| Blind::Address)?;
        let options =
            options.application_name("roomed-relay doctor").options([("default_transaction_read_only", "on")]);
        let connection = PgConnection::connect_with(&options).await.map_err(|_| Blind::Closed)?;
        Ok(Self(Kind::Postgres(connection)))
    }

    /// How the schema stands to ours.
    ///
    /// # Errors
    /// [`Blind::Strange`] where nothing of a relay's is.
    pub async fn fit(&mut self) -> Result<Fit, Blind> {
        let (known, found): (&Migrator, Result<Vec<Step>, sqlx::Error>) = match &mut self.0 {
            Kind::Sqlite(it, _) => (&sqlite::MIGRATIONS, sqlx::query_as(STEPS).fetch_all(it).await),
            Kind::Postgres(it) => (&postgres::MIGRATIONS, sqlx::query_as(STEPS).fetch_all(it).await),
        };
        fit(&steps(known), &found.map_err(|_| Blind::Strange)?).ok_or(Blind::Strange)
    }

    /// Whether this process' user may write to it, as far as that shows without writing.
    pub async fn writable(&mut self) -> bool {
        match &mut self.0 {
            Kind::Sqlite(_, file) => {
                let log = ["-wal", "-shm"].map(|ending| beside(file, ending));
                let folder = file.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let there = log.iter().filter(|it| it.exists()).map(PathBuf::as_path);
                may_write(file) && may_write(folder) && { there }.all(may_write)
            }
            Kind::Postgres(it) => {
                let may = "SELECT NOT pg_is_in_recovery() AND has_table_privilege('organization_key', 'UPDATE')";
                sqlx::query_scalar(may).fetch_one(it).await.unwrap_or(false)
            }
        }
    }

    /// An organization's key as it is kept, wrapped.
    pub async fn organization_key(&mut self, organization: &str) -> Option<Vec<u8>> {
        let key = match &mut self.0 {
            Kind::Sqlite(it, _) => {
                let ask = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = ?");
                ask.bind(organization).fetch_optional(it).await
            }
            Kind::Postgres(it) => {
                let ask = sqlx::query_scalar("SELECT wrapped FROM organization_key WHERE organization = $1");
                ask.bind(organization).fetch_optional(it).await
            }
        };
        key.ok().flatten()
    }

    /// Ends the connection.
    pub async fn close(self) {
        let closed = match self.0 {
            Kind::Sqlite(it, _) => it.close().await,
            Kind::Postgres(it) => it.close().await,
        };
        drop(closed);
    }
}

/// The file of a `sqlite:` address.
pub fn file_of(address: &str) -> Option<PathBuf> {
    let options = address.starts_with("sqlite:").then(|| SqliteConnectOptions::from_str(address).ok())??;
    Some(options.get_filename().to_owned())
}

#[cfg(unix)]
fn may_write(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| !it.permissions().readonly())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn steps(known: &Migrator) -> Vec<(i64, Vec<u8>)> {
    let up = known.iter().filter(|it| !it.migration_type.is_down_migration());
    up.map(|it| (it.version, it.checksum.to_vec())).collect()
}

/// `None`: no step was ever made there.
fn fit(known: &[(i64, Vec<u8>)], found: &[Step]) -> Option<Fit> {
    let (step, _, _) = *found.last().as_ref()?;
    let last = known.last().map_or(0, |(version, _)| *version);
    let unlike = |(version, checksum, done): &&Step| {
        let ours = known.iter().find(|(it, _)| it == version);
        !done || ours.is_some_and(|(_, it)| it != checksum)
    };
    if let Some((odd, _, _)) = found.iter().find(unlike) {
        return Some(Fit::Other { step: *odd });
    }
    if found.iter().any(|(version, _, _)| !known.iter().any(|(it, _)| it == version)) {
        return Some(Fit::Newer { step: *step, known: last });
    }
    let whole = found.len() == known.len();
    Some(if whole { Fit::Same { step: *step } } else { Fit::Older { step: *step, known: last } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_same_older_newer_or_another() {
        let known = [(1, vec![1]), (2, vec![2]), (3, vec![3])];
        let found = |steps: &[(i64, u8, bool)]| -> Vec<Step> {
            steps.iter().map(|(version, sum, done)| (*version, vec![*sum], *done)).collect()
        };
        for (steps, wanted) in [
            (&[(1, 1, true), (2, 2, true), (3, 3, true)][..], Some(Fit::Same { step: 3 })),
            (&[(1, 1, true), (2, 2, true)], Some(Fit::Older { step: 2, known: 3 })),
            (&[(1, 1, true), (2, 2, true), (3, 3, true), (4, 4, true)], Some(Fit::Newer { step: 4, known: 3 })),
            (&[(1, 1, true), (2, 9, true), (3, 3, true)], Some(Fit::Other { step: 2 })),
            (&[(1, 1, true), (2, 2, false)], Some(Fit::Other { step: 2 })),
            (&[], None),
        ] {
            assert_eq!(fit(&known, &found(steps)), wanted, "{steps:?}");
        }
    }
}
