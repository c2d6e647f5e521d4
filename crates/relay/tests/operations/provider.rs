//! A meeting provider that a test makes answer as it needs: one meeting under each external id, and none under those of which
//! a meeting was deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::meeting::{Attended, Capability, Meeting, MeetingError, MeetingRequest, Meetings, Watch};
use secrecy::SecretString;

use crate::place::{CANARY, noon};

/// What happens when it is asked, before it answers; an error is its answer.
pub(crate) type Script<T> = Arc<dyn Fn(T) -> BoxFuture<'static, Result<(), MeetingError>> + Send + Sync>;

/// What it knows: providers of several relays may share it.
#[derive(Default)]
pub(crate) struct Known {
    /// The last request of each meeting that stands, by its id.
    pub(crate) standing: Mutex<BTreeMap<String, MeetingRequest>>,
    /// External ids whose meeting was deleted.
    pub(crate) gone: Mutex<BTreeSet<String>>,
    watches: Mutex<u32>,
}

/// A meeting provider.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) known: Mutex<Arc<Known>>,
    /// Ends of watches.
    pub(crate) unwatched: Mutex<Vec<String>>,
    /// Every meeting it was asked to delete, each time.
    pub(crate) discarded: Mutex<Vec<String>>,
    /// Why it does not delete any; without, it does.
    pub(crate) keeps: Mutex<Option<MeetingError>>,
    pub(crate) on_ensure: Mutex<Option<Script<MeetingRequest>>>,
    pub(crate) on_watch: Mutex<Option<Script<String>>>,
    pub(crate) on_discard: Mutex<Option<Script<String>>>,
}

impl Provider {
    /// The meetings it was asked to delete since the last time.
    pub(crate) fn discarded(&self) -> Vec<String> {
        std::mem::take(&mut self.discarded.lock().unwrap())
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.lock().unwrap())
    }

    /// The ids of the meetings that stand.
    pub(crate) fn standing(&self) -> Vec<String> {
        self.known().standing.lock().unwrap().keys().cloned().collect()
    }

    /// From now on asking for a meeting begins with this.
    pub(crate) fn ensures(
        &self,
        script: impl Fn(MeetingRequest) -> BoxFuture<'static, Result<(), MeetingError>> + Send + Sync + 'static,
    ) {
        *self.on_ensure.lock().unwrap() = Some(Arc::new(script));
    }
}

impl Provider {
    /// From now on watching a meeting begins with this.
    pub(crate) fn watches(
        &self,
        script: impl Fn(String) -> BoxFuture<'static, Result<(), MeetingError>> + Send + Sync + 'static,
    ) {
        *self.on_watch.lock().unwrap() = Some(Arc::new(script));
    }

    /// From now on deleting a meeting begins with this.
    pub(crate) fn discards(
        &self,
        script: impl Fn(String) -> BoxFuture<'static, Result<(), MeetingError>> + Send + Sync + 'static,
    ) {
        *self.on_discard.lock().unwrap() = Some(Arc::new(script));
    }
}

async fn play<T>(script: &Mutex<Option<Script<T>>>, with: T) -> Result<(), MeetingError> {
    let script = script.lock().unwrap().clone();
    match script {
        Some(script) => script(with).await,
        None => Ok(()),
    }
}

#[async_trait]
impl Meetings for Provider {
    async fn ensure(&self, request: &MeetingRequest) -> Result<Meeting, MeetingError> {
        play(&self.on_ensure, request.clone()).await?;
        let known = self.known();
        if known.gone.lock().unwrap().contains(&request.external_id) {
            return Err(MeetingError::Gone);
        }
        let id = format!("{CANARY}-meeting-under-{}", request.external_id);
        known.standing.lock().unwrap().insert(id.clone(), request.clone());
        let link = format!("https://teams.example/{id}");
        Ok(Meeting {
            organizer: request.organizer.clone(),
            patient_join_url: format!("{link}/p"),
            join_web_url: link,
            id,
            virtual_appointment: true,
            thread: None,
        })
    }

    async fn watch(&self, meeting: &Meeting, _: &SecretString) -> Result<Watch, MeetingError> {
        play(&self.on_watch, meeting.id.clone()).await?;
        let known = self.known();
        let mut watches = known.watches.lock().unwrap();
        *watches += 1;
        Ok(Watch {
            subscription_id: format!("made-{watches}"),
            expires_at: noon() + SignedDuration::from_hours(20),
            certificate_id: "certificate".into(),
        })
    }

    async fn renew(&self, _: &str) -> Result<Timestamp, MeetingError> {
        Err(MeetingError::Gone)
    }

    async fn unwatch(&self, subscription: &str) -> Result<(), MeetingError> {
        self.unwatched.lock().unwrap().push(subscription.to_owned());
        Ok(())
    }

    async fn discard(&self, meeting: &Meeting) -> Result<(), MeetingError> {
        self.discarded.lock().unwrap().push(meeting.id.clone());
        play(&self.on_discard, meeting.id.clone()).await?;
        if let Some(error) = self.keeps.lock().unwrap().clone() {
            return Err(error);
        }
        if let Some(request) = self.known().standing.lock().unwrap().remove(&meeting.id) {
            self.known().gone.lock().unwrap().insert(request.external_id);
        }
        Ok(())
    }

    fn ending(&self) -> Capability {
        Capability::CloseOnly
    }

    async fn attendance(&self, _: &Meeting) -> Result<Vec<Attended>, MeetingError> {
        Ok(Vec::new())
    }
}
