//! An appointment as Millennium keeps it: the booking, and beside it the two links of a video visit. Its version is a
//! number for the booking and, once there are links, a second one for them: opaque to everybody else.

use jiff::{SignedDuration, Timestamp};

/// The links of a video visit and the time they are good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Where the provider goes.
    pub provider: String,
    /// Where the patient goes.
    pub patient: String,
    /// As it was sent.
    pub start: String,
    /// As it was sent.
    pub end: String,
}

/// An appointment.
#[derive(Clone, Debug)]
pub struct Appointment {
    /// FHIR id.
    pub id: String,
    /// FHIR id of the Encounter.
    pub encounter_id: String,
    /// The visit's number in the configured identifier system.
    pub number: String,
    /// Organization key.
    pub organization: &'static str,
    /// FHIR id of the Patient; none where clinicians meet each other.
    pub patient_id: Option<String>,
    /// FHIR ids of the Practitioners, the primary performer first.
    pub practitioner_ids: Vec<String>,
    /// Whether it is a Cerner Video Visit.
    pub is_virtual: bool,
    /// When it begins.
    pub start: Timestamp,
    /// Its length.
    pub minutes: u32,
    /// One of FHIR's appointment statuses.
    pub status: String,
    /// Its links, once somebody has set them.
    pub links: Option<Links>,
    /// When it last changed.
    pub updated: Timestamp,
    pub(super) booking_version: u32,
    pub(super) links_version: u32,
}

impl Appointment {
    /// When it is planned to end.
    pub fn end(&self) -> Timestamp {
        self.start.saturating_add(SignedDuration::from_mins(i64::from(self.minutes))).unwrap_or(self.start)
    }

    /// `3`, or `3-1` once there are links.
    pub fn version(&self) -> String {
        match &self.links {
            Some(_) => format!("{}-{}", self.booking_version, self.links_version),
            None => self.booking_version.to_string(),
        }
    }

    /// Notes a change of the booking.
    pub(super) fn rebooked(&mut self, now: Timestamp) {
        self.booking_version += 1;
        self.updated = now;
    }

    /// Sets the links.
    pub(super) fn link(&mut self, links: Links, now: Timestamp) {
        self.links = Some(links);
        self.links_version += 1;
        self.updated = now;
    }
}
