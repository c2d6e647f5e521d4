//! A visit as one person's page sees it: patients, those who act for them, and guests by link. Their own part only.

use jiff::Timestamp;
use roomed_protocol as wire;
use roomed_visit as rules;

use super::{text, to_rules, words};
use crate::config::Organization;
use crate::record::{MeetingRecord, Record};

/// The visit as one person's page sees it, but for the clinician's name, which is in no record. `is_here`: their place is on the device that asks, or on none yet.
pub fn patient_view(
    organization: &Organization,
    record: &Record,
    who: &rules::ParticipantId,
    is_here: bool,
    meeting: Option<&MeetingRecord>,
    now: Timestamp,
) -> wire::PatientView {
    let visit = &record.visit;
    let at = to_rules(now);
    wire::PatientView {
        organization: organization.name.clone(),
        start: text(visit.plan().start),
        now: now.to_string(),
        stage: match page_stage(visit, who, meeting, at) {
            over @ (wire::PageStage::Ended | wire::PageStage::Cancelled | wire::PageStage::TooEarly { .. }) => over,
            _ if !is_here => wire::PageStage::AnotherDevice,
            stage => stage,
        },
        role: visit.participant(who).map_or(wire::Role::Unknown, words::role),
        clinician: None,
        late_until: visit.late_until(Some(who)).filter(|until| *until > at).map(text),
        messages: words::messages(visit, Some(who)),
        help_since: visit.help_since(who).map(text),
        group: visit.patients().count() > 1,
        texts: organization.pages.texts(),
    }
}

fn page_stage(
    visit: &rules::Visit,
    who: &rules::ParticipantId,
    meeting: Option<&MeetingRecord>,
    now: rules::Timestamp,
) -> wire::PageStage {
    let decisions = visit.decisions();
    if matches!(visit.stage(now), rules::Stage::Cancelled { .. }) || visit.is_withdrawn(who) {
        return wire::PageStage::Cancelled;
    }
    if !visit.is_open() {
        return wire::PageStage::Ended;
    }
    if !visit.is_welcome(who) {
        return wire::PageStage::Ended;
    }
    let mine = visit.presence(who, now);
    if let (rules::Presence::Connected { .. }, Some(meeting)) = (mine, meeting) {
        return wire::PageStage::InMeeting { join_url: way_in(visit, who, meeting) };
    }
    // Whoever left may come back by the same button.
    if !visit.is_ready(who)
        || matches!(mine, rules::Presence::Disconnected { source: rules::Source::VisitPage, .. }) && visit.has_left(who)
    {
        return if now < visit.opens_at() {
            wire::PageStage::TooEarly { opens_at: text(visit.opens_at()) }
        } else {
            wire::PageStage::CanBeReady
        };
    }
    match meeting {
        Some(meeting) if visit.may_enter(who, now) => wire::PageStage::Called { join_url: way_in(visit, who, meeting) },
        _ => {
            let since = match mine {
                rules::Presence::Waiting { since, .. } => since,
                _ => visit.arrival_of(who, now).map_or(now, |arrival| arrival.at),
            };
            wire::PageStage::Waiting { since: text(since), told: told(decisions.told) }
        }
    }
}

/// A colleague of another hospital has an account and Teams at work; everybody else joins in the browser without either.
fn way_in(visit: &rules::Visit, who: &rules::ParticipantId, meeting: &MeetingRecord) -> String {
    match visit.participant(who).map(|it| &it.role) {
        Some(rules::Role::Guest { kind: rules::GuestKind::Colleague, .. }) => meeting.join_web_url.clone(),
        _ => meeting.patient_join_url.clone(),
    }
}

fn told(told: rules::Told) -> wire::ToldWhom {
    match (told.clinician, told.delegate) {
        (Some(_), _) => wire::ToldWhom::Clinician,
        (None, Some(_)) => wire::ToldWhom::FrontDesk,
        (None, None) => wire::ToldWhom::Nobody,
    }
}
