//! `roomed-relay outbox replay`: what the EHR has accepted since a moment is told to it once more. Looks first and says
//! what it would do; only `--really` does it. Only states are said again: an event said twice would stand there twice.

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::outbox::replay::{Plan, plan};
use roomed_relay::store::{EntryFilter, EntryRow, NotDone, Store};

use super::act::Really;
use super::{ConfigFile, database, out, when};

const PAGE: u32 = 1_000;

#[derive(Args)]
pub(super) struct Replay {
    #[command(flatten)]
    file: ConfigFile,
    /// Accepted since then: 2027-01-15T12:00:00Z, 2027-01-15, or 36h (ago).
    #[arg(long, value_parser = when::read)]
    since: Timestamp,
    /// And until then.
    #[arg(long, value_parser = when::read)]
    until: Option<Timestamp>,
    /// Only of this organization.
    #[arg(long)]
    organization: Option<String>,
    #[command(flatten)]
    really: Really,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let store = database::open(&self.file.load()?).await?;
        let rows = self.rows(&*store).await.context("the write-backs could not be read")?;
        let plan = plan(&rows, self.until);
        let Plan { ids, destroyed, superseded, events, undelivered } = &plan;
        out::line(format_args!("{} delivered states are to be told to the EHR once more.", ids.len()))?;
        out::line(format_args!("{destroyed} cannot be: payload destroyed, since their visit is over and forgotten."))?;
        out::line(format_args!("{superseded} need not be: a newer state of the same took their place."))?;
        out::line(format_args!("{events} must not be: an event (audit, message) is said once."))?;
        out::line(format_args!("{undelivered} were not delivered yet; see `outbox list`."))?;
        if self.really.said()? {
            let done = really(&*store, ids).await?;
            out::line(format_args!("{done} are on their way; a running relay sends them within a few seconds."))?;
            if done < ids.len() {
                out::line(format_args!("{} changed meanwhile and were left as they are.", ids.len() - done))?;
            }
        }
        store.close().await;
        Ok(())
    }

    /// Everything accepted since.
    async fn rows(&self, store: &dyn Store) -> Result<Vec<EntryRow>, roomed_relay::store::StoreError> {
        let mut rows: Vec<EntryRow> = Vec::new();
        loop {
            let page = store
                .entries(EntryFilter {
                    organization: self.organization.clone(),
                    state: None,
                    since: Some(self.since),
                    until: None,
                    id: None,
                    after: rows.last().map(|row| row.seq),
                    limit: PAGE,
                })
                .await?;
            if page.is_empty() {
                return Ok(rows);
            }
            rows.extend(page);
        }
    }
}

async fn really(store: &dyn Store, ids: &[String]) -> anyhow::Result<usize> {
    let mut done = 0;
    for id in ids {
        match store.replay(id, SystemClock.now()).await.context("a write-back could not be changed")? {
            Ok(()) => done += 1,
            // Between the look and the step it was superseded, forgotten, or replayed by somebody else.
            Err(NotDone::Unknown | NotDone::State(_) | NotDone::Superseded | NotDone::Destroyed) => {}
        }
    }
    Ok(done)
}
