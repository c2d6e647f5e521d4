//! Thin FHIR R4: the few resources Roomed reads, each with the fields it uses and the rest kept as it came.

mod client;
mod types;

pub use client::FhirClient;
pub use types::{
    Appointment, AppointmentParticipant, Bundle, BundleEntry, BundleLink, CodeableConcept, Coding, Encounter,
    EncounterParticipant, HumanName, Identifier, Issue, OperationOutcome, Patient, Period, Practitioner, Reference,
    Resource,
};
