//! The one door to a call: every act locks the room, changes the call, writes the journal, tells Graph in order and
//! wakes the pages. Also notices pages that went silent. Leaves out who may act: `rules.rs`, asked by `call.rs`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::call::{Call, Happened, Refused, Removed};
use super::rules::{Rules, Who};
use crate::core::{
    Hospital, Shared, lock,
    switches::{GUEST_TENANTS, LOBBY_VISIBLE, REJOIN},
};

/// A page that has not been heard of for this many seconds is inactive.
pub(crate) const SILENCE: i64 = 5;

/// Why somebody is no longer in the room, for their page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// They left or their page went silent.
    Left,
    /// Somebody sent them away.
    Removed,
    /// The meeting was ended for everyone.
    Ended,
}

/// One meeting's room.
pub(crate) struct Room {
    /// The call.
    pub(crate) call: Call,
    /// The meeting's rules; the last ones known if it was deleted.
    pub(crate) rules: Rules,
    /// `subject`.
    pub(crate) title: String,
    /// What became of those who went.
    pub(crate) gone: HashMap<String, Outcome>,
    /// Who they were, in order of going.
    past: Vec<(String, Who)>,
    /// Open event streams per leg.
    streams: HashMap<String, usize>,
    /// Counts changes; pages wait on it.
    pub(crate) changed: watch::Sender<u64>,
}

/// Runs `look` on the room of a meeting that exists or existed; `None` if there is no such meeting.
pub(crate) fn with_room<T>(hospital: &Hospital, thread: &str, look: impl FnOnce(&mut Room) -> T) -> Option<T> {
    let meeting = crate::graph::rules_of(hospital, thread);
    let mut rooms = lock(&hospital.teams.rooms);
    if !rooms.contains_key(thread) {
        let (meeting, rules) = meeting.as_ref()?;
        let room = Room {
            call: Call::default(),
            rules: rules.clone(),
            title: meeting.subject.clone().unwrap_or_default(),
            gone: HashMap::new(),
            past: Vec::new(),
            streams: HashMap::new(),
            changed: watch::Sender::new(0),
        };
        rooms.insert(thread.to_owned(), room);
    }
    let room = rooms.get_mut(thread)?;
    if let Some((meeting, rules)) = meeting {
        room.rules = rules;
        room.title = meeting.subject.unwrap_or_default();
    }
    Some(look(room))
}

/// Does something to the call and tells everyone. `outcome` is what those see who are gone afterwards.
pub(crate) fn act(
    hospital: &Shared,
    thread: &str,
    outcome: Outcome,
    act: impl FnOnce(&mut Call, &Rules, Timestamp) -> Result<Vec<Happened>, Refused>,
) -> Result<(), Refused> {
    let now = hospital.clock.now();
    with_room(hospital, thread, |room| {
        let before: Vec<(String, Who)> = room.call.legs().iter().map(|it| (it.id.clone(), it.who.clone())).collect();
        let happened = act(&mut room.call, &room.rules, now)?;
        for (leg, who) in before {
            if room.call.leg(&leg).is_none() {
                room.gone.insert(leg.clone(), outcome);
                room.past.push((leg, who));
            }
        }
        for it in &happened {
            hospital.log("teams", "roster", journal(thread, it));
        }
        // Still inside the lock, so that two acts reach the subscribers in the order they happened
        let organization = hospital.tenant(&room.rules.tenant_id).map(|it| it.key).unwrap_or_default();
        if hospital.switches.is(&LOBBY_VISIBLE, organization, "yes") {
            crate::graph::publish(hospital, thread, &happened);
        } else {
            crate::graph::publish(hospital, thread, &without_lobby(happened));
        }
        room.changed.send_modify(|it| *it += 1);
        Ok(())
    })
    .unwrap_or(Err(Refused::Unknown))
}

/// Somebody comes to the meeting's door; answers their leg. The door of a deleted meeting opens to nobody, whoever is inside.
pub(crate) fn join(hospital: &Shared, thread: &str, who: Who) -> Result<String, Refused> {
    crate::graph::rules_of(hospital, thread).ok_or(Refused::Unknown)?;
    let (who, leg) = comer(hospital, thread, who).ok_or(Refused::Unknown)?;
    let id = leg.clone();
    let kind = who.kind();
    act(hospital, thread, Outcome::Left, move |call, rules, now| Ok(call.join(id, who, rules, now)))?;
    let place = with_room(hospital, thread, |room| room.call.leg(&leg).map(|it| format!("{:?}", it.place)));
    let detail = json!({"thread": thread, "leg": leg, "kind": kind, "place": place.flatten()});
    hospital.log("teams", "door", detail);
    Ok(leg)
}

