//! After a restore from a backup. The relay that was lost may have delivered what the backup still holds, and newer things
//! that the backup does not know. So nothing in it is sent: every row that is not settled is quarantined, and each visit
//! doubts what it believes of the chart (`roomed_visit::Command::Restored`). Then, row by row, the EHR is asked where it
//! can be read; a state waits for a witness who says anew what is so, and what nobody can know goes to an operator.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use roomed_visit::{Command, VisitEvent};

use crate::arrivals::{Along, ArrivalError, Opened};
use crate::ehr::ReadBack;
use crate::keys::KeyError;
use crate::outbox::WriteBack;
use crate::outbox::connection::Policy;
use crate::outbox::retry::connection_policy;
use crate::record::{InvitationState, LetterState};
use crate::relay::Relay;
use crate::stop;
use crate::store::{Change, Quarantined, StoreError, StoredVisit, VisitRow};

/// Why a row is quarantined, and later parked.
pub const REASON: &str = "restored from a backup; nobody knows whether the EHR has it";
const FOUND: &str = "restored from a backup; found in the EHR";
const OTHER: &str = "restored from a backup; the EHR shows something else, which may be newer";
const DESTROYED: &str = "restored from a backup; payload destroyed: the visit was over and forgotten after the backup";
const FORGOTTEN: &str = "restored from a backup; payload destroyed: the visit is forgotten";
const UNREADABLE: &str = "restored from a backup; its payload does not open with this relay's keys";
/// A visit that nobody can open is over for good so long after its planned end.
const SURELY_OVER: SignedDuration = SignedDuration::from_hours(24);

const EVERY: Duration = Duration::from_secs(30);
const PAGE: u32 = 200;

/// Before anything is sent. May be done again: what was sent or settled since the last time is not touched.
pub async fn begin(relay: &Relay) -> Result<(), ArrivalError> {
    let quarantined = relay.store.quarantine(REASON, relay.clock.now()).await?;
    tracing::warn!(
        quarantined,
        "started from a restored backup: write-backs that were not settled are not sent before somebody knows whether \
         the EHR has them. Leave --restored out at the next start. See `roomed-relay outbox list --state quarantined`"
    );
    metrics::counter!("roomed_restored_total").increment(1);
    for organization in &relay.config.organizations {
        for stored in relay.store.open_visits(&organization.key).await? {
            let doubted = VisitEvent::Decided(Command::Restored);
            // Its meeting may have been deleted since the backup.
            let along = Along { doubts_meeting: true, ..Along::default() };
            match relay.arrivals.update(&stored.row.id, &[doubted], along).await {
                Ok(opened) => keep_letters(relay, opened).await?,
                Err(ArrivalError::Key(KeyError::Destroyed)) => close_unreadable(relay, stored).await?,
                Err(error) => tracing::error!(%error, "a restored visit could not be marked as in doubt"),
            }
        }
    }
    doubt_meetings(relay).await
}

/// A visit that was over may be begun again, and its meeting may have been deleted since the backup as well.
async fn doubt_meetings(relay: &Relay) -> Result<(), ArrivalError> {
    for closed in relay.store.closed_visits(Timestamp::MAX, u32::MAX).await? {
        let along = Along { doubts_meeting: true, ..Along::default() };
        match relay.arrivals.update(&closed.id, &[], along).await {
            // Forgotten since: nobody can begin it again.
            Ok(_) | Err(ArrivalError::Key(KeyError::Destroyed)) => {}
            Err(error) => tracing::error!(%error, "a restored visit's meeting could not be marked as in doubt"),
        }
    }
    Ok(())
}

/// Letters may have left after the backup, and links have been taken back: none leaves out of it. Their clinicians see that,
/// and make new links.
async fn keep_letters(relay: &Relay, opened: Opened) -> Result<(), ArrivalError> {
    let sending = opened.record.invitations.iter().filter_map(|(who, state)| match state {
        InvitationState::Open { hash, letter: Some(LetterState::Sending) } => Some((who.clone(), hash.clone())),
        _ => None,
    });
    for (who, hash) in sending {
        let failed = InvitationState::Open { hash, letter: Some(LetterState::Failed) };
        let along = Along { invitation: Some((who, failed)), ..Along::default() };
        relay.arrivals.update(&opened.stored.row.id, &[], along).await?;
    }
    Ok(())
}

