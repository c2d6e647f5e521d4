//! One value of every wire message, and of every variant of a tagged one. The `match`es without a wildcard are the
//! reminder: a new variant does not compile until it has a name, and a name has no file until it has a sample.

mod people;

use std::collections::BTreeMap;

use roomed_protocol::{
    CallbackRegistration, ChartState, DeviceResult, DeviceTest, EhrConnection, Ending, FirstLink, FromCompanion,
    FromRelay, InvitationState, JoinView, LaunchProof, LaunchRedirect, LetterState, MeView, MessageView, NonceRequest,
    NonceView, NotRemoved, Notice, NoticeKind, NoticesView, PROTOCOL_VERSION, PageStage, PageTexts, ParticipantView,
    PatientView, Presence, Preset, PresetAnswer, Problem, ProblemCode, Role, SignInView, StageView, TimelineEntry,
    ToldWhom, VisitView, VisitsView, WaitThresholds, WhoCanFix, WitnessSource,
};

pub(crate) use people::{
    agenda_view, answer_request, assign_requests, device_report, invite_requests, invite_views, late_request,
    offer_answer, probe_view, say_requests, staff_me, staff_view,
};

const NOW: &str = "2026-03-02T10:31:00Z";
const START: &str = "2026-03-02T10:30:00Z";

pub(crate) fn sign_in_view() -> SignInView {
    SignInView {
        organization: "Northside Health".into(),
        authority: "https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111/v2.0".into(),
        client_id: "22222222-2222-4222-8222-222222222222".into(),
        scope: "api://33333333-3333-4333-8333-333333333333/access_as_user".into(),
    }
}

pub(crate) fn me_view() -> MeView {
    let connection = |environment: &str, redirect| EhrConnection {
        iss: format!("https://{environment}.example.org/FHIR/R4"),
        client_id: "companion-client".into(),
        redirect,
        environment: environment.into(),
    };
    MeView {
        organization: "Northside Health".into(),
        display_name: "Mira Okafor".into(),
        ehr_connections: vec![
            connection("test", LaunchRedirect::Loopback),
            connection("production", LaunchRedirect::Relay),
        ],
        callback_url: "https://relay.example.org/oauth/callback".into(),
        alert_repeat_seconds: 30,
        delegate: true,
        waiting: WaitThresholds::default(),
        sends: vec!["email".into()],
    }
}

pub(crate) fn nonce_request() -> NonceRequest {
    NonceRequest { iss: "https://test.example.org/FHIR/R4".into() }
}

pub(crate) fn nonce_view() -> NonceView {
    NonceView { nonce: "n-0S6_WzA2Mj".into(), expires_at: "2026-03-02T10:36:00Z".into() }
}

pub(crate) fn callback_registration() -> CallbackRegistration {
    CallbackRegistration {
        state_sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".into(),
        port: 53123,
    }
}

pub(crate) fn launch_proof() -> LaunchProof {
    LaunchProof {
        iss: "https://test.example.org/FHIR/R4".into(),
        id_token: "header.claims.signature".into(),
        handle: Some("handle-1".into()),
        patient: Some("patient-1".into()),
        encounter: Some("encounter-1".into()),
        covering: true,
        first_link: None,
    }
}

pub(crate) fn native_launch_proof() -> LaunchProof {
    LaunchProof { handle: None, patient: None, covering: false, ..launch_proof() }
}

/// The question is answered.
pub(crate) fn answered_launch_proof() -> LaunchProof {
    LaunchProof { first_link: Some("word-1".into()), ..native_launch_proof() }
}

pub(crate) fn first_link() -> FirstLink {
    FirstLink { word: "word-1".into(), account: "Maya Okafor".into(), ehr_user: Some("Okafor, Maya, MD".into()) }
}

pub(crate) fn join_view() -> JoinView {
    JoinView {
        teams_url: Some("msteams:/l/meetup-join/thread/0".into()),
        https_url: "https://teams.microsoft.com/l/meetup-join/thread/0".into(),
    }
}

pub(crate) fn browser_join_view() -> JoinView {
    JoinView { teams_url: None, ..join_view() }
}

