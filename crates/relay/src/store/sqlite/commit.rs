//! The one commit in SQLite: everything about a change in one transaction, or nothing of it.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::visits::{Change, CommitError, Committed, Meeting, Member, VisitRow};
use super::super::{NewOutboxEntry, StoreError};
use super::{SqliteStore, notices, onetime, watches};

impl SqliteStore {
    pub(super) async fn commit_change(&self, change: Change) -> Result<Committed, CommitError> {
        let now = change.now;
        let mut tx = self.write().await?;
        // Returning early drops the transaction, which rolls it back: nothing is written.
        for event in &change.seen {
            let kept = sqlx::query(
                "INSERT INTO inbox (source, key, visit, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(event.source)
            .bind(&event.key)
            .bind(&change.visit.id)
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
            if kept.rows_affected() == 0 {
                return Err(CommitError::AlreadySeen);
            }
        }
        let version = match change.expected {
            None => insert(&mut tx, &change.visit, now).await?,
            Some(expected) => update(&mut tx, &change.visit, expected).await?,
        };
        // After the version, so that a doubled launch first sees the visit the other one made.
        for (kind, hash) in &change.consume {
            if onetime::take(&mut tx, *kind, hash, now).await?.is_none() {
                return Err(CommitError::NotConsumable(*kind));
            }
        }
        if let Some(members) = &change.members {
            replace_members(&mut tx, &change.visit.id, members).await?;
        }
        if let Some(meeting) = &change.meeting {
            set_meeting(&mut tx, &change.visit.id, meeting).await?;
        }
        for entry in &change.outbox {
            enqueue(&mut tx, &change.visit.id, entry, now).await?;
        }
        for link in &change.links {
            onetime::put_link(&mut tx, link, now).await?;
        }
        for watch in &change.watches {
            watches::put(&mut tx, watch).await?;
        }
        let mut told = Vec::with_capacity(change.notices.len());
        for notice in change.notices {
            told.push(notices::put(&mut tx, &change.visit.id, notice, now).await?);
        }
        tx.commit().await?;
        Ok(Committed { version, notices: told, wake_outbox: !change.outbox.is_empty() })
    }
}

async fn insert(tx: &mut SqliteConnection, visit: &VisitRow, now: Timestamp) -> Result<i64, CommitError> {
    let inserted = sqlx::query(
        "INSERT INTO visit (id, organization, appointment, key_day, key_wrapped, sealed, stage, planned_start,
                            planned_end, next_timer_at, closed_at, version, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING",
    )
    .bind(&visit.id)
    .bind(&visit.organization)
    .bind(&visit.appointment.0)
    .bind(&visit.key.day)
    .bind(&visit.key.bytes)
    .bind(&visit.sealed)
    .bind(&visit.stage)
    .bind(visit.planned_start.as_millisecond())
    .bind(visit.planned_end.as_millisecond())
    .bind(visit.next_timer_at.map(Timestamp::as_millisecond))
    .bind(visit.closed_at.map(Timestamp::as_millisecond))
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    // Two witnesses of one appointment may make its visit at the same moment; the second has to load the first's.
    if inserted.rows_affected() == 1 { Ok(1) } else { Err(CommitError::Conflict) }
}

async fn update(tx: &mut SqliteConnection, visit: &VisitRow, expected: i64) -> Result<i64, CommitError> {
    let updated = sqlx::query(
        "UPDATE visit SET sealed = ?, stage = ?, planned_start = ?, planned_end = ?, next_timer_at = ?, closed_at = ?,
                          version = version + 1
         WHERE id = ? AND version = ?",
    )
    .bind(&visit.sealed)
    .bind(&visit.stage)
    .bind(visit.planned_start.as_millisecond())
    .bind(visit.planned_end.as_millisecond())
    .bind(visit.next_timer_at.map(Timestamp::as_millisecond))
    .bind(visit.closed_at.map(Timestamp::as_millisecond))
    .bind(&visit.id)
    .bind(expected)
    .execute(tx)
    .await?;
    if updated.rows_affected() == 1 { Ok(expected + 1) } else { Err(CommitError::Conflict) }
}

async fn replace_members(tx: &mut SqliteConnection, visit: &str, members: &[Member]) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM visit_member WHERE visit = ?").bind(visit).execute(&mut *tx).await?;
    for member in members {
        sqlx::query("INSERT INTO visit_member (visit, tid, oid, proven, covering) VALUES (?, ?, ?, ?, ?)")
            .bind(visit)
            .bind(&member.tid)
            .bind(&member.oid)
            .bind(member.proven)
            .bind(member.covering)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn set_meeting(tx: &mut SqliteConnection, visit: &str, meeting: &Meeting) -> Result<(), StoreError> {
    sqlx::query("UPDATE visit SET meeting = ?, meeting_sealed = ? WHERE id = ?")
        .bind(&meeting.lookup.0)
        .bind(&meeting.sealed)
        .bind(visit)
        .execute(tx)
        .await?;
    Ok(())
}

async fn enqueue(
    tx: &mut SqliteConnection,
    visit: &str,
    entry: &NewOutboxEntry,
    now: Timestamp,
) -> Result<(), StoreError> {
    // A superseded row may have been sent with an unknown outcome, or be due for another assertion. That duty passes on.
    let duty: Option<Option<i64>> =
        sqlx::query_scalar("UPDATE outbox SET state = 3 WHERE stream = ? AND state IN (0, 4) RETURNING reassert_at")
            .bind(&entry.stream)
            .fetch_all(&mut *tx)
            .await?
            .into_iter()
            .max();
    sqlx::query(
        "INSERT INTO outbox (id, stream, visit, participant, ehr, sealed, run_at, reassert_at, accepted_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&entry.id)
    .bind(&entry.stream)
    .bind(visit)
    .bind(&entry.participant)
    .bind(&entry.ehr)
    .bind(&entry.sealed)
    .bind(entry.run_at.as_millisecond())
    .bind(duty.flatten())
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(())
}
