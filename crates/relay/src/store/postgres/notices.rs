//! Notices in PostgreSQL. A recipient's cursor is a counter in its own row, so it grows even after old notices are
//! forgotten, and the row's lock makes the order of cursors the order of commits.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::hints::Hint;
use super::super::notices::{CommittedNotice, NewNotice, Notices, StoredNotice};
use super::super::{Recipient, StoreError};
use super::{PostgresStore, at, maybe_at, small};

/// Appends notices within a transaction, after everything but the ledger.
pub(super) async fn put(
    tx: &mut PgConnection,
    visit: &str,
    notices: Vec<NewNotice>,
    now: Timestamp,
) -> Result<Vec<CommittedNotice>, StoreError> {
    // Everybody's row is locked in one order, whatever the order of the notices.
    let mut counts: BTreeMap<Recipient, i64> = BTreeMap::new();
    for notice in &notices {
        *counts.entry(notice.recipient.clone()).or_default() += 1;
    }
    let mut last: BTreeMap<Recipient, i64> = BTreeMap::new();
    for (recipient, count) in counts {
        let now_at: i64 = sqlx::query_scalar(
            "INSERT INTO recipient (organization, tid, oid, last_notice) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organization, tid, oid) DO UPDATE SET last_notice = recipient.last_notice + $4
             RETURNING last_notice",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(count)
        .fetch_one(&mut *tx)
        .await?;
        last.insert(recipient, now_at - count);
    }
    let mut told = Vec::with_capacity(notices.len());
    for NewNotice { recipient, kind } in notices {
        let seq = last.entry(recipient.clone()).or_default();
        *seq += 1;
        sqlx::query(
            "INSERT INTO notice (organization, tid, oid, seq, visit, at, kind) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(*seq)
        .bind(visit)
        .bind(now.as_millisecond())
        .bind(kind)
        .execute(&mut *tx)
        .await?;
        told.push(CommittedNotice { seq: small(*seq)?, recipient });
    }
    Ok(told)
}

#[async_trait]
impl Notices for PostgresStore {
    async fn notices_after(
        &self,
        recipient: &Recipient,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredNotice>, StoreError> {
        let found: Vec<(i64, String, i64, String)> = sqlx::query_as(
            "SELECT seq, visit, at, kind FROM notice WHERE organization = $1 AND tid = $2 AND oid = $3 AND seq > $4
             ORDER BY seq LIMIT $5",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(i64::from(after))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let notice = |(seq, visit, when, kind)| Ok(StoredNotice { seq: small(seq)?, visit, at: at(when)?, kind });
        found.into_iter().map(notice).collect()
    }

    async fn cursor(&self, recipient: &Recipient) -> Result<u32, StoreError> {
        let cursor: Option<i64> =
            sqlx::query_scalar("SELECT last_notice FROM recipient WHERE organization = $1 AND tid = $2 AND oid = $3")
                .bind(&recipient.organization)
                .bind(&recipient.tid)
                .bind(&recipient.oid)
                .fetch_optional(&self.pool)
                .await?;
        small(cursor.unwrap_or(0))
    }

    async fn announce(
        &self,
        visit: &str,
        notices: Vec<NewNotice>,
        now: Timestamp,
    ) -> Result<Vec<CommittedNotice>, StoreError> {
        let mut tx = self.begin().await?;
        let told = put(&mut tx, visit, notices, now).await?;
        tx.commit().await?;
        self.tell(told.iter().map(Hint::notice));
        Ok(told)
    }

    async fn companion_seen(&self, recipient: &Recipient, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO recipient (organization, tid, oid, last_seen_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organization, tid, oid) DO UPDATE SET last_seen_at = excluded.last_seen_at",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(at.as_millisecond())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn companion_last_seen(&self, recipient: &Recipient) -> Result<Option<Timestamp>, StoreError> {
        let seen: Option<Option<i64>> =
            sqlx::query_scalar("SELECT last_seen_at FROM recipient WHERE organization = $1 AND tid = $2 AND oid = $3")
                .bind(&recipient.organization)
                .bind(&recipient.tid)
                .bind(&recipient.oid)
                .fetch_optional(&self.pool)
                .await?;
        maybe_at(seen.flatten())
    }

    async fn forget_notices(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete("DELETE FROM notice WHERE at < $1", before).await
    }
}
