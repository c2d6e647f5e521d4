//! How an attempt ends: the fence decides whether a lease may still speak.

use jiff::Timestamp;
use roomed_relay::ledger::{Kind, Record};
use roomed_relay::store::{EntryState, Lease, Outcome, Settled, Settlement};

use super::{MemoryStore, Row, State};

impl MemoryStore {
    /// The gate before a request that must not be doubled.
    pub(crate) fn about_to_send_now(&self, lease: &Lease) -> bool {
        let database_now = self.now();
        let state = &mut *self.held();
        let Some(seq) = state.ids.get(&lease.id).copied() else { return false };
        let ours = is_ours(&state.rows[&seq], lease) && state.rows[&seq].lease_until > Some(database_now);
        if ours {
            state.change(seq, |row| row.uncertain = true);
        }
        ours
    }

    /// Enters how an attempt ended.
    pub(crate) fn settle_now(&self, lease: &Lease, settlement: Settlement) -> Settled {
        let state = &mut *self.held();
        let Settlement { outcome, health, now, reassert_at, requests, connection: policy } = settlement;
        let door = (lease.organization.clone(), lease.ehr.clone());
        let connection = state.connections.entry(door).or_default();
        connection.ended(&policy, now, health);
        if requests != 0 {
            connection.spent(&policy, now, requests);
        }
        let seq = state.ids.get(&lease.id).copied();
        let ours = seq.filter(|seq| is_ours(&state.rows[seq], lease));
        let (word, told) = (outcome.word(), outcome == Outcome::Delivered);
        let settled = Record {
            attempt: lease.attempt.into(),
            fence: lease.fence,
            outcome: if ours.is_some() { word.to_owned() } else { format!("after-the-lease: {word}") },
            reason: outcome.reason().to_owned(),
            ..seq.map_or_else(|| gone(lease, now), |seq| state.rows[&seq].record(Kind::Settled, now))
        };
        state.record(settled);
        let reassert_at = lease.channel.supersedes().then_some(reassert_at.as_millisecond());
        let Some(seq) = ours else {
            if let Some(reassert_at) = reassert_at {
                state.reassert_newest(&lease.stream, reassert_at);
            }
            return Settled::FenceLost;
        };
        let mut becomes = becomes(state.rows[&seq].clone(), outcome, now.as_millisecond(), reassert_at);
        // A newer state waits: this one need not be said again, only its duties pass on.
        let settles = becomes.state != EntryState::Delivered && lease.channel.supersedes();
        let newer = settles && state.pass_on(&lease.stream, becomes.reassert_at, becomes.uncertain);
        if newer {
            becomes.state = if told { EntryState::Delivered } else { EntryState::Superseded };
        }
        let open = becomes.state == EntryState::Waiting;
        becomes.settled_at = (!open).then_some(now.as_millisecond());
        let superseded = becomes.state == EntryState::Superseded;
        state.change(seq, |row| *row = becomes);
        if superseded {
            state.record(state.rows[&seq].record(Kind::Superseded, now));
        }
        Settled::Done
    }
}

/// What is left to say of a lease whose row was forgotten.
fn gone(lease: &Lease, now: Timestamp) -> Record {
    Record {
        kind: Kind::Settled.as_str().into(),
        at: now.as_millisecond(),
        organization: lease.organization.clone(),
        ehr: lease.ehr.clone(),
        entry: lease.id.clone(),
        channel: lease.channel.as_str().into(),
        attempt: 0,
        fence: 0,
        reference: Vec::new(),
        digest: Vec::new(),
        outcome: String::new(),
        reason: String::new(),
    }
}

fn is_ours(row: &Row, lease: &Lease) -> bool {
    row.state == EntryState::InFlight && row.fence == lease.fence
}

fn becomes(row: Row, outcome: Outcome, now: i64, reassert_at: Option<i64>) -> Row {
    use EntryState as S;
    let owed = row.reassert_at.zip(reassert_at).map(|(owed, latest)| owed.min(latest));
    let (was_uncertain, failures) = (row.uncertain, row.failures);
    let plain = Row {
        state: S::Waiting,
        lease_until: None,
        for_identifier: false,
        reassert_at: owed,
        uncertain: false,
        reason: None,
        ..row
    };
    let failed = |at: Timestamp, reason: String, counts: bool| Row {
        run_at: at.as_millisecond(),
        failures: failures + u32::from(counts),
        failed_at: Some(now),
        reason: Some(reason),
        ..plain.clone()
    };
    match outcome {
        // Accepted, but an earlier request may still land: say it once more when that can no longer be.
        Outcome::Delivered => Row {
            state: if owed.is_some() { S::Waiting } else { S::Delivered },
            run_at: owed.unwrap_or(plain.run_at),
            delivered_at: Some(now),
            failures: 0,
            possible_double: false,
            ..plain
        },
        Outcome::Retry { at, reason, counts } => failed(at, reason, counts),
        Outcome::Unknown { at, reason, counts } => {
            Row { reassert_at: reassert_at.max(owed), uncertain: true, ..failed(at, reason, counts) }
        }
        Outcome::Parked { reason, uncertain, possible_double } => {
            Row { state: S::Parked, uncertain, possible_double, reason: Some(reason), ..plain }
        }
        Outcome::Unsupported { reason } => {
            Row { state: S::Unsupported, uncertain: was_uncertain, reason: Some(reason), ..plain }
        }
        Outcome::WaitingForIdentifier { at } => Row { run_at: at.as_millisecond(), for_identifier: true, ..plain },
    }
}

impl State {
    /// A request left under a lease that was lost, so it may have landed after the newer one.
    fn reassert_newest(&mut self, stream: &str, reassert_at: i64) {
        let Some(newest) = self.streams.get(stream).and_then(|it| it.rows.last().copied()) else { return };
        let row = &self.rows[&newest];
        if !matches!(row.state, EntryState::Waiting | EntryState::InFlight | EntryState::Delivered)
            || row.sealed.is_empty()
        {
            return;
        }
        self.change(newest, |row| {
            row.reassert_at = row.reassert_at.max(Some(reassert_at));
            if row.state == EntryState::Delivered {
                (row.state, row.run_at, row.settled_at) = (EntryState::Waiting, reassert_at, None);
            }
        });
    }
}
