//! From the rules' words to the wire's, in one file: the only place that knows both `roomed_visit` and
//! `roomed_protocol`. Names and EHR ids do not occur here, so they cannot leak from here.

use jiff::Timestamp;
use roomed_protocol as wire;
use roomed_visit as rules;

use crate::record::Record;
use crate::store::{ChartRow, ChartWord, StoredVisit};

mod old;
mod page;
mod staff;
mod words;

pub use old::{notice_of_before, visit_of_before};
pub use page::patient_view;
pub use staff::staff_row;
pub use words::{answer, device_test_of, preset, role, stage_word, waiting};

/// The rules' time.
pub fn to_rules(at: Timestamp) -> rules::Timestamp {
    rules::Timestamp(at.as_millisecond())
}

/// The wire's time, RFC 3339 in UTC; the epoch for a number no calendar holds.
pub fn from_rules(at: rules::Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn text(at: rules::Timestamp) -> String {
    from_rules(at).to_string()
}

/// A visit as one clinician sees it.
pub fn visit_view(
    stored: &StoredVisit,
    record: &Record,
    chart: &[ChartRow],
    oid: &str,
    now: Timestamp,
) -> wire::VisitView {
    let at = to_rules(now);
    let visit = &record.visit;
    let member = stored.members.iter().find(|member| member.oid == oid);
    let mut participants: Vec<_> =
        shown(visit, at).map(|(id, person)| participant_view(record, id, person, chart, oid, at)).collect();
    participants.extend(strangers(visit));
    // Their ids are random: the patient comes first on every screen, whatever they are.
    participants.sort_by_key(|one| (one.role, !one.me));
    wire::VisitView {
        id: stored.row.id.clone(),
        stage: words::stage(&visit.stage(at)),
        start: text(visit.plan().start),
        end: text(visit.plan().end),
        arrived_at: visit.arrival(at).map(|arrival| text(arrival.at)),
        proven: member.is_some_and(|member| member.proven),
        covering: member.is_some_and(|member| member.covering),
        covered: stored.members.iter().any(|member| member.covering && member.oid != oid),
        acknowledged: visit.decisions().acknowledged.is_some() && !visit.alert_stands(),
        closing: visit.is_closing(),
        participants,
        timeline: visit.timeline(at).iter().map(|line| timeline_entry(visit, line)).collect(),
        roomed_at: visit.roomed_at().map(text),
        late_until: visit.late_until(None).filter(|until| *until > at).map(text),
        undo_until: visit.undo_until().filter(|until| *until > at).map(text),
        messages: words::messages(visit, None),
        ending: wire::Ending::Asks,
        not_removed: None,
        called_off_at: visit.called_off_at().map(text),
    }
}

/// Everybody but a patient of a group whose own appointment was cancelled, unless they are in the meeting all the same.
pub(crate) fn shown(
    visit: &rules::Visit,
    now: rules::Timestamp,
) -> impl Iterator<Item = (&rules::ParticipantId, &rules::Participant)> {
    let inside = move |who| {
        matches!(visit.presence(who, now), rules::Presence::Connected { .. } | rules::Presence::Unclear { .. })
    };
    visit.participants().filter(move |(who, _)| !visit.is_withdrawn(who) || inside(who))
}

/// One person; `oid` is the reader's, for a clinician.
pub(crate) fn participant_view(
    record: &Record,
    id: &rules::ParticipantId,
    person: &rules::Participant,
    chart: &[ChartRow],
    oid: &str,
    now: rules::Timestamp,
) -> wire::ParticipantView {
    let visit = &record.visit;
    let (presence, since, seen_by) = match visit.presence(id, now) {
        rules::Presence::Absent => (wire::Presence::Absent, None, None),
        rules::Presence::Waiting { since, source: by } => (wire::Presence::Waiting, Some(since), Some(by)),
        rules::Presence::Connected { since } => (wire::Presence::Connected, Some(since), Some(rules::Source::Roster)),
        rules::Presence::Disconnected { at, source: by } => (wire::Presence::Disconnected, Some(at), Some(by)),
        rules::Presence::Unclear { since } => (wire::Presence::Unclear, Some(since), Some(rules::Source::Roster)),
    };
    wire::ParticipantView {
        id: id.as_str().to_owned(),
        role: words::role(person),
        me: person.oid().is_some_and(|known| known.as_str() == oid),
        presence,
        since: since.map(text),
        source: seen_by.map(words::source),
        chart: chart.iter().find(|row| row.participant == id.as_str()).map_or(wire::ChartState::Nothing, chart_state),
        test: visit.device_test(id).map(words::device_test),
        help_since: visit.help_since(id).map(text),
        left_unseen_after: visit.left_unseen(id, now).map(|(waited, _)| seconds(waited)),
        invitation: record.invitation(id).map(|state| words::invitation(visit, &state)),
        assigned_to: None,
    }
}

fn seconds(of: rules::Millis) -> u32 {
    u32::try_from(of.0 / 1_000).unwrap_or(u32::MAX)
}

/// Whom nothing ties to anyone.
pub(crate) fn strangers(visit: &rules::Visit) -> impl Iterator<Item = wire::ParticipantView> {
    visit.unattributed().into_iter().map(|(leg, state, seen)| {
        let assigned_to = visit.assigned(&leg).map(|who| who.as_str().to_owned());
        wire::ParticipantView { assigned_to, ..stranger_view(&leg, state, seen) }
    })
}

fn stranger_view(leg: &rules::LegId, state: rules::LegState, seen: rules::Timestamp) -> wire::ParticipantView {
    wire::ParticipantView {
        id: leg.as_str().to_owned(),
        role: wire::Role::Unattributed,
        me: false,
        presence: match state {
            rules::LegState::Waiting => wire::Presence::Waiting,
            rules::LegState::InCall => wire::Presence::Connected,
            rules::LegState::Left => wire::Presence::Disconnected,
        },
        since: Some(text(seen)),
        source: Some(wire::WitnessSource::Roster),
        chart: wire::ChartState::Nothing,
        test: None,
        help_since: None,
        left_unseen_after: None,
        invitation: None,
        assigned_to: None,
    }
}

fn chart_state(row: &ChartRow) -> wire::ChartState {
    match &row.word {
        ChartWord::Pending { since } => wire::ChartState::Pending { since: since.to_string() },
        ChartWord::Written { at } => wire::ChartState::Written { at: at.to_string() },
        ChartWord::WaitingForIdentifier { since } => wire::ChartState::Pending { since: since.to_string() },
        ChartWord::Parked { reason } => wire::ChartState::NeedsAnalyst { reason: reason.clone() },
        ChartWord::Unsupported { reason } => wire::ChartState::Unsupported { reason: reason.clone() },
    }
}

fn timeline_entry(visit: &rules::Visit, line: &rules::TimelineEntry) -> wire::TimelineEntry {
    let who = line.who.as_ref().and_then(|id| visit.participant(id));
    let what = match line.what {
        rules::What::MeetingCreated => "meeting-created",
        rules::What::Ready => "ready",
        rules::What::Covering => "covering",
        rules::What::Called => "called",
        rules::What::Connected => "connected",
        rules::What::Disconnected => "disconnected",
        rules::What::Ended => "ended",
        rules::What::Undone => "undone",
        rules::What::Cancelled => "cancelled",
        rules::What::Roomed => "roomed",
        rules::What::LeftUnseen => "left-unseen",
        rules::What::Invited => "invited",
        rules::What::Revoked => "revoked",
        rules::What::Assigned => "assigned",
        rules::What::RunningLate => "running-late",
        rules::What::Message => "message",
        rules::What::Answered => "answered",
        rules::What::Help => "help",
        rules::What::HelpTaken => "help-taken",
    };
    wire::TimelineEntry {
        at: text(line.at),
        role: who.map(role),
        what: what.to_owned(),
        source: words::source(line.source),
    }
}

/// The organization's policy in the rules' words.
pub fn policy(config: &crate::config::Visit) -> rules::Policy {
    use crate::config::{AlertOn, ConnectedAt};
    let minutes = |minutes: u32| rules::Millis::minutes(i64::from(minutes));
    rules::Policy {
        grace: rules::Millis::seconds(i64::from(config.grace_seconds)),
        early_join: minutes(config.early_join_minutes),
        connected_at: match config.connected_at {
            ConnectedAt::Ready => rules::ConnectedAt::Ready,
            ConnectedAt::Admitted => rules::ConnectedAt::Admitted,
        },
        call_patience: rules::Millis::seconds(i64::from(config.call_patience_seconds)),
        escalate_after: rules::Millis::seconds(i64::from(config.delegate_after_seconds)),
        quiet_close: minutes(config.quiet_close_minutes),
        latest_close: minutes(config.overrun_minutes),
        undo: minutes(config.undo_minutes),
        alert_on: match config.alert_on {
            AlertOn::Arrived => rules::AlertOn::Arrived,
            AlertOn::Triaged => rules::AlertOn::Triaged,
        },
        door: rules::Millis::seconds(i64::from(config.door_seconds)),
        proxy_in_chart: config.proxy_in_chart,
    }
}
