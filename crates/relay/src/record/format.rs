//! The stored form of a record. One that the first relays understand whole is written as they wrote it; any other stands
//! in an envelope with its version, which they cannot read and therefore leave alone (they would drop what they do not
//! know when they write it back). A version from the future is left alone in the same way.

use serde::{Deserialize, Serialize};

use super::Record;

/// The newest form this relay reads and writes.
const NEWEST: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    record: &'a Record,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    record: Record,
}

/// The record could not be read: another version's, or broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the visit's state cannot be read by this version")]
pub struct Unreadable;

/// As it is sealed.
pub fn write(record: &Record) -> Result<Vec<u8>, Unreadable> {
    let is_plain = record.visit.format() == 0 && record.ehr.lines.is_empty() && record.invitations.is_empty();
    let written = match is_plain {
        true => serde_json::to_vec(record),
        false => serde_json::to_vec(&Written { format: NEWEST, record }),
    };
    written.map_err(|_| Unreadable)
}

/// As it was sealed, by this version or an earlier one.
pub fn read(plain: &[u8]) -> Result<Record, Unreadable> {
    let version: Version = serde_json::from_slice(plain).map_err(|_| Unreadable)?;
    let record = match version.format {
        0 => serde_json::from_slice(plain).ok(),
        NEWEST => serde_json::from_slice::<Read>(plain).ok().map(|read| read.record),
        _ => None,
    };
    record.ok_or(Unreadable)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::collections::BTreeMap;

    use roomed_visit::{
        Command, Expected, GuestKind, Participant, ParticipantId, Plan, Policy, Timestamp, Visit, VisitEvent, apply,
    };

    use super::*;
    use crate::record::EhrReferences;

    fn record() -> Record {
        let plan = Plan { start: Timestamp(1_800_000_000_000), end: Timestamp(1_800_001_800_000) };
        let people = [(ParticipantId::new("p"), Participant::patient())];
        Record {
            visit: Visit::open(plan, Policy::default(), people),
            ehr: EhrReferences {
                iss: "https://ehr".into(),
                appointment: "a".into(),
                conference_id: None,
                department: None,
                people: BTreeMap::new(),
                lines: BTreeMap::new(),
                location: None,
            },
            meeting_external_id: "m".into(),
            delegates_told: false,
            invitations: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    fn with_a_guest() -> Record {
        let mut record = record();
        let guest = Expected::Guest { kind: GuestKind::Interpreter };
        let command = Command::Expect { participant: ParticipantId::new("g"), whom: guest };
        record.visit = apply(record.visit, &VisitEvent::Decided(command), Timestamp(1)).visit;
        record
    }

    /// What a relay of before knew of a record: it reads this much, and writes back no more.
    #[derive(Debug, Deserialize)]
    struct First {
        #[serde(rename = "visit")]
        _visit: serde_json::Value,
        #[serde(rename = "ehr")]
        _ehr: serde_json::Value,
    }

    #[test]
    fn a_record_an_older_relay_understands_is_written_as_it_wrote_it() {
        let plain = write(&record()).unwrap();
        assert!(serde_json::from_slice::<First>(&plain).is_ok());
        assert_eq!(read(&plain).unwrap(), record());
    }

    #[test]
    fn a_record_it_would_cut_is_one_it_cannot_read() {
        let plain = write(&with_a_guest()).unwrap();
        assert!(serde_json::from_slice::<First>(&plain).is_err(), "it would drop the guest when it writes it back");
        assert_eq!(read(&plain).unwrap(), with_a_guest());
    }

    #[test]
    fn a_record_of_the_future_is_left_alone() {
        let mut future: serde_json::Value = serde_json::from_slice(&write(&with_a_guest()).unwrap()).unwrap();
        future["format"] = 2.into();
        assert_eq!(read(future.to_string().as_bytes()), Err(Unreadable));
        assert_eq!(read(b"not json"), Err(Unreadable));
    }
}
