//! Visits and the one commit, as far as write-backs are concerned.

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_relay::ledger::Kind;
use roomed_relay::store::{
    Change, CommitError, Committed, EntryState, LookupKey, Meeting, NewOutboxEntry, OpenVisit, Recipient, StoreError,
    StoredVisit, VisitRow, Visits,
};

use super::rest::not_here;
use super::{MemoryStore, Row, State};

impl MemoryStore {
    /// Keeps a change whole, or nothing of it.
    pub(crate) fn commit_now(&self, change: Change) -> Result<Committed, CommitError> {
        let state = &mut *self.held();
        let told = !change.notices.is_empty() || !change.links.is_empty() || !change.watches.is_empty();
        if told || !change.consume.is_empty() || change.meeting.is_some() || !change.given_up.is_empty() {
            return Err(CommitError::Store(not_here()));
        }
        let keys: Vec<_> = change.seen.iter().map(|it| (it.source.to_owned(), it.key.clone())).collect();
        if keys.iter().any(|key| state.heard.contains_key(key)) {
            return Err(CommitError::AlreadySeen);
        }
        let version = state.visits.get(&change.visit.id).map(|it| it.version);
        if version != change.expected {
            return Err(CommitError::Conflict);
        }
        state.heard.extend(keys.into_iter().map(|key| (key, change.now.as_millisecond())));
        let version = version.unwrap_or(0) + 1;
        let visit = change.visit;
        let known = state.visits.remove(&visit.id);
        // The key is written once, with the first commit.
        let key = known.as_ref().map_or(&visit.key, |it| &it.row.key).clone();
        let members = change.members.or(known.map(|it| it.members)).unwrap_or_default();
        let row = VisitRow { key, ..visit.clone() };
        state.visits.insert(visit.id.clone(), StoredVisit { row, version, members });
        state.mark_history(&visit.id, visit.closed_at.is_some());
        let wake_outbox = !change.outbox.is_empty();
        for entry in change.outbox {
            state.enqueue(&visit, entry, change.now);
        }
        Ok(Committed { version, notices: Vec::new(), wake_outbox })
    }
}

impl State {
    /// What is left to say of a closed visit lets those of open ones pass.
    fn mark_history(&mut self, visit: &str, closed: bool) {
        use EntryState as S;
        for seq in self.of_visit.get(visit).cloned().unwrap_or_default() {
            if matches!(self.rows[&seq].state, S::Waiting | S::InFlight | S::Parked | S::Quarantined) {
                self.change(seq, |row| row.history = closed);
            }
        }
    }

    fn enqueue(&mut self, visit: &VisitRow, entry: NewOutboxEntry, now: Timestamp) {
        let (reassert_at, uncertain) =
            if entry.channel.supersedes() { self.supersede(&entry.stream, now) } else { (None, false) };
        self.last_seq += 1;
        let seq = self.last_seq;
        let row = Row {
            seq,
            id: entry.id,
            organization: visit.organization.clone(),
            ehr: entry.ehr,
            visit: visit.id.clone(),
            stream: entry.stream,
            channel: entry.channel,
            participant: entry.participant,
            sealed: entry.sealed,
            reference: entry.reference,
            digest: entry.digest,
            state: EntryState::Waiting,
            history: visit.closed_at.is_some(),
            for_identifier: false,
            uncertain,
            possible_double: false,
            run_at: entry.run_at.as_millisecond(),
            lease_until: None,
            fence: 0,
            attempts: 0,
            failures: 0,
            failed_at: None,
            reassert_at,
            accepted_at: now.as_millisecond(),
            delivered_at: None,
            settled_at: None,
            reason: None,
        };
        assert!(self.ids.insert(row.id.clone(), seq).is_none(), "outbox.id is unique");
        self.of_visit.entry(row.visit.clone()).or_default().push(seq);
        self.rows.insert(seq, row);
        self.list(seq);
    }

    /// What a newer state takes the place of, and the duties it takes over: `(reassert_at, uncertain)`.
    fn supersede(&mut self, stream: &str, now: Timestamp) -> (Option<i64>, bool) {
        use EntryState as S;
        let rows: Vec<i64> = self.streams.get(stream).into_iter().flat_map(|it| it.rows.iter().copied()).collect();
        let mut duty = (None, false);
        for seq in rows {
            if matches!(self.rows[&seq].state, S::Waiting | S::Parked | S::Quarantined) {
                self.change(seq, |row| {
                    row.state = S::Superseded;
                    row.settled_at = row.settled_at.or(Some(now.as_millisecond()));
                });
                let row = &self.rows[&seq];
                duty = (duty.0.max(row.reassert_at), duty.1 | row.uncertain);
                self.record(row.record(Kind::Superseded, now));
            }
        }
        duty
    }
}

#[async_trait]
impl Visits for MemoryStore {
    async fn visit(&self, id: &str) -> Result<Option<StoredVisit>, StoreError> {
        Ok(self.held().visits.get(id).cloned())
    }

    async fn visit_of_appointment(&self, _: &str, _: &LookupKey) -> Result<Option<StoredVisit>, StoreError> {
        Err(not_here())
    }

    async fn visit_of_meeting(&self, _: &str, _: &LookupKey) -> Result<Option<String>, StoreError> {
        Err(not_here())
    }

    async fn meeting(&self, _: &str) -> Result<Option<Meeting>, StoreError> {
        Err(not_here())
    }

    async fn open_visits(&self, _: &str) -> Result<Vec<StoredVisit>, StoreError> {
        Err(not_here())
    }

    async fn open_visits_of(&self, _: &Recipient) -> Result<Vec<StoredVisit>, StoreError> {
        Err(not_here())
    }

    async fn due_visits(&self, _: Timestamp, _: u32) -> Result<Vec<OpenVisit>, StoreError> {
        Err(not_here())
    }

    async fn next_timer_at(&self) -> Result<Option<Timestamp>, StoreError> {
        Err(not_here())
    }

    async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        self.commit_now(change)
    }

    async fn days_in_use(&self) -> Result<Vec<String>, StoreError> {
        Err(not_here())
    }
}