/// The key of the visit's day is gone: it was closed and forgotten after the backup was made. Its row is closed, so that
/// `shredding.rs` forgets it again in its time; should the key turn up after all, the next event opens it again.
async fn close_unreadable(relay: &Relay, stored: StoredVisit) -> Result<(), ArrivalError> {
    let now = relay.clock.now();
    let over = now.duration_since(stored.row.planned_end) > SURELY_OVER;
    tracing::error!(
        visit = stored.row.id,
        day = stored.row.key.day,
        over,
        "a restored visit cannot be opened: the key of its day is not in the keys directory. Either it was over and \
         forgotten after the backup was made, or this is not the keys directory of this relay"
    );
    if over {
        let row = VisitRow { closed_at: Some(now), next_timer_at: None, ..stored.row };
        relay.store.commit(Change::of(row, Some(stored.version), now)).await?;
    }
    Ok(())
}

/// Looks after quarantined rows until the relay stops.
pub async fn run(relay: Arc<Relay>) {
    let mut stopping = relay.stopping.clone();
    let mut reconciler = Reconciler::default();
    let mut every = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = stop::begun(&mut stopping) => return,
        }
        if let Err(error) = reconciler.round(&relay).await {
            tracing::error!(%error, "the restored write-backs could not be looked after");
        }
    }
}

/// Decides quarantined rows, one after the other. The EHR is asked about each once.
#[derive(Debug, Default)]
pub struct Reconciler {
    /// About these the EHR has nothing to say.
    asked: HashSet<String>,
}

/// What is to become of a row.
enum Fate {
    /// The EHR has it.
    Skip,
    /// The EHR does not have it, and saying it cannot undo anything newer.
    Send,
    /// For an operator.
    Park(&'static str),
    /// Nothing yet.
    Wait,
}

impl Reconciler {
    /// Looks at every quarantined row. Says how many are left.
    pub async fn round(&mut self, relay: &Relay) -> Result<u64, StoreError> {
        let (mut after, mut left) = (0, 0);
        let mut seen = HashSet::new();
        loop {
            let page = relay.store.quarantined(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for row in page {
                let now = relay.clock.now();
                let (word, done) = match self.fate(relay, &row).await? {
                    Fate::Skip => ("found in the EHR", relay.store.skip(&row.id, FOUND, now).await?.is_ok()),
                    Fate::Send => ("sent again", relay.store.retry(&row.id, now).await?.is_ok()),
                    Fate::Park(reason) => (reason, relay.store.park(&row.id, reason, now).await?),
                    Fate::Wait => {
                        left += 1;
                        seen.insert(row.id);
                        continue;
                    }
                };
                relay.arrivals.outbox.notify_one();
                // Not done: a newer state or an operator was faster.
                tracing::warn!(outbox = row.id, word, done, "a restored write-back was looked after");
            }
        }
        self.asked.retain(|id| seen.contains(id));
        Ok(left)
    }

    async fn fate(&mut self, relay: &Relay, row: &Quarantined) -> Result<Fate, StoreError> {
        let intent = match open(relay, row) {
            Ok(intent) => intent,
            Err(reason) => return Ok(Fate::Park(reason)),
        };
        let is_state = row.channel.supersedes();
        let read = if self.asked.contains(&row.id) { ReadBack::CannotTell } else { read(relay, row, &intent).await? };
        Ok(match read {
            ReadBack::NotNow => Fate::Wait,
            ReadBack::Applied => Fate::Skip,
            ReadBack::NotApplied if !is_state => Fate::Send,
            // What the EHR shows in its place may be newer than the backup: only a witness of today may overwrite it.
            ReadBack::NotApplied | ReadBack::CannotTell if is_state && !row.closed => {
                self.asked.insert(row.id.clone());
                Fate::Wait
            }
            ReadBack::NotApplied => Fate::Park(OTHER),
            ReadBack::CannotTell => Fate::Park(REASON),
        })
    }
}

fn open(relay: &Relay, row: &Quarantined) -> Result<WriteBack, &'static str> {
    let wrapped = row.key.as_ref().ok_or(FORGOTTEN)?;
    let key = relay.keys.open_visit_key(&row.organization, &row.visit, wrapped).map_err(|error| match error {
        KeyError::Destroyed => DESTROYED,
        _ => UNREADABLE,
    })?;
    let plain = key.open(row.id.as_bytes(), &row.sealed).map_err(|_| UNREADABLE)?;
    serde_json::from_slice(&plain).map_err(|_| UNREADABLE)
}

async fn read(relay: &Relay, row: &Quarantined, intent: &WriteBack) -> Result<ReadBack, StoreError> {
    let connection = (row.organization.clone(), row.ehr.clone());
    let Some(ehr) = relay.ehrs.get(&connection) else { return Ok(ReadBack::CannotTell) };
    let policy = Policy { per_row: ehr.requests_per_row(), ..connection_policy(&relay.config.outbox) };
    let turn = relay.store.time(relay.clock.now()).await?;
    if !relay.store.take_turn(&row.organization, &row.ehr, &policy, turn).await? {
        return Ok(ReadBack::NotNow);
    }
    Ok(ehr.reads_back(intent, &row.id).await)
}
