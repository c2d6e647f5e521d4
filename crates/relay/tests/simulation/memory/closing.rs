//! What becomes of closed visits, and of rows that came out of a backup.

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_relay::ledger::{Kind, Record};
use roomed_relay::store::{Aftercare, ClosedVisit, Closing, EntryState, Quarantined, StoreError, Summary};

use super::{MemoryStore, Row, at};

const FORGOTTEN: &str = "the visit was forgotten before it was sent";

#[async_trait]
impl Closing for MemoryStore {
    async fn closed_visits(&self, before: Timestamp, limit: u32) -> Result<Vec<ClosedVisit>, StoreError> {
        use EntryState as S;
        let state = self.held();
        let closed = |visit: &roomed_relay::store::StoredVisit| {
            let closed_at = visit.row.closed_at.filter(|it| *it <= before)?;
            let rows: Vec<&Row> =
                state.of_visit.get(&visit.row.id).into_iter().flatten().map(|it| &state.rows[it]).collect();
            let unsettled = rows.iter().filter(|it| matches!(it.state, S::Waiting | S::InFlight | S::Quarantined));
            Some(ClosedVisit {
                id: visit.row.id.clone(),
                organization: visit.row.organization.clone(),
                day: visit.row.key.day.clone(),
                closed_at,
                unsettled: u32::try_from(unsettled.count()).unwrap(),
                parked_since: rows
                    .iter()
                    .filter(|it| it.state == S::Parked)
                    .filter_map(|it| it.settled_at)
                    .min()
                    .map(at),
            })
        };
        let mut found: Vec<ClosedVisit> = state.visits.values().filter_map(closed).collect();
        found.sort_by(|one, other| (one.closed_at, &one.id).cmp(&(other.closed_at, &other.id)));
        found.truncate(usize::try_from(limit).unwrap());
        Ok(found)
    }

    async fn forget_visit(&self, visit: &str, summary: Summary, now: Timestamp) -> Result<(), StoreError> {
        let state = &mut *self.held();
        if state.visits.get(visit).is_none_or(|it| it.row.closed_at.is_none()) {
            return Ok(());
        }
        state.visits.remove(visit);
        for seq in state.of_visit.get(visit).cloned().unwrap_or_default() {
            let unsent = matches!(state.rows[&seq].state, EntryState::Waiting | EntryState::InFlight);
            state.change(seq, |row| {
                row.sealed.clear();
                if unsent {
                    row.state = EntryState::Skipped;
                    row.fence += 1;
                    row.lease_until = None;
                    (row.settled_at, row.reason) = (Some(now.as_millisecond()), Some(FORGOTTEN.into()));
                }
            });
            if unsent {
                let skipped = Record { reason: FORGOTTEN.into(), ..state.rows[&seq].record(Kind::Skipped, now) };
                state.record(skipped);
            }
        }
        state.summaries.entry(visit.to_owned()).or_insert(summary);
        Ok(())
    }

    async fn summaries(
        &self,
        organization: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Summary>, StoreError> {
        let state = self.held();
        let of = |it: &&Summary| it.organization == organization && (from..until).contains(&it.planned_start);
        let mut found: Vec<Summary> = state.summaries.values().filter(of).cloned().collect();
        found.sort_by(|one, other| (one.planned_start, &one.visit).cmp(&(other.planned_start, &other.visit)));
        Ok(found)
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let heard = &mut self.held().heard;
        let known = heard.len();
        heard.retain(|_, seen_at| *seen_at >= before.as_millisecond());
        Ok(u64::try_from(known - heard.len()).unwrap())
    }

    async fn forget_entries(&self, before: Timestamp) -> Result<u64, StoreError> {
        let state = &mut *self.held();
        let old = |row: &&Row| row.sealed.is_empty() && row.accepted_at < before.as_millisecond();
        let gone: Vec<i64> = state.rows.values().filter(old).map(|row| row.seq).collect();
        for seq in &gone {
            state.unlist(*seq);
            let row = state.rows.remove(seq).expect("it was just there");
            state.ids.remove(&row.id);
            state.streams.get_mut(&row.stream).expect("every row has a stream").rows.remove(seq);
            state.of_visit.get_mut(&row.visit).expect("every row has a visit").retain(|it| it != seq);
        }
        Ok(u64::try_from(gone.len()).unwrap())
    }
}

#[async_trait]
impl Aftercare for MemoryStore {
    async fn quarantined(&self, after: i64, limit: u32) -> Result<Vec<Quarantined>, StoreError> {
        let state = self.held();
        let rows = state.rows.range(after + 1..).map(|(_, row)| row).filter(|row| row.state == EntryState::Quarantined);
        let shown = rows.map(|row| {
            let visit = state.visits.get(&row.visit);
            Quarantined {
                seq: row.seq,
                id: row.id.clone(),
                organization: row.organization.clone(),
                ehr: row.ehr.clone(),
                visit: row.visit.clone(),
                channel: row.channel,
                sealed: row.sealed.clone(),
                key: visit.map(|it| it.row.key.clone()),
                closed: visit.is_none_or(|it| it.row.closed_at.is_some()),
            }
        });
        Ok(shown.take(usize::try_from(limit).unwrap()).collect())
    }

    async fn park(&self, id: &str, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let state = &mut *self.held();
        let found = state.row(id).filter(|row| row.state == EntryState::Quarantined).map(|row| row.seq);
        if let Some(seq) = found {
            state.change(seq, |row| {
                (row.state, row.possible_double) = (EntryState::Parked, true);
                (row.settled_at, row.reason) = (Some(now.as_millisecond()), Some(reason.to_owned()));
            });
        }
        Ok(found.is_some())
    }

    async fn delivery_of(&self, visit: &str) -> Result<(u32, u32), StoreError> {
        use EntryState as S;
        let state = self.held();
        let count = |of: &[EntryState]| {
            let rows = state.of_visit.get(visit).into_iter().flatten();
            u32::try_from(rows.filter(|seq| of.contains(&state.rows[seq].state)).count()).unwrap()
        };
        Ok((count(&[S::Delivered]), count(&[S::Parked, S::Unsupported, S::Skipped])))
    }
}
