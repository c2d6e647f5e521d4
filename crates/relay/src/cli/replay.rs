//! `roomed-relay outbox replay`: what the EHR has accepted since a moment is told to it once more. Looks first and says
//! what it would do; only `--really` does it. Only states are said again: an event said twice would stand there twice.

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use roomed_relay::clock::{Clock, SystemClock};
use roomed_relay::store::{EntryFilter, EntryRow, EntryState, NotDone, Store, Wish};

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

/// What there is to do, and what is left out.
#[derive(Debug, Default, PartialEq, Eq)]
struct Plan {
    /// These are asserted again.
    ids: Vec<String>,
    /// Their payload is destroyed.
    destroyed: u64,
    /// A newer state of the same stream is what counts.
    superseded: u64,
    /// Said once: never again.
    events: u64,
    /// Never delivered: `retry` and `skip` are for those.
    undelivered: u64,
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

fn plan(rows: &[EntryRow], until: Option<Timestamp>) -> Plan {
    let mut plan = Plan::default();
    for row in rows.iter().filter(|row| until.is_none_or(|until| row.accepted_at <= until)) {
        match (row.state, Wish::Replay.granted(row.standing())) {
            (_, Ok(())) => plan.ids.push(row.id.clone()),
            (EntryState::Superseded, _) | (_, Err(NotDone::Superseded)) => plan.superseded += 1,
            (_, Err(NotDone::Destroyed)) => plan.destroyed += 1,
            (EntryState::Delivered, _) => plan.events += 1,
            _ => plan.undelivered += 1,
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use roomed_relay::store::Channel;

    use super::*;

    fn row(seq: i64, stream: &str, channel: Channel, state: EntryState, destroyed: bool) -> EntryRow {
        let at = Timestamp::from_second(seq).expect("a time");
        EntryRow {
            seq,
            id: format!("o{seq}"),
            organization: "northside".into(),
            ehr: "https://ehr.example".into(),
            visit: "v".into(),
            stream: stream.into(),
            channel,
            state,
            for_identifier: false,
            possible_double: false,
            attempts: 1,
            failures: 0,
            accepted_at: at,
            run_at: at,
            delivered_at: None,
            reason: None,
            destroyed,
            newest: false,
        }
    }

    #[test]
    fn only_the_newest_delivered_state_of_a_stream_is_said_again() {
        use Channel::{Audit, Link, State};
        use EntryState::{Delivered, Parked, Superseded};
        let mut rows = [
            row(1, "a", State, Delivered, false),
            row(2, "a", State, Superseded, false),
            row(3, "a", State, Delivered, false),
            row(4, "b", Link, Delivered, true),
            row(5, "c", Audit, Delivered, false),
            row(6, "d", State, Parked, false),
            row(7, "e", State, Delivered, false),
            row(8, "e", State, Parked, false),
        ];
        for newest in [2, 3, 4, 5, 7] {
            rows[newest].newest = true;
        }
        let all = plan(&rows, None);
        assert_eq!(all.ids, ["o3"]);
        assert_eq!((all.destroyed, all.superseded, all.events, all.undelivered), (1, 3, 1, 2));
        let early = plan(&rows, Some(Timestamp::from_second(2).expect("a time")));
        assert_eq!((early.ids.len(), early.superseded), (0, 2), "what came later still counts");
    }
}
