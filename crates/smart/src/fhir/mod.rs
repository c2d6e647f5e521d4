//! Thin FHIR R4: the few resources Roomed reads, each with the fields it uses and the rest kept as it came; changes, as JSON.

mod change;
mod client;
mod types;

pub use change::{Change, Changed, Content, Version};
pub use client::FhirClient;
pub use types::{
    Appointment, AppointmentParticipant, Bundle, BundleEntry, BundleLink, CodeableConcept, Coding, Encounter,
    EncounterParticipant, HumanName, Identifier, Issue, OperationOutcome, Patient, Period, Practitioner, Reference,
    Resource,
};
