//! The one commit in SQLite: everything about a change in one transaction, or nothing of it.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::super::StoreError;
use super::super::visits::{Change, CommitError, Committed, Meeting, Member, VisitRow, unless_anothers};
use super::{SqliteStore, given_up, letters, notices, onetime, removals, stream, watches};

impl SqliteStore {
    pub(super) async fn commit_change(&self, change: Change) -> Result<Committed, CommitError> {
        self.write(move |tx| Box::pin(async move { commit(tx, change).await })).await
    }
}

/// Returning early undoes what was written so far: nothing of a refused change is kept.
async fn commit(tx: &mut SqliteConnection, change: Change) -> Result<Committed, CommitError> {
    let now = change.now;
    for event in &change.seen {
        let kept =
            sqlx::query("INSERT INTO inbox (source, key, visit, seen_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
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
        None => insert(tx, &change.visit, now).await?,
        Some(expected) => update(tx, &change.visit, expected).await?,
    };
    // After the version, so that a doubled launch first sees the visit the other one made.
    for (kind, hash) in &change.consume {
        if onetime::take(tx, *kind, hash, now).await?.is_none() {
            return Err(CommitError::NotConsumable(*kind));
        }
    }
    if let Some(members) = &change.members {
        replace_members(tx, &change.visit.id, members).await?;
    }
    if change.gives_up {
        forget_meeting(tx, &change.visit.id).await?;
    }
    if let Some(meeting) = &change.meeting {
        set_meeting(tx, &change.visit.id, meeting).await?;
    }
    for meeting in &change.given_up {
        given_up::put(tx, &change.visit, meeting, now).await?;
    }
    for entry in &change.outbox {
        stream::enqueue(tx, &change.visit, entry, now).await?;
    }
    for link in &change.links {
        if !onetime::put_link(tx, link, now).await? {
            return Err(CommitError::LinkedOtherwise);
        }
    }
    if change.gives_up {
        watches::forget_all(tx, &change.visit.id).await?;
    }
    for watch in &change.watches {
        watches::put(tx, watch).await?;
    }
    for letter in &change.letters {
        letters::put(tx, &change.visit, letter, now).await?;
    }
    if change.removal {
        removals::due(tx, &change.visit, now).await?;
    }
    let mut told = Vec::with_capacity(change.notices.len());
    for notice in change.notices {
        told.push(notices::put(tx, &change.visit.id, notice, now).await?);
    }
    Ok(Committed { version, notices: told, wake_outbox: !change.outbox.is_empty() })
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
        "UPDATE visit SET appointment = ?, sealed = ?, stage = ?, planned_start = ?, planned_end = ?, next_timer_at = ?,
                          closed_at = ?, version = version + 1
         WHERE id = ? AND version = ?",
    )
    .bind(&visit.appointment.0)
    .bind(&visit.sealed)
    .bind(&visit.stage)
    .bind(visit.planned_start.as_millisecond())
    .bind(visit.planned_end.as_millisecond())
    .bind(visit.next_timer_at.map(Timestamp::as_millisecond))
    .bind(visit.closed_at.map(Timestamp::as_millisecond))
    .bind(&visit.id)
    .bind(expected)
    .execute(&mut *tx)
    .await
    .map_err(unless_anothers)?;
    if updated.rows_affected() == 0 {
        return Err(CommitError::Conflict);
    }
    // What is left to say of a closed visit lets those of open ones pass.
    sqlx::query("UPDATE outbox SET history = ?1 WHERE visit = ?2 AND state IN (0, 1, 4, 7) AND history <> ?1")
        .bind(visit.closed_at.is_some())
        .bind(&visit.id)
        .execute(tx)
        .await?;
    Ok(expected + 1)
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

async fn forget_meeting(tx: &mut SqliteConnection, visit: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE visit SET meeting = NULL, meeting_sealed = NULL WHERE id = ?").bind(visit).execute(tx).await?;
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
