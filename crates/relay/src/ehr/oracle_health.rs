//! Oracle Health (Millennium R4). Reads, and `PATCH Appointment` with `If-Match`: the status `arrived` when the patient is
//! connected, and the four operations on video links. There is no status for leaving and none for staff: such a row ends as
//! `Unsupported`. For stages, audit events and messages there is no place at all: they get no row; stages are counted
//! (`promises.rs`).
//!
//! Public pages: <https://docs.oracle.com/en/industries/health/millennium-platform-apis/mfrap/op-appointment-id-patch.html>,
//! <https://docs.oracle.com/en/industries/health/millennium-platform-apis/mfrap/api-appointment.html>, <https://github.com/cerner/fhir.cerner.com/blob/main/content/millennium/r4/base/workflow/appointment.md>,
//! <https://github.com/cerner/fhir.cerner.com/blob/main/content/authorization.md>; <https://hl7.org/fhir/R4/appointment.html>. They
//! say 409 for a version that is not the current one, 412 for none, 423 while somebody else changes it, and 409 for `add` on
//! links that were added before. `arrived` changes the tracking status only, and appointments are searched by `_id`, or by a
//! person within a range of dates: an `identifier` is not on the page, so a launch record carries the Appointment's id.

mod links;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use roomed_smart::Error;
use roomed_smart::fhir::{Appointment, Change, Encounter};
use serde_json::{Value, json};

use super::answer::{is_stale, unread, unsaid, unseen};
use super::backend::Backend;
use super::capabilities::Capabilities;
use super::{AppointmentFacts, Attempt, Ehr, EhrError, ReadBack, Said, appointments, resources};
use crate::config::EhrConfig;
use crate::outbox::{About, Attendance, Presence, Role, WriteBack};
use crate::store::Channel;
use links::Links;

/// What the backend client is registered for.
pub(super) const SCOPE: &str = "system/Appointment.read system/Appointment.write system/Encounter.read \
     system/Patient.read system/Practitioner.read";

/// Once, and once more with what stands there by then.
const ROUNDS: usize = 2;

/// One Millennium domain.
pub struct OracleHealth {
    config: EhrConfig,
    backend: Backend,
}

/// What a fresh read of the appointment leads to.
enum Step {
    /// It is so already, or it cannot be.
    Done(Said),
    /// These operations make it so.
    Patch(Value),
}

impl OracleHealth {
    /// Contacts nobody.
    pub fn new(config: EhrConfig, backend: Backend) -> Self {
        Self { config, backend }
    }

    /// Reads, patches under the version that was read, and does both once more if somebody was faster.
    async fn patch(&self, id: &str, step: impl Fn(&Value) -> Step + Send) -> Said {
        for _ in 0..ROUNDS {
            let (resource, version) = match self.backend.read_versioned("Appointment", id).await {
                Ok(Some(read)) => read,
                Ok(None) => return Said::Never { reason: "The EHR no longer has this appointment.".into() },
                Err(error) => return unread(&error),
            };
            let operations = match step(&resource) {
                Step::Done(said) => return said,
                Step::Patch(operations) => operations,
            };
            let Some(version) = version else {
                return Said::Never { reason: "The EHR names no version of this appointment to change.".into() };
            };
            let change = Change::patch("Appointment", id, operations).if_match(version);
            match self.backend.change(&change, None).await {
                Ok(_) => return Said::Accepted,
                Err(failure) if is_stale(&failure) => {}
                Err(failure) => return unsaid(&failure),
            }
        }
        Said::NotNow { reason: "the appointment keeps changing".into(), retry_after: None }
    }

    /// Whether a fresh read shows it already.
    async fn shows(&self, id: &str, step: impl Fn(&Value) -> Step + Send) -> ReadBack {
        match self.backend.read_versioned("Appointment", id).await {
            Ok(Some((resource, _))) => match step(&resource) {
                Step::Done(Said::Accepted) => ReadBack::Applied,
                Step::Done(_) | Step::Patch(_) => ReadBack::NotApplied,
            },
            Ok(None) => ReadBack::NotApplied,
            Err(error) => unseen(error),
        }
    }

    async fn attendance(&self, intent: &WriteBack, who: &Attendance) -> Said {
        let unsupported = |reason: &str| Said::Unsupported { reason: reason.into() };
        match (who.role, who.presence) {
            (Role::Practitioner, _) => unsupported(
                "Oracle Health has no appointment status for staff, so its schedule shows the patient only.",
            ),
            // That they came may have been overtaken by that they left: it is still so, and it is all that can be said.
            (Role::Patient, Presence::Disconnected) => match self.patch(&intent.appointment, arrive).await {
                Said::Accepted | Said::Never { .. } => {
                    unsupported("Oracle Health has no appointment status for somebody who left.")
                }
                said => said,
            },
            (Role::Patient, Presence::Connected) => self.patch(&intent.appointment, arrive).await,
        }
    }

