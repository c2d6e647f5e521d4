//! Epic. Reads by FHIR R4; writes by `SetExternalConnectionStatus` of context-aware linking, since Epic's R4 cannot
//! change an Appointment or Encounter (its CapabilityStatement lists read and search only), and, where the organization
//! wants it, by `Communication.create`. There is no place for stages and links of a visit: they get no row and are counted
//! (`promises.rs`).
//!
//! Public pages: <https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4/metadata> (what can be read and created),
//! <https://fhir.epic.com/Documentation?docId=oauth2> (Backend Services), <https://fhir.epic.com/Documentation?docId=developerguidelines>,
//! <https://open.epic.com/launchpad> (launch records). Of the connection status Epic has no public page; what it is for stands in
//! <https://www.vidyo.com/help/VidyoHealth/2_Epic-integration/TA-Configure-Epic-with-VC-CAL.htm>, that it wants `Epic-Client-ID` in
//! <https://www.vidyo.com/help/VidyoHealth/2_Epic-integration/Configure-the-Epic-integration.htm>.
//!
//! Only one public source shows that call: `GET {interconnect}/api/epic/2018/Telehealth/ContextLinking/
//! SetExternalConnectionStatus?ConferenceID&ExternalID&ExternalIDType&VendorName&ConnectionStatus` with Basic
//! `emp$<user>` and `Epic-Client-ID`. Verb, path, numbers and names are therefore the organization's configuration.
//!
//! Epic has no conditional create, and answers a second create of one business key with its code 59141: a Communication is
//! searched for before it is posted, and one that nobody knows of waits for a person.

mod connection_status;

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;
use roomed_smart::fhir::{Encounter, Patient, Practitioner};
use roomed_smart::{Error, UrlPolicy};

use super::answer::unread;
use super::appointments;
use super::backend::Backend;
use super::capabilities::Capabilities;
use super::create::{Creation, Made, Way};
use super::{AppointmentFacts, Attempt, Ehr, EhrError, ReadBack, Said, resources};
use crate::config::EhrConfig;
use crate::outbox::{About, Attendance, Presence, Role, WriteBack};
use crate::store::Channel;
use connection_status::Setter;

/// One Epic instance.
pub struct Epic {
    config: EhrConfig,
    backend: Backend,
    setter: Option<Setter>,
    /// EMP ids of practitioners. They change with no visit, and a practitioner's id is kept for long anyway.
    practitioners: Mutex<HashMap<String, String>>,
}

impl Epic {
    /// Contacts nobody.
    pub fn new(config: EhrConfig, backend: Backend, http: reqwest::Client, policy: UrlPolicy) -> Self {
        let setter = config.connection_status.clone();
        let setter = setter.map(|status| Setter::new(status, &config.interconnect, http, policy));
        Self { config, backend, setter, practitioners: Mutex::default() }
    }

    /// The id the connection-status service knows this person by, if the EHR has given it.
    async fn external_id(&self, intent: &Attendance) -> Result<Option<String>, Error> {
        let systems = &self.config.identifier_systems;
        match intent.role {
            Role::Patient => {
                let patient: Option<Patient> = self.backend.read(&intent.fhir_id).await?;
                Ok(patient.and_then(|it| it.identifier_of(&systems.patient).map(str::to_owned)))
            }
            Role::Practitioner => {
                if let Some(known) = self.held().get(&intent.fhir_id) {
                    return Ok(Some(known.clone()));
                }
                let practitioner: Option<Practitioner> = self.backend.read(&intent.fhir_id).await?;
                let id = practitioner.and_then(|it| it.identifier_of(&systems.practitioner).map(str::to_owned));
                if let Some(id) = &id {
                    self.held().insert(intent.fhir_id.clone(), id.clone());
                }
                Ok(id)
            }
        }
    }

    async fn conference_id(&self, intent: &WriteBack) -> Result<Option<String>, Error> {
        match &intent.conference_id {
            Some(known) => Ok(Some(known.clone())),
            None => {
                let appointment = appointments::by_id(&self.backend, &self.config, &intent.appointment).await?;
                Ok(appointment.and_then(|it| it.conference_id))
            }
        }
    }

    async fn set(&self, intent: &WriteBack, who: &Attendance) -> Said {
        let Some(setter) = &self.setter else {
            let reason =
                "This EHR connection has no connection-status service configured, so the schedule is not told.";
            return Said::Unsupported { reason: reason.into() };
        };
        let Some(status) = setter.number(who.presence) else {
            let reason = "The number for \"disconnected\" is not configured for this EHR, so a disconnect is not told.";
            return Said::Unsupported { reason: reason.into() };
        };
        let conference = match self.conference_id(intent).await {
            Ok(Some(id)) => id,
            Ok(None) => return Said::NoIdentifier,
            Err(error) => return unread(&error),
        };
        match self.external_id(who).await {
            Ok(Some(id)) => setter.set(&conference, &id, who.role, status).await,
            Ok(None) => Said::NoIdentifier,
            Err(error) => unread(&error),
        }
    }

