//! Epic. Reads by FHIR R4; writes by `SetExternalConnectionStatus` of context-aware linking, since Epic's R4 cannot
//! change an Appointment or Encounter (its CapabilityStatement lists read and search only).
//!
//! Only one public source shows that call: `GET {interconnect}/api/epic/2018/Telehealth/ContextLinking/
//! SetExternalConnectionStatus?ConferenceID&ExternalID&ExternalIDType&VendorName&ConnectionStatus` with Basic
//! `emp$<user>` and `Epic-Client-ID`. Verb, path, numbers and names are therefore the organization's configuration.

mod connection_status;

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_smart::UrlPolicy;
use roomed_smart::fhir::{Appointment, Encounter, Patient, Practitioner};

use super::backend::Backend;
use super::{AppointmentFacts, Ehr, EhrError, Said};
use crate::config::EhrConfig;
use crate::outbox::{Presence, Role, WriteBack};
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
    pub fn new(config: EhrConfig, backend: Backend, policy: UrlPolicy) -> Self {
        let setter = config.connection_status.clone().map(|status| Setter::new(status, &config.interconnect, policy));
        Self { config, backend, setter, practitioners: Mutex::default() }
    }

    /// The id the connection-status service knows this person by, if the EHR has given it.
    async fn external_id(&self, intent: &WriteBack) -> Result<Option<String>, EhrError> {
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

    async fn conference_id(&self, intent: &WriteBack) -> Result<Option<String>, EhrError> {
        match &intent.conference_id {
            Some(known) => Ok(Some(known.clone())),
            None => Ok(self.appointment(&intent.appointment).await?.and_then(|it| it.conference_id)),
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.practitioners.lock().expect("nothing panics while holding the ids")
    }

    fn facts(&self, appointment: &Appointment) -> Result<Option<AppointmentFacts>, EhrError> {
        let (Some(id), Some(start)) = (&appointment.id, &appointment.start) else {
            return Err(EhrError::Malformed("an appointment without id or start".into()));
        };
        let instant = |text: &str| -> Result<Timestamp, EhrError> {
            text.parse().map_err(|_| EhrError::Malformed("an appointment's time is no FHIR instant".into()))
        };
        let start = instant(start)?;
        let end = match &appointment.end {
            Some(end) => instant(end)?,
            None => {
                let minutes = appointment.rest.get("minutesDuration").and_then(serde_json::Value::as_i64);
                let length = SignedDuration::from_mins(minutes.filter(|it| (1..=1440).contains(it)).unwrap_or(30));
                start.saturating_add(length).unwrap_or(start)
            }
        };
        let mut patients = appointment.actors("Patient");
        let (Some(patient), None) = (patients.next(), patients.next()) else { return Ok(None) };
        let types = &self.config.virtual_visit_types;
        let csn = appointment.identifier_of(&self.config.identifier_systems.csn);
        Ok(Some(AppointmentFacts {
            id: id.clone(),
            status: appointment.status.clone(),
            is_virtual: types.iter().any(|it| appointment.has_type(&it.system, &it.code)),
            start,
            end,
            patient: patient.to_owned(),
            practitioners: appointment.actors("Practitioner").map(str::to_owned).collect(),
            conference_id: csn.map(str::to_owned),
        }))
    }
}

/// A read that failed before anything was said: nothing was applied.
fn unread(error: EhrError) -> Said {
    match error {
        EhrError::Unreachable { reason, retry_after } => Said::NotNow { reason, retry_after },
        // Mostly a client or a key that is being set right: the schedule gives up by itself in the end.
        EhrError::Refused(reason) | EhrError::Malformed(reason) => Said::NotNow { reason, retry_after: None },
    }
}

#[async_trait]
impl Ehr for Epic {
    async fn write_back(&self, intent: &WriteBack) -> Said {
        let Some(setter) = &self.setter else {
            let reason =
                "This EHR connection has no connection-status service configured, so the schedule is not told.";
            return Said::Unsupported { reason: reason.into() };
        };
        let Some(status) = setter.number(intent.presence) else {
            let reason = "The number for \"disconnected\" is not configured for this EHR, so a disconnect is not told.";
            return Said::Unsupported { reason: reason.into() };
        };
        let conference = match self.conference_id(intent).await {
            Ok(Some(id)) => id,
            Ok(None) => return Said::NoIdentifier,
            Err(error) => return unread(error),
        };
        match self.external_id(intent).await {
            Ok(Some(id)) => setter.set(&conference, &id, intent.role, status).await,
            Ok(None) => Said::NoIdentifier,
            Err(error) => unread(error),
        }
    }

    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        match self.backend.read::<Appointment>(id).await? {
            Some(appointment) => self.facts(&appointment),
            None => Ok(None),
        }
    }

    async fn appointment_by_identifier(&self, csn: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        // A comma or a bar in a value would be read as another search (FHIR R4, 3.1.1.4.0.1).
        if csn.is_empty() || csn.len() > 64 || !csn.chars().all(|it| it.is_ascii_alphanumeric() || "-._".contains(it)) {
            return Ok(None);
        }
        let token = format!("{}|{csn}", self.config.identifier_systems.csn);
        let found: Vec<Appointment> = self.backend.search(&[("identifier", &token)], 10).await?;
        match found.as_slice() {
            [appointment] => self.facts(appointment),
            _ => Ok(None),
        }
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
