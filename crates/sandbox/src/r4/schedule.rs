//! Scheduling over the control API: what somebody at the hospital's own screens does. Makes an Appointment and the
//! Encounter planned for it; subscribers are told as of any change.

use super::{store::Held, subscription};
use crate::{
    control::{Change, NewVisit},
    core::{Department, Ehr, Hospital, Organization, Random, Shared, lock},
    fhir::{Booked, Site, instant, people, search::values},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Books an appointment.
pub(crate) fn schedule(hospital: &Shared, new: &NewVisit<'_>) -> Result<Value, &'static str> {
    let site = hospital.r4.server.of(new.organization).ok_or("no such organization")?;
    let organization = hospital.organization(new.organization).ok_or("no such organization")?;
    let is_virtual = site.is_virtual(new.kind).ok_or("no such visit type")?;
    let patient = new.patient_id.map(|it| site.patient(it).ok_or("no such patient")).transpose()?;
    let practitioners = new.practitioners().map(|it| site.practitioner(it).ok_or("no such practitioner"));
    let practitioners = practitioners.collect::<Result<Vec<_>, _>>()?;
    let id = hospital.random.stable_guid(&format!("r4 appointment {}", new.unique));
    let encounter_id = hospital.random.stable_guid(&format!("r4 encounter {}", new.unique));
    let number = hospital.random.stable_digits(&format!("r4 number {}", new.unique), 11);
    hospital.canaries.patient("appointment.number", &number);
    let now = hospital.clock.now();
    let end = end(new.start, new.minutes);
    let actor = |reference: String, display: Option<String>| json!({ "actor": { "reference": reference, "display": display }, "required": "required", "status": "accepted" });
    let patients =
        patient.iter().map(|it| actor(format!("Patient/{}", it.id), people::patient_name(organization, site, &it.id)));
    let clinicians = practitioners
        .iter()
        .map(|it| actor(format!("Practitioner/{}", it.id), people::practitioner_name(organization, site, &it.id)));
    let participant: Vec<Value> = patients.chain(clinicians).collect();
    let identifier = json!([{ "use": "usual", "system": site.systems.csn, "value": number }]);
    let mut appointment = json!({
        "resourceType": "Appointment", "identifier": identifier, "status": new.status,
        "serviceType": [site.visit_type(is_virtual)], "appointmentType": site.visit_type(is_virtual),
        "start": instant(new.start), "end": instant(end), "minutesDuration": new.minutes, "created": instant(now),
        "participant": participant,
    });
    if let Some(which) = new.department {
        let department = organization.department(which).ok_or("no such department")?;
        let (id, _) = service(&hospital.random, organization, department);
        let service = actor(format!("HealthcareService/{id}"), Some(department.name.to_owned()));
        appointment["participant"].as_array_mut().into_iter().for_each(|it| it.push(service.clone()));
    }
    let (code, display) = if is_virtual { ("VR", "virtual") } else { ("AMB", "ambulatory") };
    let individual = |id: &str| json!({ "individual": { "reference": format!("Practitioner/{id}") } });
    let mut encounter = json!({
        "resourceType": "Encounter", "identifier": identifier, "status": "planned",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code, "display": display },
        "type": [site.visit_type(is_virtual)],
        "participant": practitioners.iter().map(|it| individual(&it.id)).collect::<Vec<_>>(),
        "appointment": [{ "reference": format!("Appointment/{id}") }],
    });
    if let Some(patient) = patient {
        encounter["subject"] = json!({ "reference": format!("Patient/{}", patient.id) });
    }
    let mut shelves = lock(&hospital.r4.shelves);
    shelves.put(site.organization, "Appointment", &id, appointment, now);
    if new.encounter {
        shelves.put(site.organization, "Encounter", &encounter_id, encounter, now);
    }
    let held = shelves.get(site.organization, "Appointment", &id).ok_or("it is gone")?;
    subscription::changed(hospital, site.organization, "Appointment", &id, Some(&held.resource));
    let encounter_id = new.encounter.then_some(encounter_id.as_str());
    Ok(describe(site, held, encounter_id))
}

/// A department as this server has it: a HealthcareService; its id and the resource.
pub(super) fn service(random: &Random, organization: &Organization, it: &Department) -> (String, Value) {
    let id = random.stable_guid(&format!("r4 healthcare service {}", it.number));
    let resource = json!({
        "resourceType": "HealthcareService", "active": true, "name": it.name,
        "identifier": [{ "use": "usual", "system": organization.department_system, "value": it.number }],
    });
    (id, resource)
}

/// An appointment as a launch is about it.
pub(crate) fn booked(hospital: &Hospital, id: &str) -> Option<Booked> {
    let shelves = lock(&hospital.r4.shelves);
    let held = |site: &Site| shelves.get(site.organization, "Appointment", id).cloned();
    let (site, held) = hospital.r4.server.sites.iter().find_map(|it| Some((it, held(it)?)))?;
    let reference = format!("Appointment/{id}");
    let encounter = shelves.referring(site.organization, "Encounter", &reference).next();
    let encounter = encounter.and_then(|it| it.resource["id"].as_str().map(str::to_owned));
    let described = describe(site, &held, None);
    let text = |name: &str| described[name].as_str().unwrap_or_default().to_owned();
    Some(Booked {
        organization: site.organization,
        appointment_id: id.to_owned(),
        patient_id: described["patient_id"].as_str().map(str::to_owned),
        encounter_id: encounter,
        session: text("csn"),
    })
}

/// Changes an appointment; `None` if there is none with this id.
pub(crate) fn change(hospital: &Shared, id: &str, change: &Change) -> Option<Result<Value, &'static str>> {
    let mut shelves = lock(&hospital.r4.shelves);
    let held = |site: &Site| shelves.get(site.organization, "Appointment", id).cloned();
    let (site, held) = hospital.r4.server.sites.iter().find_map(|it| Some((it, held(it)?)))?;
    let mut resource = held.resource;
    if let Some(wanted) = &change.practitioner_id {
        let Some(known) = site.practitioner(wanted) else { return Some(Err("no such practitioner")) };
        let organization = hospital.organization(site.organization)?;
        let actors = resource["participant"].as_array_mut().into_iter().flatten();
        for actor in actors.map(|it| &mut it["actor"]) {
            if actor["reference"].as_str().is_some_and(|it| it.starts_with("Practitioner/")) {
                let display = people::practitioner_name(organization, site, &known.id);
                *actor = json!({ "reference": format!("Practitioner/{}", known.id), "display": display });
            }
        }
    }
    if let Some(status) = &change.status {
        resource["status"] = Value::from(status.as_str());
    }
    if change.start.is_some() || change.end.is_some() {
        let before = resource["start"].as_str().and_then(|it| it.parse().ok()).unwrap_or_else(|| hospital.clock.now());
        let start = change.start.unwrap_or(before);
        let minutes = change.minutes(start).or_else(|| resource["minutesDuration"].as_u64()?.try_into().ok());
        let minutes = minutes.unwrap_or(30);
        resource["start"] = Value::from(instant(start));
        resource["end"] = Value::from(instant(end(start, minutes)));
        resource["minutesDuration"] = Value::from(minutes);
    }
    shelves.put(site.organization, "Appointment", id, resource, hospital.clock.now());
    let held = shelves.get(site.organization, "Appointment", id)?;
    subscription::changed(hospital, site.organization, "Appointment", id, Some(&held.resource));
    Some(Ok(describe(site, held, None)))
}

