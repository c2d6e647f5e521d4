//! Claiming: which rows of a connection are somebody's for a while, and what becomes of leases that ran out.

use std::collections::HashSet;

use roomed_relay::ledger::{Kind, Record};
use roomed_relay::store::{Channel, ClaimPolicy, Claimed, EntryState, Lease, Others};

use super::{Door, MemoryStore, Row, State, at};

impl MemoryStore {
    /// Leases what may leave now.
    pub(crate) fn claim_now(&self, policy: &ClaimPolicy) -> Claimed {
        let database_now = self.now();
        let state = &mut *self.held();
        state.take_over(database_now, policy);
        state.run_stranded(policy);
        let door = (policy.organization.clone(), policy.ehr.clone());
        let mut connection = state.connections.get(&door).cloned().unwrap_or_default();
        let wanted = connection.allowance(&policy.connection, policy.now).now.min(policy.limit);
        let wanted = usize::try_from(wanted).unwrap();
        // One more than wanted, to know whether any is left over.
        let runnable = state.runnable(&door, policy, wanted + 1);
        let mut leases = Vec::new();
        let mut visits = HashSet::new();
        for seq in runnable.iter().take(wanted) {
            let row = &state.rows[seq];
            let takes_turns = policy.one_per_visit && row.channel == Channel::State;
            if takes_turns && !visits.insert(row.visit.clone()) {
                continue;
            }
            let others = if takes_turns { state.others(row) } else { Others::Clear };
            let others_went =
                state.rows[seq].failed_at.is_none_or(|failed| connection.well_at.is_some_and(|well| well > at(failed)));
            let lease_until = database_now + i64::try_from(policy.lease.as_millis()).unwrap();
            state.change(*seq, |row| {
                row.state = EntryState::InFlight;
                row.fence += 1;
                row.attempts += 1;
                row.lease_until = Some(lease_until);
                row.reassert_at = row.reassert_at.filter(|it| *it > policy.now.as_millisecond());
            });
            let row = &state.rows[seq];
            let lease =
                Lease { others, ..lease(row, &state.visits[&row.visit].row.key, others_went, connection.is_ill()) };
            let started =
                Record { attempt: row.attempts.into(), fence: row.fence, ..row.record(Kind::Started, policy.now) };
            state.record(started);
            leases.push(lease);
        }
        if !leases.is_empty() {
            connection.take(&policy.connection, policy.now, u32::try_from(leases.len()).unwrap());
            state.connections.insert(door.clone(), connection.clone());
        }
        let left_over = runnable.len() > leases.len();
        let next_run =
            if left_over { Some(policy.now) } else { state.next_run(&door, policy.now.as_millisecond()).map(at) };
        let allowed = connection.allowance(&policy.connection, policy.now);
        let not_before = if allowed.now == 0 { allowed.next.unwrap_or(policy.now) } else { policy.now };
        let lost = state.flying.get(&door).and_then(|it| it.first()).map(|(until, _)| until - database_now);
        let lost = lost.map(|it| policy.now + jiff::SignedDuration::from_millis(it.max(0)));
        Claimed { leases, next: [next_run.map(|it| it.max(not_before)), lost].into_iter().flatten().min() }
    }
}

fn lease(row: &Row, key: &roomed_relay::store::WrappedKey, others_went: bool, ehr_is_ill: bool) -> Lease {
    Lease {
        id: row.id.clone(),
        fence: row.fence,
        stream: row.stream.clone(),
        channel: row.channel,
        visit: row.visit.clone(),
        organization: row.organization.clone(),
        participant: row.participant.clone(),
        ehr: row.ehr.clone(),
        key: key.clone(),
        sealed: row.sealed.clone(),
        failures: row.failures,
        others_went,
        ehr_is_ill,
        uncertain: row.uncertain,
        settling: row.uncertain && row.reassert_at.is_some(),
        others: Others::Clear,
        accepted_at: at(row.accepted_at),
        attempt: row.attempts,
    }
}

impl State {
    fn runnable(&self, door: &Door, policy: &ClaimPolicy, limit: usize) -> Vec<i64> {
        let now = policy.now.as_millisecond();
        let Some(waiting) = self.waiting.get(door) else { return Vec::new() };
        let of = |history| waiting.range((history, i64::MIN, 0)..=(history, now, i64::MAX));
        of(false)
            .chain(of(true))
            .map(|(_, _, seq)| *seq)
            .filter(|seq| self.its_turn(&self.rows[seq]))
            .filter(|seq| {
                !policy.one_per_visit || !self.beside(&self.rows[seq]).any(|it| it.state == EntryState::InFlight)
            })
            .take(limit)
            .collect()
    }

