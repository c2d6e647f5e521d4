//! The small words: each enum of the rules to the wire's and, where people say something, back. No decision is made here.

use roomed_protocol as wire;
use roomed_visit as rules;

use super::text;
use crate::record::{InvitationState, LetterState};

/// Who somebody is.
pub fn role(person: &rules::Participant) -> wire::Role {
    use rules::GuestKind;
    match person.role {
        rules::Role::Patient => wire::Role::Patient,
        rules::Role::Proxy { .. } => wire::Role::Proxy,
        rules::Role::Practitioner { .. } => wire::Role::Practitioner,
        rules::Role::Guest { kind: GuestKind::Interpreter, .. } => wire::Role::Interpreter,
        rules::Role::Guest { kind: GuestKind::Family, .. } => wire::Role::Family,
        rules::Role::Guest { kind: GuestKind::Colleague, .. } => wire::Role::Colleague,
    }
}

pub(super) fn source(by: rules::Source) -> wire::WitnessSource {
    match by {
        rules::Source::VisitPage => wire::WitnessSource::VisitPage,
        rules::Source::Roster => wire::WitnessSource::Roster,
        rules::Source::Ehr => wire::WitnessSource::Ehr,
        rules::Source::Staff => wire::WitnessSource::Staff,
        rules::Source::Companion => wire::WitnessSource::Companion,
        rules::Source::Relay => wire::WitnessSource::Relay,
    }
}

pub(super) fn stage(stage: &rules::Stage) -> wire::StageView {
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

/// From when a wait is long.
pub fn waiting(config: &crate::config::Visit) -> wire::WaitThresholds {
    wire::WaitThresholds { long_seconds: config.wait_long_seconds, too_long_seconds: config.wait_too_long_seconds }
}

/// A page's report in the rules' words; nothing where it says a word of a later version.
pub fn device_test_of(report: &wire::DeviceReport) -> Option<rules::DeviceTest> {
    use rules::DeviceResult as R;
    use wire::DeviceResult as W;
    let result = |of: W| {
        Some(match of {
            W::Untested => R::Untested,
            W::Good => R::Good,
            W::Weak => R::Weak,
            W::Refused => R::Refused,
            W::Missing => R::Missing,
            W::Failed => R::Failed,
            W::Unknown => return None,
        })
    };
    Some(rules::DeviceTest {
        camera: result(report.camera)?,
        microphone: result(report.microphone)?,
        speaker: result(report.speaker)?,
        connection: result(report.connection)?,
    })
}

pub(super) fn device_test((at, test): (rules::Timestamp, rules::DeviceTest)) -> wire::DeviceTest {
    use rules::DeviceResult as R;
    use wire::DeviceResult as W;
    let result = |of: R| match of {
        R::Untested => W::Untested,
        R::Good => W::Good,
        R::Weak => W::Weak,
        R::Refused => W::Refused,
        R::Missing => W::Missing,
        R::Failed => W::Failed,
    };
    wire::DeviceTest {
        at: text(at),
        camera: result(test.camera),
        microphone: result(test.microphone),
        speaker: result(test.speaker),
        connection: result(test.connection),
    }
}

/// What staff say in the rules' words; nothing for a preset that lacks its minutes, has some it should not have, or is of
/// a later version.
pub fn preset(preset: wire::Preset, minutes: Option<u16>) -> Option<rules::Preset> {
    use rules::Preset as R;
    use wire::Preset as W;
    match (preset, minutes) {
        (W::RunningLate, Some(minutes @ 1..=240)) => Some(R::RunningLate(rules::Millis::minutes(minutes.into()))),
        (W::AlmostReady, None) => Some(R::AlmostReady),
        (W::PleaseStay, None) => Some(R::PleaseStay),
        (W::CheckSound, None) => Some(R::CheckSound),
        (W::CheckCamera, None) => Some(R::CheckCamera),
        (W::WeWillPhone, None) => Some(R::WeWillPhone),
        (W::PleaseReturn, None) => Some(R::PleaseReturn),
        _ => None,
    }
}

/// An answer in the rules' words; nothing for one of a later version.
pub fn answer(answer: wire::PresetAnswer) -> Option<rules::Answer> {
    use rules::Answer as R;
    use wire::PresetAnswer as W;
    Some(match answer {
        W::Ok => R::Ok,
        W::CanWait => R::CanWait,
        W::CannotWait => R::CannotWait,
        W::Done => R::Done,
        W::NeedHelp => R::NeedHelp,
        W::Unknown => return None,
    })
}

fn answer_view(answer: rules::Answer) -> wire::PresetAnswer {
    use rules::Answer as R;
    use wire::PresetAnswer as W;
    match answer {
        R::Ok => W::Ok,
        R::CanWait => W::CanWait,
        R::CannotWait => W::CannotWait,
        R::Done => W::Done,
        R::NeedHelp => W::NeedHelp,
    }
}

/// The messages, oldest first: all of them, or those that `who` is to see, with their own answers.
pub(super) fn messages(visit: &rules::Visit, who: Option<&rules::ParticipantId>) -> Vec<wire::MessageView> {
    use rules::Preset as R;
    use wire::Preset as W;
    let is_for = |message: &&rules::Message| who.is_none() || message.to.is_none() || message.to.as_ref() == who;
    let view = |message: &rules::Message| {
        let (preset, minutes) = match message.preset {
            R::RunningLate(by) => (W::RunningLate, u16::try_from(by.0 / 60_000).ok()),
            R::AlmostReady => (W::AlmostReady, None),
            R::PleaseStay => (W::PleaseStay, None),
            R::CheckSound => (W::CheckSound, None),
            R::CheckCamera => (W::CheckCamera, None),
            R::WeWillPhone => (W::WeWillPhone, None),
            R::PleaseReturn => (W::PleaseReturn, None),
        };
        let answered = match who {
            Some(who) => visit.answer(&message.id, who),
            None => visit.last_answer(&message.id),
        };
        wire::MessageView {
            id: message.id.as_str().to_owned(),
            at: text(message.at),
            preset,
            minutes,
            to: message.to.as_ref().and_then(|to| visit.participant(to)).map(role),
            answers: message.preset.answers().iter().map(|answer| answer_view(*answer)).collect(),
            answered: answered.map(|(_, answer)| answer_view(answer)),
        }
    };
    visit.messages().iter().filter(is_for).map(view).collect()
}

pub(super) fn invitation(visit: &rules::Visit, state: &InvitationState) -> wire::InvitationState {
    match state {
        InvitationState::Used => wire::InvitationState::Used,
        InvitationState::Open { letter, .. } => wire::InvitationState::Open {
            expires_at: text(visit.open_until()),
            letter: letter.map(|it| match it {
                LetterState::Sending => wire::LetterState::Sending,
                LetterState::Sent => wire::LetterState::Sent,
                LetterState::Failed => wire::LetterState::Failed,
            }),
        },
        InvitationState::Revoked => wire::InvitationState::Revoked,
    }
}
