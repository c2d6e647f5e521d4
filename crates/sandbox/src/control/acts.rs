//! What a demo does once, by a button of the control page: visits of the kinds that Hyperspace's form does not book here.
//! Tests book the same with `POST /groups` and `POST /appointments`.

use crate::{
    core::Hospital,
    epic::{
        booking::{self, NewAppointment},
        chart::VIRTUAL,
    },
};

/// Name and words, in the order of the page.
pub(super) const ALL: [(&str, &str); 3] = [
    ("group-visit", "Book a group visit of three patients at Northside, in five minutes"),
    ("clinicians-visit", "Book a visit of two clinicians of Northside without a patient, in five minutes"),
    ("ten-minutes", "Move the hospital's clock ten minutes on"),
];

/// How far ahead visits are booked, in seconds.
const SOON: i64 = 300;

/// Does it; `None` if there is no such act. Answers what came of it.
pub(super) fn act(hospital: &Hospital, name: &str) -> Option<Result<String, &'static str>> {
    match name {
        "group-visit" => Some(group(hospital)),
        "clinicians-visit" => Some(clinicians(hospital)),
        "ten-minutes" => {
            hospital.clock.advance(600);
            hospital.log("control", "clock.advanced", serde_json::json!({ "seconds": 600 }));
            Some(Ok("The clock is ten minutes further on.".to_owned()))
        }
        _ => None,
    }
}

fn group(hospital: &Hospital) -> Result<String, &'static str> {
    let organization = hospital.organization("northside").ok_or("there is no Northside")?;
    let patients: Vec<String> = organization.patients.iter().take(3).map(|it| it.patient_id.clone()).collect();
    let new = soon(hospital, organization.people.first().and_then(|it| it.practitioner_id.as_deref()), &[])?;
    let made = booking::schedule_group(hospital, organization, "control", &new, &patients)?;
    Ok(format!("Booked: a group visit of {} patients.", made.len()))
}

fn clinicians(hospital: &Hospital) -> Result<String, &'static str> {
    let organization = hospital.organization("northside").ok_or("there is no Northside")?;
    let mut practitioners = organization.people.iter().filter_map(|it| it.practitioner_id.clone());
    let (first, others) = (practitioners.next(), practitioners.next());
    let others: Vec<String> = others.into_iter().collect();
    let new = soon(hospital, first.as_deref(), &others)?;
    booking::schedule(hospital, organization, "control", &new)?;
    Ok("Booked: two clinicians, no patient.".to_owned())
}

fn soon<'a>(
    hospital: &Hospital,
    practitioner: Option<&'a str>,
    more: &'a [String],
) -> Result<NewAppointment<'a>, &'static str> {
    Ok(NewAppointment {
        patient_id: None,
        practitioner_id: practitioner.ok_or("there is no practitioner")?,
        more_practitioners: more,
        kind: VIRTUAL,
        start: hospital.clock.in_seconds(SOON),
        minutes: 30,
        status: "booked",
        department: None,
    })
}
