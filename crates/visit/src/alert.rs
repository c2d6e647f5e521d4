//! Whether an arrival still wants somebody's attention, and what else people are told once: somebody left unseen,
//! somebody asks for help. What the chart shows is elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::attribution::{self, Attribution};
use crate::awaited::awaited;
use crate::decisions::Told;
use crate::effect::Effect;
use crate::ids::ParticipantId;
use crate::plan::AlertOn;
use crate::presence::{self, Presence};
use crate::stay::{self, Span};
use crate::time::Timestamp;
use crate::unseen;
use crate::visit::Visit;

/// Whether an alert stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AlertMemory {
    /// When it was raised; nothing stands otherwise.
    pub(crate) raised: Option<Timestamp>,
    /// The delegates have been told because nobody took it on.
    pub(crate) escalated: bool,
}

/// What people were told once and are not to be told again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnceMemory {
    /// The end of the newest stay that somebody left unseen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unseen: BTreeMap<ParticipantId, Timestamp>,
    /// The newest request for help.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) help: BTreeMap<ParticipantId, Timestamp>,
}

impl OnceMemory {
    pub(crate) fn is_empty(&self) -> bool {
        self.unseen.is_empty() && self.help.is_empty()
    }
}

/// Compares what should be told with what was, remembers the new, and answers with the differences.
pub(crate) fn settle(visit: &mut Visit, attribution: &Attribution, now: Timestamp, effects: &mut Vec<Effect>) {
    let wait = wants_attention(visit, attribution, now);
    match (visit.alert.raised, wait) {
        (None, Some((since, who))) => {
            visit.alert = AlertMemory { raised: Some(now), escalated: false };
            // Who was told of an earlier stay has not been told of this one.
            visit.decisions.told = Told::default();
            effects.push(Effect::RaiseAlert { who, since });
        }
        (Some(raised), Some((since, who))) if !visit.alert.escalated && raised + visit.policy.escalate_after <= now => {
            visit.alert.escalated = true;
            effects.push(Effect::Escalate { who, since });
        }
        (Some(_), None) => {
            visit.alert = AlertMemory::default();
            effects.push(Effect::WithdrawAlert);
        }
        _ => {}
    }
    // What time alone makes of a backup was told before it was made, or never happened.
    if visit.in_doubt.is_some() {
        return;
    }
    for left in unseen::of(visit, attribution, now) {
        if visit.once.unseen.get(&left.who).is_none_or(|told| *told < left.at) {
            visit.once.unseen.insert(left.who.clone(), left.at);
            effects.push(Effect::LeftUnseen { participant: left.who, waited: left.waited });
        }
    }
    let asking: Vec<(ParticipantId, Timestamp)> =
        visit.participants.keys().filter_map(|who| Some((who.clone(), visit.help_since(who)?))).collect();
    for (who, at) in asking {
        // Asking again while nobody has come is the same request.
        let taken = visit.decisions.help_taken.get(&who);
        let is_news = visit.once.help.get(&who).is_none_or(|told| taken.is_some_and(|taken| told <= taken));
        if !visit.is_over() && is_news {
            visit.once.help.insert(who.clone(), at);
            effects.push(Effect::HelpWanted { participant: who });
        }
    }
}

/// True while somebody waits whom nobody has taken on.
pub(crate) fn somebody_waits(visit: &Visit, now: Timestamp) -> bool {
    wants_attention(visit, &attribution::attribute(visit), now).is_some()
}

/// Who has waited longest among those whom nobody has taken on, and since when. An acknowledgement covers the stays it
/// was given in: a patient who left and came back, or another one of a group, is news again.
fn wants_attention(visit: &Visit, attribution: &Attribution, now: Timestamp) -> Option<(Timestamp, ParticipantId)> {
    if visit.is_over() {
        return None;
    }
    let hosts: Vec<(&ParticipantId, Vec<Span>, bool)> = visit
        .practitioners()
        .map(|who| {
            let inside = matches!(presence::of(visit, attribution, who, now), Presence::Connected { .. });
            (who, presence::spans(visit, attribution, who).in_call, inside)
        })
        .collect();
    crate::arrival::of(visit, attribution, now)?;
    let waits = |who: &ParticipantId| {
        let since = match presence::of(visit, attribution, who, now) {
            Presence::Waiting { since, .. } | Presence::Connected { since } | Presence::Unclear { since } => since,
            Presence::Absent | Presence::Disconnected { .. } => return None,
        };
        // Staff room them first; where nobody does for too long, the clinicians must know all the same.
        let unroomed = visit.policy.alert_on == AlertOn::Triaged && visit.evidence.roomed.is_none();
        if unroomed && now < since + visit.policy.escalate_after {
            return None;
        }
        let others = || hosts.iter().filter(|(host, ..)| *host != who);
        if others().any(|(_, _, inside)| *inside) {
            return None;
        }
        let decisions = &visit.decisions;
        let taken_on = decisions.acknowledged.as_ref().is_some_and(|acknowledged| acknowledged.at >= since);
        // *Join* is an intention: it counts for a while, and for good once the two have met in this stay.
        let called = decisions
            .called
            .as_ref()
            .is_some_and(|called| called.at >= since && now < called.at + visit.policy.call_patience);
        let theirs = presence::spans(visit, attribution, who).maybe_in_call();
        let met = others().any(|(_, spans, _)| stay::first_overlap(&theirs, spans).is_some_and(|met| met >= since));
        (!taken_on && !called && !met).then(|| (since, who.clone()))
    };
    awaited(visit).into_iter().filter_map(waits).min()
}
