//! Putting visits into the schedule, with the encounters Epic makes for them: for one patient, for clinicians among
//! themselves, or for a group whose appointments share one conference id; and changing their status.

use super::chart::{Appointment, OFFICE, VIRTUAL};
use crate::core::{Department, Hospital, Organization};
use jiff::Timestamp;
use serde_json::json;

/// The most patients of one group visit.
const LARGEST_GROUP: usize = 12;

/// What is needed to schedule a visit.
pub(crate) struct NewAppointment<'a> {
    /// None: clinicians meet each other; then there must be at least two.
    pub(crate) patient_id: Option<&'a str>,
    pub(crate) practitioner_id: &'a str,
    pub(crate) more_practitioners: &'a [String],
    pub(crate) kind: &'a str,
    pub(crate) start: Timestamp,
    pub(crate) minutes: u32,
    pub(crate) status: &'a str,
    /// Number or Location id; absent: where the practitioner usually is.
    pub(crate) department: Option<&'a str>,
}

/// Puts an appointment into the schedule.
pub(crate) fn schedule(
    hospital: &Hospital,
    organization: &Organization,
    who: &str,
    new: &NewAppointment<'_>,
) -> Result<Appointment, &'static str> {
    let made = make(hospital, organization, new, None)?;
    enter(hospital, who, &made);
    Ok(made)
}

/// Puts a group visit into the schedule: an appointment for each patient, one conference for all.
pub(crate) fn schedule_group(
    hospital: &Hospital,
    organization: &Organization,
    who: &str,
    new: &NewAppointment<'_>,
    patients: &[String],
) -> Result<Vec<Appointment>, &'static str> {
    if !(2..=LARGEST_GROUP).contains(&patients.len()) {
        return Err("a group visit has 2 to 12 patients");
    }
    if patients.iter().enumerate().any(|(at, it)| patients[..at].contains(it)) {
        return Err("a patient is in a group once");
    }
    let conference = hospital.random.stable_digits(&format!("conference {}", hospital.random.guid()), 11);
    let made: Result<Vec<_>, _> = patients
        .iter()
        .map(|it| {
            let new = NewAppointment { patient_id: Some(it), ..*new };
            make(hospital, organization, &new, Some(&conference))
        })
        .collect();
    let made = made?;
    hospital.canaries.patient("appointment.conference", &conference);
    made.iter().for_each(|it| enter(hospital, who, it));
    Ok(made)
}

fn make(
    hospital: &Hospital,
    organization: &Organization,
    new: &NewAppointment<'_>,
    group: Option<&str>,
) -> Result<Appointment, &'static str> {
    let kind = [VIRTUAL, OFFICE].into_iter().find(|it| *it == new.kind).ok_or("no such visit type")?;
    if let Some(patient_id) = new.patient_id {
        organization.patient(patient_id).ok_or("no such patient")?;
    } else if new.more_practitioners.is_empty() {
        return Err("a visit without a patient needs two practitioners");
    }
    let mut practitioners: Vec<&str> = new.more_practitioners.iter().map(String::as_str).collect();
    practitioners.push(new.practitioner_id);
    if practitioners.iter().any(|it| organization.practitioner(it).is_none()) {
        return Err("no such practitioner");
    }
    practitioners.sort_unstable();
    if practitioners.windows(2).any(|it| it[0] == it[1]) {
        return Err("a practitioner is on an appointment once");
    }
    if !super::chart::STATUSES.contains(&new.status) {
        return Err("no such appointment status");
    }
    if !(5..=480).contains(&new.minutes) {
        return Err("a visit takes 5 to 480 minutes");
    }
    let unique = hospital.random.guid();
    let id = |what: &str| crate::core::fhir_id(&hospital.random, &format!("{what} {unique}"));
    Ok(Appointment {
        id: id("appointment"),
        encounter_id: new.patient_id.map(|_| id("encounter")),
        csn: hospital.random.stable_digits(&format!("csn {unique}"), 11),
        group: group.map(str::to_owned),
        organization: organization.key,
        patient_id: new.patient_id.map(str::to_owned),
        practitioner_id: new.practitioner_id.to_owned(),
        more_practitioners: new.more_practitioners.to_vec(),
        location_id: department(organization, new)?.map(|it| it.location_id.clone()),
        kind,
        start: new.start,
        minutes: new.minutes,
        status: new.status.to_owned(),
        created: hospital.clock.now(),
    })
}

/// An empty text is an appointment without a department.
fn department<'a>(
    organization: &'a Organization,
    new: &NewAppointment<'_>,
) -> Result<Option<&'a Department>, &'static str> {
    match new.department {
        Some("") => Ok(None),
        Some(which) => organization.department(which).map(Some).ok_or("no such department"),
        None => Ok(organization.usual_department(new.practitioner_id)),
    }
}

fn enter(hospital: &Hospital, who: &str, made: &Appointment) {
    hospital.canaries.patient("appointment.csn", &made.csn);
    let detail = json!({ "organization": made.organization, "appointment_id": made.id, "type": made.kind });
    hospital.log(who, "appointment.scheduled", detail);
    hospital.epic.chart.add(made.clone());
}

/// Changes an appointment's status; refuses one FHIR does not have.
pub(crate) fn set_status(hospital: &Hospital, who: &str, id: &str, status: &str) -> Result<(), &'static str> {
    if !super::chart::STATUSES.contains(&status) {
        return Err("no such appointment status");
    }
    if !hospital.epic.chart.change(id, |it| status.clone_into(&mut it.status)) {
        return Err("no such appointment");
    }
    hospital.log(who, "appointment.status", json!({ "appointment_id": id, "status": status }));
    Ok(())
}
