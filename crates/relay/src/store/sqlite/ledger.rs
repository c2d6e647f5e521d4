//! The ledger in SQLite: appending within the transaction of the step itself, and reading it back. What a record is and
//! how it is chained is `ledger/record.rs`.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use super::super::operate::Chained;
use super::super::steps::Subject;
use super::super::{Channel, StoreError};
use super::SqliteStore;
use crate::ledger::{BEGINNING, Hash, Record};

/// What happened to one row: the ledger is never cut, so it must not be walked for that.
pub(super) const ABOUT: &str = "SELECT * FROM ledger INDEXED BY ledger_entry WHERE entry = ? ORDER BY seq";

/// What a record is about, from a row that has `id, organization, ehr, channel, reference, digest`.
pub(super) fn subject(row: &SqliteRow) -> Result<Subject, StoreError> {
    Ok(Subject {
        id: row.try_get("id")?,
        organization: row.try_get("organization")?,
        ehr: row.try_get("ehr")?,
        channel: Channel::of_number(row.try_get("channel")?)?,
        reference: row.try_get("reference")?,
        digest: row.try_get("digest")?,
    })
}

/// Appends one record. The writer is alone, so the head cannot move between reading and writing.
pub(super) async fn append(tx: &mut SqliteConnection, record: &Record) -> Result<(), StoreError> {
    let (last, previous) = head(&mut *tx).await?;
    let seq = last + 1;
    sqlx::query(
        "INSERT INTO ledger (seq, previous, link, kind, at, organization, ehr, entry, channel, attempt, fence, reference,
                             digest, outcome, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(seq)
    .bind(&previous[..])
    .bind(&record.link(seq, &previous)[..])
    .bind(&record.kind)
    .bind(record.at)
    .bind(&record.organization)
    .bind(&record.ehr)
    .bind(&record.entry)
    .bind(&record.channel)
    .bind(record.attempt)
    .bind(record.fence)
    .bind(&record.reference)
    .bind(&record.digest)
    .bind(&record.outcome)
    .bind(&record.reason)
    .execute(tx)
    .await?;
    Ok(())
}

async fn head(executor: impl sqlx::SqliteExecutor<'_>) -> Result<(i64, Hash), StoreError> {
    let last: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, link FROM ledger ORDER BY seq DESC LIMIT 1").fetch_optional(executor).await?;
    let Some((seq, link)) = last else { return Ok((0, BEGINNING)) };
    Ok((seq, Hash::try_from(link).map_err(|_| StoreError::Unreadable("link of the ledger"))?))
}

/// A row of `ledger` as it comes from the database.
struct Raw(Chained);

impl FromRow<'_, SqliteRow> for Raw {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self(Chained {
            seq: row.try_get("seq")?,
            previous: row.try_get("previous")?,
            link: row.try_get("link")?,
            record: Record {
                kind: row.try_get("kind")?,
                at: row.try_get("at")?,
                organization: row.try_get("organization")?,
                ehr: row.try_get("ehr")?,
                entry: row.try_get("entry")?,
                channel: row.try_get("channel")?,
                attempt: row.try_get("attempt")?,
                fence: row.try_get("fence")?,
                reference: row.try_get("reference")?,
                digest: row.try_get("digest")?,
                outcome: row.try_get("outcome")?,
                reason: row.try_get("reason")?,
            },
        }))
    }
}

impl SqliteStore {
    pub(super) async fn ledger_after(&self, after: i64, limit: u32) -> Result<Vec<Chained>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as("SELECT * FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?")
            .bind(after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    pub(super) async fn ledger_about(&self, entry: &str) -> Result<Vec<Chained>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as(ABOUT).bind(entry).fetch_all(&self.readers).await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    pub(super) async fn ledger_end(&self) -> Result<(i64, Hash), StoreError> {
        head(&self.readers).await
    }
}
