//! Which write-backs are told to the EHR once more: states that it has taken, the newest of each only. An event said twice
//! would stand there twice. Whoever replays (command line, portal) looks by this first and acts by it.

use jiff::Timestamp;

use crate::store::{EntryRow, EntryState, NotDone, Wish};

/// What there is to do, and what is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// These are asserted again.
    pub ids: Vec<String>,
    /// Their payload is destroyed.
    pub destroyed: u64,
    /// A newer state of the same stream is what counts.
    pub superseded: u64,
    /// Said once: never again.
    pub events: u64,
    /// Never delivered: `retry` and `skip` are for those.
    pub undelivered: u64,
}

/// Looks at rows of one time, newest counts included.
pub fn plan(rows: &[EntryRow], until: Option<Timestamp>) -> Plan {
    let mut plan = Plan::default();
    for row in rows.iter().filter(|row| until.is_none_or(|until| row.accepted_at <= until)) {
        match (row.state, Wish::Replay.granted(row.standing())) {
            (_, Ok(())) => plan.ids.push(row.id.clone()),
            (EntryState::Superseded, _) | (_, Err(NotDone::Superseded)) => plan.superseded += 1,
            (_, Err(NotDone::Destroyed)) => plan.destroyed += 1,
            (EntryState::Delivered, _) => plan.events += 1,
            _ => plan.undelivered += 1,
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use crate::store::Channel;

    use super::*;

    fn row(seq: i64, stream: &str, channel: Channel, state: EntryState, destroyed: bool) -> EntryRow {
        let at = Timestamp::from_second(seq).expect("a time");
        EntryRow {
            seq,
            id: format!("o{seq}"),
            organization: "northside".into(),
            ehr: "https://ehr.example".into(),
            visit: "v".into(),
            stream: stream.into(),
            channel,
            state,
            for_identifier: false,
            possible_double: false,
            attempts: 1,
            failures: 0,
            accepted_at: at,
            run_at: at,
            delivered_at: None,
            reason: None,
            destroyed,
            newest: false,
        }
    }

    #[test]
    fn only_the_newest_delivered_state_of_a_stream_is_said_again() {
        use Channel::{Audit, Link, State};
        use EntryState::{Delivered, Parked, Superseded};
        let mut rows = [
            row(1, "a", State, Delivered, false),
            row(2, "a", State, Superseded, false),
            row(3, "a", State, Delivered, false),
            row(4, "b", Link, Delivered, true),
            row(5, "c", Audit, Delivered, false),
            row(6, "d", State, Parked, false),
            row(7, "e", State, Delivered, false),
            row(8, "e", State, Parked, false),
        ];
        for newest in [2, 3, 4, 5, 7] {
            rows[newest].newest = true;
        }
        let all = plan(&rows, None);
        assert_eq!(all.ids, ["o3"]);
        assert_eq!((all.destroyed, all.superseded, all.events, all.undelivered), (1, 3, 1, 2));
        let early = plan(&rows, Some(Timestamp::from_second(2).expect("a time")));
        assert_eq!((early.ids.len(), early.superseded), (0, 2), "what came later still counts");
    }
}
