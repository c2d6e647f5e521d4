//! Who works at the two hospitals and who is treated there: fixed casts, ids from the seed.
//! With canaries on, patients' names, birth dates and numbers become values found nowhere else.

use super::{Canaries, Random};
use serde::Serialize;

/// What somebody is at the hospital.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonRole {
    /// Sees patients; has a Practitioner in the EHR.
    Practitioner,
    /// Front desk, rooming staff, service accounts.
    Staff,
}

/// Somebody with a Microsoft account.
#[derive(Clone, Debug, Serialize)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// Entra object id.
    pub oid: String,
    /// `userPrincipalName`.
    pub upn: String,
    /// Practitioner or staff.
    pub role: PersonRole,
    /// FHIR id of the Practitioner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub practitioner_id: Option<String>,
    /// The EMP record's id: the Practitioner's identifier in the configured system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emp: Option<String>,
    /// The name they sign in to Hyperspace with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emp_user: Option<String>,
}

/// Somebody who is treated.
#[derive(Clone, Debug, Serialize)]
pub struct Patient {
    /// Given and family name.
    pub name: String,
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// FHIR administrative gender.
    pub gender: String,
    /// FHIR id of the Patient.
    pub patient_id: String,
    /// Medical record number.
    pub mrn: String,
    /// The WPR (MyChart account) record's id: the Patient's identifier in the configured system.
    pub wpr: String,
    /// Home telephone.
    pub phone: String,
    /// The name they sign in to MyChart with.
    pub mychart_user: String,
}

/// A Microsoft account; with `emp_user` also a Hyperspace user.
pub(super) fn person(random: &Random, domain: &str, name: &str, role: PersonRole, emp_user: Option<&str>) -> Person {
    let local = name.trim_start_matches("Dr. ").to_lowercase().replace(' ', ".");
    let upn = format!("{local}@{domain}");
    let practitioner = emp_user.filter(|_| role == PersonRole::Practitioner);
    Person {
        name: name.to_owned(),
        oid: random.stable_guid(&format!("oid {upn}")),
        role,
        practitioner_id: practitioner.map(|_| fhir_id(random, &format!("practitioner {upn}"))),
        emp: emp_user.map(|_| random.stable_digits(&format!("emp {upn}"), 6)),
        emp_user: emp_user.map(str::to_owned),
        upn,
    }
}

/// A patient; with canaries on, an unmistakable one.
pub(super) fn patient(
    random: &Random,
    canaries: &Canaries,
    given: &str,
    family: &str,
    gender: &str,
    born: &str,
) -> Patient {
    let label = format!("{given} {family}");
    let (mut given, mut family, mut birth_date) = (given.to_owned(), family.to_owned(), born.to_owned());
    if canaries.unique() {
        let mark = random.stable_token(&format!("canary {label}"), 6).to_lowercase();
        given = format!("{given}x{mark}");
        family = format!("{family}z{mark}");
        // A year nobody else in the sandbox or the calendar is in, so that a found date is a found leak.
        birth_date = format!("19{:02}-{}", random.stable_below(&format!("year {label}"), 19), &born[5..]);
    }
    let patient = Patient {
        name: format!("{given} {family}"),
        mychart_user: label.to_lowercase().replace(' ', "."),
        patient_id: fhir_id(random, &format!("patient {label}")),
        mrn: random.stable_digits(&format!("mrn {label}"), 8),
        wpr: random.stable_digits(&format!("wpr {label}"), 9),
        phone: format!("+1-202-555-{}", random.stable_digits(&format!("phone {label}"), 4)),
        gender: gender.to_owned(),
        given,
        family,
        birth_date,
    };
    canaries.patient("patient.name", &patient.name);
    canaries.patient("patient.family", &patient.family);
    canaries.patient("patient.given", &patient.given);
    canaries.patient("patient.birth_date", &patient.birth_date);
    canaries.patient("patient.mrn", &patient.mrn);
    canaries.patient("patient.phone", &patient.phone);
    canaries.patient("patient.wpr", &patient.wpr);
    canaries.patient("patient.id", &patient.patient_id);
    patient
}

/// Epic's FHIR ids are opaque, begin with `e` and are 24 characters here.
pub(crate) fn fhir_id(random: &Random, label: &str) -> String {
    format!("e{}", random.stable_token(&format!("fhir {label}"), 23))
}