    /// The Communication of an attendance.
    fn message<'a>(intent: &WriteBack, who: &Attendance, key: &'a str) -> Creation<'a> {
        let patient = intent.patient.as_deref();
        let mut search = vec![("identifier", resources::identifier_token(key))];
        search.extend(patient.map(|it| ("patient", it.to_owned())));
        let resource = resources::communication(key, who, patient);
        Creation { kind: "Communication", resource, way: Way::Plain, key, search }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.practitioners.lock().expect("nothing panics while holding the ids")
    }
}

/// What the backend client is registered for.
pub(super) fn scope(config: &EhrConfig) -> String {
    let read = "system/Appointment.read system/Encounter.read system/Patient.read system/Practitioner.read";
    match config.communication {
        true => format!("{read} system/Communication.read system/Communication.write"),
        false => read.to_owned(),
    }
}

/// What of the chart's FHIR side this Epic does not offer. The schedule is told elsewhere.
pub(super) fn lacking(config: &EhrConfig, can: &Capabilities) -> Vec<&'static str> {
    let wanted = config.communication && !can.can("Communication", "create");
    wanted.then_some("Communication: create").into_iter().collect()
}

/// The schedule's connection status, and a message beside it if the organization wants one.
pub(super) fn channels(config: &EhrConfig, about: &About) -> Vec<Channel> {
    match about {
        About::Attendance(_) if config.communication => vec![Channel::State, Channel::Message],
        About::Attendance(_) => vec![Channel::State],
        About::Stage { .. } | About::Links { .. } => Vec::new(),
    }
}

#[async_trait]
impl Ehr for Epic {
    fn requests_per_row(&self) -> u32 {
        // Who it is about is read the first time, and then set.
        2
    }

    async fn write_back(&self, intent: &WriteBack, attempt: &Attempt<'_>) -> Said {
        match (&intent.about, intent.channel) {
            (About::Attendance(who), Channel::State) => self.set(intent, who).await,
            (About::Attendance(who), Channel::Message) => {
                match Self::message(intent, who, attempt.key).make(&self.backend, attempt).await {
                    Made::Said(said) | Made::Surprise(said) => said,
                }
            }
            // `channels` leads nothing else here: a row of before this connection's vendor was changed.
            _ => {
                let reason = "Epic's schedule shows who is connected, and nothing of links, stages or audit events.";
                Said::Unsupported { reason: reason.into() }
            }
        }
    }

    /// The connection-status service can only be written to.
    async fn reads_back(&self, intent: &WriteBack, key: &str) -> ReadBack {
        match (&intent.about, intent.channel) {
            (About::Attendance(who), Channel::Message) => Self::message(intent, who, key).look(&self.backend).await,
            _ => ReadBack::CannotTell,
        }
    }

    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(appointments::by_id(&self.backend, &self.config, id).await?)
    }

    async fn appointment_by_identifier(&self, csn: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(appointments::by_number(&self.backend, &self.config, csn).await?)
    }

    async fn appointments_of_conference(&self, conference: &str) -> Result<Vec<AppointmentFacts>, EhrError> {
        Ok(appointments::by_conference(&self.backend, &self.config, conference).await?)
    }

    async fn appointment_of_encounter(&self, encounter: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        let Some(encounter) = self.backend.read::<Encounter>(encounter).await? else { return Ok(None) };
        let [appointment] = encounter.appointment.as_slice() else { return Ok(None) };
        let Some(id) = appointment.id_of("Appointment") else { return Ok(None) };
        let mut facts = self.appointment(id).await?;
        if let Some(facts) = &mut facts
            && facts.conference_id.is_none()
        {
            let csn = encounter.identifier_of(&self.config.identifier_systems.csn);
            facts.conference_id = csn.map(str::to_owned);
        }
        Ok(facts)
    }

    async fn patient_number(&self, patient: &str) -> Result<Option<String>, EhrError> {
        let patient: Option<Patient> = self.backend.read(patient).await?;
        let system = &self.config.identifier_systems.patient;
        Ok(patient.and_then(|it| it.identifier_of(system).map(str::to_owned)))
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

impl Setter {
    fn number(&self, presence: Presence) -> Option<i64> {
        match presence {
            Presence::Connected => Some(self.status.connected),
            Presence::Disconnected => self.status.disconnected,
        }
    }
}

#[cfg(test)]
mod tests;
