//! Whom to tell what about a change of a visit. Pure: who is online is passed in. Keeping and pushing are elsewhere.
//! The rule above all others: an arrival that no clinician can be told of goes to the delegates, never to nobody.

use jiff::Timestamp;
use roomed_protocol::{NoticeKind, Role};
use roomed_visit::{self as rules, Effect};

use crate::config::Config;
use crate::record::Record;
use crate::store::Recipient;
use crate::wire;

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
        self.clinicians().chain(self.delegates.iter().filter(move |_| delegates_told))
    }

    /// The clinicians who can be told.
    pub fn clinicians(&self) -> impl Iterator<Item = &Recipient> {
        self.clinicians.iter().map(|(who, _)| who)
    }

    fn everybody(&self) -> impl Iterator<Item = &Recipient> {
        self.clinicians().chain(&self.delegates)
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
    let role_of = |record: &Record, who| record.visit.participant(who).map_or(Role::Patient, wire::role);
    for effect in effects {
        match effect {
            Effect::RaiseAlert { who, .. } => {
                let role = role_of(record, who);
                // A clinician who waits for colleagues is not told of themselves.
                let waits = record.visit.participant(who).and_then(|person| person.oid()).map(rules::Oid::as_str);
                let others = || audience.clinicians.iter().filter(|(it, _)| waits != Some(it.oid.as_str()));
                told.extend(others().map(|(it, proven)| (it.clone(), ready(&start, role, *proven, false))));
                if !others().any(|(it, _)| is_online(it)) {
                    record.delegates_told = true;
                    told.extend(audience.delegates.iter().map(|it| (it.clone(), ready(&start, role, false, true))));
                }
            }
            Effect::Escalate { who, .. } => {
                let role = role_of(record, who);
                record.delegates_told = true;
                told.extend(audience.delegates.iter().map(|it| (it.clone(), ready(&start, role, false, true))));
            }
            Effect::LeftUnseen { participant, waited } => {
                let role = role_of(record, participant);
                let waited_seconds = u32::try_from(waited.0 / 1_000).unwrap_or_default();
                let kind = NoticeKind::LeftUnseen { start: start.clone(), role, waited_seconds };
                told.extend(audience.followers(record.delegates_told).map(|it| (it.clone(), kind.clone())));
            }
            Effect::HelpWanted { participant } => {
                // Whoever asks for help must reach somebody: the front desk too.
                record.delegates_told = true;
                let kind = NoticeKind::HelpWanted { start: start.clone(), role: role_of(record, participant) };
                told.extend(audience.everybody().map(|it| (it.clone(), kind.clone())));
            }
            Effect::WithdrawAlert => {
                told.extend(audience.everybody().map(|who| (who.clone(), NoticeKind::AlertWithdrawn)));
            }
            Effect::WriteBack { .. } | Effect::Closed => {}
        }
    }
    let raised = effects.iter().any(|effect| matches!(effect, Effect::RaiseAlert { .. }));
    if raised && told.is_empty() {
        // Nothing more can be done from here: an operator has to see it, and the clinic has to name a delegate.
        tracing::error!(
            "a patient waits and there is nobody to tell: no clinician is linked and no delegate is configured"
        );
        metrics::counter!("roomed_arrivals_untold_total").increment(1);
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

fn ready(start: &str, role: Role, proven: bool, as_delegate: bool) -> NoticeKind {
    NoticeKind::PatientReady { start: start.to_owned(), role, proven, as_delegate }
}

/// RFC 3339 of a point in time of the rules.
fn timestamp(at: rules::Timestamp) -> String {
    Timestamp::from_millisecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// A notice as the store keeps it.
pub fn stored(kind: &NoticeKind) -> String {
    serde_json::to_string(kind).expect("a notice is plain data")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use roomed_visit::{Millis, Oid, Participant, ParticipantId, Plan, Policy, Visit};

    use super::*;
    use crate::record::EhrReferences;

    fn who(oid: &str) -> Recipient {
        Recipient { organization: "northside".into(), tid: "t".into(), oid: oid.into() }
    }

    fn audience(clinicians: &[(&str, bool)]) -> Audience {
        Audience {
            clinicians: clinicians.iter().map(|(oid, proven)| (who(oid), *proven)).collect(),
            delegates: vec![who("desk")],
        }
    }

    fn record() -> Record {
        let start = rules::Timestamp(1_800_000_000_000);
        let people = [(ParticipantId::new("doctor"), Participant::practitioner(Some(Oid::new("maya"))))];
        Record {
            visit: Visit::open(Plan { start, end: start + Millis::minutes(30) }, Policy::default(), people),
            ehr: EhrReferences {
                iss: "https://ehr".into(),
                appointment: "a".into(),
                conference_id: None,
                department: None,
                people: BTreeMap::new(),
                lines: BTreeMap::new(),
                location: None,
                group: None,
            },
            meeting_external_id: "m".into(),
            delegates_told: false,
            invitations: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    const SINCE: rules::Timestamp = rules::Timestamp(1_800_000_000_000);

    fn raised() -> [Effect; 1] {
        [Effect::RaiseAlert { who: ParticipantId::new("patient"), since: SINCE }]
    }

    #[test]
    fn an_arrival_is_told_to_the_clinician_who_is_there_and_to_nobody_else() {
        let mut after = record();
        let told = follow(&audience(&[("maya", true)]), &record(), &mut after, false, &raised(), |_| true);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, who("maya"));
        assert!(matches!(told[0].1, NoticeKind::PatientReady { proven: true, as_delegate: false, .. }));
        assert!(!after.delegates_told);
    }

    #[test]
    fn an_arrival_nobody_can_be_told_of_goes_to_the_delegate_as_well() {
        for clinicians in [&[][..], &[("maya", false)][..]] {
            let mut after = record();
            let told = follow(&audience(clinicians), &record(), &mut after, false, &raised(), |_| false);
            assert!(after.delegates_told);
            let last = told.last().expect("never nobody");
            assert_eq!(last.0, who("desk"));
            assert!(matches!(last.1, NoticeKind::PatientReady { as_delegate: true, proven: false, .. }));
            assert_eq!(told.len(), clinicians.len() + 1, "the offline clinician finds it when they are back");
        }
    }

    #[test]
    fn an_alert_nobody_took_on_reaches_the_delegate_even_if_the_clinician_seems_online() {
        let mut after = record();
        let late = [Effect::Escalate { who: ParticipantId::new("patient"), since: SINCE }];
        let told = follow(&audience(&[("maya", true)]), &record(), &mut after, false, &late, |_| true);
        assert!(after.delegates_told);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].0, who("desk"));
    }

    #[test]
    fn a_clinician_who_waits_for_a_colleague_is_not_told_of_themselves() {
        let mut after = record();
        let waits = [Effect::RaiseAlert { who: ParticipantId::new("doctor"), since: SINCE }];
        let told = follow(&audience(&[("maya", true), ("ben", true)]), &record(), &mut after, false, &waits, |_| true);
        let alerted: Vec<_> = told.iter().filter(|(_, kind)| matches!(kind, NoticeKind::PatientReady { .. })).collect();
        assert_eq!(alerted.len(), 1);
        assert_eq!(alerted[0].0, who("ben"));
        assert!(matches!(alerted[0].1, NoticeKind::PatientReady { role: Role::Practitioner, .. }));
    }

    #[test]
    fn a_request_for_help_reaches_the_front_desk_too() {
        let mut after = record();
        let help = [Effect::HelpWanted { participant: ParticipantId::new("patient") }];
        let told = follow(&audience(&[("maya", true)]), &record(), &mut after, false, &help, |_| true);
        let asked = |it: &&(Recipient, NoticeKind)| matches!(it.1, NoticeKind::HelpWanted { role: Role::Patient, .. });
        assert_eq!(told.iter().filter(asked).count(), 2);
        assert!(after.delegates_told, "who is asked may look");
    }

    #[test]
    fn a_withdrawal_reaches_everybody_once() {
        let mut after = record();
        let told =
            follow(&audience(&[("maya", true)]), &record(), &mut after, false, &[Effect::WithdrawAlert], |_| true);
        assert_eq!(told, [who("maya"), who("desk")].map(|who| (who, NoticeKind::AlertWithdrawn)));
    }

    #[test]
    fn a_change_is_told_to_followers_and_no_change_to_nobody() {
        let mut after = record();
        let told = follow(&audience(&[("maya", true)]), &record(), &mut after, true, &[], |_| true);
        assert_eq!(told, [(who("maya"), NoticeKind::VisitChanged)]);
        let told = follow(&audience(&[("maya", true)]), &record(), &mut after, false, &[], |_| true);
        assert_eq!(told, []);
    }

    #[test]
    fn the_clinician_hears_that_a_colleague_covers() {
        let mut after = record();
        let launched = rules::Command::Launched {
            participant: ParticipantId::new("colleague"),
            oid: Oid::new("ben"),
            covering: true,
        };
        let now = rules::Timestamp(1_800_000_000_000);
        after.visit = rules::apply(after.visit, &rules::VisitEvent::Decided(launched), now).visit;
        let told = follow(&audience(&[("maya", false), ("ben", true)]), &record(), &mut after, false, &[], |_| true);
        assert!(matches!(&told[0], (to, NoticeKind::CoveredBy { .. }) if *to == who("maya")), "{told:?}");
        assert_eq!(told[1], (who("ben"), NoticeKind::VisitChanged));
    }
}
