//! The chart as far as video visits touch it: appointments with their encounter, and who is marked as connected.
//! Every change wakes the pages that show the schedule.

use crate::core::lock;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::watch;

/// The appointment type configured as a Teams video visit.
pub(crate) const VIRTUAL: &str = "VV-TEAMS";
/// The ordinary appointment type.
pub(crate) const OFFICE: &str = "OFFICE";

/// FHIR R4 `AppointmentStatus`.
pub(crate) const STATUSES: [&str; 10] = [
    "proposed",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "entered-in-error",
    "checked-in",
    "waitlist",
];

/// An appointment and the encounter that belongs to it.
#[derive(Clone, Debug)]
pub struct Appointment {
    /// FHIR id of the Appointment.
    pub id: String,
    /// FHIR id of the Encounter; none where no patient is treated.
    pub encounter_id: Option<String>,
    /// Contact serial number; also the ConferenceID of its video visit unless it is part of a group.
    pub csn: String,
    /// The ConferenceID it shares with the other appointments of a group visit.
    pub group: Option<String>,
    /// Organization key.
    pub organization: &'static str,
    /// FHIR id of the Patient; none where clinicians meet each other.
    pub patient_id: Option<String>,
    /// FHIR id of the Practitioner.
    pub practitioner_id: String,
    /// FHIR ids of further Practitioners.
    pub more_practitioners: Vec<String>,
    /// FHIR id of the department's Location.
    pub location_id: Option<String>,
    /// `VV-TEAMS` or `OFFICE`.
    pub kind: &'static str,
    /// When it begins.
    pub start: Timestamp,
    /// Its length.
    pub minutes: u32,
    /// One of FHIR's appointment statuses.
    pub status: String,
    /// When it was made.
    pub created: Timestamp,
}

impl Appointment {
    /// When it is planned to end.
    pub fn end(&self) -> Timestamp {
        self.start.saturating_add(SignedDuration::from_mins(i64::from(self.minutes))).unwrap_or(self.start)
    }

    /// Its video visit's ConferenceID: the launch record's `%CONFERENCEID%` for a group, else its CSN.
    pub fn conference(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.csn)
    }

    /// Every Practitioner on it, by FHIR id.
    pub fn practitioners(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.practitioner_id).chain(&self.more_practitioners).map(String::as_str)
    }

    /// Whether it is this patient's.
    pub fn is_of(&self, patient_id: &str) -> bool {
        self.patient_id.as_deref() == Some(patient_id)
    }

    /// Whether its type is the one configured as virtual.
    pub fn is_virtual(&self) -> bool {
        self.kind == VIRTUAL
    }
}

/// A participant's mark in the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// Nobody has said anything yet.
    #[default]
    NotConnected,
    /// Is in the visit.
    Connected,
    /// Was, and has left.
    Disconnected,
}

impl Mark {
    /// As the schedule shows it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotConnected => "Not connected",
            Self::Connected => "Connected",
            Self::Disconnected => "Disconnected",
        }
    }
}

/// One accepted call of the connection-status service.
#[derive(Clone, Debug, Serialize)]
pub struct WriteBack {
    /// ConferenceID.
    pub conference_id: String,
    /// ExternalID.
    pub external_id: String,
    /// ExternalIDType.
    pub external_id_type: u32,
    /// VendorName.
    pub vendor_name: String,
    /// ConnectionStatus.
    pub connection_status: u32,
    /// Sandbox time of acceptance.
    pub at: Timestamp,
}

/// What the connection-status service keeps a state for: ConferenceID, ExternalIDType, ExternalID.
pub(crate) type Line = (String, u32, String);

/// Appointments, marks and write-backs of both hospitals.
pub struct Chart {
    appointments: Mutex<Vec<Appointment>>,
    lines: Mutex<BTreeMap<Line, Mark>>,
    write_backs: Mutex<Vec<WriteBack>>,
    /// Counts changes; `u64::MAX` means the hospital has closed.
    changes: watch::Sender<u64>,
}

impl Chart {
    pub(crate) fn new(appointments: Vec<Appointment>, lines: BTreeMap<Line, Mark>) -> Self {
        Self {
            appointments: Mutex::new(appointments),
            lines: Mutex::new(lines),
            write_backs: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// All appointments that `wanted` likes, by start.
    pub fn appointments(&self, wanted: impl Fn(&Appointment) -> bool) -> Vec<Appointment> {
        let mut found: Vec<Appointment> = lock(&self.appointments).iter().filter(|it| wanted(it)).cloned().collect();
        found.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        found
    }

    /// An appointment by FHIR id.
    pub fn appointment(&self, id: &str) -> Option<Appointment> {
        lock(&self.appointments).iter().find(|it| it.id == id).cloned()
    }

    /// Adds an appointment.
    pub fn add(&self, appointment: Appointment) {
        lock(&self.appointments).push(appointment);
        self.changed();
    }

    /// Changes an appointment; says whether there was one.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Appointment)) -> bool {
        let found = lock(&self.appointments).iter_mut().find(|it| it.id == id).map(change).is_some();
        self.changed();
        found
    }

    /// Everybody of whom something has been said in a conference: ExternalIDType, ExternalID, state.
    pub(crate) fn lines(&self, conference: &str) -> Vec<(u32, String, Mark)> {
        let lines = lock(&self.lines);
        let of = lines.iter().filter(|((it, _, _), _)| it == conference);
        of.map(|((_, kind, id), mark)| (*kind, id.clone(), *mark)).collect()
    }

    /// Takes an accepted write-back into the chart; `record` runs while nobody else can.
    pub(crate) fn write(&self, write_back: WriteBack, mark: Mark, record: impl FnOnce(&WriteBack)) {
        {
            let mut lines = lock(&self.lines);
            let WriteBack { conference_id, external_id_type, external_id, .. } = &write_back;
            lines.insert((conference_id.clone(), *external_id_type, external_id.clone()), mark);
            record(&write_back);
            lock(&self.write_backs).push(write_back);
        }
        self.changed();
    }

    /// Accepted write-backs in time order.
    pub fn write_backs(&self) -> Vec<WriteBack> {
        lock(&self.write_backs).clone()
    }

    fn changed(&self) {
        self.changes.send_modify(|it| *it = it.saturating_add(1));
    }

    pub(crate) fn close(&self) {
        self.changes.send_modify(|it| *it = u64::MAX);
    }

    /// Wakes at every change.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}
