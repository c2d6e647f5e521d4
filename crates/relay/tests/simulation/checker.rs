//! The verdict at quiescence: what the EHRs hold against what was accepted.

use std::collections::BTreeMap;

use roomed_relay::ledger::Kind;
use roomed_relay::store::{ChartWord, EntryState};

use crate::memory::{MemoryStore, Row};
use crate::truth::{Facts, Promise};
use crate::world::World;

/// The figures of a run. The first four must be 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) lost: u64,
    pub(crate) reordered: u64,
    pub(crate) doubled: u64,
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    pub(crate) parked: u64,
    pub(crate) possible_double: u64,
    pub(crate) reasserted: u64,
    pub(crate) requests: u64,
    /// What was to stand in the end, or to have been made: where something could have been lost, or overtaken.
    pub(crate) to_stand: u64,
    /// Business keys under which something was created: where it could have been created twice.
    pub(crate) keys: u64,
    /// What the EHRs did: where something could have been invented.
    pub(crate) effects: u64,
    /// For how long a setter stood at something other than the newest accepted, each time.
    pub(crate) stale_ms: Vec<u64>,
}

/// Judges a run that has come to rest.
pub(crate) fn judge(world: &World, store: &MemoryStore, facts: &Facts) -> Verdict {
    let mut verdict = Verdict { accepted: facts.promises.len() as u64, requests: facts.requests, ..Verdict::default() };
    let mut streams: BTreeMap<&str, Vec<&Promise>> = BTreeMap::new();
    for promise in facts.promises.values() {
        streams.entry(&promise.stream).or_default().push(promise);
    }
    for (name, promises) in &streams {
        let rows: Vec<Row> = store.look(|state| state.stream(name).into_iter().cloned().collect());
        let unequal = rows.len() != promises.len() || rows.iter().zip(promises).any(|(row, it)| row.id != it.row);
        if unequal {
            world.wrong(format_args!("{name}: the rows are not what was accepted"));
            continue;
        }
        for row in &rows {
            verdict.delivered += u64::from(row.state == EntryState::Delivered);
            verdict.parked += u64::from(row.state == EntryState::Parked);
            verdict.possible_double += u64::from(row.state == EntryState::Parked && row.possible_double);
            if matches!(row.state, EntryState::Waiting | EntryState::InFlight) {
                world.wrong(format_args!("{name}: not settled: {} {:?} {:?}", row.id, row.state, row.reason));
            }
        }
        if rows[0].channel.supersedes() {
            setter(world, store, facts, &rows, promises, &mut verdict);
        } else {
            events(world, facts, &rows, &mut verdict);
        }
    }
    verdict.keys = facts.created.len() as u64;
    let told = facts.put.values().chain(facts.created.values()).map(Vec::len);
    verdict.effects = facts.stood.values().map(Vec::len).chain(told).sum::<usize>() as u64;
    chain(world, store);
    verdict
}

/// The state that stands must be the newest accepted; or that one waits for a person, and is shown to.
fn setter(
    world: &World,
    store: &MemoryStore,
    facts: &Facts,
    rows: &[Row],
    promises: &[&Promise],
    verdict: &mut Verdict,
) {
    let none = Vec::new();
    let (row, newest) = (&rows[rows.len() - 1], promises[promises.len() - 1]);
    let stood = facts.stood.get(&newest.stream).unwrap_or(&none);
    verdict.reasserted += stood.windows(2).filter(|pair| pair[0].1 == pair[1].1).count() as u64;
    let standing = stood.last().map(|it| it.1);
    verdict.to_stand += u64::from(matches!(row.state, EntryState::Delivered | EntryState::Superseded));
    match row.state {
        EntryState::Delivered if standing == Some(newest.number) => {
            verdict.stale_ms.extend(stale(promises, stood));
        }
        EntryState::Delivered if stood.iter().any(|it| it.1 == newest.number) => {
            verdict.reordered += 1;
            world.wrong(format_args!("reordered: {} stands at {standing:?}, not {}", newest.stream, newest.number));
        }
        EntryState::Delivered | EntryState::Superseded => {
            verdict.lost += 1;
            world.wrong(format_args!("lost: {} of {} ({:?})", newest.number, newest.stream, row.state));
        }
        EntryState::Parked => {
            let chart = store.chart_now(&newest.visit);
            let shown = chart.iter().any(|it| {
                it.participant == row.participant
                    && matches!(&it.word, ChartWord::Parked { reason } if !reason.is_empty())
            });
            if row.channel == roomed_relay::store::Channel::State && !shown {
                world.wrong(format_args!("{} is parked and nobody is shown", newest.stream));
            }
        }
        // Judged above already, or an operator's doing.
        _ => {}
    }
}