    /// Millennium does not say which appointment an encounter came from: the patient's one virtual visit that begins when
    /// the encounter does.
    async fn of_encounter(&self, id: &str) -> Result<Option<AppointmentFacts>, Error> {
        let Some(encounter) = self.backend.read::<Encounter>(id).await? else { return Ok(None) };
        let patient = encounter.subject.as_ref().and_then(|it| it.id_of("Patient"));
        let start = encounter.period.as_ref().and_then(|it| it.start.as_deref());
        let start = start.and_then(|it| it.parse::<Timestamp>().ok());
        let (Some(patient), Some(start)) = (patient, start) else { return Ok(None) };
        let day = SignedDuration::from_hours(24);
        // An appointment must lie within the range as a whole.
        let until = start.saturating_add(day).unwrap_or(start);
        let (from, until) = (format!("ge{}", resources::instant(start)), format!("lt{}", resources::instant(until)));
        let params = [("patient", patient), ("date", from.as_str()), ("date", until.as_str())];
        let found: Vec<Appointment> = self.backend.search(&params, 50).await?;
        let mut fitting = Vec::new();
        for appointment in &found {
            let facts = appointments::facts(&self.config, appointment)?;
            fitting.extend(facts.filter(|it| it.is_virtual && it.start == start));
        }
        Ok(fitting.pop().filter(|_| fitting.is_empty()))
    }
}

/// Booked -> Arrived. Further on is as good; anything else is somebody's decision.
fn arrive(appointment: &Value) -> Step {
    let never = |status: &str| {
        let reason = format!("The appointment is {status} in the EHR, so the patient cannot be marked as arrived.");
        Step::Done(Said::Never { reason })
    };
    match appointment["status"].as_str().unwrap_or_default() {
        "booked" => Step::Patch(json!([{ "op": "replace", "path": "/status", "value": "arrived" }])),
        "arrived" | "checked-in" | "fulfilled" => Step::Done(Said::Accepted),
        "proposed" => never("only proposed"),
        "cancelled" => never("cancelled"),
        "noshow" => never("a no-show"),
        _ => never("in another state"),
    }
}

/// What of the chart's side this domain does not offer.
pub(super) fn lacking(can: &Capabilities) -> Vec<&'static str> {
    (!can.can("Appointment", "patch")).then_some("Appointment: patch").into_iter().collect()
}

/// The appointment's status, and its links.
pub(super) fn channels(about: &About) -> Vec<Channel> {
    match about {
        About::Attendance(_) => vec![Channel::State],
        About::Links { .. } => vec![Channel::Link],
        About::Stage { .. } => Vec::new(),
    }
}

#[async_trait]
impl Ehr for OracleHealth {
    fn requests_per_row(&self) -> u32 {
        // It is read for its version, and patched under it.
        2
    }

    async fn write_back(&self, intent: &WriteBack, _attempt: &Attempt<'_>) -> Said {
        match (&intent.about, intent.channel) {
            (About::Attendance(who), Channel::State) => self.attendance(intent, who).await,
            (About::Links { provider, patient, from, until }, Channel::Link) => {
                match Links::new(provider, patient, *from, *until) {
                    Ok(links) => self.patch(&intent.appointment, |it| links.step(it)).await,
                    Err(said) => said,
                }
            }
            // `channels` leads nothing else here: a row of before this connection's vendor was changed.
            _ => Said::Unsupported {
                reason: "Oracle Health takes no stages, audit events or messages, only status and links.".into(),
            },
        }
    }

    async fn reads_back(&self, intent: &WriteBack, _key: &str) -> ReadBack {
        match (&intent.about, intent.channel) {
            (About::Attendance(who), Channel::State)
                if (who.role, who.presence) == (Role::Patient, Presence::Connected) =>
            {
                self.shows(&intent.appointment, arrive).await
            }
            (About::Links { provider, patient, from, until }, Channel::Link) => {
                match Links::new(provider, patient, *from, *until) {
                    Ok(links) => self.shows(&intent.appointment, |it| links.step(it)).await,
                    Err(_) => ReadBack::NotApplied,
                }
            }
            _ => ReadBack::CannotTell,
        }
    }

    async fn appointment(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(appointments::by_id(&self.backend, &self.config, id).await?)
    }

    async fn appointment_by_identifier(&self, id: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        match appointments::is_plain(id) {
            true => self.appointment(id).await,
            false => Ok(None),
        }
    }

    async fn appointment_of_encounter(&self, encounter: &str) -> Result<Option<AppointmentFacts>, EhrError> {
        Ok(self.of_encounter(encounter).await?)
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
