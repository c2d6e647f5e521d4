//! A visit as front desk and rooming staff see it: times, roles and states. No patient's name and no chart.

use jiff::Timestamp;
use roomed_protocol as wire;
use roomed_visit as rules;

use super::{participant_view, shown, strangers, text, to_rules, words};
use crate::record::Record;
use crate::store::StoredVisit;

/// One row, but for the clinicians' names, which are in no record. `department`: what the visit belongs to, as far as is known.
pub fn staff_row(
    stored: &StoredVisit,
    record: &Record,
    department: Option<wire::Department>,
    now: Timestamp,
) -> wire::StaffRow {
    let at = to_rules(now);
    let visit = &record.visit;
    let mut participants: Vec<_> =
        shown(visit, at).map(|(id, person)| participant_view(record, id, person, &[], "", at)).collect();
    participants.extend(strangers(visit));
    participants.sort_by_key(|one| one.role);
    wire::StaffRow {
        id: stored.row.id.clone(),
        stage: words::stage(&visit.stage(at)),
        start: text(visit.plan().start),
        end: text(visit.plan().end),
        clinicians: Vec::new(),
        department,
        urgency: urgency(visit),
        arrived_at: visit.arrival(at).map(|arrival| text(arrival.at)),
        roomed_at: visit.roomed_at().map(text),
        late_until: visit.late_until(None).filter(|until| *until > at).map(text),
        closing: visit.is_closing(),
        called_off_at: visit.called_off_at().map(text),
        participants,
        messages: words::messages(visit, None),
    }
}

/// Why it stands on top: somebody asks for help; nobody could be told of an arrival; nobody has answered.
fn urgency(visit: &rules::Visit) -> wire::Urgency {
    if visit.participants().any(|(who, _)| visit.is_open() && visit.help_since(who).is_some()) {
        return wire::Urgency::Help;
    }
    let is_linked = visit.participants().any(|(_, person)| person.oid().is_some());
    match (visit.alert_stands(), is_linked, visit.alert_escalated()) {
        (true, false, _) => wire::Urgency::Unlinked,
        (true, true, true) => wire::Urgency::Unanswered,
        _ => wire::Urgency::None,
    }
}