/// One visit per stage; between them every role, presence, source and chart state.
pub(crate) fn visits_view() -> VisitsView {
    use StageView as S;
    let stages = [S::Planned, S::Arrived, S::Triaged, S::InProgress, S::Finished, S::Noshow, S::Cancelled];
    let mut visits: Vec<VisitView> = stages.into_iter().map(empty_visit).collect();
    visits[1].arrived_at = Some(NOW.into());
    visits[1].participants = vec![
        participant("p1", Role::Patient, Presence::Waiting, ChartState::Pending { since: NOW.into() }),
        participant("p2", Role::Practitioner, Presence::Absent, ChartState::Nothing),
    ];
    visits[3].participants = vec![
        participant("p1", Role::Patient, Presence::Connected, ChartState::Written { at: NOW.into() }),
        participant(
            "p2",
            Role::Practitioner,
            Presence::Connected,
            ChartState::NeedsAnalyst { reason: "No EMP id.".into() },
        ),
        participant("p3", Role::Unattributed, Presence::Disconnected, ChartState::Nothing),
        participant(
            "p4",
            Role::Proxy,
            Presence::Disconnected,
            ChartState::Unsupported { reason: "No place for it.".into() },
        ),
    ];
    let link = |state| Some(state);
    visits[2].participants = [
        (
            Role::Interpreter,
            link(InvitationState::Open { expires_at: START.into(), letter: Some(LetterState::Sending) }),
        ),
        (Role::Family, link(InvitationState::Used)),
        (Role::Colleague, link(InvitationState::Revoked)),
    ]
    .into_iter()
    .zip(1..)
    .map(|((role, invitation), n)| ParticipantView {
        invitation,
        test: Some(device_test()),
        help_since: Some(NOW.into()),
        left_unseen_after: Some(601),
        ..participant(&format!("g{n}"), role, Presence::Unclear, ChartState::Nothing)
    })
    .collect();
    visits[3].participants[2].assigned_to = Some("p1".into());
    visits[2].roomed_at = Some(NOW.into());
    visits[2].late_until = Some("2026-03-02T10:45:00Z".into());
    visits[2].messages = vec![message()];
    visits[4].undo_until = Some("2026-03-02T10:36:00Z".into());
    visits[3].ending = Ending::Removes;
    visits[4].not_removed = Some(NotRemoved { detail: "d".into(), who: WhoCanFix::Microsoft365Admin });
    use WitnessSource as W;
    visits[3].timeline = [W::VisitPage, W::Roster, W::Ehr, W::Staff, W::Companion, W::Relay]
        .into_iter()
        .map(|source| TimelineEntry { at: NOW.into(), role: Some(Role::Patient), what: "ready".into(), source })
        .collect();
    visits[3].timeline.push(TimelineEntry {
        at: START.into(),
        role: None,
        what: "meeting-created".into(),
        source: W::Relay,
    });
    VisitsView { now: NOW.into(), cursor: 7, visits }
}

fn empty_visit(stage: StageView) -> VisitView {
    VisitView {
        id: format!("visit-{stage:?}"),
        stage,
        start: START.into(),
        end: "2026-03-02T11:00:00Z".into(),
        arrived_at: None,
        proven: true,
        covering: false,
        covered: false,
        acknowledged: false,
        closing: false,
        participants: Vec::new(),
        timeline: Vec::new(),
        roomed_at: None,
        late_until: None,
        undo_until: None,
        messages: Vec::new(),
        ending: Ending::Asks,
        not_removed: None,
        called_off_at: None,
    }
}

pub(crate) fn device_test() -> DeviceTest {
    DeviceTest {
        at: NOW.into(),
        camera: DeviceResult::Good,
        microphone: DeviceResult::Weak,
        speaker: DeviceResult::Untested,
        connection: DeviceResult::Failed,
    }
}

pub(crate) fn message() -> MessageView {
    MessageView {
        id: "m1".into(),
        at: NOW.into(),
        preset: Preset::RunningLate,
        minutes: Some(15),
        to: Some(Role::Patient),
        answers: vec![PresetAnswer::CanWait, PresetAnswer::CannotWait],
        answered: Some(PresetAnswer::CanWait),
    }
}

fn participant(id: &str, role: Role, presence: Presence, chart: ChartState) -> ParticipantView {
    let seen = presence != Presence::Absent;
    ParticipantView {
        id: id.into(),
        role,
        me: role == Role::Practitioner,
        presence,
        since: seen.then(|| NOW.into()),
        source: seen.then_some(WitnessSource::Roster),
        chart,
        test: None,
        help_since: None,
        left_unseen_after: None,
        invitation: None,
        assigned_to: None,
    }
}

