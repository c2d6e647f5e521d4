//! Judges a run: what was asked and accepted against what took effect in the stand-in EHR, at quiescence. Pure, so that
//! its own tests can hand it a journal in which something was lost, doubled, reordered or invented.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;

pub(super) use super::verdict::Verdict;

/// Clocks of two processes of one machine may differ by so much.
const CLOCKS: i64 = 250;

/// One participant at one door of one EHR.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    /// Epic's ConferenceID, or the other EHRs' appointment.
    pub(super) conference: String,
    /// The person's identifier there.
    pub(super) person: String,
}

/// A state somebody asked for, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// Connected, or no longer.
    pub(super) connected: bool,
    /// When it was first said to the relay.
    pub(super) asked: i64,
    /// When the relay had answered that it has it.
    pub(super) accepted: i64,
}

/// A state that took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Applied {
    /// Connected, or no longer.
    pub(super) connected: bool,
    /// When.
    pub(super) at: i64,
}

/// A row of the outbox through which something is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Promise {
    /// Its id: the business key of the create.
    pub(super) key: String,
    /// Its stream.
    pub(super) stream: String,
    /// Where it stands.
    pub(super) stands: Stands,
}

/// Where a promise stands at quiescence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// The relay believes the EHR has it.
    Delivered,
    /// Waits for an operator, with a reason.
    Parked,
    /// Waits for an operator, since it may have been applied.
    PossibleDouble,
    /// Anything else: at quiescence there is no such row.
    Open,
}

/// Judges a setter. `parked` are keys whose newest state waits for an operator with a reason: what stands there is the
/// operator's affair.
pub(super) fn setters(
    asked: &BTreeMap<Key, Vec<Asked>>,
    applied: &BTreeMap<Key, Vec<Applied>>,
    parked: &BTreeSet<Key>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for (key, effects) in applied {
        verdict.effects += effects.len() as u64;
        verdict.judged.invented += effects.len() as u64;
        let known = asked.get(key).map(Vec::as_slice).unwrap_or_default();
        for effect in effects {
            let was_asked = |it: &&Asked| it.connected == effect.connected && it.asked <= effect.at + CLOCKS;
            if !known.iter().any(|it| was_asked(&it)) {
                verdict.invented += 1;
                let first = known.first();
                verdict.find(format!("invented: {effect:?}; the first of {} that were asked: {first:?}", known.len()));
            }
        }
        let again = effects.windows(2).filter(|two| two[0].connected == two[1].connected).count();
        verdict.reasserted += again as u64;
    }
    for (key, states) in asked {
        let effects = applied.get(key).map(Vec::as_slice).unwrap_or_default();
        let Some(newest) = states.last() else { continue };
        verdict.stale_ms.extend(stale(states, effects));
        if parked.contains(key) {
            verdict.parked += 1;
            continue;
        }
        verdict.judged.lost += 1;
        verdict.judged.reordered += 1;
        if effects.last().is_some_and(|it| it.connected == newest.connected) {
            continue;
        }
        let shown = effects.iter().any(|it| it.connected == newest.connected && it.at + CLOCKS >= newest.asked);
        if shown {
            verdict.reordered += 1;
        } else {
            verdict.lost += 1;
        }
        let word = if shown { "reordered" } else { "lost" };
        let tail = |from: usize, all: usize| from.min(all)..all;
        let last = &effects[tail(effects.len().saturating_sub(6), effects.len())];
        let wanted = &states[tail(states.len().saturating_sub(4), states.len())];
        verdict.find(format!("{word}: accepted {wanted:?}, took effect {last:?}"));
    }
    verdict
}