/// As whom somebody comes, and the id of their leg, as the meeting's tenant has it.
fn comer(hospital: &Hospital, thread: &str, who: Who) -> Option<(Who, String)> {
    with_room(hospital, thread, |room| {
        let tenant = &room.rules.tenant_id;
        let host = hospital.tenant(tenant).map(|it| it.key).unwrap_or_default();
        let who = match who {
            Who::User { oid, tenant_id, display_name, .. }
                if tenant_id != *tenant && hospital.switches.is(&GUEST_TENANTS, host, "invited") =>
            {
                let oid = hospital.random.stable_guid(&format!("guest account {tenant} {oid}"));
                Who::User { oid, tenant_id: tenant.clone(), display_name, is_guest: true }
            }
            other => other,
        };
        let old = room.past.iter().rev().find(|(id, it)| *it == who && room.call.leg(id).is_none());
        let old = old.filter(|_| hospital.switches.is(&REJOIN, host, "old-id")).map(|(id, _)| id.clone());
        let leg = old.unwrap_or_else(|| hospital.random.guid());
        room.gone.remove(&leg);
        (who, leg)
    })
}

/// What is told where the roster knows no lobby.
fn without_lobby(happened: Vec<Happened>) -> Vec<Happened> {
    let seen = happened.into_iter().map(|it| match it {
        Happened::Roster(deltas) => Happened::Roster(deltas.into_iter().filter(|it| !it.in_lobby).collect()),
        other => other,
    });
    seen.filter(|it| !matches!(it, Happened::Roster(deltas) if deltas.is_empty())).collect()
}

/// The meeting's settings changed; open pages look again.
pub(crate) fn meeting_changed(hospital: &Hospital, thread: &str) {
    with_room(hospital, thread, |room| room.changed.send_modify(|it| *it += 1));
}

fn journal(thread: &str, happened: &Happened) -> Value {
    match happened {
        Happened::Started => json!({"thread": thread, "eventType": "callStarted"}),
        Happened::Ended(_) => json!({"thread": thread, "eventType": "callEnded"}),
        Happened::Roster(deltas) => {
            let people: Vec<Value> = deltas
                .iter()
                .map(|it| {
                    json!({
                        "leg": it.leg, "oid": it.who.oid(), "kind": it.who.kind(),
                        "inLobby": it.in_lobby, "removed": it.removed.map(Removed::reason), "sequence": it.sequence,
                    })
                })
                .collect();
            json!({"thread": thread, "eventType": "rosterUpdated", "participants": people})
        }
    }
}

/// One open event stream of a page. When the last one of a leg is dropped, silence is counted from there.
pub(crate) struct Stream {
    hospital: Shared,
    thread: String,
    leg: String,
}

impl Stream {
    /// Notes that the page of `leg` listens.
    pub(crate) fn open(hospital: &Shared, thread: &str, leg: &str) -> Self {
        with_room(hospital, thread, |room| *room.streams.entry(leg.to_owned()).or_default() += 1);
        Self { hospital: hospital.clone(), thread: thread.to_owned(), leg: leg.to_owned() }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        with_room(&self.hospital, &self.thread, |room| {
            if let Some(open) = room.streams.get_mut(&self.leg) {
                *open = open.saturating_sub(1);
            }
        });
        // Without a runtime the process is ending anyway, and nobody is left to be told
        if tokio::runtime::Handle::try_current().is_ok() {
            expect_silence(&self.hospital, &self.thread, &self.leg);
        }
    }
}

/// Gives the page of `leg` [`SILENCE`] seconds of sandbox time to be heard of; else the leg is inactive.
pub(crate) fn expect_silence(hospital: &Shared, thread: &str, leg: &str) {
    let (hospital, thread, leg) = (hospital.clone(), thread.to_owned(), leg.to_owned());
    tokio::spawn(async move {
        hospital.clock.until(hospital.clock.in_seconds(SILENCE)).await;
        let silent = with_room(&hospital, &thread, |room| room.streams.get(&leg).copied().unwrap_or(0) == 0);
        if silent == Some(true) {
            // Refused when they left in the meantime, which is what we want
            let _ = act(&hospital, &thread, Outcome::Left, |call, _, now| call.go(&leg, Removed::Inactive, now));
        }
    });
}
