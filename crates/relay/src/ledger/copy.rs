//! Reads the ledger of a database as an auditor does: of a copy or of the running one, without changing anything, without
//! any key, and without taking for granted that a column holds what it should.

use std::path::Path;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ColumnIndex, Connection, Decode, Row, Type, TypeInfo, ValueRef};

use super::audit::{Damaged, Fault, Found, Walk, Whole};
use super::{BEGINNING, Hash, Record};
use crate::store::Chained;

/// Records read at a time.
const PAGE: i64 = 2_000;

const FIRST: i64 = i64::MIN;

/// The ledger cannot be read at all. Says nothing about whether it is good.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The address is of no database.
    #[error("--database must be sqlite:<path> or postgres://user@host/name")]
    Address,
    /// The file is not there.
    #[error("there is no file {0}")]
    NoFile(String),
    /// The database cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Closed(#[source] sqlx::Error),
    /// It has no ledger, or fails while it is read.
    #[error("the ledger cannot be read: {0}. Is this the database of a relay, and whole?")]
    Failed(#[source] sqlx::Error),
}

/// The open copy. One read transaction, so that a running relay can go on writing.
pub struct Copy(Kind);

enum Kind {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// What `ledger` is asked for; the two databases differ in their placeholders only.
const OF_SQLITE: &str = "SELECT seq, previous, link, kind, at, organization, ehr, entry, channel, attempt, fence, reference, \
                         digest, outcome, reason FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?";
const OF_POSTGRES: &str = "SELECT seq, previous, link, kind, at, organization, ehr, entry, channel, attempt, fence, \
                           reference, digest, outcome, reason FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2";
const LAST: &str = "SELECT seq, link FROM ledger ORDER BY seq DESC LIMIT 1";
const COUNT: &str = "SELECT count(*) FROM ledger";

impl Copy {
    /// Opens the database for reading. A SQLite file is not migrated and not written to, whatever its state.
    pub async fn open(address: &str) -> Result<Self, Unreadable> {
        match address.split(':').next() {
            Some("sqlite") => Self::sqlite(address).await,
            Some("postgres" | "postgresql") => Self::postgres(address).await,
            _ => Err(Unreadable::Address),
        }
    }

    async fn sqlite(address: &str) -> Result<Self, Unreadable> {
        let options = SqliteConnectOptions::from_str(address).map_err(|_| Unreadable::Address)?;
        let file = options.get_filename().to_owned();
        if !file.is_file() {
            return Err(Unreadable::NoFile(file.display().to_string()));
        }
        // Where the log was not copied, nobody else writes either; and then SQLite must not want to make one, which in a
        // folder that may only be read would fail.
        let options = options.read_only(true).create_if_missing(false).immutable(!beside(&file, "-wal").is_file());
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(Unreadable::Closed)?;
        sqlx::query("BEGIN").execute(&mut connection).await.map_err(Unreadable::Failed)?;
        Ok(Self(Kind::Sqlite(connection)))
    }

    async fn postgres(address: &str) -> Result<Self, Unreadable> {
        // sqlx's own words about an address may hold a piece of it, and that may be the password.
        let options = PgConnectOptions::from_str(address).map_err(|_| Unreadable::Address)?;
        let options = options.application_name("roomed-relay audit");
        let mut connection = PgConnection::connect_with(&options).await.map_err(Unreadable::Closed)?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        sqlx::query(begin).execute(&mut connection).await.map_err(Unreadable::Failed)?;
        Ok(Self(Kind::Postgres(connection)))
    }

    /// The records after `after`, in order; from the beginning for `None`.
    pub async fn page(&mut self, after: Option<i64>) -> Result<Vec<Found>, Unreadable> {
        let after = after.unwrap_or(FIRST);
        let found = match &mut self.0 {
            Kind::Sqlite(connection) => {
                let rows = sqlx::query(OF_SQLITE).bind(after).bind(PAGE).fetch_all(connection).await;
                rows.map(|rows| rows.iter().map(chained).collect())
            }
            Kind::Postgres(connection) => {
                let rows = sqlx::query(OF_POSTGRES).bind(after).bind(PAGE).fetch_all(connection).await;
                rows.map(|rows| rows.iter().map(chained).collect())
            }
        };
        found.map_err(Unreadable::Failed)
    }

