//! `roomed-relay outbox`: what waits, what is stuck and what became of it. No payload is ever opened here. An operator's few
//! ways to act are `act.rs` (one write-back) and `replay.rs` (many).

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use roomed_relay::store::{Channel, EntryFilter, EntryRow, EntryState, NotDone, Store};
use serde_json::{Value, json};

use super::{ConfigFile, act, database, out, replay, when};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Lists write-backs in the order in which they were accepted.
    List(List),
    /// Shows one write-back and what the ledger says of it.
    Show {
        #[command(flatten)]
        file: ConfigFile,
        /// Its id.
        id: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Sends a parked or quarantined write-back again, at once. Only says what it would do, unless --really is given.
    Retry(act::Retry),
    /// Gives a write-back up for good. The reason is kept in the ledger. Only says what it would do, unless --really is
    /// given.
    Skip(act::Skip),
    /// Tells the EHR once more what it has accepted since then, for instance after it was itself restored from a backup.
    /// Only says what it would do, unless --really is given.
    Replay(replay::Replay),
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    file: ConfigFile,
    /// Only in this state: waiting, in-flight, delivered, superseded, parked, unsupported, skipped, quarantined.
    #[arg(long, value_parser = state)]
    state: Option<EntryState>,
    /// Only of this organization.
    #[arg(long)]
    organization: Option<String>,
    /// Accepted since then: 2027-01-15T12:00:00Z, 2027-01-15, or 36h (ago).
    #[arg(long, value_parser = when::read)]
    since: Option<Timestamp>,
    /// At most so many.
    #[arg(long, default_value_t = 200)]
    limit: u32,
    /// From after this place on (the first column).
    #[arg(long)]
    after: Option<i64>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Show { file, id, json } => show(&file, &id, json).await,
            Self::Retry(retry) => retry.run().await,
            Self::Skip(skip) => skip.run().await,
            Self::Replay(replay) => replay.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let store = database::open(&self.file.load()?).await?;
        let filter = EntryFilter {
            organization: self.organization,
            state: self.state,
            since: self.since,
            until: None,
            id: None,
            after: self.after,
            limit: self.limit.saturating_add(1),
        };
        let mut entries = store.entries(filter).await.context("the write-backs could not be read")?;
        store.close().await;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = (entries.len() > limit).then(|| entries.drain(limit..)).is_some();
        if self.json {
            let rows: Vec<Value> = entries.iter().map(as_json).collect();
            out::line(json!({ "entries": rows, "more": more }))?;
            return Ok(());
        }
        for entry in &entries {
            if !out::line(in_a_line(entry))? {
                return Ok(());
            }
        }
        match entries.last() {
            None => eprintln!("No write-back is like that."),
            Some(last) if more => eprintln!("There are more: --after {}", last.seq),
            Some(_) => {}
        }
        Ok(())
    }
}

async fn show(file: &ConfigFile, id: &str, as_object: bool) -> anyhow::Result<()> {
    let store = database::open(&file.load()?).await?;
    let entry = known(&*store, id).await?;
    let records = store.ledger_of(&entry.id).await.context("the ledger could not be read")?;
    store.close().await;
    let steps = records.iter().map(|it| {
        let (record, time) = (&it.record, it.record.at().map(|at| at.to_string()));
        json!({ "seq": it.seq, "kind": record.kind, "time": time, "attempt": record.attempt, "outcome": record.outcome, "reason": record.reason })
    });
    if as_object {
        out::line(json!({ "entry": as_json(&entry), "ledger": steps.collect::<Vec<_>>() }))?;
        return Ok(());
    }
    out::line(in_words(&entry))?;
    for it in &records {
        let record = &it.record;
        let time = record.at().map(|at| at.to_string()).unwrap_or_default();
        let words = [record.kind.as_str(), &record.outcome, &record.reason];
        let words = words.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", ");
        out::line(format_args!("ledger {:>8}  {time}  attempt {}: {words}", it.seq, record.attempt))?;
    }
    Ok(())
}

pub(super) async fn known(store: &dyn Store, id: &str) -> anyhow::Result<EntryRow> {
    let entry = store.entry(id).await.context("the write-back could not be read")?;
    entry.with_context(|| format!("{}. {}", NotDone::Unknown, act::what_then(NotDone::Unknown)))
}

pub(super) fn in_a_line(entry: &EntryRow) -> String {
    let EntryRow { seq, id, organization, accepted_at, attempts, .. } = entry;
    let channel = entry.channel.as_str();
    let mut line = format!(
        "{seq:>8}  {id}  {:<11} {channel:<8} {organization}  {accepted_at}  {attempts} attempts",
        state_of(entry)
    );
    if let Some(reason) = &entry.reason {
        line.push_str("  ");
        line.push_str(reason);
    }
    line
}

fn state_of(entry: &EntryRow) -> &'static str {
    match entry.state {
        // Nothing can be sent any more, whatever the state says.
        EntryState::Parked | EntryState::Quarantined if entry.destroyed => "expired",
        state => state.as_str(),
    }
}

fn in_words(entry: &EntryRow) -> String {
    let mut lines = vec![
        in_a_line(entry),
        format!("EHR          {}", entry.ehr),
        format!("visit        {}", entry.visit),
        format!("failures     {} that count against it", entry.failures),
    ];
    if entry.state == EntryState::Waiting {
        lines.push(format!("next attempt {}", entry.run_at));
    }
    lines.extend(entry.delivered_at.map(|at| format!("delivered    {at}")));
    if entry.for_identifier {
        lines.push("It waits for an identifier that the EHR has not given yet.".into());
    }
    lines.extend(doubt(entry));
    if entry.destroyed {
        lines.push(
            "payload destroyed: the visit is over and its key no longer exists, or nothing of it is needed.".into(),
        );
    }
    lines.join("\n")
}

/// What to do before it is sent again, if that could double it.
pub(super) fn doubt(entry: &EntryRow) -> Option<String> {
    let may = "It may have been applied already: look in the EHR before you send it again.";
    let double = if entry.channel.supersedes() { "" } else { " Sending it again could double it." };
    entry.possible_double.then(|| format!("{may}{double}"))
}

fn as_json(entry: &EntryRow) -> Value {
    json!({
        "seq": entry.seq,
        "id": entry.id,
        "organization": entry.organization,
        "ehr": entry.ehr,
        "visit": entry.visit,
        "channel": entry.channel.as_str(),
        "newest_counts": Channel::supersedes(entry.channel),
        "state": entry.state.as_str(),
        "waits_for_identifier": entry.for_identifier,
        "possible_double": entry.possible_double,
        "attempts": entry.attempts,
        "failures": entry.failures,
        "accepted_at": entry.accepted_at.to_string(),
        "run_at": entry.run_at.to_string(),
        "delivered_at": entry.delivered_at.map(|at| at.to_string()),
        "reason": entry.reason,
        "payload": if entry.destroyed { "destroyed" } else { "sealed" },
    })
}

fn state(text: &str) -> Result<EntryState, String> {
    let words: Vec<_> = EntryState::ALL.iter().map(|it| it.as_str()).collect();
    let found = EntryState::ALL.into_iter().find(|it| it.as_str() == text);
    found.ok_or_else(|| format!("there is no such state; write one of {}", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_word() {
        for known in EntryState::ALL {
            assert_eq!(state(known.as_str()), Ok(known));
        }
        assert!(state("lost").is_err_and(|words| words.contains("quarantined")));
    }
}
