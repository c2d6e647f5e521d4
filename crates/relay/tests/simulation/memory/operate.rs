//! What an operator sees and does, and the ledger as it is read.

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_relay::ledger::{Hash, Kind, Record};
use roomed_relay::store::{Chained, Channel, EntryFilter, EntryRow, EntryState, NotDone, Operate, StoreError};

use super::{MemoryStore, Row, State, at};

type Answer = Result<Result<(), NotDone>, StoreError>;

fn shown(state: &State, row: &Row) -> EntryRow {
    EntryRow {
        seq: row.seq,
        id: row.id.clone(),
        organization: row.organization.clone(),
        ehr: row.ehr.clone(),
        visit: row.visit.clone(),
        stream: row.stream.clone(),
        channel: row.channel,
        state: row.state,
        for_identifier: row.for_identifier,
        possible_double: row.possible_double,
        attempts: row.attempts,
        failures: row.failures,
        accepted_at: at(row.accepted_at),
        run_at: at(row.run_at),
        delivered_at: row.delivered_at.map(at),
        reason: row.reason.clone(),
        destroyed: row.sealed.is_empty(),
        newest: state.is_newest(row),
    }
}

impl State {
    fn is_newest(&self, row: &Row) -> bool {
        self.streams[&row.stream].rows.last() == Some(&row.seq)
    }

    /// Whether a row may be made runnable, given that its state is right.
    fn may_run(&self, row: &Row) -> Result<(), NotDone> {
        if row.channel.supersedes() && !self.is_newest(row) {
            return Err(NotDone::Superseded);
        }
        if row.sealed.is_empty() { Err(NotDone::Destroyed) } else { Ok(()) }
    }

    fn wish(&mut self, id: &str, of: &[EntryState], check: bool, act: impl FnOnce(&mut Row)) -> Result<i64, NotDone> {
        let row = self.row(id).ok_or(NotDone::Unknown)?;
        if !of.contains(&row.state) {
            return Err(NotDone::State(row.state.as_str()));
        }
        if check {
            self.may_run(row)?;
        }
        let seq = row.seq;
        self.change(seq, act);
        Ok(seq)
    }
}

#[async_trait]
impl Operate for MemoryStore {
    async fn entries(&self, filter: EntryFilter) -> Result<Vec<EntryRow>, StoreError> {
        let state = self.held();
        let rows = state.rows.range(filter.after.unwrap_or(0) + 1..).map(|(_, row)| row);
        let wanted = rows
            .filter(|row| filter.organization.as_ref().is_none_or(|it| *it == row.organization))
            .filter(|row| filter.state.is_none_or(|it| it == row.state))
            .filter(|row| filter.since.is_none_or(|it| it.as_millisecond() <= row.accepted_at))
            .filter(|row| filter.until.is_none_or(|it| row.accepted_at < it.as_millisecond()))
            .filter(|row| filter.id.as_ref().is_none_or(|it| *it == row.id));
        Ok(wanted.take(usize::try_from(filter.limit).unwrap()).map(|row| shown(&state, row)).collect())
    }

    async fn entry(&self, id: &str) -> Result<Option<EntryRow>, StoreError> {
        let state = self.held();
        Ok(state.row(id).map(|row| shown(&state, row)))
    }

    async fn retry(&self, id: &str, now: Timestamp) -> Answer {
        let wish = self.held().wish(id, &[EntryState::Parked, EntryState::Quarantined], true, |row| {
            row.state = EntryState::Waiting;
            row.run_at = now.as_millisecond();
            row.failures = 0;
            (row.failed_at, row.settled_at, row.reason) = (None, None, None);
        });
        Ok(wish.map(drop))
    }

    async fn retry_absent(&self, id: &str, now: Timestamp) -> Answer {
        let granted = self.retry(id, now).await?;
        if granted.is_ok() {
            let state = &mut *self.held();
            let seq = state.ids[id];
            let row = state.rows[&seq].clone();
            let is_beside = |it: &&Row| {
                row.channel == Channel::State
                    && it.channel == row.channel
                    && it.visit == row.visit
                    && it.state == EntryState::Parked
            };
            let beside: Vec<i64> = state.rows.values().filter(is_beside).map(|it| it.seq).collect();
            for seq in beside.into_iter().chain([seq]) {
                state.change(seq, |row| (row.uncertain, row.possible_double) = (false, false));
            }
        }
        Ok(granted)
    }

    async fn skip(&self, id: &str, reason: &str, now: Timestamp) -> Answer {
        use EntryState as S;
        let state = &mut *self.held();
        let wish = state.wish(id, &[S::Waiting, S::Parked, S::Unsupported, S::Quarantined], false, |row| {
            row.state = S::Skipped;
            (row.settled_at, row.reason) = (Some(now.as_millisecond()), Some(reason.to_owned()));
        });
        Ok(wish.map(|seq| {
            let skipped = Record { reason: reason.to_owned(), ..state.rows[&seq].record(Kind::Skipped, now) };
            state.record(skipped);
        }))
    }

    async fn replay(&self, id: &str, now: Timestamp) -> Answer {
        let mut state = self.held();
        if state.row(id).is_some_and(|row| row.state == EntryState::Delivered && !row.channel.supersedes()) {
            return Ok(Err(NotDone::State("said once")));
        }
        let wish = state.wish(id, &[EntryState::Delivered], true, |row| {
            row.state = EntryState::Waiting;
            (row.run_at, row.settled_at) = (now.as_millisecond(), None);
        });
        Ok(wish.map(drop))
    }

    async fn quarantine(&self, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
        use EntryState as S;
        let state = &mut *self.held();
        let of = |row: &&Row| match row.state {
            S::Waiting | S::InFlight => true,
            S::Parked => row.possible_double,
            _ => false,
        };
        let unknown: Vec<i64> = state.rows.values().filter(of).map(|row| row.seq).collect();
        for seq in &unknown {
            state.change(*seq, |row| {
                row.state = S::Quarantined;
                row.fence += 1;
                row.uncertain = true;
                row.lease_until = None;
                (row.settled_at, row.reason) = (Some(now.as_millisecond()), Some(reason.to_owned()));
            });
        }
        Ok(u64::try_from(unknown.len()).unwrap())
    }

    async fn ledger(&self, after: i64, limit: u32) -> Result<Vec<Chained>, StoreError> {
        let state = self.held();
        let from = usize::try_from(after).unwrap().min(state.ledger.len());
        Ok(state.ledger[from..].iter().take(usize::try_from(limit).unwrap()).cloned().collect())
    }

    async fn ledger_of(&self, entry: &str) -> Result<Vec<Chained>, StoreError> {
        Ok(self.held().ledger.iter().filter(|it| it.record.entry == entry).cloned().collect())
    }

    async fn ledger_head(&self) -> Result<(i64, Hash), StoreError> {
        Ok(self.held().head())
    }
}
