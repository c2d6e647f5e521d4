//! The ledger as an auditor has it: by `roomed-relay audit`, offline, without a key.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tokio::process::Command;

use crate::stack::binary;

/// The chain holds by `audit verify`; every record.
pub(super) async fn verified(database: &str) -> anyhow::Result<Vec<Value>> {
    audit(database, "verify").await?;
    let exported = audit(database, "export").await?;
    exported.lines().map(|line| serde_json::from_str(line).context("a record is no JSON")).collect()
}

/// A SQLite file is whole by its own account, and the chain of the ledger by ours; every record.
pub(super) async fn of_file(file: &Path) -> anyhow::Result<Vec<Value>> {
    let url = format!("sqlite:{}", file.display());
    let mut database = SqliteConnection::connect(&url).await?;
    let said: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut database).await?;
    anyhow::ensure!(said == "ok", "the database is damaged: {said}");
    database.close().await?;
    verified(&url).await
}

async fn audit(database: &str, command: &str) -> anyhow::Result<String> {
    let mut audit = Command::new(binary("roomed-relay")?);
    let done = audit.args(["audit", command, "--database", database]).output().await?;
    let said = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "the ledger does not hold: {said}");
    Ok(String::from_utf8(done.stdout)?)
}
