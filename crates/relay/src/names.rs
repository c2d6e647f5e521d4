//! What clinicians are called, for the pages of organizations that show it: read from the EHR, held in memory for a while,
//! written nowhere. A page never waits long for a name, and does without where the EHR does not say it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::arrivals::Opened;
use crate::config::ShowClinician;
use crate::relay::Relay;

/// Names change rarely: when a name is read again, and when one that was not there.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(12);
const MISSING_FOR: SignedDuration = SignedDuration::from_mins(10);
/// How long a page waits for names that are not known yet.
const LIMIT: Duration = Duration::from_secs(2);
/// Most that are held; beyond that, what is old goes.
const MOST: usize = 10_000;
/// A name longer than this is none.
const LONGEST: usize = 120;

/// Organization, `iss`, and the FHIR id of a practitioner.
type Key = (String, String, String);

#[derive(Clone)]
struct Known {
    name: Option<String>,
    at: Timestamp,
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
    fn known(&self, key: &Key, now: Timestamp) -> Option<Known> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()?;
        let good_for = if known.name.is_some() { GOOD_FOR } else { MISSING_FOR };
        (now.duration_since(known.at) < good_for).then_some(known)
    }

    fn put(&self, key: Key, name: Option<String>, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, known| now.duration_since(known.at) < MISSING_FOR);
        }
        if all.len() < MOST {
            all.insert(key, Known { name, at: now });
        }
    }
}

impl Relay {
    /// Reads the names of an appointment's clinicians as far as they are not known, where the organization shows them.
    pub async fn learn_names(&self, organization: &str, iss: &str, practitioners: &[String]) {
        let shows = |it: &crate::config::Organization| it.pages.clinician == ShowClinician::Shown;
        if !self.organization(organization).is_some_and(shows) {
            return;
        }
        let Ok(ehr) = self.ehr(organization, iss) else { return };
        let reading = async {
            for practitioner in practitioners {
                let key = (organization.to_owned(), iss.to_owned(), practitioner.clone());
                if self.names.known(&key, self.clock.now()).is_some() {
                    continue;
                }
                // Before the answer, so that an EHR which is slow is not asked at every look.
                self.names.put(key.clone(), None, self.clock.now());
                match ehr.practitioner_name(practitioner).await {
                    Ok(name) => {
                        self.names.put(key, name.filter(|it| it.chars().count() <= LONGEST), self.clock.now());
                    }
                    Err(error) => tracing::warn!(%error, "a clinician's name could not be read"),
                }
            }
        };
        if tokio::time::timeout(LIMIT, reading).await.is_err() {
            tracing::warn!("the EHR takes long to say what clinicians are called");
        }
    }

    /// The names of a visit's clinicians, in the order of the alphabet; empty where the organization hides them.
    pub async fn clinician_names(&self, opened: &Opened) -> Vec<String> {
        let (organization, ehr) = (&opened.stored.row.organization, &opened.record.ehr);
        let clinicians = opened.record.visit.participants().filter(|(_, person)| person.is_practitioner());
        let ids: Vec<String> = clinicians.filter_map(|(who, _)| ehr.people.get(who).cloned()).collect();
        self.learn_names(organization, &ehr.iss, &ids).await;
        let shown = self.organization(organization).is_some_and(|it| it.pages.clinician == ShowClinician::Shown);
        let key = |id: String| (organization.clone(), ehr.iss.clone(), id);
        let named =
            ids.into_iter().filter(|_| shown).filter_map(|id| self.names.known(&key(id), self.clock.now())?.name);
        let mut names: Vec<String> = named.collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