/// How long each accepted state was not, or not yet for good, what the EHR showed while it was the newest.
fn stale(states: &[Asked], effects: &[Applied]) -> Vec<i64> {
    let mut ages = Vec::with_capacity(states.len());
    for (n, state) in states.iter().enumerate() {
        // A state that was overtaken before anybody could have seen it is judged by its successor.
        let until = states.get(n + 1).map_or(i64::MAX, |next| next.asked);
        let from = effects.partition_point(|it| it.at < state.asked);
        let to = effects.partition_point(|it| it.at < until);
        let within = effects.get(from..to).unwrap_or_default();
        // From the last effect that was something else, or from the beginning if there was none.
        let wrong = within.iter().rposition(|it| it.connected != state.connected);
        let right = match wrong {
            Some(wrong) => within.get(wrong + 1..).and_then(|rest| rest.first()),
            None => within.first(),
        };
        if let Some(right) = right {
            ages.push((right.at - state.accepted).max(0));
        }
    }
    ages
}

/// Judges creates: every promise once, in its stream's order. `accepted` is how many each stream accepted by the driver's
/// own count, every stream there may be: a promise beyond that is the relay's invention, and its create with it. `applied`
/// are business keys in the order in which they were created.
pub(super) fn creates(
    accepted: &BTreeMap<String, RangeInclusive<u64>>,
    promises: &[Promise],
    applied: &[String],
) -> Verdict {
    let mut verdict = Verdict { effects: applied.len() as u64, ..Verdict::default() };
    let mut times: HashMap<&str, u64> = HashMap::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for (n, key) in applied.iter().enumerate() {
        *times.entry(key).or_default() += 1;
        place.entry(key).or_insert(n);
    }
    verdict.judged.doubled = times.len() as u64;
    verdict.judged.invented = applied.len() as u64;
    let known: BTreeSet<&str> = promises.iter().map(|it| it.key.as_str()).collect();
    for (key, times) in &times {
        if *times > 1 {
            verdict.doubled += 1;
            verdict.find(format!("doubled: one business key was created {times} times"));
        }
        if !known.contains(key) {
            verdict.invented += 1;
            verdict.find("invented: a create under a key that no accepted change made".to_owned());
        }
    }
    let mut newest: HashMap<&str, usize> = HashMap::new();
    let mut rows: BTreeMap<&str, u64> = BTreeMap::new();
    for promise in promises {
        *rows.entry(&promise.stream).or_default() += 1;
        let at = place.get(promise.key.as_str());
        verdict.judged.lost += u64::from(promise.stands != Stands::PossibleDouble);
        match (promise.stands, at) {
            (Stands::PossibleDouble, _) => verdict.possible_double += 1,
            (Stands::Parked, None) => verdict.parked += 1,
            (Stands::Delivered, Some(_)) => {}
            (stands, at) => {
                verdict.lost += 1;
                verdict.find(format!("lost: a create that is {stands:?}, and took effect: {}", at.is_some()));
            }
        }
        // One that nobody knows of holds up nobody, and may land after those that went on without it.
        if let Some(at) = at.filter(|_| promise.stands != Stands::PossibleDouble) {
            verdict.judged.reordered += 1;
            let before = newest.insert(&promise.stream, *at);
            if before.is_some_and(|before| before > *at) {
                verdict.reordered += 1;
                verdict.find("reordered: a create overtook an earlier one of its stream".to_owned());
            }
        }
    }
    for (stream, wanted) in accepted {
        let found = rows.remove(stream.as_str()).unwrap_or_default();
        let (least, most) = (*wanted.start(), *wanted.end());
        if found < least {
            verdict.lost += least - found;
            verdict.find(format!("lost: {least} changes of a stream were accepted, the outbox has {found}"));
        }
        if found > most {
            verdict.invented += found - most;
            verdict.find(format!("invented: {most} changes of a stream were accepted, the outbox has {found}"));
        }
    }
    for found in rows.into_values() {
        verdict.invented += found;
        verdict.find(format!("invented: the outbox has {found} rows of a stream of which nothing was accepted"));
    }
    verdict
}

#[cfg(test)]
mod tests;
