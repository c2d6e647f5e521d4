//! Reading an Appointment: what the relay needs of it, however the vendor finds it.

use jiff::{SignedDuration, Timestamp};
use roomed_smart::Error;
use roomed_smart::fhir::{Appointment, Practitioner};

use super::backend::Backend;
use super::{AppointmentFacts, DAY_LIMIT};
use crate::config::EhrConfig;

/// How long an appointment lasts that does not say.
const USUAL_MINUTES: i64 = 30;

/// The most appointments of one group that are read, the cancelled ones of those who were booked anew included.
const LARGEST_GROUP: usize = 200;

/// The facts; `None` for one without a start (only asked for so far), with several patients, or with nobody to meet: no
/// patient and not two clinicians.
pub(super) fn facts(config: &EhrConfig, appointment: &Appointment) -> Result<Option<AppointmentFacts>, Error> {
    let instant = |text: &str| -> Result<Timestamp, Error> {
        text.parse().map_err(|_| Error::Malformed("an appointment's time is no FHIR instant"))
    };
    let id = appointment.id.clone().ok_or(Error::Malformed("an appointment without id"))?;
    let Some(start) = appointment.start.as_deref().map(instant).transpose()? else { return Ok(None) };
    let end = match &appointment.end {
        Some(end) => instant(end)?,
        None => {
            let minutes = appointment.rest.get("minutesDuration").and_then(serde_json::Value::as_i64);
            let minutes = minutes.filter(|it| (1..=1440).contains(it)).unwrap_or(USUAL_MINUTES);
            start.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(start)
        }
    };
    let mut patients = appointment.actors("Patient");
    let (patient, None) = (patients.next(), patients.next()) else { return Ok(None) };
    let practitioners: Vec<String> = appointment.actors("Practitioner").map(str::to_owned).collect();
    // A patient without a usable reference is a patient all the same: nobody must take the others for colleagues.
    if patient.is_none() && (practitioners.len() < 2 || appointment.has_nameless("Patient")) {
        return Ok(None);
    }
    let types = &config.virtual_visit_types;
    let systems = &config.identifier_systems;
    let number = appointment.identifier_of(&systems.csn);
    let conference = Some(&systems.conference).filter(|system| !system.is_empty());
    let conference = conference.and_then(|system| appointment.identifier_of(system));
    // Where a visit of one patient has a conference id too, it is the visit's own number.
    let group = conference.filter(|id| patient.is_some() && Some(*id) != number);
    Ok(Some(AppointmentFacts {
        id,
        status: appointment.status.clone(),
        is_virtual: types.iter().any(|it| appointment.has_type(&it.system, &it.code)),
        start,
        end,
        patient: patient.map(str::to_owned),
        practitioners,
        conference_id: group.or(number).map(str::to_owned),
        group: group.map(str::to_owned),
        location: appointment.actors("Location").next().map(str::to_owned),
    }))
}

/// Of many, those that can be read: one that cannot must not hide the others.
fn readable(config: &EhrConfig, found: &[Appointment]) -> impl Iterator<Item = AppointmentFacts> {
    found.iter().filter_map(|appointment| {
        let read = facts(config, appointment);
        read.inspect_err(|error| tracing::warn!(%error, "one of several appointments cannot be read")).ok().flatten()
    })
}

/// Those of a practitioner that start in a span of time, by time.
pub(super) async fn of_practitioner(
    backend: &Backend,
    config: &EhrConfig,
    practitioner: &str,
    from: Timestamp,
    until: Timestamp,
) -> Result<Option<Vec<AppointmentFacts>>, Error> {
    if !is_plain(practitioner) {
        return Ok(None);
    }
    let (after, before) = (format!("ge{from}"), format!("lt{until}"));
    let span = [("practitioner", practitioner), ("date", after.as_str()), ("date", before.as_str())];
    let found: Vec<Appointment> = backend.search(&span, DAY_LIMIT).await?;
    // Servers differ in what a date without a time matches: what counts is the start itself. One that does not know a
    // parameter answers as if it had not been asked (FHIR R4, 3.1.1.3): somebody else's day is not shown.
    let is_theirs = |it: &AppointmentFacts| it.practitioners.iter().any(|id| id == practitioner);
    let mut known: Vec<_> =
        readable(config, &found).filter(|it| it.start >= from && it.start < until && is_theirs(it)).collect();
    known.sort_by_key(|it| it.start);
    Ok(Some(known))
}

/// What a practitioner is called.
pub(super) async fn name_of(backend: &Backend, practitioner: &str) -> Result<Option<String>, Error> {
    Ok(backend.read::<Practitioner>(practitioner).await?.and_then(|it| it.display_name()))
}

/// By FHIR id.
pub(super) async fn by_id(backend: &Backend, config: &EhrConfig, id: &str) -> Result<Option<AppointmentFacts>, Error> {
    match backend.read::<Appointment>(id).await? {
        Some(appointment) => facts(config, &appointment),
        None => Ok(None),
    }
}

/// By the number in the configured system, where the server's search knows `identifier`.
pub(super) async fn by_number(
    backend: &Backend,
    config: &EhrConfig,
    number: &str,
) -> Result<Option<AppointmentFacts>, Error> {
    if config.identifier_systems.csn.is_empty() || !is_plain(number) {
        return Ok(None);
    }
    let token = format!("{}|{number}", config.identifier_systems.csn);
    let found: Vec<Appointment> = backend.search(&[("identifier", &token)], 10).await?;
    match found.as_slice() {
        [appointment] => facts(config, appointment),
        _ => Ok(None),
    }
}

/// Those of a group, by its conference id. One that says otherwise when it is read is none of it.
pub(super) async fn by_conference(
    backend: &Backend,
    config: &EhrConfig,
    conference: &str,
) -> Result<Vec<AppointmentFacts>, Error> {
    if config.identifier_systems.conference.is_empty() || !is_plain(conference) {
        return Ok(Vec::new());
    }
    let token = format!("{}|{conference}", config.identifier_systems.conference);
    let found: Vec<Appointment> = backend.search(&[("identifier", &token)], LARGEST_GROUP).await?;
    Ok(readable(config, &found).filter(|it| it.group.as_deref() == Some(conference)).collect())
}

/// A comma or a bar in a value would be read as another search (FHIR R4, 3.1.1.4.0.1).
pub(super) fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.len() <= 64 && value.chars().all(|it| it.is_ascii_alphanumeric() || "-._".contains(it))
}
