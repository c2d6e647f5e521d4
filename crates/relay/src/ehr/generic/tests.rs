//! The generic file against a small server whose CapabilityStatement is each test's own. The whole stand-in is in the
//! sandbox, and `tests/` tries every strategy against it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::super::tests::fake::{
    ALL, Asked, Can, PLAIN, PUT, Place, Reply, arrived, attendance, cut, found, intent, outcome, reply, stage,
    statement,
};
use super::*;
use crate::config::Vendor;
use crate::outbox::{Presence, Role};
use crate::store::Others;

/// Nothing is there; a change is answered as told.
async fn empty(can: Can, change: Reply) -> Place {
    scripted(can, move |asked, _| match asked.what.split_once(' ').unwrap() {
        ("GET", path) if path.contains('?') => found(&[]),
        ("GET", _) => reply(404, Value::Null),
        _ => change.clone(),
    })
    .await
}

async fn scripted(can: Can, script: impl Fn(&Asked, &[Asked]) -> Reply + Send + Sync + 'static) -> Place {
    let script = move |asked: &Asked, before: &[Asked]| match asked.what.as_str() {
        "GET metadata" => statement(can),
        _ => script(asked, before),
    };
    Place::start(Vendor::FhirR4, |ehr| (ehr.connection_status, ehr.communication) = (None, true), script).await
}

/// What was asked, but for the statement.
fn changes(place: &Place) -> Vec<Asked> {
    place.asked().into_iter().filter(|it| !it.what.starts_with("GET")).collect()
}

fn class(said: &Said) -> &'static str {
    match said {
        Said::Accepted => "accepted",
        Said::NotNow { .. } => "not now",
        Said::NobodyKnows { .. } => "nobody knows",
        Said::Never { .. } => "never",
        Said::Unsupported { .. } => "unsupported",
        Said::NoIdentifier => "no identifier",
        Said::PossibleDouble { .. } => "possible double",
        Said::Wait => "wait",
        Said::Stopped => "stopped",
    }
}

fn ours(kind: &str, key: &str) -> Value {
    json!({ "resourceType": kind, "id": "x", "status": "planned", "meta": { "versionId": "3" },
        "identifier": [resources::identifier(key)],
        "entity": [{ "what": { "identifier": resources::identifier(key) } }] })
}

#[tokio::test]
async fn an_event_is_made_the_way_the_statement_allows() {
    let id = resources::deterministic("northside", "https://ehr.example/r4", "k");
    let put = |kind: &str| format!("PUT {kind}/{id}");
    for (can, channel, wanted) in [
        (ALL, Channel::Audit, put("AuditEvent")),
        (ALL, Channel::Message, put("Communication")),
        (Can { put: false, ..ALL }, Channel::Message, "POST Communication".to_owned()),
        // It has no identifier to be conditional on.
        (Can { put: false, ..ALL }, Channel::Audit, "POST AuditEvent".to_owned()),
        (PLAIN, Channel::Message, "POST Communication".to_owned()),
    ] {
        let place = empty(can, reply(201, Value::Null)).await;
        assert_eq!(place.say(&arrived(channel), "k", false).await, Said::Accepted);
        let sent = changes(&place);
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].what, wanted);
        let condition = if can.conditional && wanted == "POST Communication" {
            format!("identifier={}%7Ck", resources::SYSTEM.replace(':', "%3A"))
        } else {
            String::new()
        };
        assert_eq!(sent[0].header("if-none-exist"), condition, "{wanted}");
        assert_eq!(sent[0].body["id"].is_string(), wanted.starts_with("PUT"));
        assert!(resources::carries(&sent[0].body, "k"));
    }
}

#[tokio::test]
async fn after_an_unknown_outcome_it_is_looked_for_before_anything_is_sent() {
    for (can, channel, there, wanted, posted) in [
        (ALL, Channel::Audit, true, "accepted", 0),
        (ALL, Channel::Audit, false, "accepted", 1),
        (Can { put: false, ..ALL }, Channel::Message, true, "accepted", 0),
        (Can { put: false, ..ALL }, Channel::Message, false, "accepted", 1),
        (PLAIN, Channel::Message, true, "accepted", 0),
        (PLAIN, Channel::Message, false, "possible double", 0),
        (PLAIN, Channel::Audit, true, "accepted", 0),
        (PLAIN, Channel::Audit, false, "possible double", 0),
    ] {
        let kind = if channel == Channel::Audit { "AuditEvent" } else { "Communication" };
        let place = scripted(can, move |asked, _| match (asked.what.split_once(' ').unwrap(), there) {
            (("GET", path), true) if path.contains('?') => found(&[ours(kind, "other"), ours(kind, "k")]),
            (("GET", path), false) if path.contains('?') => found(&[ours(kind, "other")]),
            (("GET", _), true) => reply(200, ours(kind, "k")),
            (("GET", _), false) => reply(404, Value::Null),
            _ => reply(201, Value::Null),
        })
        .await;
        let said = place.say(&arrived(channel), "k", true).await;
        assert_eq!((class(&said), changes(&place).len()), (wanted, posted), "{channel:?} {there}");
    }
}

