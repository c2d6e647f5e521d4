//! What one page may see of its meeting, as JSON for `meeting.js`. People outside the call see nobody.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Place;
use super::room::{Outcome, Room};

/// The view of `leg` at `now`, and whether it is the last one there will be.
pub(crate) fn of(room: &Room, leg: &str, now: Timestamp) -> (Value, bool) {
    let Some(me) = room.call.leg(leg) else {
        let stage = match room.gone.get(leg) {
            Some(Outcome::Ended) => "ended",
            Some(Outcome::Removed) => "removed",
            _ => "left",
        };
        return (json!({"stage": stage, "title": room.title}), true);
    };
    let stage = match me.place {
        Place::Waiting => "waiting",
        Place::Lobby => "lobby",
        Place::In => "in-call",
    };
    let admits = me.place == Place::In && room.rules.may_admit(&me.who);
    let people = |place: Place| -> Vec<Value> {
        let there = room.call.legs().iter().filter(|it| it.place == place);
        there
            .map(|it| {
                json!({
                    "leg": it.id, "name": it.who.display_name(), "title": room.rules.title(&it.who),
                    "guest": !it.who.is_teams_user(), "self": it.id == leg,
                })
            })
            .collect()
    };
    let inside = me.place == Place::In;
    let view = json!({
        "stage": stage,
        "title": room.title,
        "name": me.who.display_name(),
        "seconds": room.call.started().filter(|_| inside).map(|it| now.duration_since(it).as_secs()),
        "people": if inside { people(Place::In) } else { Vec::new() },
        "lobby": if admits { people(Place::Lobby) } else { Vec::new() },
        "canAdmit": admits,
        "canEnd": inside && room.rules.may_end(&me.who),
    });
    (view, false)
}
