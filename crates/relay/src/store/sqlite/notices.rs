//! Notices in SQLite. A recipient's cursor is a counter in its own row, so it grows even after old notices are forgotten.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::notices::{CommittedNotice, NewNotice, Notices, StoredNotice};
use super::super::steps::{at, maybe_at};
use super::super::{Recipient, StoreError};
use super::SqliteStore;

/// Appends a notice within a transaction.
pub(super) async fn put(
    tx: &mut SqliteConnection,
    visit: &str,
    notice: NewNotice,
    now: Timestamp,
) -> Result<CommittedNotice, StoreError> {
    let NewNotice { recipient, kind } = notice;
    let seq: u32 = sqlx::query_scalar(
        "INSERT INTO recipient (organization, tid, oid, last_notice) VALUES (?, ?, ?, 1)
         ON CONFLICT DO UPDATE SET last_notice = last_notice + 1 RETURNING last_notice",
    )
    .bind(&recipient.organization)
    .bind(&recipient.tid)
    .bind(&recipient.oid)
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO notice (organization, tid, oid, seq, visit, at, kind) VALUES (?, ?, ?, ?, ?, ?, ?)")
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(seq)
        .bind(visit)
        .bind(now.as_millisecond())
        .bind(kind)
        .execute(tx)
        .await?;
    Ok(CommittedNotice { recipient, seq })
}

#[async_trait]
impl Notices for SqliteStore {
    async fn notices_after(
        &self,
        recipient: &Recipient,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredNotice>, StoreError> {
        let found: Vec<(u32, String, i64, String)> = sqlx::query_as(
            "SELECT seq, visit, at, kind FROM notice WHERE organization = ? AND tid = ? AND oid = ? AND seq > ?
             ORDER BY seq LIMIT ?",
        )
        .bind(&recipient.organization)
        .bind(&recipient.tid)
        .bind(&recipient.oid)
        .bind(after)
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        found.into_iter().map(|(seq, visit, when, kind)| Ok(StoredNotice { seq, visit, at: at(when)?, kind })).collect()
    }

    async fn cursor(&self, recipient: &Recipient) -> Result<u32, StoreError> {
        let cursor: Option<u32> =
            sqlx::query_scalar("SELECT last_notice FROM recipient WHERE organization = ? AND tid = ? AND oid = ?")
                .bind(&recipient.organization)
                .bind(&recipient.tid)
                .bind(&recipient.oid)
                .fetch_optional(&self.readers)
                .await?;
        Ok(cursor.unwrap_or(0))
    }

    async fn announce(
        &self,
        visit: &str,
        notices: Vec<NewNotice>,
        now: Timestamp,
    ) -> Result<Vec<CommittedNotice>, StoreError> {
        let visit = visit.to_owned();
        self.write(move |tx| {
            Box::pin(async move {
                let mut told = Vec::with_capacity(notices.len());
                for notice in notices {
                    told.push(put(tx, &visit, notice, now).await?);
                }
                Ok(told)
            })
        })
        .await
    }

    async fn companion_seen(&self, recipient: &Recipient, at: Timestamp) -> Result<(), StoreError> {
        let recipient = recipient.clone();
        self.write(move |tx| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO recipient (organization, tid, oid, last_seen_at) VALUES (?, ?, ?, ?)
                     ON CONFLICT DO UPDATE SET last_seen_at = excluded.last_seen_at",
                )
                .bind(recipient.organization)
                .bind(recipient.tid)
                .bind(recipient.oid)
                .bind(at.as_millisecond())
                .execute(tx)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn companion_last_seen(&self, recipient: &Recipient) -> Result<Option<Timestamp>, StoreError> {
        let seen: Option<Option<i64>> =
            sqlx::query_scalar("SELECT last_seen_at FROM recipient WHERE organization = ? AND tid = ? AND oid = ?")
                .bind(&recipient.organization)
                .bind(&recipient.tid)
                .bind(&recipient.oid)
                .fetch_optional(&self.readers)
                .await?;
        maybe_at(seen.flatten())
    }

    async fn forget_notices(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete("DELETE FROM notice WHERE at < ?", before).await
    }
}
