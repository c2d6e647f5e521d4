//! Today's schedule, laid out around the moment the sandbox starts, so that there is always a visit about to begin.

use super::chart::{Appointment, OFFICE, VIRTUAL};
use crate::{
    clock::Clock,
    core::{Canaries, Organization, Random, fhir_id},
};
use jiff::{SignedDuration, Timestamp};

/// (practitioner's Hyperspace user, patient's MyChart user, type, minutes from now, length, status)
type Slot = (&'static str, &'static str, &'static str, i64, u32, &'static str);

const NORTHSIDE: [Slot; 15] = [
    ("MOKAFOR", "desiree.powell", OFFICE, -150, 30, "fulfilled"),
    ("MOKAFOR", "elijah.davis", VIRTUAL, -75, 20, "fulfilled"),
    ("MOKAFOR", "camila.lopez", VIRTUAL, 5, 30, "booked"),
    ("MOKAFOR", "linda.ross", OFFICE, 40, 20, "checked-in"),
    ("MOKAFOR", "derrick.lin", VIRTUAL, 65, 30, "booked"),
    ("MOKAFOR", "olivia.roberts", VIRTUAL, 105, 20, "cancelled"),
    ("MOKAFOR", "desiree.powell", VIRTUAL, 135, 30, "booked"),
    ("JLINDQVIST", "olivia.roberts", OFFICE, -60, 30, "noshow"),
    ("JLINDQVIST", "linda.ross", VIRTUAL, 15, 20, "booked"),
    ("JLINDQVIST", "elijah.davis", VIRTUAL, 50, 30, "booked"),
    ("JLINDQVIST", "camila.lopez", OFFICE, 95, 30, "booked"),
    ("EPETROVA", "derrick.lin", VIRTUAL, -25, 20, "fulfilled"),
    ("EPETROVA", "olivia.roberts", VIRTUAL, 10, 30, "booked"),
    ("EPETROVA", "desiree.powell", OFFICE, 45, 30, "booked"),
    ("EPETROVA", "camila.lopez", VIRTUAL, 160, 30, "booked"),
];

const HARBOR: [Slot; 6] = [
    ("DCHO", "warren.mcginnis", VIRTUAL, 5, 30, "booked"),
    ("DCHO", "noor.haddad", OFFICE, 40, 30, "booked"),
    ("DCHO", "tobias.krug", VIRTUAL, 80, 20, "booked"),
    ("IFERREIRA", "tobias.krug", OFFICE, -50, 30, "fulfilled"),
    ("IFERREIRA", "noor.haddad", VIRTUAL, 20, 30, "booked"),
    ("IFERREIRA", "warren.mcginnis", VIRTUAL, 70, 30, "booked"),
];

pub(super) fn today(
    organizations: &[Organization],
    random: &Random,
    clock: &Clock,
    canaries: &Canaries,
) -> Vec<Appointment> {
    let now = clock.now();
    let five_minutes = 300;
    let rounded = now.as_second().div_euclid(five_minutes) * five_minutes;
    let base = Timestamp::from_second(rounded).unwrap_or(now);
    let mut made = Vec::new();
    for organization in organizations {
        let slots: &[Slot] = if organization.key == "northside" { &NORTHSIDE } else { &HARBOR };
        for (index, (emp_user, mychart_user, kind, minutes, length, status)) in slots.iter().copied().enumerate() {
            let label = format!("{} {index}", organization.key);
            let csn = random.stable_digits(&format!("csn {label}"), 11);
            canaries.patient("appointment.csn", &csn);
            let practitioner_id = practitioner(organization, emp_user);
            made.push(Appointment {
                id: fhir_id(random, &format!("appointment {label}")),
                encounter_id: Some(fhir_id(random, &format!("encounter {label}"))),
                csn,
                group: None,
                organization: organization.key,
                patient_id: Some(patient(organization, mychart_user)),
                location_id: organization.usual_department(&practitioner_id).map(|it| it.location_id.clone()),
                practitioner_id,
                more_practitioners: Vec::new(),
                kind,
                start: base.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(base),
                minutes: length,
                status: status.to_owned(),
                created: base.saturating_add(SignedDuration::from_hours(-72)).unwrap_or(base),
            });
        }
    }
    made
}

fn patient(organization: &Organization, mychart_user: &str) -> String {
    let found = organization.patients.iter().find(|it| it.mychart_user == mychart_user);
    found.expect("the schedule names patients of the cast").patient_id.clone()
}

fn practitioner(organization: &Organization, emp_user: &str) -> String {
    let found = organization.emp_user(emp_user).and_then(|it| it.practitioner_id.clone());
    found.expect("the schedule names practitioners of the cast")
}
