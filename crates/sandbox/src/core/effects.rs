//! The record of what has taken effect at the EHRs, in order: one entry per accepted write of an app, whatever its
//! answer met on the way back. Changes made over the control API are not in it. Made for tens of thousands of entries.

use super::{Ehr, lock};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::{BTreeMap, btree_map},
    sync::Mutex,
    time::Duration,
};
use tokio::sync::watch;

/// What was written.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Effect {
    /// Epic's connection-status service set a participant's state.
    ConnectionStatus {
        /// ConferenceID.
        conference_id: String,
        /// ExternalID.
        external_id: String,
        /// ExternalIDType.
        external_id_type: u32,
        /// ConnectionStatus.
        status: u32,
    },
    /// A resource came to be.
    Create(Written),
    /// A resource changed.
    Update(Written),
    /// A resource went away.
    Delete(Written),
}

/// A resource as it stood right after a write.
#[derive(Clone, Debug, Serialize)]
pub struct Written {
    /// For example `Encounter`.
    pub resource_type: &'static str,
    /// Its FHIR id.
    pub id: String,
    /// Business identifiers, `system|value`.
    pub identifiers: Vec<String>,
    /// The version that came of it; none where the server keeps none.
    pub version: Option<String>,
    /// Its `status`, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Video links after the write: `{provider, patient, start, end}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Value>,
}

/// One entry.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// 1, 2, 3, ... without gaps.
    pub seq: u64,
    /// Sandbox time.
    pub at: Timestamp,
    /// Which EHR.
    pub ehr: Ehr,
    /// Whose.
    pub organization: &'static str,
    /// What.
    #[serde(flatten)]
    pub effect: Effect,
}

/// The state a connection-status key holds.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// Whose.
    pub organization: &'static str,
    /// ConferenceID.
    pub conference_id: String,
    /// ExternalID.
    pub external_id: String,
    /// ExternalIDType.
    pub external_id_type: u32,
    /// The number that stands.
    pub status: u32,
    /// Since when.
    pub at: Timestamp,
    /// The effect that made it so.
    pub seq: u64,
    /// How many effects this key has had.
    pub effects: u64,
}

/// How often a business identifier was created.
#[derive(Clone, Debug, Serialize)]
pub struct Creates {
    /// Which EHR.
    pub ehr: Ehr,
    /// Whose.
    pub organization: &'static str,
    /// For example `Communication`.
    pub resource_type: &'static str,
    /// `system|value`; for a resource without any, its FHIR id as `id|...`.
    pub identifier: String,
    /// How many times.
    pub creates: u64,
    /// FHIR ids that came of it.
    pub ids: Vec<String>,
}

type StatusKey = (&'static str, String, String, u32);
type CreateKey = (Ehr, &'static str, &'static str, String);

#[derive(Default)]
struct Inner {
    all: Vec<Recorded>,
    standing: BTreeMap<StatusKey, Standing>,
    creates: BTreeMap<CreateKey, Vec<String>>,
}

/// The record.
pub struct Effects {
    inner: Mutex<Inner>,
    newest: watch::Sender<u64>,
}

impl Default for Effects {
    fn default() -> Self {
        Self { inner: Mutex::default(), newest: watch::Sender::new(0) }
    }
}

impl Effects {
    /// Adds an entry. To be called under the lock that made the effect, so that the order is the true one.
    pub fn record(&self, at: Timestamp, ehr: Ehr, organization: &'static str, effect: Effect) {
        let mut inner = lock(&self.inner);
        let seq = inner.all.len() as u64 + 1;
        match &effect {
            Effect::ConnectionStatus { conference_id, external_id, external_id_type, status } => {
                let key = (organization, conference_id.clone(), external_id.clone(), *external_id_type);
                match inner.standing.entry(key) {
                    btree_map::Entry::Occupied(mut it) => {
                        let it = it.get_mut();
                        (it.status, it.at, it.seq, it.effects) = (*status, at, seq, it.effects + 1);
                    }
                    btree_map::Entry::Vacant(it) => {
                        it.insert(Standing {
                            organization,
                            conference_id: conference_id.clone(),
                            external_id: external_id.clone(),
                            external_id_type: *external_id_type,
                            status: *status,
                            at,
                            seq,
                            effects: 1,
                        });
                    }
                }
            }
            Effect::Create(it) => {
                let own = [format!("id|{}", it.id)];
                let names = if it.identifiers.is_empty() { own.as_slice() } else { it.identifiers.as_slice() };
                for name in names {
                    let key = (ehr, organization, it.resource_type, name.clone());
                    inner.creates.entry(key).or_default().push(it.id.clone());
                }
            }
            Effect::Update(_) | Effect::Delete(_) => {}
        }
        inner.all.push(Recorded { seq, at, ehr, organization, effect });
        drop(inner);
        self.newest.send_modify(|it| *it = seq.max(*it));
    }

    /// At most `limit` entries numbered higher than `since`, and the number of the newest there is.
    pub fn since(&self, since: u64, limit: usize) -> (Vec<Recorded>, u64) {
        let inner = lock(&self.inner);
        let from = usize::try_from(since).unwrap_or(usize::MAX).min(inner.all.len());
        (inner.all[from..].iter().take(limit).cloned().collect(), inner.all.len() as u64)
    }

    /// Like `since`, but waits up to `patience` for something to be there.
    pub async fn wait_since(&self, since: u64, limit: usize, patience: Duration) -> (Vec<Recorded>, u64) {
        let mut newest = self.newest.subscribe();
        let _ = tokio::time::timeout(patience, newest.wait_for(|it| *it > since)).await;
        self.since(since, limit)
    }

    /// What stands for every connection-status key.
    pub fn standing(&self) -> Vec<Standing> {
        lock(&self.inner).standing.values().cloned().collect()
    }

    /// How often each business identifier was created at `ehr`.
    pub fn creates(&self, ehr: Ehr) -> Vec<Creates> {
        let inner = lock(&self.inner);
        let of = inner.creates.iter().filter(|((it, ..), _)| *it == ehr);
        of.map(|((ehr, organization, resource_type, identifier), ids)| Creates {
            ehr: *ehr,
            organization,
            resource_type,
            identifier: identifier.clone(),
            creates: ids.len() as u64,
            ids: ids.clone(),
        })
        .collect()
    }
}
