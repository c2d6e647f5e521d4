//! Samples of what is said about the people of a visit: invitations, messages, device tests, the staff page, the day.

use roomed_protocol::{
    AgendaRow, AgendaView, AgendaWho, AnswerRequest, AssignRequest, Department, DeviceReport, DeviceResult,
    InviteRequest, InviteView, LateRequest, OfferAnswer, Preset, PresetAnswer, ProbeView, Role, SayRequest, SendBy,
    StaffMe, StaffRow, StaffView, StageView, Urgency, WaitThresholds,
};

use super::{NOW, START, message, visits_view};

const END: &str = "2026-03-02T11:00:00Z";

pub(crate) fn device_report() -> DeviceReport {
    DeviceReport {
        camera: DeviceResult::Good,
        microphone: DeviceResult::Refused,
        speaker: DeviceResult::Missing,
        connection: DeviceResult::Weak,
    }
}

pub(crate) fn probe_view() -> ProbeView {
    ProbeView { received: 65_536 }
}

pub(crate) fn answer_request() -> AnswerRequest {
    AnswerRequest { message: "m1".into(), answer: PresetAnswer::NeedHelp }
}

/// Every preset.
pub(crate) fn say_requests() -> Vec<(&'static str, SayRequest)> {
    let say = |preset, minutes| SayRequest { to: Some("p1".into()), preset, minutes };
    [
        Preset::RunningLate,
        Preset::AlmostReady,
        Preset::PleaseStay,
        Preset::CheckSound,
        Preset::CheckCamera,
        Preset::WeWillPhone,
        Preset::PleaseReturn,
    ]
    .map(|preset| match preset {
        Preset::RunningLate => ("running-late", SayRequest { to: None, ..say(preset, Some(15)) }),
        Preset::AlmostReady => ("almost-ready", say(preset, None)),
        Preset::PleaseStay => ("please-stay", say(preset, None)),
        Preset::CheckSound => ("check-sound", say(preset, None)),
        Preset::CheckCamera => ("check-camera", say(preset, None)),
        Preset::WeWillPhone => ("we-will-phone", say(preset, None)),
        Preset::PleaseReturn => ("please-return", say(preset, None)),
        Preset::Unknown => unreachable!("is only ever read"),
    })
    .into()
}

pub(crate) fn invite_requests() -> Vec<(&'static str, InviteRequest)> {
    let invite = |send| InviteRequest { role: Role::Interpreter, participant: None, send };
    let all = [
        SendBy::Hand,
        SendBy::Email { address: "interpreter@example.org".into() },
        SendBy::Sms { number: "+15550100".into() },
    ];
    all.map(|send| match send {
        SendBy::Hand => ("hand", InviteRequest { participant: Some("g1".into()), ..invite(send) }),
        SendBy::Email { .. } => ("email", invite(send)),
        SendBy::Sms { .. } => ("sms", invite(send)),
    })
    .into()
}

pub(crate) fn invite_views() -> Vec<(&'static str, InviteView)> {
    let view = |link: Option<&str>| InviteView {
        participant: "g1".into(),
        link: link.map(str::to_owned),
        expires_at: END.into(),
    };
    vec![("hand", view(Some("https://relay.example.org/i#one-time"))), ("sent", view(None))]
}

pub(crate) fn assign_requests() -> Vec<(&'static str, AssignRequest)> {
    let assign = |who: Option<&str>| AssignRequest { leg: "leg-7".into(), participant: who.map(str::to_owned) };
    vec![("somebody", assign(Some("p1"))), ("nobody", assign(None))]
}

pub(crate) fn agenda_view() -> AgendaView {
    let row = |visit: Option<&str>, who| AgendaRow {
        start: START.into(),
        end: END.into(),
        stage: StageView::Planned,
        who,
        visit: visit.map(str::to_owned),
    };
    AgendaView {
        at: NOW.into(),
        rows: vec![row(None, None), row(Some("visit-1"), Some(AgendaWho::Group))],
        incomplete: true,
    }
}

fn department() -> Department {
    Department { id: "cardiology".into(), name: "Cardiology".into() }
}

pub(crate) fn staff_me() -> StaffMe {
    StaffMe {
        organization: "Northside Health".into(),
        display_name: "Ines Duarte".into(),
        departments: Some(vec![department()]),
        may_act: true,
        waiting: WaitThresholds::default(),
    }
}

/// One row per urgency.
pub(crate) fn staff_view() -> StaffView {
    let row = |urgency| StaffRow {
        id: format!("visit-{urgency:?}"),
        stage: StageView::Triaged,
        start: START.into(),
        end: END.into(),
        clinicians: vec!["Mira Okafor".into()],
        department: Some(department()),
        urgency,
        arrived_at: Some(NOW.into()),
        roomed_at: Some(NOW.into()),
        late_until: Some(END.into()),
        closing: false,
        called_off_at: Some(NOW.into()),
        participants: visits_view().visits.swap_remove(2).participants,
        messages: vec![message()],
    };
    let all = [Urgency::Help, Urgency::Unlinked, Urgency::Unanswered, Urgency::None];
    for urgency in all {
        match urgency {
            Urgency::Help | Urgency::Unlinked | Urgency::Unanswered | Urgency::None => {}
            Urgency::Unknown => unreachable!("is only ever read"),
        }
    }
    StaffView { now: NOW.into(), rows: all.map(row).into() }
}

pub(crate) fn offer_answer() -> OfferAnswer {
    OfferAnswer { take: true }
}

pub(crate) fn late_request() -> LateRequest {
    LateRequest { visits: vec!["visit-1".into()], minutes: 15 }
}