#[tokio::test]
async fn a_change_falls_into_its_class() {
    for (answer, wanted) in [
        (cut(), "nobody knows"),
        (reply(500, Value::Null), "nobody knows"),
        (reply(503, Value::Null), "not now"),
        (reply(429, Value::Null), "not now"),
        (outcome(422, "invariant"), "never"),
        (outcome(403, "forbidden"), "never"),
        (reply(400, Value::Null), "never"),
        (reply(302, Value::Null), "never"),
    ] {
        for channel in [Channel::State, Channel::Audit, Channel::Message] {
            let place = empty(ALL, answer.clone()).await;
            let said = place.say(&arrived(channel), "k", false).await;
            assert_eq!((class(&said), changes(&place).len()), (wanted, 1), "{channel:?} {answer:?}");
            assert!(!format!("{said:?}").contains("CANARY"), "{said:?}");
        }
    }
    let place = empty(ALL, reply(201, Value::Null)).await;
    for channel in [Channel::State, Channel::Audit, Channel::Message] {
        assert_eq!(place.say_without_lease(&arrived(channel)).await, Said::Stopped);
    }
    assert_eq!(changes(&place).len(), 0, "nothing leaves without the lease");
}

#[tokio::test]
async fn an_encounter_is_made_once_the_way_the_statement_allows() {
    let key = resources::deterministic("northside", "https://ehr.example/r4", "encounter/a1");
    let place = empty(ALL, reply(201, Value::Null)).await;
    assert_eq!(place.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
    let made = changes(&place).remove(0);
    assert_eq!((made.what.as_str(), made.header("if-none-exist").is_empty()), ("POST Encounter", false));
    assert!(resources::carries(&made.body, &key), "one key per appointment, not per row");
    let place = empty(PUT, reply(201, Value::Null)).await;
    assert_eq!(place.say(&arrived(Channel::State), "k", true).await, Said::Accepted);
    let made = changes(&place).remove(0);
    assert_eq!((made.what, made.headers["if-none-match"].to_str().unwrap()), (format!("PUT Encounter/{key}"), "*"));
    let place = empty(PLAIN, cut()).await;
    assert_eq!(class(&place.say(&arrived(Channel::State), "k", false).await), "nobody knows");
    assert_eq!(class(&place.say(&arrived(Channel::State), "k", true).await), "possible double");
    assert_eq!(changes(&place).len(), 1);
}

#[tokio::test]
async fn while_nobody_knows_what_became_of_another_state_of_the_visit_nothing_leaves_that_it_could_undo() {
    let key = resources::deterministic("northside", "https://ehr.example/r4", "encounter/a1");
    let unversioned = Can { versioned: false, ..ALL };
    use Others::{Asked, Clear, Settling};
    for (can, there, uncertain, settling, others, wanted, sent) in [
        (PLAIN, false, false, false, Settling, "wait", 0),
        (PLAIN, false, false, false, Asked, "possible double", 0),
        (PLAIN, false, true, true, Clear, "wait", 0),
        (PLAIN, false, true, false, Settling, "possible double", 0),
        (PUT, false, false, false, Settling, "wait", 0),
        (PUT, false, false, false, Asked, "accepted", 1),
        (PUT, false, true, true, Clear, "wait", 0),
        (PUT, false, true, false, Settling, "accepted", 1),
        (ALL, false, false, false, Settling, "wait", 0),
        (ALL, false, true, true, Clear, "wait", 0),
        (ALL, false, true, false, Settling, "accepted", 1),
        (ALL, false, false, false, Asked, "accepted", 1),
        (unversioned, true, false, false, Settling, "wait", 0),
        (unversioned, true, true, true, Settling, "accepted", 1),
        (unversioned, true, false, false, Asked, "accepted", 1),
        (ALL, true, false, false, Settling, "accepted", 1),
    ] {
        let standing = if there { vec![ours("Encounter", &key)] } else { Vec::new() };
        let place = scripted(can, move |asked, _| match asked.what.split_once(' ').unwrap() {
            ("GET", path) if path.contains('?') => found(&standing),
            ("GET", _) => reply(404, Value::Null),
            ("PUT", "Encounter/x") => reply(200, Value::Null),
            _ => reply(201, Value::Null),
        })
        .await;
        let said = place.say_in_doubt(&arrived(Channel::State), uncertain, settling, others).await;
        let row = format!("{can:?} {there} {uncertain} {settling} {others:?}");
        assert_eq!((class(&said), changes(&place).len()), (wanted, sent), "{row}");
    }
}

#[tokio::test]
async fn a_change_without_a_version_counts_as_perhaps_applied() {
    let key = resources::deterministic("northside", "https://ehr.example/r4", "encounter/a1");
    for (versioned, wanted) in [(true, Said::Accepted), (false, Said::Stopped)] {
        let standing = ours("Encounter", &key);
        let place = scripted(Can { versioned, ..ALL }, move |asked, _| match asked.what.split_once(' ').unwrap().0 {
            "GET" => found(std::slice::from_ref(&standing)),
            _ => reply(200, Value::Null),
        })
        .await;
        assert_eq!(place.say_without_lease(&arrived(Channel::State)).await, wanted, "versioned: {versioned}");
    }
}

#[tokio::test]
async fn an_encounter_that_is_there_is_changed_under_its_version() {
    let key = resources::deterministic("northside", "https://ehr.example/r4", "encounter/a1");
    let standing = move || found(&[ours("Encounter", &key)]);
    for can in [ALL, Can { versioned: false, ..ALL }] {
        let standing = standing.clone();
        let place = scripted(can, move |asked, before| match asked.what.split_once(' ').unwrap() {
            ("GET", "Encounter?appointment=Appointment/a1") => standing(),
            ("PUT", "Encounter/x") if before.iter().filter(|it| it.what.starts_with("PUT")).count() == 0 => {
                reply(412, Value::Null)
            }
            ("PUT", "Encounter/x") => reply(200, Value::Null),
            _ => panic!("{}", asked.what),
        })
        .await;
        assert_eq!(place.say(&intent(Channel::State, stage("arrived")), "k", false).await, Said::Accepted);
        let sent = changes(&place);
        assert_eq!(sent.len(), 2, "read again, and applied to what stands there");
        assert_eq!(sent[1].header("if-match"), if can.versioned { "W/\"3\"" } else { "" });
        assert_eq!((&sent[1].body["status"], &sent[1].body["id"]), (&json!("arrived"), &json!("x")));
    }
}

#[tokio::test]
async fn a_conditional_create_that_found_somebody_elses_changes_that_one() {
    let key = resources::deterministic("northside", "https://ehr.example/r4", "encounter/a1");
    let place = scripted(ALL, move |asked, before| match asked.what.split_once(' ').unwrap().0 {
        "GET" if before.iter().any(|it| it.what.starts_with("POST")) => found(&[ours("Encounter", &key)]),
        "GET" => found(&[]),
        _ => reply(200, Value::Null),
    })
    .await;
    assert_eq!(place.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
    let sent: Vec<String> = changes(&place).into_iter().map(|it| it.what).collect();
    assert_eq!(sent, ["POST Encounter", "PUT Encounter/x"], "what the create did not set is set");
}

#[tokio::test]
async fn the_location_comes_in_the_same_transaction_where_there_is_one() {
    let can = Can { transaction: true, ..ALL };
    let answer = json!({ "resourceType": "Bundle", "type": "transaction-response",
        "entry": [{ "response": { "status": "200" } }, { "response": { "status": "201 Created" } }] });
    let place = empty(can, reply(200, answer)).await;
    assert_eq!(place.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
    let bundle = changes(&place).remove(0);
    assert_eq!(bundle.what.trim(), "POST");
    let [location, encounter] = bundle.body["entry"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!(location["request"]["method"], "POST");
    assert!(location["request"]["ifNoneExist"].as_str().unwrap().starts_with("identifier="));
    assert_eq!(location["resource"]["telecom"][0]["value"], "http://127.0.0.1:8400/o/northside/patient");
    assert!(encounter["request"]["ifNoneExist"].as_str().unwrap().starts_with("identifier="));
    let reference = &encounter["resource"]["location"][0]["location"]["reference"];
    assert_eq!(reference, &location["fullUrl"]);
    // A clinician needs no location.
    let clinician = intent(Channel::State, attendance(Role::Practitioner, Presence::Connected, "2026-11-22T10:00:00Z"));
    assert_eq!(class(&place.say(&clinician, "k", false).await), "not now", "200 is no 201, and nothing is found");
    assert!(changes(&place).iter().all(|it| it.what == "POST Encounter"));
}

#[tokio::test]
async fn what_needs_no_encounter_makes_none() {
    let place = empty(ALL, reply(201, Value::Null)).await;
    for word in ["planned", "cancelled", "noshow"] {
        assert_eq!(place.say(&intent(Channel::State, stage(word)), "k", false).await, Said::Accepted);
    }
    assert_eq!(changes(&place).len(), 0);
    let links = About::Links {
        provider: "https://x".into(),
        patient: "https://x".into(),
        from: "2026-11-22T10:00:00Z".parse().unwrap(),
        until: "2026-11-22T11:00:00Z".parse().unwrap(),
    };
    assert_eq!(class(&place.say(&intent(Channel::Link, links), "k", false).await), "unsupported");
}

#[tokio::test]
async fn the_statement_is_read_once_an_hour_and_after_a_surprise() {
    let place = scripted(PUT, |asked, _| match asked.what.as_str() {
        it if it.starts_with("GET") && it.contains('?') => found(&[]),
        it if it.starts_with("GET") => reply(404, Value::Null),
        _ => reply(405, Value::Null),
    })
    .await;
    let statements = |place: &Place| place.lines().iter().filter(|it| *it == "GET metadata").count();
    assert_eq!(class(&place.say(&arrived(Channel::Audit), "k", false).await), "never", "it says the same as before");
    assert_eq!(statements(&place), 2);
    place.clock.advance(SignedDuration::from_mins(59));
    place.say(&intent(Channel::State, stage("planned")), "k", false).await;
    assert_eq!(statements(&place), 0);
    place.clock.advance(SignedDuration::from_mins(2));
    place.say(&intent(Channel::State, stage("planned")), "k", false).await;
    assert_eq!(statements(&place), 1);
    // It has learnt to say so.
    let place = Place::start(
        Vendor::FhirR4,
        |_| {},
        |asked, before| match asked.what.as_str() {
            "GET metadata" if before.is_empty() => statement(PUT),
            "GET metadata" => statement(PLAIN),
            it if it.starts_with("GET") => found(&[]),
            it if it.starts_with("PUT") => reply(405, Value::Null),
            _ => reply(201, Value::Null),
        },
    )
    .await;
    assert_eq!(class(&place.say(&arrived(Channel::Audit), "k", false).await), "not now");
    assert_eq!(class(&place.say(&arrived(Channel::Audit), "k", false).await), "accepted");
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_told_nothing() {
    let silent = json!({ "resourceType": "CapabilityStatement", "rest": [{ "mode": "server", "resource": [
        { "type": "Encounter", "interaction": [{ "code": "read" }] }] }] });
    let place = Place::start(Vendor::FhirR4, |_| {}, move |_, _| reply(200, silent.clone())).await;
    for channel in [Channel::State, Channel::Audit, Channel::Message] {
        assert_eq!(class(&place.say(&arrived(channel), "k", false).await), "unsupported", "{channel:?}");
    }
    assert_eq!(place.lines(), ["GET metadata"]);
    // It only lets be changed what the desk has made, and the desk has not yet.
    let desk = json!({ "resourceType": "CapabilityStatement", "rest": [{ "mode": "server", "resource": [
        { "type": "Encounter", "interaction": [{ "code": "update" }, { "code": "search-type" }],
            "searchParam": [{ "name": "appointment" }] }] }] });
    let place = Place::start(
        Vendor::FhirR4,
        |_| {},
        move |asked, _| match asked.what.as_str() {
            "GET metadata" => reply(200, desk.clone()),
            _ => found(&[]),
        },
    )
    .await;
    assert_eq!(class(&place.say(&arrived(Channel::State), "k", false).await), "no identifier");
}

#[test]
fn doors_and_scopes_follow_the_configuration() {
    let mut config =
        crate::config::Config::assemble(crate::config::NORTHSIDE, std::path::Path::new("test"), Vec::new());
    let mut ehr = config.as_mut().unwrap().organizations.remove(0).ehr.remove(0);
    let about = arrived(Channel::State).about;
    assert_eq!(channels(&ehr, &about), [Channel::State, Channel::Audit]);
    assert!(!scope(&ehr).contains("Communication"));
    (ehr.audit, ehr.communication) = (false, true);
    assert_eq!(channels(&ehr, &about), [Channel::State, Channel::Message]);
    assert!(!scope(&ehr).contains("AuditEvent"));
    assert_eq!(channels(&ehr, &stage("arrived")), [Channel::State]);
}
