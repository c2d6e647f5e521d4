//! What clinicians are called, for the pages of organizations that show it: read from the EHR, held in memory for a while,
//! written nowhere. Nobody waits for a name: it is read in the background, and shown from the next look on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::arrivals::Opened;
use crate::config::Readers;
use crate::outbox::retry::connection_policy;
use crate::relay::Relay;

/// Names change rarely: when a name is read again, and when one that was not there.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(12);
const MISSING_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long the EHR may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Most that are held; beyond that, what is old goes.
const MOST: usize = 10_000;
/// A name longer than this is none.
const LONGEST: usize = 120;

/// Organization, `iss`, and the FHIR id of a practitioner.
type Key = (String, String, String);

#[derive(Clone)]
struct Known {
    name: Option<String>,
    /// When to ask again.
    again_at: Timestamp,
}

/// All that have been read.
#[derive(Default)]
pub struct Names(Mutex<HashMap<Key, Known>>);

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Names { .. }")
    }
}

impl Names {
    fn all(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, key: &Key) -> Option<String> {
        self.all().get(key)?.name.clone()
    }

    /// True if it is time to ask for this name; then it is not for anybody else for a while. What is known stays known.
    fn begin(&self, key: &Key, now: Timestamp) -> bool {
        let mut all = self.all();
        let again_at = now.saturating_add(MISSING_FOR).unwrap_or(now);
        match all.get_mut(key) {
            Some(known) if now < known.again_at => false,
            Some(known) => {
                known.again_at = again_at;
                true
            }
            None => {
                if all.len() >= MOST {
                    all.retain(|_, known| now < known.again_at);
                }
                let has_room = all.len() < MOST;
                if has_room {
                    all.insert(key.clone(), Known { name: None, again_at });
                }
                has_room
            }
        }
    }

    fn answered(&self, key: Key, name: Option<String>, now: Timestamp) {
        let good_for = if name.is_some() { GOOD_FOR } else { MISSING_FOR };
        self.all().insert(key, Known { name, again_at: now.saturating_add(good_for).unwrap_or(now) });
    }

    /// Nobody was asked after all.
    fn put_off(&self, key: &Key, now: Timestamp) {
        if let Some(known) = self.all().get_mut(key) {
            known.again_at = now;
        }
    }
}

impl Relay {
    /// Has the names of clinicians read as far as it is time to, where the organization shows them.
    pub fn learn_names(&self, organization: &str, iss: &str, practitioners: &[String]) {
        let shows = |it: &crate::config::Organization| {
            [Readers::VisitPage, Readers::Staff].iter().any(|to| it.names_clinicians(*to))
        };
        if !self.organization(organization).is_some_and(shows) {
            return;
        }
        let Ok(ehr) = self.ehr(organization, iss).cloned() else { return };
        let key = |practitioner: &String| (organization.to_owned(), iss.to_owned(), practitioner.clone());
        let now = self.clock.now();
        let due: Vec<Key> = practitioners.iter().map(key).filter(|key| self.names.begin(key, now)).collect();
        if due.is_empty() {
            return;
        }
        let policy = connection_policy(&self.config.outbox);
        let (names, store, clock) = (Arc::clone(&self.names), Arc::clone(&self.store), Arc::clone(&self.clock));
        tokio::spawn(async move {
            for key in due {
                // Write-backs go first.
                let turn = async { store.take_turn(&key.0, &key.1, &policy, store.time(clock.now()).await?).await };
                if !turn.await.unwrap_or(false) {
                    names.put_off(&key, clock.now());
                    continue;
                }
                match tokio::time::timeout(LIMIT, ehr.practitioner_name(&key.2)).await {
                    Ok(Ok(name)) => {
                        names.answered(key, name.filter(|it| it.chars().count() <= LONGEST), clock.now());
                    }
                    Ok(Err(error)) => tracing::warn!(%error, "a clinician's name could not be read"),
                    Err(_) => tracing::warn!("the EHR takes long to say what a clinician is called"),
                }
            }
        });
    }

    /// The names of a visit's clinicians, in the order of the alphabet; empty where the organization hides them from `readers`.
    pub fn clinician_names(&self, opened: &Opened, readers: Readers) -> Vec<String> {
        let (organization, ehr) = (&opened.stored.row.organization, &opened.record.ehr);
        let clinicians = opened.record.visit.participants().filter(|(_, person)| person.is_practitioner());
        let ids: Vec<String> = clinicians.filter_map(|(who, _)| ehr.people.get(who).cloned()).collect();
        self.learn_names(organization, &ehr.iss, &ids);
        let shown = self.organization(organization).is_some_and(|it| it.names_clinicians(readers));
        let key = |id: String| (organization.clone(), ehr.iss.clone(), id);
        let named = ids.into_iter().filter(|_| shown).filter_map(|id| self.names.known(&key(id)));
        let mut names: Vec<String> = named.collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
