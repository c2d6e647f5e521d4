//! For companions that speak version 1: what they have no word for, said in the nearest one they have. They would refuse
//! a whole list for one word they do not know.

use roomed_protocol::{NoticeKind, Presence, Role, TimelineEntry, VisitView};

fn role_of_before(role: Role) -> Role {
    match role {
        // Whoever acts for the patient was the patient to them.
        Role::Patient | Role::Proxy => Role::Patient,
        Role::Practitioner => Role::Practitioner,
        Role::Interpreter | Role::Family | Role::Colleague | Role::Unattributed | Role::Unknown => Role::Unattributed,
    }
}

/// A visit in the words of version 1.
pub fn visit_of_before(mut view: VisitView) -> VisitView {
    for one in &mut view.participants {
        one.role = role_of_before(one.role);
        if matches!(one.presence, Presence::Unclear | Presence::Unknown) {
            one.presence = Presence::Connected;
        }
    }
    let role = |line: TimelineEntry| TimelineEntry { role: line.role.map(role_of_before), ..line };
    view.timeline = view.timeline.into_iter().map(role).collect();
    view
}

/// A notice in the words of version 1.
pub fn notice_of_before(kind: NoticeKind) -> NoticeKind {
    match kind {
        NoticeKind::PatientReady { start, role, proven, as_delegate } => {
            NoticeKind::PatientReady { start, role: role_of_before(role), proven, as_delegate }
        }
        NoticeKind::AlertWithdrawn | NoticeKind::VisitChanged | NoticeKind::CoveredBy { .. } => kind,
        NoticeKind::LeftUnseen { .. }
        | NoticeKind::HelpWanted { .. }
        | NoticeKind::Offered { .. }
        | NoticeKind::OfferAnswered { .. }
        | NoticeKind::Unknown => NoticeKind::VisitChanged,
    }
}
