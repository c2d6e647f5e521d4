//! Which intents follow from a change, at each vendor: through which doors, when the links go with it, and what is counted
//! because there is no door. That the counting comes after the commit is tried with the whole relay (`tests/`).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use roomed_visit::{ChartStatus, Command, Oid, Participant, ParticipantId, Plan, Stage, Visit, VisitEvent, apply};

use super::*;
use crate::config::{NORTHSIDE, Vendor};
use crate::record::{EhrReferences, Line};
use crate::store::Channel;

const NOW: &str = "2026-11-22T10:00:00Z";
const ISS: &str = "http://127.0.0.1:3/fhir";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// Northside with one of the EHRs; a Communication where there is one.
fn config(vendor: Vendor) -> Config {
    let mut config = Config::assemble(NORTHSIDE, Path::new("test"), Vec::new()).unwrap();
    let ehr = &mut config.organizations[0].ehr[0];
    ehr.vendor = vendor;
    ehr.communication = vendor != Vendor::OracleHealth;
    config.public_url = "https://roomed.example".into();
    config
}

/// A planned visit of one patient and one clinician.
fn record(config: &Config) -> Record {
    let who = |id: &str| ParticipantId::new(id);
    let start = wire::to_rules(now());
    let plan = Plan { start, end: wire::to_rules(now() + jiff::SignedDuration::from_mins(30)) };
    let people = [
        (who("patient"), Participant::patient()),
        (who("clinician"), Participant::practitioner(Some(Oid::new("oid")))),
    ];
    Record {
        visit: Visit::open(plan, wire::policy(&config.visit), people),
        ehr: EhrReferences {
            iss: ISS.into(),
            appointment: "a1".into(),
            conference_id: Some("77".into()),
            department: None,
            people: BTreeMap::from([(who("patient"), "p1".to_owned()), (who("clinician"), "d1".to_owned())]),
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

fn written(participant: &str, again: bool) -> Effect {
    let participant = ParticipantId::new(participant);
    Effect::WriteBack { participant, status: ChartStatus::Connected, at: wire::to_rules(now()), again }
}

/// Nothing is new but what `change` says.
fn news<'a>(effects: &'a [Effect], change: impl FnOnce(&mut News<'a>)) -> News<'a> {
    let mut news = News { before: "planned", effects, meeting: false, moved: false, now: now() };
    change(&mut news);
    news
}

/// Words for what the intents are about, and their doors.
fn told(promises: &Promises) -> Vec<(&'static str, Channel)> {
    promises.intents.iter().map(|it| (it.about.as_str(), it.channel)).collect()
}

#[test]
fn each_vendor_is_told_through_its_doors_and_what_has_none_is_counted() {
    use Channel::{Audit, Link, Message, State};
    let effects = [written("patient", false)];
    let at_all = [("attendance", State)];
    for (vendor, told_of, unsupported) in [
        (Vendor::Epic, vec![at_all[0], ("attendance", Message)], vec![("stage", "epic"), ("links", "epic")]),
        (Vendor::OracleHealth, vec![at_all[0], ("links", Link)], vec![("stage", "oracle-health")]),
        (
            Vendor::FhirR4,
            vec![at_all[0], ("attendance", Audit), ("attendance", Message), ("stage", State)],
            vec![("links", "fhir-r4")],
        ),
    ] {
        let config = config(vendor);
        let news = news(&effects, |it| (it.before, it.meeting) = ("", true));
        let promises = of(&config, "northside", &record(&config), &news);
        assert_eq!(told(&promises), told_of, "{vendor:?}");
        assert_eq!(promises.unsupported, unsupported, "{vendor:?}");
        assert!(promises.intents.iter().all(|it| it.patient.as_deref() == Some("p1") && it.appointment == "a1"));
    }
}

#[test]
fn what_is_not_told_is_counted_by_what_it_is_about_and_vendor() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    metrics::with_local_recorder(&recorder, || count(&[("stage", "epic"), ("links", "epic"), ("stage", "epic")]));
    let text = figures.render();
    for line in ["{about=\"stage\",vendor=\"epic\"} 2", "{about=\"links\",vendor=\"epic\"} 1"] {
        assert!(text.contains(&format!("roomed_ehr_unsupported_total{line}")), "{line}: {text}");
    }
}

#[test]
fn links_go_with_the_meeting_and_again_when_the_visit_is_moved() {
    let config = config(Vendor::OracleHealth);
    let mut record = record(&config);
    let none = of(&config, "northside", &record, &news(&[], |it| it.moved = true));
    assert_eq!(told(&none), [], "no meeting, no links");

    let made = of(&config, "northside", &record, &news(&[], |it| it.meeting = true));
    let [WriteBack { about: About::Links { provider, patient, from, until }, channel: Channel::Link, .. }] =
        made.intents.as_slice()
    else {
        panic!("{:?}", told(&made))
    };
    let page = |name: &str| {
        format!("https://roomed.example/o/northside/{name}?iss=http%3A%2F%2F127.0.0.1%3A3%2Ffhir&sessionId=a1")
    };
    assert_eq!((provider, patient), (&page("launch"), &page("patient")));
    assert_eq!((*from, until.duration_since(*from).as_mins()), (now(), 30));

    let ready = VisitEvent::Decided(Command::MeetingReady);
    record.visit = apply(record.visit, &ready, wire::to_rules(now())).visit;
    assert_eq!(told(&of(&config, "northside", &record, &news(&[], |_| {}))), [], "nothing is new");
    let moved = of(&config, "northside", &record, &news(&[], |it| it.moved = true));
    assert_eq!(told(&moved), [("links", Channel::Link)], "they say from when until when they are good");
}

#[test]
fn a_stage_is_told_when_it_is_another_and_no_backup_is_in_doubt() {
    let config = config(Vendor::FhirR4);
    let mut record = record(&config);
    let stages = |record: &Record, before: &'static str| {
        told(&of(&config, "northside", record, &news(&[], |it| it.before = before)))
    };
    assert_eq!(stages(&record, ""), [("stage", Channel::State)]);
    assert_eq!(stages(&record, "planned"), []);
    let restored = VisitEvent::Decided(Command::Restored);
    record.visit = apply(record.visit, &restored, wire::to_rules(now())).visit;
    assert_eq!(stages(&record, "arrived"), []);
}

#[test]
fn what_the_ehr_itself_cancelled_is_not_said_back_and_what_stands_again_is() {
    let config = config(Vendor::FhirR4);
    let mut record = record(&config);
    let stages = |record: &Record, before: &'static str| {
        told(&of(&config, "northside", record, &news(&[], |it| it.before = before)))
    };
    let decided = |record: &mut Record, command| {
        record.visit = apply(record.visit.clone(), &VisitEvent::Decided(command), wire::to_rules(now())).visit;
    };
    decided(&mut record, Command::Cancel);
    assert_eq!(record.visit.stage(wire::to_rules(now())), Stage::Cancelled { at: wire::to_rules(now()) });
    assert_eq!(stages(&record, "arrived"), []);
    decided(&mut record, Command::Reinstate);
    assert_eq!(stages(&record, "cancelled"), [("stage", Channel::State)]);
}

#[test]
fn what_is_said_again_goes_only_where_it_replaces_what_was_said() {
    let config = config(Vendor::FhirR4);
    let effects = [written("clinician", true)];
    let promises = of(&config, "northside", &record(&config), &news(&effects, |_| {}));
    assert_eq!(told(&promises), [("attendance", Channel::State)], "a second event would be one too many");
}

#[test]
fn a_connection_that_was_taken_away_leaves_a_row_that_says_so() {
    let mut config = config(Vendor::FhirR4);
    let record = record(&config);
    config.organizations[0].ehr.clear();
    let effects = [written("patient", false), written("clinician", false)];
    let promises = of(&config, "northside", &record, &news(&effects, |it| it.meeting = true));
    assert_eq!(told(&promises), [("attendance", Channel::State); 2]);
    assert_eq!(of(&config, "nowhere", &record, &news(&effects, |_| {})), Promises::default());
}

/// A group of two, the second with an appointment of their own.
fn group(config: &Config) -> Record {
    let mut record = record(config);
    let second = ParticipantId::new("second");
    let expect = Command::Expect { participant: second.clone(), whom: roomed_visit::Expected::Patient };
    record.visit = apply(record.visit, &VisitEvent::Decided(expect), wire::to_rules(now())).visit;
    record.ehr.group = Some("77".into());
    record.ehr.people.insert(second.clone(), "p2".to_owned());
    record.ehr.lines.insert(second, Line { appointment: "a2".into(), conference_id: Some("77".into()) });
    record
}

#[test]
fn in_a_group_each_is_told_to_their_own_chart_and_the_clinician_to_none() {
    let config = config(Vendor::Epic);
    let effects = [written("second", false), written("patient", false), written("clinician", false)];
    let promises = of(&config, "northside", &group(&config), &news(&effects, |_| {}));
    let told: Vec<_> =
        promises.intents.iter().map(|it| (it.participant(), it.channel, it.appointment.as_str())).collect();
    let (state, message) = (Channel::State, Channel::Message);
    assert_eq!(
        told,
        [
            ("second", state, "a2"),
            ("second", message, "a2"),
            ("patient", state, "a1"),
            ("patient", message, "a1"),
            ("clinician", state, "a1"),
        ]
    );
    let charts: Vec<_> = promises.intents.iter().map(|it| it.patient.as_deref()).collect();
    assert_eq!(charts, [Some("p2"), Some("p2"), Some("p1"), Some("p1"), None]);
    assert!(promises.intents.iter().all(|it| it.conference_id.as_deref() == Some("77")));
}

#[test]
fn where_no_patient_is_to_come_none_has_missed_anything() {
    let config = config(Vendor::FhirR4);
    let plan = record(&config).visit.plan();
    let among = |record: &mut Record| {
        let people =
            ["clinician", "other"].map(|it| (ParticipantId::new(it), Participant::practitioner(Some(Oid::new(it)))));
        record.visit = Visit::open(plan, wire::policy(&config.visit), people);
    };
    let late = now() + jiff::SignedDuration::from_hours(12);
    let closed = |mut record: Record| {
        record.visit = apply(record.visit, &VisitEvent::Tick, wire::to_rules(late)).visit;
        told(&of(&config, "northside", &record, &News { now: late, ..news(&[], |_| {}) }))
    };
    let (with, mut without) = (record(&config), record(&config));
    among(&mut without);
    assert_eq!(closed(with), [("stage", Channel::State)], "a patient did not come");
    assert_eq!(closed(without), []);
}
