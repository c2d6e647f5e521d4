//! Any FHIR R4 server, by what its CapabilityStatement says it can do: `create`, `update`, conditional create, update as
//! create, version-aware update, transaction. State: the visit's `Encounter`. Audit: an `AuditEvent`. Message: a
//! `Communication`. What the statement does not offer ends as `Unsupported`. R4 has no element for the links of a visit
//! (R5's `virtualService`): they get no row and are counted (`promises.rs`).
//!
//! Public pages: <https://hl7.org/fhir/R4/http.html> (and its #ccreate, #upsert, #transaction),
//! <https://hl7.org/fhir/R4/capabilitystatement.html>, <https://hl7.org/fhir/R4/appointment.html>,
//! <https://hl7.org/fhir/R4/encounter.html>, <https://hl7.org/fhir/R4/auditevent.html>,
//! <https://hl7.org/fhir/R4/communication.html>. An AuditEvent's codes: DICOM PS3.15 A.5, IHE BALP (profiles.ihe.net/ITI/BALP).

mod encounter;
mod place;
mod state;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_smart::Error;
use roomed_smart::fhir::Encounter;

use super::answer::{unread, unseen};
use super::backend::Backend;
use super::capabilities::Capabilities;
use super::create::{Creation, Made, still_uncertain};
use super::{AppointmentFacts, Attempt, Ehr, EhrError, ReadBack, Said, appointments, resources};
use crate::clock::Clock;
use crate::config::EhrConfig;
use crate::outbox::{About, Attendance, WriteBack};
use crate::store::Channel;

/// A CapabilityStatement is believed for so long.
const BELIEVED: SignedDuration = SignedDuration::from_hours(1);

/// One FHIR R4 server.
pub struct Generic {
    config: EhrConfig,
    organization: String,
    /// The patients' page: the address of the virtual location.
    page: String,
    backend: Backend,
    clock: Arc<dyn Clock>,
    capabilities: Mutex<Option<(Timestamp, Arc<Capabilities>)>>,
}

impl Generic {
    /// Contacts nobody.
    pub fn new(config: EhrConfig, organization: &str, page: String, backend: Backend, clock: Arc<dyn Clock>) -> Self {
        Self { config, organization: organization.to_owned(), page, backend, clock, capabilities: Mutex::default() }
    }

    async fn capabilities(&self) -> Result<Arc<Capabilities>, Error> {
        let now = self.clock.now();
        let known = lock(&self.capabilities).clone();
        if let Some((read_at, known)) = known
            && now.duration_since(read_at) < BELIEVED
        {
            return Ok(known);
        }
        let read = Arc::new(Capabilities::of(&self.backend.capabilities().await?));
        *lock(&self.capabilities) = Some((now, Arc::clone(&read)));
        Ok(read)
    }

    /// The server does not do what it said: look at its statement again. If that changed, the next attempt goes by it.
    async fn surprised(&self, said: Said, known: &Capabilities) -> Said {
        *lock(&self.capabilities) = None;
        match self.capabilities().await {
            Ok(now) if *now != *known => {
                Said::NotNow { reason: "the EHR's capabilities changed".into(), retry_after: None }
            }
            Ok(_) => said,
            Err(error) => unread(&error),
        }
    }

    /// An event, made once.
    async fn event(&self, intent: &WriteBack, who: &Attendance, attempt: &Attempt<'_>) -> Said {
        let can = match self.capabilities().await {
            Ok(capabilities) => capabilities,
            Err(error) => return still_uncertain(unread(&error), attempt),
        };
        let Some(creation) = self.creation(&can, intent, who, attempt.key) else {
            return Said::Unsupported { reason: format!("This FHIR server takes no {}.", kind_of(intent.channel)) };
        };
        match creation.make(&self.backend, attempt).await {
            Made::Said(said) => said,
            Made::Surprise(said) => self.surprised(said, &can).await,
        }
    }

    /// How the event of an attendance is made here; `None` if it cannot be.
    fn creation<'a>(
        &self,
        can: &Capabilities,
        intent: &WriteBack,
        who: &Attendance,
        key: &'a str,
    ) -> Option<Creation<'a>> {
        let patient = intent.patient.as_deref();
        let kind = kind_of(intent.channel);
        let way = can.way_of_event(kind, &resources::deterministic(&self.organization, &intent.iss, key))?;
        let mut search = Vec::new();
        let resource = if kind == "AuditEvent" {
            // It has no identifier: those of the patient at that second are looked through for our key.
            if let Some(patient) = patient
                && ["patient", "date"].iter().all(|it| can.searches(kind, it))
            {
                search.push(("patient", format!("Patient/{patient}")));
                search.push(("date", who.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
            }
            resources::audit_event(key, who, patient, &intent.appointment)
        } else {
            if can.searches(kind, "identifier") {
                search.push(("identifier", resources::identifier_token(key)));
            }
            resources::communication(key, who, patient)
        };
        Some(Creation { kind, resource, way, key, search })
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is made for an event door.
fn kind_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Audit => "AuditEvent",
        _ => "Communication",
    }
}