/// From each acceptance until the newest accepted stands, and each time it was pushed away again.
fn stale(promises: &[&Promise], stood: &[(u64, u64)]) -> Vec<u64> {
    let accepted = promises.iter().map(|it| (it.at, it.number, true));
    let told = stood.iter().map(|(at, number)| (*at, *number, false));
    let mut steps: Vec<(u64, u64, bool)> = accepted.chain(told).collect();
    steps.sort_by_key(|step| step.0);
    let (mut newest, mut standing, mut since, mut spans) = (0, 0, None, Vec::new());
    for (at, number, is_accepted) in steps {
        if is_accepted {
            newest = number
        } else {
            standing = number
        }
        match since {
            None if standing != newest => since = Some(at),
            Some(from) if standing == newest => {
                spans.push(at - from);
                since = None;
            }
            _ => {}
        }
    }
    spans
}

/// Each is said once, in order; or it waits for a person.
fn events(world: &World, facts: &Facts, rows: &[Row], verdict: &mut Verdict) {
    let mut last = 0;
    for row in rows {
        verdict.to_stand += u64::from(matches!(row.state, EntryState::Delivered | EntryState::Superseded));
        let created = facts.created.get(&row.id);
        if created.is_some_and(|it| it.len() > 1) {
            verdict.doubled += 1;
            world.wrong(format_args!("doubled: {} of {} at {created:?}", row.id, row.stream));
        }
        match (row.state, created.or(facts.put.get(&row.id))) {
            (EntryState::Delivered, Some(told)) if told[0] < last => {
                verdict.reordered += 1;
                world.wrong(format_args!("reordered: {} of {}", row.id, row.stream));
            }
            (EntryState::Delivered, Some(told)) => last = told[0],
            (EntryState::Delivered | EntryState::Superseded, _) => {
                verdict.lost += 1;
                world.wrong(format_args!("lost: {} of {} ({:?})", row.id, row.stream, row.state));
            }
            _ => {}
        }
    }
}

/// The ledger's chain holds, and every attempt that was begun was ended, by its owner or for it.
fn chain(world: &World, store: &MemoryStore) {
    store.look(|state| {
        let mut open = BTreeMap::new();
        let mut previous = roomed_relay::ledger::BEGINNING;
        for (place, it) in (1..).zip(&state.ledger) {
            let link = it.record.link(place, &previous);
            if it.seq != place || it.previous != previous || it.link != link {
                world.wrong(format_args!("the ledger's chain breaks at {place}"));
            }
            previous = link;
            let attempt = (&it.record.entry, it.record.attempt);
            if it.record.kind == Kind::Started.as_str() {
                open.insert(attempt, place);
            } else if it.record.kind == Kind::Settled.as_str() && open.remove(&attempt).is_none() {
                let after = it.record.outcome.starts_with("after-the-lease: ");
                if !after {
                    world.wrong(format_args!("{attempt:?} ended without a beginning"));
                }
            }
        }
        if let Some((attempt, _)) = open.first_key_value() {
            world.wrong(format_args!("{attempt:?} began and never ended"));
        }
    });
}
