//! From the rules' words to the wire's, in one file: the only place that knows both `roomed_visit` and
//! `roomed_protocol`. Names and EHR ids do not occur here, so they cannot leak from here.

use jiff::Timestamp;
use roomed_protocol as wire;
use roomed_visit as rules;

use crate::record::{MeetingRecord, Record};
use crate::store::{ChartRow, ChartWord, StoredVisit};

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
        visit.participants().map(|(id, person)| participant_view(visit, id, person, chart, oid, at)).collect();
    participants.extend(visit.unattributed().into_iter().map(|(leg, state, seen)| stranger_view(&leg, state, seen)));
    // Their ids are random: the patient comes first on every screen, whatever they are.
    participants.sort_by_key(|one| (one.role, !one.me));
    wire::VisitView {
        id: stored.row.id.clone(),
        stage: stage(&visit.stage(at)),
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
        roomed_at: None,
        late_until: None,
        undo_until: None,
        messages: Vec::new(),
    }
}

fn participant_view(
    visit: &rules::Visit,
    id: &rules::ParticipantId,
    person: &rules::Participant,
    chart: &[ChartRow],
    oid: &str,
    now: rules::Timestamp,
) -> wire::ParticipantView {
    let (presence, since, seen_by) = match visit.presence(id, now) {
        rules::Presence::Absent => (wire::Presence::Absent, None, None),
        rules::Presence::Waiting { since, source: by } => (wire::Presence::Waiting, Some(since), Some(by)),
        rules::Presence::Connected { since } => (wire::Presence::Connected, Some(since), Some(rules::Source::Roster)),
        rules::Presence::Disconnected { at, source: by } => (wire::Presence::Disconnected, Some(at), Some(by)),
    };
    wire::ParticipantView {
        id: id.as_str().to_owned(),
        role: role(person),
        me: person.oid().is_some_and(|known| known.as_str() == oid),
        presence,
        since: since.map(text),
        source: seen_by.map(source),
        chart: chart.iter().find(|row| row.participant == id.as_str()).map_or(wire::ChartState::Nothing, chart_state),
        test: None,
        help_since: None,
        left_unseen_after: None,
        invitation: None,
        assigned_to: None,
    }
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
    };
    wire::TimelineEntry { at: text(line.at), role: who.map(role), what: what.to_owned(), source: source(line.source) }
}

fn role(person: &rules::Participant) -> wire::Role {
    match person.role {
        rules::Role::Patient => wire::Role::Patient,
        rules::Role::Practitioner { .. } => wire::Role::Practitioner,
    }
}

fn source(by: rules::Source) -> wire::WitnessSource {
    match by {
        rules::Source::VisitPage => wire::WitnessSource::VisitPage,
        rules::Source::Roster => wire::WitnessSource::Roster,
        rules::Source::Ehr => wire::WitnessSource::Ehr,
        rules::Source::Staff => wire::WitnessSource::Staff,
        rules::Source::Companion => wire::WitnessSource::Companion,
        rules::Source::Relay => wire::WitnessSource::Relay,
    }
}

fn stage(stage: &rules::Stage) -> wire::StageView {
    match stage {
        rules::Stage::Planned => wire::StageView::Planned,
        rules::Stage::Arrived { .. } => wire::StageView::Arrived,
        rules::Stage::Triaged { .. } => wire::StageView::Triaged,
        rules::Stage::InProgress { .. } => wire::StageView::InProgress,
        rules::Stage::Finished { .. } => wire::StageView::Finished,
        rules::Stage::Noshow { .. } => wire::StageView::Noshow,
        rules::Stage::Cancelled { .. } => wire::StageView::Cancelled,
    }
}

/// FHIR's word for the stage, as the store keeps it.
pub fn stage_word(of: &rules::Stage) -> &'static str {
    match of {
        rules::Stage::Planned => "planned",
        rules::Stage::Arrived { .. } => "arrived",
        rules::Stage::Triaged { .. } => "triaged",
        rules::Stage::InProgress { .. } => "in-progress",
        rules::Stage::Finished { .. } => "finished",
        rules::Stage::Noshow { .. } => "noshow",
        rules::Stage::Cancelled { .. } => "cancelled",
    }
}

/// The visit as the patient's page sees it.
pub fn patient_view(
    organization: &str,
    record: &Record,
    who: &rules::ParticipantId,
    meeting: Option<&MeetingRecord>,
    now: Timestamp,
) -> wire::PatientView {
    wire::PatientView {
        organization: organization.to_owned(),
        start: text(record.visit.plan().start),
        now: now.to_string(),
        stage: page_stage(&record.visit, who, meeting, to_rules(now)),
        role: wire::Role::Patient,
        clinician: None,
        late_until: None,
        messages: Vec::new(),
        help_since: None,
        group: false,
        texts: std::collections::BTreeMap::new(),
    }
}

fn page_stage(
    visit: &rules::Visit,
    who: &rules::ParticipantId,
    meeting: Option<&MeetingRecord>,
    now: rules::Timestamp,
) -> wire::PageStage {
    let decisions = visit.decisions();
    if decisions.cancelled.is_some() {
        return wire::PageStage::Cancelled;
    }
    if decisions.ended.is_some() || decisions.closed.is_some() {
        return wire::PageStage::Ended;
    }
    let mine = visit.presence(who, now);
    if let (rules::Presence::Connected { .. }, Some(meeting)) = (mine, meeting) {
        return wire::PageStage::InMeeting { join_url: meeting.patient_join_url.clone() };
    }
    if !visit.is_ready(who) {
        return if now < visit.opens_at() {
            wire::PageStage::TooEarly { opens_at: text(visit.opens_at()) }
        } else {
            wire::PageStage::CanBeReady
        };
    }
    let clinician_inside = visit.participants().any(|(id, person)| {
        matches!(person.role, rules::Role::Practitioner { .. })
            && matches!(visit.presence(id, now), rules::Presence::Connected { .. })
    });
    match meeting {
        Some(meeting) if clinician_inside || decisions.called.is_some() => {
            wire::PageStage::Called { join_url: meeting.patient_join_url.clone() }
        }
        _ => {
            let since = match mine {
                rules::Presence::Waiting { since, .. } => since,
                _ => visit.arrival(now).map_or(now, |arrival| arrival.at),
            };
            wire::PageStage::Waiting { since: text(since), told: told(decisions.told) }
        }
    }
}

fn told(told: rules::Told) -> wire::ToldWhom {
    match (told.clinician, told.delegate) {
        (Some(_), _) => wire::ToldWhom::Clinician,
        (None, Some(_)) => wire::ToldWhom::FrontDesk,
        (None, None) => wire::ToldWhom::Nobody,
    }
}

/// From when a wait is long.
pub fn waiting(config: &crate::config::Visit) -> wire::WaitThresholds {
    wire::WaitThresholds { long_seconds: config.wait_long_seconds, too_long_seconds: config.wait_too_long_seconds }
}

/// The organization's policy in the rules' words.
pub fn policy(config: &crate::config::Visit) -> rules::Policy {
    use crate::config::ConnectedAt;
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
    }
}
