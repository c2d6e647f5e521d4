//! Whom to tell what about a change of a visit. Pure: who is online is passed in. Keeping and pushing are elsewhere.
//! The rule above all others: an arrival that no clinician can be told of goes to the delegates, never to nobody.

use jiff::Timestamp;
use roomed_protocol::{NoticeKind, Role};
use roomed_visit::{self as rules, Effect};

use crate::config::Config;
use crate::record::Record;
use crate::store::Recipient;

/// Who can be told about a visit.
#[derive(Debug, Clone)]
pub struct Audience {
    /// Clinicians of the visit whose Microsoft identity is known, and whether they have proven a launch of it.
    clinicians: Vec<(Recipient, bool)>,
    /// The organization's delegates who are not already among them.
    delegates: Vec<Recipient>,
}

impl Audience {
    /// Reads it off the visit and the organization's configuration.
    pub fn of(config: &Config, organization: &str, visit: &rules::Visit) -> Self {
        let known = config.organizations.iter().find(|known| known.key == organization);
        let tid = known.map(|known| known.tid.clone()).unwrap_or_default();
        let recipient =
            |oid: &str| Recipient { organization: organization.to_owned(), tid: tid.clone(), oid: oid.to_owned() };
        let clinicians: Vec<_> = visit
            .participants()
            .filter_map(|(_, person)| match &person.role {
                rules::Role::Practitioner { oid: Some(oid), launched, .. } => {
                    Some((recipient(oid.as_str()), launched.is_some()))
                }
                _ => None,
            })
            .collect();
        let delegates = known.into_iter().flat_map(|known| &known.delegates).map(|oid| recipient(oid));
        let delegates = delegates.filter(|who| clinicians.iter().all(|(clinician, _)| clinician != who)).collect();
        Self { clinicians, delegates }
    }

    /// Those who follow the visit: its clinicians, and the delegates once they were told of it.
    pub fn followers(&self, delegates_told: bool) -> impl Iterator<Item = &Recipient> {
        self.clinicians.iter().map(|(who, _)| who).chain(self.delegates.iter().filter(move |_| delegates_told))
    }

    fn everybody(&self) -> impl Iterator<Item = &Recipient> {
        self.clinicians.iter().map(|(who, _)| who).chain(&self.delegates)
    }
}

/// What follows from `effects` and from the difference between `before` and `record`. Remembers in `record` that the
/// delegates were told, so that they go on hearing of this visit.
pub fn follow(
    audience: &Audience,
    before: &Record,
    record: &mut Record,
    is_new: bool,
    effects: &[Effect],
    is_online: impl Fn(&Recipient) -> bool,
) -> Vec<(Recipient, NoticeKind)> {
    let start = timestamp(record.visit.plan().start);
    let mut told = Vec::new();
    for effect in effects {
        match effect {
            Effect::RaiseAlert { .. } => {
                told.extend(
                    audience.clinicians.iter().map(|(who, proven)| (who.clone(), ready(&start, *proven, false))),
                );
                if !audience.clinicians.iter().any(|(who, _)| is_online(who)) {
                    record.delegates_told = true;
                    told.extend(audience.delegates.iter().map(|who| (who.clone(), ready(&start, false, true))));
                }
            }
            Effect::WithdrawAlert => {
                told.extend(audience.everybody().map(|who| (who.clone(), NoticeKind::AlertWithdrawn)));
            }
            Effect::WriteBack { .. } | Effect::Closed => {}
        }
    }
    told.extend(covered(audience, before, record, &start));
    if is_new || before.visit != record.visit {
        // Whoever is told something else fetches the visit anyway.
        let followers = audience.followers(record.delegates_told);
        let rest: Vec<_> = followers.filter(|who| told.iter().all(|(other, _)| other != *who)).cloned().collect();
        told.extend(rest.into_iter().map(|who| (who, NoticeKind::VisitChanged)));
    }
    told
}

/// A colleague began the visit "covering for": the clinicians of the appointment hear of it.
fn covered(audience: &Audience, before: &Record, record: &Record, start: &str) -> Vec<(Recipient, NoticeKind)> {
    let mut told = Vec::new();
    for (who, person) in record.visit.participants() {
        let covers = matches!(person.role, rules::Role::Practitioner { covering: true, .. });
        if covers && before.visit.participant(who).is_none() {
            let others =
                audience.clinicians.iter().filter(|(it, _)| person.oid().is_none_or(|oid| oid.as_str() != it.oid));
            told.extend(others.map(|(it, _)| (it.clone(), NoticeKind::CoveredBy { start: start.to_owned() })));
        }
    }
    told
}

fn ready(start: &str, proven: bool, as_delegate: bool) -> NoticeKind {
    NoticeKind::PatientReady { start: start.to_owned(), role: Role::Patient, proven, as_delegate }
}

/// RFC 3339 of a point in time of the rules.
fn timestamp(at: rules::Timestamp) -> String {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A notice as the store keeps it.
pub fn stored(kind: &NoticeKind) -> String {
    serde_json::to_string(kind).expect("a notice is plain data")
}
