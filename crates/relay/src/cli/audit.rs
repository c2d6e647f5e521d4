//! `roomed-relay audit`: the ledger of a database or of a copy of it, without any key. Exit code 0: every record is as it
//! was written; 1: one is not, and it is named; 2: the ledger cannot be read.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use roomed_relay::ledger::Hash;
use roomed_relay::ledger::audit::{Damaged, Fault};
use roomed_relay::ledger::copy::{Copy, Unreadable};
use roomed_relay::store::Chained;
use serde_json::json;

use super::{out, when};

const BAD: u8 = 1;
const UNREADABLE: u8 = 2;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Walks the whole chain and names the first record that is not as it was written.
    Verify {
        #[command(flatten)]
        database: Database,
        /// A head that was noted earlier (`audit head`): finds records that were cut off, or a chain that was written
        /// anew.
        #[arg(long, value_parser = hash)]
        head: Option<Hash>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints the place and the link of the last record: note it where nobody who can write to the database can.
    Head {
        #[command(flatten)]
        database: Database,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Prints the records, one JSON object a line; HMACs and links as hexadecimal digits.
    Export {
        #[command(flatten)]
        database: Database,
        /// From then on: 2027-01-15T12:00:00Z, 2027-01-15, or 36h (ago).
        #[arg(long, value_parser = when::read)]
        since: Option<Timestamp>,
        /// Only of this organization.
        #[arg(long)]
        organization: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct Database {
    /// sqlite:<path> or postgres://user@host/name. A SQLite file is opened for reading only and never migrated.
    #[arg(long, env = "ROOMED__DATABASE__URL", hide_env_values = true)]
    database: String,
}

/// Why there is no good end.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Bad(#[from] Fault),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("standard output failed: {0}")]
    Output(#[from] std::io::Error),
}

impl Command {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let as_json = matches!(&self, Self::Verify { json: true, .. } | Self::Head { json: true, .. });
        let done = match self {
            Self::Verify { database, head, json } => verify(&database, head, json).await,
            Self::Head { database, json } => head(&database, json).await,
            Self::Export { database, since, organization } => export(&database, since, organization.as_deref()).await,
        };
        let Err(stop) = done else { return Ok(ExitCode::SUCCESS) };
        let (code, good) = match &stop {
            Stop::Bad(_) => (BAD, Some(false)),
            Stop::Unreadable(_) => (UNREADABLE, None),
            Stop::Output(_) => return Err(stop.into()),
        };
        if as_json {
            let bad = match &stop {
                Stop::Bad(fault) => json!({ "seq": fault.seq(), "what": fault.word() }),
                _ => json!(null),
            };
            out::line(json!({ "good": good, "bad": bad, "sentence": stop.to_string() }))?;
        } else {
            eprintln!("{stop}");
        }
        Ok(ExitCode::from(code))
    }
}

async fn verify(database: &Database, noted: Option<Hash>, as_json: bool) -> Result<(), Stop> {
    let whole = Copy::open(&database.database).await?.verify(noted).await??;
    let head = hex::encode(whole.head);
    if as_json {
        out::line(json!({ "good": true, "records": whole.records, "head": head, "noted_at": whole.noted_at }))?;
        return Ok(());
    }
    out::line(format_args!("{} records, each as it was written. The head is {head}", whole.records))?;
    if let Some(at) = whole.noted_at {
        out::line(format_args!("The head you noted is record {at}; {} came after it.", whole.records - at))?;
    }
    Ok(())
}

async fn head(database: &Database, as_json: bool) -> Result<(), Stop> {
    let (seq, link) = Copy::open(&database.database).await?.head().await??;
    let link = hex::encode(link);
    match as_json {
        true => out::line(json!({ "good": true, "seq": seq, "head": link }))?,
        false => out::line(format_args!("{seq} {link}"))?,
    };
    Ok(())
}

/// A damaged record is a line that says so; the export goes on, and ends with the exit code of a bad ledger.
async fn export(database: &Database, since: Option<Timestamp>, organization: Option<&str>) -> Result<(), Stop> {
    let mut copy = Copy::open(&database.database).await?;
    let (mut after, mut bad) = (None, None);
    loop {
        let page = copy.page(after).await?;
        if page.is_empty() {
            return bad.map_or(Ok(()), |fault: Fault| Err(fault.into()));
        }
        for found in page {
            let line = match found {
                Ok(chained) => {
                    after = Some(chained.seq);
                    let wanted = since.is_none_or(|since| chained.record.at >= since.as_millisecond())
                        && organization.is_none_or(|it| it == chained.record.organization);
                    wanted.then(|| exported(&chained))
                }
                Err(Damaged { seq: Some(seq), column }) => {
                    after = Some(seq);
                    bad.get_or_insert(Fault::Column { seq, column });
                    Some(json!({ "seq": seq, "damaged": column }))
                }
                // Without its place nothing after it can be asked for.
                Err(Damaged { seq: None, column }) => return Err(Fault::Column { seq: 0, column }.into()),
            };
            if let Some(line) = line
                && !out::line(line)?
            {
                return Ok(());
            }
        }
    }
}

fn exported(chained: &Chained) -> serde_json::Value {
    let Chained { seq, previous, link, record } = chained;
    json!({
        "seq": seq,
        "previous": hex::encode(previous),
        "link": hex::encode(link),
        "kind": record.kind,
        "at": record.at,
        "time": record.at().map(|at| at.to_string()),
        "organization": record.organization,
        "ehr": record.ehr,
        "entry": record.entry,
        "channel": record.channel,
        "attempt": record.attempt,
        "fence": record.fence,
        "reference": hex::encode(&record.reference),
        "digest": hex::encode(&record.digest),
        "outcome": record.outcome,
        "reason": record.reason,
    })
}

fn hash(text: &str) -> Result<Hash, String> {
    let mut hash = Hash::default();
    hex::decode_to_slice(text.trim(), &mut hash).map_err(|_| "a head is 64 hexadecimal digits".to_owned())?;
    Ok(hash)
}