/// One of each kind, in the order of the list below.
pub(crate) fn notices_view() -> NoticesView {
    let start = || START.to_owned();
    let kinds = [
        NoticeKind::PatientReady { start: start(), role: Role::Patient, proven: false, as_delegate: true },
        NoticeKind::AlertWithdrawn,
        NoticeKind::VisitChanged,
        NoticeKind::CoveredBy { start: start() },
        NoticeKind::LeftUnseen { start: start(), role: Role::Patient, waited_seconds: 601 },
        NoticeKind::HelpWanted { start: start(), role: Role::Interpreter },
        NoticeKind::Offered { offer: "offer-1".into(), start: start(), until: "2026-03-02T10:34:00Z".into() },
        NoticeKind::OfferAnswered { offer: "offer-1".into() },
    ];
    for kind in &kinds {
        match kind {
            NoticeKind::PatientReady { .. }
            | NoticeKind::AlertWithdrawn
            | NoticeKind::VisitChanged
            | NoticeKind::CoveredBy { .. }
            | NoticeKind::LeftUnseen { .. }
            | NoticeKind::HelpWanted { .. }
            | NoticeKind::Offered { .. }
            | NoticeKind::OfferAnswered { .. } => {}
            NoticeKind::Unknown => unreachable!("is only ever read"),
        }
    }
    let notices =
        (1..).zip(kinds).map(|(seq, kind)| Notice { seq, visit: "visit-1".into(), at: NOW.into(), kind }).collect();
    NoticesView { notices, more: false }
}

pub(crate) fn problem() -> Problem {
    Problem {
        kind: "about:blank".into(),
        title: "This EHR is not approved".into(),
        status: 403,
        code: ProblemCode::UnknownIss,
        detail: "The EHR that sent the link is not connected to your organization.".into(),
        who: WhoCanFix::EhrAnalyst,
    }
}

pub(crate) fn from_relay() -> Vec<(&'static str, FromRelay)> {
    let all = [
        FromRelay::Hello { version: PROTOCOL_VERSION, cursor: 7, now: NOW.into() },
        FromRelay::Hint { cursor: 8 },
        FromRelay::GoingAway { within_seconds: 20 },
    ];
    all.map(|message| match message {
        FromRelay::Hello { .. } => ("hello", message),
        FromRelay::Hint { .. } => ("hint", message),
        FromRelay::GoingAway { .. } => ("going-away", message),
        FromRelay::Unknown => unreachable!("is only ever read"),
    })
    .into()
}

pub(crate) fn from_companion() -> Vec<(&'static str, FromCompanion)> {
    [FromCompanion::Hello { version: PROTOCOL_VERSION, cursor: 7 }]
        .map(|message| match message {
            FromCompanion::Hello { .. } => ("hello", message),
            FromCompanion::Unknown => unreachable!("is only ever read"),
        })
        .into()
}

pub(crate) fn patient_views() -> Vec<(&'static str, PatientView)> {
    let join_url = || "https://teams.example.org/join".to_owned();
    let stages = [
        PageStage::TooEarly { opens_at: "2026-03-02T10:00:00Z".into() },
        PageStage::CanBeReady,
        PageStage::Waiting { since: NOW.into(), told: ToldWhom::Clinician },
        PageStage::Called { join_url: join_url() },
        PageStage::InMeeting { join_url: join_url() },
        PageStage::AnotherDevice,
        PageStage::Ended,
        PageStage::Cancelled,
    ];
    let named = stages.map(|stage| match stage {
        PageStage::TooEarly { .. } => ("too-early", stage),
        PageStage::CanBeReady => ("can-be-ready", stage),
        PageStage::Waiting { .. } => ("waiting", stage),
        PageStage::Called { .. } => ("called", stage),
        PageStage::InMeeting { .. } => ("in-meeting", stage),
        PageStage::AnotherDevice => ("another-device", stage),
        PageStage::Ended => ("ended", stage),
        PageStage::Cancelled => ("cancelled", stage),
    });
    let view = |stage| PatientView {
        organization: "Northside Health".into(),
        start: START.into(),
        now: NOW.into(),
        stage,
        role: Role::Patient,
        clinician: None,
        late_until: None,
        messages: Vec::new(),
        help_since: None,
        group: false,
        texts: BTreeMap::new(),
    };
    let mut views: Vec<_> = named.map(|(name, stage)| (name, view(stage))).into();
    views.push((
        "everything",
        PatientView {
            role: Role::Interpreter,
            clinician: Some("Mira Okafor".into()),
            late_until: Some("2026-03-02T10:45:00Z".into()),
            messages: vec![message()],
            help_since: Some(NOW.into()),
            group: true,
            texts: BTreeMap::from([(
                "en".into(),
                PageTexts { notice: Some("Visits are not recorded.".into()), consent: Some("I agree.".into()) },
            )]),
            ..view(PageStage::CanBeReady)
        },
    ));
    views
}
