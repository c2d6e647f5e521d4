//! The stored form of a record. One that the first relays understand whole is written as they wrote it; any other stands
//! in an envelope with its version, which they cannot read and therefore leave alone (they would drop what they do not
//! know when they write it back). A version from the future is left alone in the same way.

use serde::{Deserialize, Serialize};

use super::Record;

/// The newest form this relay reads and writes.
const NEWEST: u32 = 3;

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
    let written = match format(record) {
        0 => serde_json::to_vec(record),
        format => serde_json::to_vec(&Written { format, record }),
    };
    written.map_err(|_| Unreadable)
}

/// 0: the first relays understand it. 1: those that know of guests do. 2: those that know of groups, and of visits without
/// a patient, do. 3: those that know of a cancellation that does not count yet. A meeting that was given up is none of the
/// record's (`store/given_up.rs`): any relay finds the visit without one.
fn format(record: &Record) -> u32 {
    let beside = match record.ehr.group.is_some() || record.visit.patients().next().is_none() {
        true => 2,
        false => u32::from(!record.ehr.lines.is_empty() || !record.invitations.is_empty()),
    };
    record.visit.format().max(beside)
}

/// As it was sealed, by this version or an earlier one.
pub fn read(plain: &[u8]) -> Result<Record, Unreadable> {
    let version: Version = serde_json::from_slice(plain).map_err(|_| Unreadable)?;
    let record = match version.format {
        0 => serde_json::from_slice(plain).ok(),
        1..=NEWEST => serde_json::from_slice::<Read>(plain).ok().map(|read| read.record),
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
                group: None,
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
        future["format"] = (NEWEST + 1).into();
        assert_eq!(read(future.to_string().as_bytes()), Err(Unreadable));
        assert_eq!(read(b"not json"), Err(Unreadable));
    }

    /// As the relay wrote it that knew of guests and not of groups.
    #[test]
    fn what_the_relay_before_wrote_is_read_and_written_as_it_was() {
        let plain = write(&with_a_guest()).unwrap();
        assert!(plain.starts_with(b"{\"format\":1,"), "{}", String::from_utf8_lossy(&plain));
        assert!(!String::from_utf8_lossy(&plain).contains("group"), "a word it would not know");
        assert_eq!(read(&plain).unwrap(), with_a_guest());
    }

    #[test]
    fn what_the_relay_before_would_cut_is_one_it_cannot_read() {
        let mut group = record();
        group.ehr.group = Some("9".into());
        let people = [(ParticipantId::new("d"), Participant::practitioner(None))];
        let mut among = record();
        among.visit = Visit::open(among.visit.plan(), Policy::default(), people);
        let mut withdrawn = with_a_guest();
        let command = Command::Withdraw { participant: ParticipantId::new("p") };
        withdrawn.visit = apply(withdrawn.visit, &VisitEvent::Decided(command), Timestamp(2)).visit;
        for record in [&group, &among, &withdrawn] {
            needs(2, record);
        }
        // Cancelled while it is held: dropped, the cancellation would never count. Whatever else is in it.
        for record in [record(), with_a_guest(), group] {
            needs(3, &called_off(record));
        }
    }

    fn called_off(mut record: Record) -> Record {
        // Nobody knows who is inside by now, so it waits.
        for (command, at) in [(Command::Restored, 3), (Command::Cancel, 4)] {
            record.visit = apply(record.visit, &VisitEvent::Decided(command), Timestamp(at)).visit;
        }
        assert!(record.visit.decisions().called_off.is_some() && record.visit.is_open());
        record
    }

    fn needs(format: u32, record: &Record) {
        let plain = write(record).unwrap();
        let head = format!("{{\"format\":{format},");
        assert!(plain.starts_with(head.as_bytes()), "{}", String::from_utf8_lossy(&plain));
        assert_eq!(read(&plain).unwrap(), *record);
    }
}
