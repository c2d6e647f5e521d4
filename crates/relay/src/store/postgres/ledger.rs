//! The ledger in PostgreSQL: appending at the end of the transaction of the step itself, and reading it back. What a
//! record is and how it is chained is `ledger/record.rs`.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};

use super::super::operate::Chained;
use super::super::steps::Subject;
use super::super::{Channel, StoreError};
use super::PostgresStore;
use crate::ledger::{BEGINNING, Hash, Record};

/// From a row with `id, organization, ehr, channel, reference, digest`.
pub(super) fn subject(row: &PgRow) -> Result<Subject, StoreError> {
    Ok(Subject {
        id: row.try_get("id")?,
        organization: row.try_get("organization")?,
        ehr: row.try_get("ehr")?,
        channel: Channel::of_number(row.try_get("channel")?)?,
        reference: row.try_get("reference")?,
        digest: row.try_get("digest")?,
    })
}

/// Appends records as the last thing before the commit: the head's lock is the one everybody shares.
pub(super) async fn append(tx: &mut PgConnection, records: &[Record]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let (mut seq, link): (i64, Vec<u8>) =
        sqlx::query_as("SELECT seq, link FROM ledger_head FOR UPDATE").fetch_one(&mut *tx).await?;
    let mut last = hash(link)?;
    let (mut seqs, mut previous, mut links) = (Vec::new(), Vec::new(), Vec::new());
    for record in records {
        seq += 1;
        seqs.push(seq);
        previous.push(last.to_vec());
        last = record.link(seq, &last);
        links.push(last.to_vec());
    }
    let words = |of: fn(&Record) -> &String| records.iter().map(|it| of(it).clone()).collect::<Vec<_>>();
    let numbers = |of: fn(&Record) -> i64| records.iter().map(of).collect::<Vec<_>>();
    let bytes = |of: fn(&Record) -> &Vec<u8>| records.iter().map(|it| of(it).clone()).collect::<Vec<_>>();
    sqlx::query(
        "WITH kept AS (
           INSERT INTO ledger (seq, previous, link, kind, at, organization, ehr, entry, channel, attempt, fence,
                               reference, digest, outcome, reason)
           SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::text[], $5::bigint[], $6::text[],
                                $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[], $12::bytea[],
                                $13::bytea[], $14::text[], $15::text[]))
         UPDATE ledger_head SET seq = $16, link = $17",
    )
    .bind(seqs)
    .bind(previous)
    .bind(links)
    .bind(words(|it| &it.kind))
    .bind(numbers(|it| it.at))
    .bind(words(|it| &it.organization))
    .bind(words(|it| &it.ehr))
    .bind(words(|it| &it.entry))
    .bind(words(|it| &it.channel))
    .bind(numbers(|it| it.attempt))
    .bind(numbers(|it| it.fence))
    .bind(bytes(|it| &it.reference))
    .bind(bytes(|it| &it.digest))
    .bind(words(|it| &it.outcome))
    .bind(words(|it| &it.reason))
    .bind(seq)
    .bind(&last[..])
    .execute(tx)
    .await?;
    Ok(())
}

fn hash(link: Vec<u8>) -> Result<Hash, StoreError> {
    Hash::try_from(link).map_err(|_| StoreError::Unreadable("link of the ledger"))
}

/// A row of `ledger` as it comes from the database.
struct Raw(Chained);

impl FromRow<'_, PgRow> for Raw {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
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

impl PostgresStore {
    pub(super) async fn ledger_after(&self, after: i64, limit: u32) -> Result<Vec<Chained>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as("SELECT * FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    pub(super) async fn ledger_about(&self, entry: &str) -> Result<Vec<Chained>, StoreError> {
        let found: Vec<Raw> = sqlx::query_as("SELECT * FROM ledger WHERE entry = $1 ORDER BY seq")
            .bind(entry)
            .fetch_all(&self.pool)
            .await?;
        Ok(found.into_iter().map(|it| it.0).collect())
    }

    /// From the table, not from `ledger_head`: what an auditor wants to know is where the records end.
    pub(super) async fn ledger_end(&self) -> Result<(i64, Hash), StoreError> {
        let last: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT seq, link FROM ledger ORDER BY seq DESC LIMIT 1").fetch_optional(&self.pool).await?;
        let Some((seq, link)) = last else { return Ok((0, BEGINNING)) };
        Ok((seq, hash(link)?))
    }
}
