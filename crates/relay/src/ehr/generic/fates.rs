//! Requests whose fate is not known, and that nothing would keep out if they landed late: a POST without a condition, a PUT
//! without a version. Kept per appointment, in memory: another node does not know of them, nor does this one after a
//! restart. A server with conditional create and versions needs none of it.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

/// So long after it left, a request has landed if it ever does.
const LANDED: SignedDuration = SignedDuration::from_secs(60);

/// What leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Makes the Encounter, and a second time makes a second one.
    Post,
    /// Makes the Encounter under an id of ours, and later would undo what others did to it.
    Put,
    /// Changes it whatever stands there.
    Update,
}

/// Whether it may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It may.
    Go,
    /// Not before the one that is out has landed, or its row has been sent again.
    Wait,
    /// It is for an operator to say.
    Ask,
}

#[derive(Debug)]
struct Fate {
    kind: Kind,
    since: Timestamp,
    rows: HashSet<String>,
}

/// All that are open.
#[derive(Debug, Default)]
pub(super) struct Fates(HashMap<String, Fate>);

impl Fates {
    /// Asks for one, and holds it as open from now on. `uncertain`: an earlier attempt of this row may have left.
    pub(super) fn leave(&mut self, appointment: &str, row: &str, uncertain: bool, kind: Kind, now: Timestamp) -> Leave {
        self.0.retain(|_, it| it.kind == Kind::Post || now.duration_since(it.since) < LANDED);
        let known = self.0.contains_key(appointment);
        let fate = self.0.entry(appointment.to_owned());
        let fate = fate.or_insert_with(|| Fate { kind, since: now, rows: HashSet::new() });
        match kind {
            // Each row is handed to an operator once; one that comes back certain is the operator's word.
            Kind::Post => {
                let is_new = fate.rows.insert(row.to_owned());
                if uncertain || known && is_new { Leave::Ask } else { Leave::Go }
            }
            Kind::Put | Kind::Update => {
                if known && !uncertain && !fate.rows.contains(row) {
                    return Leave::Wait;
                }
                fate.rows.insert(row.to_owned());
                fate.since = now;
                Leave::Go
            }
        }
    }

    /// The EHR answered.
    pub(super) fn answered(&mut self, appointment: &str) {
        self.0.remove(appointment);
    }

    /// The Encounter is there, so whatever was to make it has landed.
    pub(super) fn landed(&mut self, appointment: &str) {
        if self.0.get(appointment).is_some_and(|it| it.kind != Kind::Update) {
            self.0.remove(appointment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).expect("a time")
    }

    #[test]
    fn after_a_post_that_nobody_heard_of_each_row_asks_once() {
        let mut fates = Fates::default();
        let mut post = |row: &str, uncertain, second| fates.leave("a", row, uncertain, Kind::Post, at(second));
        assert_eq!(post("one", false, 0), Leave::Go);
        assert_eq!(post("one", true, 9), Leave::Ask);
        assert_eq!(post("two", false, 9000), Leave::Ask, "it may be there all the same");
        assert_eq!(post("two", false, 9001), Leave::Go, "an operator sent it back");
        fates.landed("a");
        assert_eq!(fates.leave("a", "three", false, Kind::Post, at(9002)), Leave::Go);
        assert_eq!(fates.leave("b", "four", true, Kind::Post, at(9002)), Leave::Ask, "it left before a restart");
        assert_eq!(fates.leave("b", "four", false, Kind::Post, at(9003)), Leave::Go);
    }

    #[test]
    fn after_a_put_that_nobody_heard_of_others_wait_until_it_has_landed() {
        for kind in [Kind::Put, Kind::Update] {
            let mut fates = Fates::default();
            let mut put = |row: &str, uncertain, second| fates.leave("a", row, uncertain, kind, at(second));
            assert_eq!(put("one", false, 0), Leave::Go);
            assert_eq!(put("two", false, 1), Leave::Wait);
            assert_eq!(put("two", false, 2), Leave::Wait);
            assert_eq!(put("one", true, 5), Leave::Go, "its own row is sent again");
            assert_eq!(put("two", false, 66), Leave::Go);
            fates.answered("a");
            assert_eq!(fates.leave("a", "three", false, kind, at(67)), Leave::Go);
        }
        let mut fates = Fates::default();
        fates.leave("a", "one", false, Kind::Update, at(0));
        fates.landed("a");
        assert_eq!(fates.leave("a", "two", false, Kind::Update, at(1)), Leave::Wait, "that it is there says nothing");
        fates.leave("b", "one", false, Kind::Put, at(0));
        fates.landed("b");
        assert_eq!(fates.leave("b", "two", false, Kind::Update, at(1)), Leave::Go);
    }
}
