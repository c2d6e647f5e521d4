//! Doubt about what the chart shows: after a restore from a backup the chart may have been told newer things than the
//! visit remembers. Nothing is said again on the strength of old evidence; the next witness who speaks of somebody has
//! what is then so said once more, whether or not the visit believes that the chart knows.

use serde::{Deserialize, Serialize};

use crate::attribution::Attribution;
use crate::awaited::behind_the_line;
use crate::event::Testimony;
use crate::ids::ParticipantId;
use crate::time::Timestamp;
use crate::visit::Visit;

/// What the chart shows of somebody is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Doubt {
    /// Nobody has seen them since.
    Since(Timestamp),
    /// A witness has spoken of them; it is said again as soon as it is plain where they are.
    Witnessed,
}

/// The visit came out of a backup: everything it believes of the chart is in doubt.
pub(crate) fn begin(visit: &mut Visit, now: Timestamp) {
    visit.in_doubt = Some(now);
    for person in visit.participants.values_mut().filter(|person| person.told_chart.is_some()) {
        person.doubt = Some(Doubt::Since(now));
    }
}

/// A witness speaks. What happened before the doubt began says nothing about now.
pub(crate) fn hear(visit: &mut Visit, attribution: &Attribution, testimony: &Testimony) {
    let (at, speaks_of): (_, &dyn Fn(&ParticipantId) -> bool) = match testimony {
        Testimony::Ready { participant, at, .. }
        | Testimony::PageOpened { participant, at, .. }
        | Testimony::PageClosed { participant, at, .. }
        | Testimony::HandedOver { participant, at }
        | Testimony::Left { participant, at } => (*at, &move |who| participant == who),
        Testimony::Roster { leg, at, .. } => (*at, &move |who| attribution.get(leg) == Some(who)),
        Testimony::CallEnded { at } => (*at, &|_| true),
        Testimony::Roomed { at }
        | Testimony::Tested { at, .. }
        | Testimony::Help { at, .. }
        | Testimony::Answered { at, .. } => (*at, &|_| false),
    };
    visit.in_doubt.take_if(|since| at >= *since);
    let everybody: Vec<ParticipantId> = visit.participants.keys().cloned().collect();
    for who in everybody {
        // Who is spoken of shows on a line: their own, or the patient's they act for.
        let spoken_of = behind_the_line(visit, &who).into_iter().any(speaks_of);
        if let Some(person) = visit.participants.get_mut(&who)
            && person.doubt.is_some_and(|doubt| matches!(doubt, Doubt::Since(since) if at >= since))
            && spoken_of
        {
            person.doubt = Some(Doubt::Witnessed);
        }
    }
}
