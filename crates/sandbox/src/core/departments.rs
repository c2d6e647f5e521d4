//! The departments of a hospital: in FHIR a Location among an Appointment's participants, in a launch the `departmentId`.

use super::{Organization, Random, fhir_id};
use serde::Serialize;

/// A department.
#[derive(Clone, Debug, Serialize)]
pub struct Department {
    /// FHIR id of the Location.
    pub location_id: String,
    /// The department's number, as the launch record's `departmentId` says it.
    pub number: String,
    /// Shown name.
    pub name: &'static str,
}

/// The departments of the organization with that key; the first has the number the hospital has always had.
pub(super) fn of(random: &Random, key: &str, names: &[&'static str]) -> Vec<Department> {
    let label = |index: usize| match index {
        0 => format!("{key} department"),
        other => format!("{key} department {other}"),
    };
    let made = names.iter().copied().enumerate().map(|(index, name)| Department {
        location_id: fhir_id(random, &format!("location {}", label(index))),
        number: random.stable_digits(&label(index), 7),
        name,
    });
    made.collect()
}

impl Organization {
    /// A department by number or by its Location's FHIR id.
    pub fn department(&self, which: &str) -> Option<&Department> {
        self.departments.iter().find(|it| it.number == which || it.location_id == which)
    }

    /// Where a practitioner sees patients unless something else is said.
    pub fn usual_department(&self, practitioner_id: &str) -> Option<&Department> {
        let mut practitioners = self.people.iter().filter_map(|it| it.practitioner_id.as_deref());
        let at = practitioners.position(|it| it == practitioner_id)?;
        self.departments.get(at % self.departments.len().max(1))
    }
}