fn end(start: Timestamp, minutes: u32) -> Timestamp {
    start.saturating_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(start)
}

impl super::State {
    /// All appointments as the control API lists them.
    pub(crate) fn listed(&self) -> Vec<Value> {
        let shelves = lock(&self.shelves);
        let of = |site: &Site| {
            let encounter = |appointment: &Value| {
                let wanted = format!("Appointment/{}", appointment["id"].as_str().unwrap_or_default());
                let found = shelves.referring(site.organization, "Encounter", &wanted).next();
                found.and_then(|it| it.resource["id"].as_str().map(str::to_owned))
            };
            let all = shelves.all(site.organization, "Appointment");
            all.map(|it| describe(site, it, encounter(&it.resource).as_deref())).collect::<Vec<_>>()
        };
        self.server.sites.iter().flat_map(of).collect()
    }

    /// Every resource of a type as it stands, whole.
    pub(crate) fn resources(&self, kind: &str) -> Option<Vec<Value>> {
        let kind = super::kinds::kind(kind, true)?.name;
        let shelves = lock(&self.shelves);
        let of = |site: &Site| shelves.all(site.organization, kind).map(|it| it.resource.clone()).collect::<Vec<_>>();
        Some(self.server.sites.iter().flat_map(of).collect())
    }

    /// Every Appointment and Encounter with what stands there.
    pub(crate) fn standing(&self, kind: &'static str) -> Vec<Value> {
        let shelves = lock(&self.shelves);
        let of = |site: &Site| {
            let all = shelves.all(site.organization, kind).map(|it| {
                json!({
                    "organization": site.organization, "id": it.resource["id"], "status": it.resource["status"],
                    "identifiers": crate::fhir::identifiers(&it.resource), "version": it.version.to_string(),
                    "resource": it.resource,
                })
            });
            all.collect::<Vec<_>>()
        };
        self.server.sites.iter().flat_map(of).collect()
    }
}

fn describe(site: &Site, held: &Held, encounter_id: Option<&str>) -> Value {
    let it = &held.resource;
    let actors = |kind: &str| {
        let all = values(it, "participant.actor.reference");
        all.iter().filter_map(|it| it.as_str()?.strip_prefix(kind)).map(str::to_owned).collect::<Vec<_>>()
    };
    let practitioners = actors("Practitioner/");
    let code = values(it, "appointmentType.coding.code").first().map(|it| **it == site.virtual_code.as_str());
    json!({
        "ehr": Ehr::R4, "appointment_id": it["id"], "csn": it["identifier"][0]["value"], "encounter_id": encounter_id,
        "org": site.organization, "patient_id": actors("Patient/").first(), "practitioner_id": practitioners.first(),
        "more_practitioners": practitioners.get(1..),
        "type": if code == Some(true) { crate::epic::chart::VIRTUAL } else { crate::epic::chart::OFFICE },
        "start": it["start"], "minutes": it["minutesDuration"], "status": it["status"],
        "version": held.version.to_string(),
    })
}