    /// How many rows the table has, in whatever order and place.
    pub async fn rows(&mut self) -> Result<i64, Unreadable> {
        let rows = match &mut self.0 {
            Kind::Sqlite(connection) => sqlx::query_scalar(COUNT).fetch_one(connection).await,
            Kind::Postgres(connection) => sqlx::query_scalar(COUNT).fetch_one(connection).await,
        };
        rows.map_err(Unreadable::Failed)
    }

    /// The last record's place and link, as they stand there; nothing is verified.
    pub async fn head(&mut self) -> Result<Result<(i64, Hash), Fault>, Unreadable> {
        let last = match &mut self.0 {
            Kind::Sqlite(connection) => {
                let row = sqlx::query(LAST).fetch_optional(connection).await;
                row.map(|row| row.as_ref().map(|row| (number(row, "seq"), blob(row, "link"))))
            }
            Kind::Postgres(connection) => {
                let row = sqlx::query(LAST).fetch_optional(connection).await;
                row.map(|row| row.as_ref().map(|row| (number(row, "seq"), blob(row, "link"))))
            }
        };
        let Some((seq, link)) = last.map_err(Unreadable::Failed)? else { return Ok(Ok((0, BEGINNING))) };
        let Ok(seq) = seq else { return Ok(Err(Fault::Column { seq: 0, column: "seq" })) };
        let link = link.ok().and_then(|link| Hash::try_from(link).ok());
        Ok(link.map(|link| (seq, link)).ok_or(Fault::Column { seq, column: "link" }))
    }

    /// Walks the whole ledger.
    ///
    /// # Errors
    /// The outer one: it could not be read. The inner one: the first thing that is wrong with it.
    pub async fn verify(&mut self, noted: Option<Hash>) -> Result<Result<Whole, Fault>, Unreadable> {
        let mut walk = Walk::new(noted);
        let mut after = None;
        loop {
            let page = self.page(after).await?;
            if page.is_empty() {
                return Ok(walk.end(self.rows().await?));
            }
            for found in page {
                if let Err(fault) = walk.step(found) {
                    return Ok(Err(fault));
                }
            }
            after = Some(walk.walked());
        }
    }
}

fn beside(file: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn chained<'r, R>(row: &'r R) -> Found
where
    R: Row,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    String: Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let seq = number(row, "seq").ok();
    let read = || -> Result<Chained, &'static str> {
        Ok(Chained {
            seq: number(row, "seq")?,
            previous: blob(row, "previous")?,
            link: blob(row, "link")?,
            record: Record {
                kind: text(row, "kind")?,
                at: number(row, "at")?,
                organization: text(row, "organization")?,
                ehr: text(row, "ehr")?,
                entry: text(row, "entry")?,
                channel: text(row, "channel")?,
                attempt: number(row, "attempt")?,
                fence: number(row, "fence")?,
                reference: blob(row, "reference")?,
                digest: blob(row, "digest")?,
                outcome: text(row, "outcome")?,
                reason: text(row, "reason")?,
            },
        })
    };
    read().map_err(|column| Damaged { seq, column })
}

fn number<'r, R>(row: &'r R, column: &'static str) -> Result<i64, &'static str>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
{
    present(row, column)?.try_get(column).map_err(|_| column)
}

fn text<'r, R>(row: &'r R, column: &'static str) -> Result<String, &'static str>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    String: Decode<'r, R::Database> + Type<R::Database>,
{
    present(row, column)?.try_get(column).map_err(|_| column)
}

/// SQLite would give an empty text or a zero where nothing stands, and the link might not show the difference.
fn present<'r, R>(row: &'r R, column: &'static str) -> Result<&'r R, &'static str>
where
    R: Row,
    &'static str: ColumnIndex<R>,
{
    let value = row.try_get_raw(column).map_err(|_| column)?;
    if value.is_null() { Err(column) } else { Ok(row) }
}

fn blob<'r, R>(row: &'r R, column: &'static str) -> Result<Vec<u8>, &'static str>
where
    R: Row,
    &'static str: ColumnIndex<R>,
    Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    // SQLite would give the bytes of a text as well, and the link would not show the difference.
    let value = row.try_get_raw(column).map_err(|_| column)?;
    if !matches!(value.type_info().name(), "BLOB" | "BYTEA") {
        return Err(column);
    }
    row.try_get(column).map_err(|_| column)
}
