//! The one commit in PostgreSQL: everything about a change in one transaction, or nothing of it. Its steps are in the
//! order of locks that `postgres.rs` gives.

use jiff::Timestamp;
use sqlx::PgConnection;

use super::super::StoreError;
use super::super::hints::Hint;
use super::super::visits::{Change, CommitError, Committed, EventKey, Meeting, Member, VisitRow, unless_anothers};
use super::{PostgresStore, enqueue, given_up, ledger, letters, ms, notices, onetime, removals, watches};

impl PostgresStore {
    pub(super) async fn commit_change(&self, change: Change) -> Result<Committed, CommitError> {
        let now = change.now;
        let mut tx = self.begin().await?;
        // Returning early drops the transaction, which rolls it back: nothing is written.
        if !hear(&mut tx, &change.visit.id, &change.seen, now).await? {
            return Err(CommitError::AlreadySeen);
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
        if change.gives_up {
            forget_meeting(&mut tx, &change.visit.id).await?;
        }
        if let Some(meeting) = &change.meeting {
            set_meeting(&mut tx, &change.visit.id, meeting).await?;
        }
        for meeting in &change.given_up {
            given_up::put(&mut tx, &change.visit, meeting, now).await?;
        }
        for link in &change.links {
            if !onetime::put_link(&mut tx, link, now).await? {
                return Err(CommitError::LinkedOtherwise);
            }
        }
        if change.gives_up {
            watches::forget_all(&mut tx, &change.visit.id).await?;
        }
        for watch in &change.watches {
            watches::put(&mut tx, watch).await?;
        }
        for letter in &change.letters {
            letters::put(&mut tx, &change.visit, letter, now).await?;
        }
        if change.removal {
            removals::due(&mut tx, &change.visit, now).await?;
        }
        let records = enqueue::enqueue(&mut tx, &change.visit, &change.outbox, now).await?;
        let told = notices::put(&mut tx, &change.visit.id, change.notices, now).await?;
        ledger::append(&mut tx, &records).await?;
        tx.commit().await?;
        let committed = Committed { version, notices: told, wake_outbox: !change.outbox.is_empty() };
        self.tell(Hint::of_commit(&change.visit.id, &committed));
        Ok(committed)
    }
}

/// False if one of them was heard before. One that another transaction is just hearing is waited for.
async fn hear(tx: &mut PgConnection, visit: &str, seen: &[EventKey], now: Timestamp) -> Result<bool, StoreError> {
    if seen.is_empty() {
        return Ok(true);
    }
    let (sources, keys): (Vec<&str>, Vec<&str>) = seen.iter().map(|it| (it.source, it.key.as_str())).unzip();
    let kept = sqlx::query(
        "INSERT INTO inbox (source, key, visit, seen_at)
         SELECT source, key, $3, $4 FROM unnest($1::text[], $2::text[]) AS heard (source, key) ORDER BY source, key
         ON CONFLICT DO NOTHING",
    )
    .bind(sources)
    .bind(keys)
    .bind(visit)
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    Ok(kept.rows_affected() == seen.len() as u64)
}

async fn insert(tx: &mut PgConnection, visit: &VisitRow, now: Timestamp) -> Result<i64, CommitError> {
    let inserted = sqlx::query(
        "INSERT INTO visit (id, organization, appointment, key_day, key_wrapped, sealed, stage, planned_start,
                            planned_end, next_timer_at, closed_at, version, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12) ON CONFLICT DO NOTHING",
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
    .bind(ms(visit.next_timer_at))
    .bind(ms(visit.closed_at))
    .bind(now.as_millisecond())
    .execute(tx)
    .await?;
    // Two witnesses of one appointment may make its visit at the same moment; the second has to load the first's.
    if inserted.rows_affected() == 1 { Ok(1) } else { Err(CommitError::Conflict) }
}

async fn update(tx: &mut PgConnection, visit: &VisitRow, expected: i64) -> Result<i64, CommitError> {
    // Whoever commits at the same moment is waited for, and then the version is compared again.
    let updated = sqlx::query(
        "UPDATE visit SET appointment = $9, sealed = $1, stage = $2, planned_start = $3, planned_end = $4,
                          next_timer_at = $5, closed_at = $6, version = version + 1
         WHERE id = $7 AND version = $8",
    )
    .bind(&visit.sealed)
    .bind(&visit.stage)
    .bind(visit.planned_start.as_millisecond())
    .bind(visit.planned_end.as_millisecond())
    .bind(ms(visit.next_timer_at))
    .bind(ms(visit.closed_at))
    .bind(&visit.id)
    .bind(expected)
    .bind(&visit.appointment.0)
    .execute(tx)
    .await
    .map_err(unless_anothers)?;
    if updated.rows_affected() == 1 { Ok(expected + 1) } else { Err(CommitError::Conflict) }
}

async fn replace_members(tx: &mut PgConnection, visit: &str, members: &[Member]) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM visit_member WHERE visit = $1").bind(visit).execute(&mut *tx).await?;
    sqlx::query(
        "INSERT INTO visit_member (visit, tid, oid, proven, covering)
         SELECT $1, * FROM unnest($2::text[], $3::text[], $4::boolean[], $5::boolean[])",
    )
    .bind(visit)
    .bind(members.iter().map(|it| it.tid.as_str()).collect::<Vec<_>>())
    .bind(members.iter().map(|it| it.oid.as_str()).collect::<Vec<_>>())
    .bind(members.iter().map(|it| it.proven).collect::<Vec<_>>())
    .bind(members.iter().map(|it| it.covering).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

async fn forget_meeting(tx: &mut PgConnection, visit: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE visit SET meeting = NULL, meeting_sealed = NULL WHERE id = $1").bind(visit).execute(tx).await?;
    Ok(())
}

async fn set_meeting(tx: &mut PgConnection, visit: &str, meeting: &Meeting) -> Result<(), StoreError> {
    sqlx::query("UPDATE visit SET meeting = $1, meeting_sealed = $2 WHERE id = $3")
        .bind(&meeting.lookup.0)
        .bind(&meeting.sealed)
        .bind(visit)
        .execute(tx)
        .await?;
    Ok(())
}
