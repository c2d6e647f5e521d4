//! The outbox as the worker and the figures see it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_relay::outbox::connection::{Connection, Policy};
use roomed_relay::store::{
    Channel, ChartRow, ChartWord, ClaimPolicy, Claimed, EntryState, Lease, Outbox, OutboxCounts, Settled, Settlement,
    StoreError,
};

use super::{Call, MemoryStore, Row, Seen, at};

impl MemoryStore {
    /// EHR connections with rows waiting or in flight.
    pub(crate) fn connections_in_use_now(&self) -> Vec<(String, String)> {
        let state = self.held();
        let waiting = state.waiting.iter().filter(|(_, rows)| !rows.is_empty()).map(|(door, _)| door.clone());
        let flying = state.flying.iter().filter(|(_, rows)| !rows.is_empty()).map(|(door, _)| door.clone());
        waiting.chain(flying).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How a connection is doing.
    pub(crate) fn connection_now(&self, organization: &str, ehr: &str) -> Connection {
        self.held().connections.get(&(organization.to_owned(), ehr.to_owned())).cloned().unwrap_or_default()
    }

    /// The chart marks of a visit.
    pub(crate) fn chart_now(&self, visit: &str) -> Vec<ChartRow> {
        let state = self.held();
        let rows = state.of_visit.get(visit).into_iter().flatten().map(|seq| &state.rows[seq]);
        let marks = rows.filter(|row| {
            row.channel == Channel::State && !row.participant.is_empty() && row.state != EntryState::Superseded
        });
        let newest: BTreeMap<&str, ChartWord> = marks.map(|row| (row.participant.as_str(), word(row))).collect();
        newest.into_iter().map(|(participant, word)| ChartRow { participant: participant.to_owned(), word }).collect()
    }
}

fn word(row: &Row) -> ChartWord {
    use EntryState as S;
    let reason = || row.reason.clone().unwrap_or_default();
    match (row.state, row.delivered_at) {
        (S::Waiting | S::InFlight | S::Delivered | S::Skipped, Some(told)) => ChartWord::Written { at: at(told) },
        (S::Waiting, None) if row.for_identifier => ChartWord::WaitingForIdentifier { since: at(row.accepted_at) },
        (S::Waiting | S::InFlight, None) => ChartWord::Pending { since: at(row.accepted_at) },
        (S::Parked | S::Quarantined, _) => ChartWord::Parked { reason: reason() },
        (S::Unsupported, _) | (S::Skipped, None) => ChartWord::Unsupported { reason: reason() },
        (S::Delivered, None) | (S::Superseded, _) => panic!("no such mark: {row:?}"),
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn time(&self, relay: Timestamp) -> Result<Timestamp, StoreError> {
        self.wire.out(Call::Time).await?;
        let now = self.now_for(relay);
        self.wire.back(Call::Time).await?;
        Ok(now)
    }

    async fn claim(&self, policy: ClaimPolicy) -> Result<Claimed, StoreError> {
        self.wire.out(Call::Claim).await?;
        let was_open = self.connection_now(&policy.organization, &policy.ehr).is_open();
        let claimed = self.claim_now(&policy);
        self.wire.seen(Seen::Claimed { policy: &policy, was_open, leases: &claimed.leases });
        self.wire.back(Call::Claim).await?;
        Ok(claimed)
    }

    async fn about_to_send(&self, lease: &Lease) -> Result<bool, StoreError> {
        self.wire.out(Call::Gate).await?;
        let ours = self.about_to_send_now(lease);
        self.wire.seen(Seen::Gate { lease, ours });
        self.wire.back(Call::Gate).await?;
        Ok(ours)
    }

    async fn settle(&self, lease: Lease, settlement: Settlement) -> Result<Settled, StoreError> {
        self.wire.out(Call::Settle).await?;
        let (outcome, requests) = (settlement.outcome.clone(), settlement.requests);
        let settled = self.settle_now(&lease, settlement);
        self.wire.seen(Seen::Settled { lease: &lease, outcome: &outcome, requests, settled });
        self.wire.back(Call::Settle).await?;
        Ok(settled)
    }

    async fn connections_in_use(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.wire.out(Call::Look).await?;
        let in_use = self.connections_in_use_now();
        self.wire.back(Call::Look).await?;
        Ok(in_use)
    }

    async fn connection(&self, organization: &str, ehr: &str) -> Result<Connection, StoreError> {
        Ok(self.connection_now(organization, ehr))
    }

    async fn take_turn(
        &self,
        organization: &str,
        ehr: &str,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.held();
        let connection = state.connections.entry((organization.to_owned(), ehr.to_owned())).or_default();
        let free = connection.spare(policy, now);
        if free {
            connection.take(policy, now, 1);
        }
        Ok(free)
    }

    async fn chart(&self, visit: &str) -> Result<Vec<ChartRow>, StoreError> {
        Ok(self.chart_now(visit))
    }

    async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        let state = self.held();
        let mut counts = OutboxCounts::default();
        for row in state.rows.values() {
            match row.state {
                EntryState::Waiting if row.for_identifier => counts.waiting_for_identifier += 1,
                EntryState::Waiting => counts.waiting += 1,
                EntryState::InFlight => counts.in_flight += 1,
                EntryState::Parked => counts.parked += 1,
                EntryState::Unsupported => counts.unsupported += 1,
                EntryState::Quarantined => counts.quarantined += 1,
                EntryState::Delivered | EntryState::Superseded | EntryState::Skipped => {}
            }
            counts.possible_double += u64::from(row.state == EntryState::Parked && row.possible_double);
            if matches!(row.state, EntryState::Waiting | EntryState::InFlight) && row.delivered_at.is_none() {
                let accepted = at(row.accepted_at);
                counts.oldest = Some(counts.oldest.map_or(accepted, |it| it.min(accepted)));
            }
        }
        Ok(counts)
    }
}