/// What the backend client is registered for.
pub(super) fn scope(config: &EhrConfig) -> String {
    let mut scope = "system/Appointment.read system/Encounter.read system/Encounter.write system/Location.read \
         system/Location.write system/Patient.read system/Practitioner.read"
        .to_owned();
    if config.audit {
        scope.push_str(" system/AuditEvent.read system/AuditEvent.write");
    }
    if config.communication {
        scope.push_str(" system/Communication.read system/Communication.write");
    }
    scope
}

/// What of the chart's side this server does not offer. Every way is looked for under some id: which one does not matter here.
pub(super) fn lacking(config: &EhrConfig, can: &Capabilities) -> Vec<&'static str> {
    let anything = "roomed";
    let made = can.way_of_shared("Encounter", anything).is_some();
    let wanted = [
        (made, "Encounter: create"),
        (can.can("Encounter", "update"), "Encounter: update"),
        (!config.audit || can.way_of_event("AuditEvent", anything).is_some(), "AuditEvent: create"),
        (!config.communication || can.way_of_event("Communication", anything).is_some(), "Communication: create"),
    ];
    wanted.into_iter().filter_map(|(there, what)| (!there).then_some(what)).collect()
}

/// The Encounter, and an event for everybody who comes or goes, as configured.
pub(super) fn channels(config: &EhrConfig, about: &About) -> Vec<Channel> {
    match about {
        About::Attendance(_) => {
            let wanted =
                [(true, Channel::State), (config.audit, Channel::Audit), (config.communication, Channel::Message)];
            wanted.into_iter().filter_map(|(wanted, channel)| wanted.then_some(channel)).collect()
        }
        About::Stage { .. } => vec![Channel::State],
        About::Links { .. } => Vec::new(),
    }
}

#[async_trait]
impl Ehr for Generic {
    /// The streams of its participants all change one Encounter.
    fn one_per_visit(&self) -> bool {
        true
    }

    fn requests_per_row(&self) -> u32 {
        // Two looks for what is there, and the change.
        3
    }

    async fn write_back(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said {
        match (&intent.about, intent.channel) {
            (About::Attendance(_) | About::Stage { .. }, Channel::State) => self.state(intent, attempt).await,
            (About::Attendance(who), Channel::Audit | Channel::Message) => self.event(intent, who, attempt).await,
            // `channels` leads nothing else here: a row of before this connection's vendor was changed.
            _ => Said::Unsupported { reason: "FHIR R4 has no element for the links of a visit.".into() },
        }
    }

    async fn reads_back(&self, intent: &WriteBack, key: &str) -> ReadBack {
        let can = match self.capabilities().await {
            Ok(capabilities) => capabilities,
            Err(error) => return unseen(error),
        };
        match (&intent.about, intent.channel) {
            (About::Attendance(_) | About::Stage { .. }, Channel::State) => self.shows(&can, intent).await,
            (About::Attendance(who), Channel::Audit | Channel::Message) => {
                match self.creation(&can, intent, who, key) {
                    Some(creation) => creation.look(&self.backend).await,
                    None => ReadBack::CannotTell,
                }
            }
            _ => ReadBack::CannotTell,
        }
    }

    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(appointments::by_id(&self.backend, &self.config, id).await?)
    }

    async fn appointment_by_identifier(&self, number: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(appointments::by_number(&self.backend, &self.config, number).await?)
    }

    async fn appointment_of_encounter(&self, encounter: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        let Some(encounter) = self.backend.read::<Encounter>(encounter).await? else { return Ok(None) };
        let [appointment] = encounter.appointment.as_slice() else { return Ok(None) };
        match appointment.id_of("Appointment") {
            Some(id) => self.appointment(id).await,
            None => Ok(None),
        }
    }

    async fn appointments_of(
        &self,
        practitioner: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Vec<AppointmentFacts>>, EhrError> {
        Ok(appointments::of_practitioner(&self.backend, &self.config, practitioner, from, until).await?)
    }

    async fn practitioner_name(&self, practitioner: &str) -> Result<Option<String>, EhrError> {
        Ok(appointments::name_of(&self.backend, practitioner).await?)
    }
}

#[cfg(test)]
mod tests;
