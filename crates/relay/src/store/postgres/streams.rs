//! Locks on streams of the outbox. Whoever moves a row of a stream holds its lock until the end of the transaction, so
//! that a claim, a commit and a settle of one stream follow each other. They are PostgreSQL's advisory locks: nothing is
//! written for them, and they go with the transaction.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use sqlx::PgConnection;

/// Takes the locks of all of them, always in the same order. A transaction does this once: a second time could meet
/// somebody who does it the other way round.
pub(super) async fn lock<'s>(
    tx: &mut PgConnection,
    streams: impl IntoIterator<Item = &'s str>,
) -> Result<(), sqlx::Error> {
    let keys: BTreeSet<i64> = streams.into_iter().map(key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<i64> = keys.into_iter().collect();
    sqlx::query("SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key").bind(keys).execute(tx).await?;
    Ok(())
}

/// 64 bits of a hash: two streams that share them wait for each other now and then, which does no harm.
fn key(stream: &str) -> i64 {
    let hash = digest(&SHA256, stream.as_bytes());
    let mut key = [0; 8];
    key.copy_from_slice(&hash.as_ref()[..8]);
    i64::from_be_bytes(key)
}
