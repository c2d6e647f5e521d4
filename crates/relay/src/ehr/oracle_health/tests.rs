//! Oracle Health's file against a small server that answers as its public pages say. The whole stand-in is in the sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::super::tests::fake::{Asked, Place, Reply, arrived, attendance, cut, found, intent, outcome, reply, stage};
use super::*;
use crate::config::Vendor;

fn appointment(status: &str, links: Option<(&str, &str)>) -> Value {
    let room = |whose: &str, id: &str, url: &str| {
        json!({"resourceType": "HealthcareService", "id": id, "type": [{"text": format!("{whose} Virtual Meeting Room")}],
            "telecom": [{"system": "url", "value": url,
                "period": {"start": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:30:00.000Z"}}]})
    };
    let contained = links.map_or(json!([]), |(provider, patient)| {
        json!([room("Patient", "28", patient), room("Provider", "31", provider)])
    });
    json!({"resourceType": "Appointment", "id": "a1", "meta": {"versionId": "4"}, "status": status,
        "contained": contained, "start": "2026-11-22T10:00:00Z", "end": "2026-11-22T10:30:00Z",
        "serviceType": [{"coding": [{"system": "urn:t", "code": "VV"}]}],
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"},
            {"actor": {"reference": "Practitioner/d1"}, "status": "accepted"}]})
}

fn read(status: &str) -> Reply {
    reply(200, appointment(status, None)).with("etag", "W/\"4-1\"")
}

async fn place(script: impl Fn(&Asked, &[Asked]) -> Reply + Send + Sync + 'static) -> Place {
    Place::start(Vendor::OracleHealth, |ehr| ehr.connection_status = None, script).await
}

fn is_patch(asked: &Asked) -> bool {
    asked.what.starts_with("PATCH")
}

#[tokio::test]
async fn an_arrival_is_one_patch_under_the_version_that_was_read() {
    let place = place(|asked, _| if is_patch(asked) { reply(200, Value::Null) } else { read("booked") }).await;
    assert_eq!(place.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
    let asked = place.asked();
    assert_eq!(
        asked.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(),
        ["GET Appointment/a1", "PATCH Appointment/a1"]
    );
    assert_eq!(asked[1].header("if-match"), "W/\"4-1\"", "the ETag, not meta.versionId");
    assert_eq!(asked[1].header("content-type"), "application/json-patch+json");
    assert_eq!(asked[1].body, json!([{"op": "replace", "path": "/status", "value": "arrived"}]));
    assert!(place.scope().contains("system/Appointment.write") && !place.scope().contains("Communication"));
}

#[tokio::test]
async fn where_it_stands_decides_whether_anything_is_written() {
    for (status, wanted) in [
        ("arrived", "accepted"),
        ("checked-in", "accepted"),
        ("fulfilled", "accepted"),
        ("proposed", "never"),
        ("cancelled", "never"),
        ("noshow", "never"),
        ("entered-in-error", "never"),
    ] {
        let place = place(move |_, _| read(status)).await;
        let got = match place.say(&arrived(Channel::State), "k", true).await {
            Said::Accepted => "accepted",
            Said::Never { .. } => "never",
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!((got, place.lines().len()), (wanted, 1), "{status}");
    }
}

#[tokio::test]
async fn somebody_who_was_faster_is_read_again_once() {
    for stale in [409, 412] {
        let once = place(move |asked, before| match (is_patch(asked), before.len()) {
            (true, 1) => reply(stale, Value::Null),
            (true, _) => reply(200, Value::Null),
            (false, _) => read("booked"),
        })
        .await;
        assert_eq!(once.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
        assert_eq!(once.lines().len(), 4);
        let ever =
            place(move |asked, _| if is_patch(asked) { reply(stale, Value::Null) } else { read("booked") }).await;
        assert!(matches!(ever.say(&arrived(Channel::State), "k", false).await, Said::NotNow { .. }));
        assert_eq!(ever.lines().len(), 4);
        // By then the desk has checked the patient in.
        let desk = place(move |asked, before| match (is_patch(asked), before.len()) {
            (true, _) => reply(stale, Value::Null),
            (false, 0) => read("booked"),
            (false, _) => read("checked-in"),
        })
        .await;
        assert_eq!(desk.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
    }
}

#[tokio::test]
async fn answers_fall_into_their_classes_and_none_is_sent_twice() {
    for (answer, wanted) in [
        (cut(), "nobody knows"),
        (reply(500, Value::Null), "nobody knows"),
        (reply(504, Value::Null), "nobody knows"),
        (reply(503, Value::Null).with("retry-after", "9"), "not now"),
        (reply(429, Value::Null).with("retry-after", "9"), "not now"),
        (reply(423, Value::Null).with("retry-after", "9"), "not now"),
        (outcome(422, "business-rule"), "never"),
        (reply(307, Value::Null).with("location", "/elsewhere"), "never"),
        (reply(403, Value::Null), "never"),
    ] {
        let shown = format!("{answer:?}");
        let place = place(move |asked, _| if is_patch(asked) { answer.clone() } else { read("booked") }).await;
        let got = match place.say(&arrived(Channel::State), "k", false).await {
            Said::NobodyKnows { reason } | Said::Never { reason } if reason.contains("CANARY") => panic!("{reason}"),
            Said::NobodyKnows { .. } => "nobody knows",
            Said::NotNow { retry_after, .. } => {
                assert_eq!(retry_after, Some(SignedDuration::from_secs(9)));
                "not now"
            }
            Said::Never { .. } => "never",
            other => panic!("{shown}: {other:?}"),
        };
        assert_eq!((got, place.lines().len()), (wanted, 2), "{shown}");
    }
    // What could not even be read was not applied.
    let unread = place(|_, _| reply(500, Value::Null)).await;
    assert!(matches!(unread.say(&arrived(Channel::State), "k", false).await, Said::NotNow { .. }));
    let gone = place(|_, _| reply(404, Value::Null)).await;
    assert!(matches!(gone.say(&arrived(Channel::State), "k", false).await, Said::Never { .. }));
}

#[tokio::test]
async fn a_token_that_is_no_longer_taken_costs_no_attempt() {
    let place = place(|asked, _| match (asked.header("authorization"), is_patch(asked)) {
        ("Bearer t1", true) => reply(401, Value::Null),
        (_, true) => reply(200, Value::Null),
        (_, false) => read("booked"),
    })
    .await;
    assert_eq!(place.say(&arrived(Channel::State), "k", false).await, Said::Accepted);
    assert_eq!((place.tokens(), place.lines().len()), (2, 3));
}

#[tokio::test]
async fn the_four_operations_on_links_come_together() {
    let links = |provider: &str, patient: &str| {
        intent(
            Channel::Link,
            About::Links {
                provider: provider.into(),
                patient: patient.into(),
                from: "2026-11-22T10:00:00Z".parse().unwrap(),
                until: "2026-11-22T10:30:00Z".parse().unwrap(),
            },
        )
    };
    let (provider, patient) = ("https://r.example/launch", "https://r.example/patient");
    let script = |standing: Option<(&'static str, &'static str)>| {
        move |asked: &Asked, _: &[Asked]| match is_patch(asked) {
            true => reply(200, Value::Null),
            false => reply(200, appointment("booked", standing)).with("etag", "W/\"7\""),
        }
    };
    for (standing, op) in [(None, "add"), (Some(("https://other.example/", patient)), "replace")] {
        let place = place(script(standing)).await;
        assert_eq!(place.say(&links(provider, patient), "k", false).await, Said::Accepted);
        let patch = place.asked().pop().unwrap();
        assert_eq!(patch.header("if-match"), "W/\"7\"");
        assert_eq!(
            patch.body,
            json!([
                {"op": op, "path": "/contained/0/telecom/0/value", "value": provider},
                {"op": op, "path": "/contained/1/telecom/0/value", "value": patient},
                {"op": op, "path": "/contained/0/telecom/0/period/start", "value": "2026-11-22T10:00:00.000Z"},
                {"op": op, "path": "/contained/0/telecom/0/period/end", "value": "2026-11-22T10:30:00.000Z"},
            ]),
            "contained 0 is the provider's, though the read shows the patient's first"
        );
    }
    let same = place(script(Some((provider, patient)))).await;
    assert_eq!(same.say(&links(provider, patient), "k", false).await, Said::Accepted);
    assert_eq!(same.lines(), ["GET Appointment/a1"]);
    let long = format!("https://r.example/{}", "x".repeat(255));
    assert!(
        matches!(same.say(&links(provider, &long), "k", false).await, Said::Never { reason } if reason.contains("255"))
    );
    assert_eq!(same.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn what_oracle_has_no_place_for_is_said_so_without_asking() {
    let place = place(|_, _| panic!("nobody is to be asked")).await;
    let at = "2026-11-22T10:00:00Z";
    for (channel, about) in [
        (Channel::State, attendance(Role::Practitioner, Presence::Connected, at)),
        (Channel::State, attendance(Role::Practitioner, Presence::Disconnected, at)),
        (Channel::State, stage("in-progress")),
        (Channel::Audit, attendance(Role::Patient, Presence::Connected, at)),
        (Channel::Message, attendance(Role::Patient, Presence::Connected, at)),
    ] {
        assert!(matches!(place.say(&intent(channel, about), "k", false).await, Said::Unsupported { .. }));
    }
    assert_eq!(place.lines(), Vec::<String>::new());
    assert_eq!(channels(&attendance(Role::Patient, Presence::Connected, at)), [Channel::State]);
    assert_eq!(channels(&stage("arrived")), []);
}

#[tokio::test]
async fn an_arrival_that_was_overtaken_by_the_leaving_is_still_told() {
    let left = intent(Channel::State, attendance(Role::Patient, Presence::Disconnected, "2026-11-22T10:00:00Z"));
    for (status, lines) in [("booked", 2), ("arrived", 1), ("cancelled", 1)] {
        let place = place(move |asked, _| if is_patch(asked) { reply(200, Value::Null) } else { read(status) }).await;
        assert!(matches!(place.say(&left, "k", false).await, Said::Unsupported { .. }), "{status}");
        assert_eq!(place.lines().len(), lines, "{status}");
    }
    let down = place(|_, _| reply(503, Value::Null)).await;
    assert!(matches!(down.say(&left, "k", false).await, Said::NotNow { .. }));
}

#[tokio::test]
async fn appointments_are_found_by_id_and_by_the_encounters_hour() {
    let place = place(|asked, _| match asked.what.as_str() {
        "GET Appointment/a1" => read("booked"),
        "GET Encounter/e1" => reply(
            200,
            json!({"resourceType": "Encounter", "id": "e1", "status": "planned",
            "subject": {"reference": "Patient/p1"}, "period": {"start": "2026-11-22T11:00:00+01:00"}}),
        ),
        "GET Encounter/e2" => reply(200, json!({"resourceType": "Encounter", "id": "e2", "status": "planned"})),
        "GET Appointment?patient=p1&date=ge2026-11-22T10:00:00.000Z&date=lt2026-11-23T10:00:00.000Z" => {
            let mut later = appointment("booked", None);
            later["start"] = json!("2026-11-22T14:00:00Z");
            found(&[appointment("booked", None), later])
        }
        _ => reply(404, Value::Null),
    })
    .await;
    let facts = place.ehr.appointment_by_identifier("a1").await.unwrap().unwrap();
    assert_eq!((facts.id.as_str(), facts.is_virtual, facts.patient.as_deref()), ("a1", true, Some("p1")));
    assert_eq!(place.ehr.appointment_of_encounter("e1").await.unwrap().unwrap().id, "a1");
    assert_eq!(place.ehr.appointment_of_encounter("e2").await.unwrap(), None);
    for unfit in ["", "none", "a1,a2", "../metadata", "a1&x=1"] {
        assert_eq!(place.ehr.appointment_by_identifier(unfit).await.unwrap(), None, "{unfit}");
    }
}