    /// None of its stream is in flight, of events none before it is unsettled, and its visit has a key.
    pub(super) fn its_turn(&self, row: &Row) -> bool {
        let stream = &self.streams[&row.stream];
        let first = row.channel.supersedes() || stream.waiting.first() == Some(&row.seq);
        stream.flying.is_none() && first && self.visits.contains_key(&row.visit)
    }

    /// Other states of the visit, if it is a state.
    fn beside<'s>(&'s self, row: &'s Row) -> impl Iterator<Item = &'s Row> {
        let state = row.channel == Channel::State;
        let is_one = move |it: &&Row| state && it.channel == Channel::State && it.visit == row.visit && it.id != row.id;
        self.rows.values().filter(is_one)
    }

    fn others(&self, row: &Row) -> Others {
        let doubts = self.beside(row).filter(|it| it.uncertain).filter_map(|it| match it.state {
            EntryState::Waiting => Some(Others::Settling),
            EntryState::Parked | EntryState::Quarantined => Some(Others::Asked),
            _ => None,
        });
        doubts.max().unwrap_or_default()
    }

    /// What waits for longer than anything has to was given its time by a clock that was ahead.
    fn run_stranded(&mut self, policy: &ClaimPolicy) {
        let door = (policy.organization.clone(), policy.ehr.clone());
        let Some(waiting) = self.waiting.get(&door) else { return };
        let latest = policy.latest_run();
        // Along the index, as the databases do it: in an outage tens of thousands wait.
        let of = |history| waiting.range((history, latest + 1, i64::MIN)..=(history, i64::MAX, i64::MAX));
        let stranded: Vec<i64> = of(false).chain(of(true)).map(|it| it.2).collect();
        for seq in stranded {
            self.change(seq, |row| row.run_at = policy.now.as_millisecond());
        }
    }

    fn next_run(&self, door: &Door, now: i64) -> Option<i64> {
        let waiting = self.waiting.get(door)?;
        let of = |history| waiting.range((history, now + 1, i64::MIN)..(history, i64::MAX, 0)).next();
        [of(false), of(true)].into_iter().flatten().map(|(_, run_at, _)| *run_at).min()
    }

    fn take_over(&mut self, database_now: i64, policy: &ClaimPolicy) {
        let door = (policy.organization.clone(), policy.ehr.clone());
        let Some(flying) = self.flying.get(&door) else { return };
        let lost: Vec<i64> = flying.range(..=(database_now, i64::MAX)).map(|(_, seq)| *seq).collect();
        let settled_by = policy.now.saturating_add(policy.settle_delay).unwrap().as_millisecond();
        for seq in lost {
            let row = &self.rows[&seq];
            let ran_out = Record {
                attempt: row.attempts.into(),
                fence: row.fence,
                outcome: "lease-ran-out".into(),
                ..row.record(Kind::Settled, policy.now)
            };
            self.record(ran_out);
            let row = self.rows[&seq].clone();
            if !row.channel.supersedes() {
                self.change(seq, |row| {
                    row.state = EntryState::Waiting;
                    row.lease_until = None;
                    row.run_at = if row.uncertain { row.run_at.max(settled_by) } else { row.run_at };
                });
                continue;
            }
            let reassert_at = row.reassert_at.max(Some(settled_by));
            let newer = self.pass_on(&row.stream, reassert_at, row.uncertain);
            self.change(seq, |row| {
                row.lease_until = None;
                row.reassert_at = reassert_at;
                row.state = if newer { EntryState::Superseded } else { EntryState::Waiting };
                row.settled_at = newer.then_some(policy.now.as_millisecond());
            });
            if newer {
                self.record(self.rows[&seq].record(Kind::Superseded, policy.now));
            }
        }
    }

    /// The waiting row of a stream of states takes a duty over. Says whether there is one.
    pub(super) fn pass_on(&mut self, stream: &str, reassert_at: Option<i64>, uncertain: bool) -> bool {
        let Some(waiting) = self.streams.get(stream).and_then(|it| it.waiting.first().copied()) else { return false };
        self.change(waiting, |row| {
            row.reassert_at = row.reassert_at.max(reassert_at);
            row.uncertain |= uncertain;
        });
        true
    }
}
