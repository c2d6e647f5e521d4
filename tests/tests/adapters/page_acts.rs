//! What people do on the visit page: test devices, ask for help, answer, leave and come back, change the device. Everybody
//! for themselves only, and what they do is seen at the clinician's side.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, refused, visit_until};
use crate::room::{Waiting, is};
use crate::visitor::Visitor;

const BAD: (u16, &str, &str) = (400, "bad-request", "it");

fn path(visit: &Value) -> String {
    format!("/visits/{}", visit["id"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_device_test_is_seen_and_is_no_arrival() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    let report = json!({ "camera": "good", "microphone": "refused", "speaker": "untested", "connection": "weak" });
    visitor.say("devices", &report).await?.accepted()?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let test = &participant(&visit, "patient")["test"];
    assert_eq!((&test["camera"], &test["microphone"]), (&json!("good"), &json!("refused")), "{visit}");
    assert_eq!((&visit["stage"], &visit["arrived_at"]), (&json!("planned"), &Value::Null));

    // The same again writes nothing; words nobody knows are refused.
    let before = ground.at_rest().await?;
    visitor.say("devices", &report).await?.accepted()?;
    for bad in [
        json!({ "camera": "good" }),
        json!({ "camera": "haunted", "microphone": "good", "speaker": "good", "connection": "good" }),
        json!({ "camera": "good", "microphone": "good", "speaker": "good", "connection": "good", "name": "Ada" }),
    ] {
        refused("a report", &visitor.say("devices", &bad).await?, BAD);
    }
    assert_eq!(ground.written().await?, before);
    let probed = visitor.ask(Method::GET, "probe", None, None).await?;
    assert_eq!(probed.status, 200);
    ground.no_leaks().await
}

#[tokio::test]
async fn help_is_asked_answered_and_taken_on() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, visitor, .. } = &waiting;
    let late = json!({ "preset": "running-late", "minutes": 15 });
    let say = format!("{}/say", path(visit));
    let said = clinician.ask(Method::POST, &say, Some(&late)).await?.accepted()?;
    assert!(said["late_until"].is_string(), "{said}");
    let seen = visitor.sees("the message", |view| view["messages"][0]["preset"] == "running-late").await?;
    assert_eq!((&seen["late_until"], &seen["messages"][0]["minutes"]), (&said["late_until"], &json!(15)));
    let id = seen["messages"][0]["id"].clone();

    for (bad, what) in [
        (json!({ "message": id, "answer": "done" }), "an answer this message does not offer"),
        (json!({ "message": "made-up", "answer": "can-wait" }), "a message nobody sent"),
        (json!({ "message": id, "answer": "call me" }), "words of their own"),
    ] {
        refused(what, &visitor.say("answer", &bad).await?, BAD);
    }
    visitor.say("answer", &json!({ "message": id, "answer": "can-wait" })).await?.accepted()?;
    let heard = |it: &Value| it["messages"][0]["answered"] == "can-wait";
    visit_until(clinician, visit, "the answer", heard).await?;

    visitor.post("help").await?.accepted()?;
    let asked = |it: &Value| participant(it, "patient")["help_since"].is_string();
    let asking = visit_until(clinician, visit, "the request for help", asked).await?;
    let notices = clinician.get("/notices").await?;
    assert!(notices.to_string().contains("help-wanted"), "{notices}");
    let who = participant(&asking, "patient")["id"].as_str().unwrap_or_default().to_owned();
    let taken = clinician.ask(Method::POST, &format!("{}/help-taken/{who}", path(visit)), None).await?.accepted()?;
    assert_eq!(participant(&taken, "patient")["help_since"], Value::Null);
    visitor.sees("help is on the way", |view| view["help_since"] == Value::Null).await?;

    for (bad, what) in [
        (json!({ "preset": "running-late" }), "without minutes"),
        (json!({ "preset": "running-late", "minutes": 0 }), "no minutes"),
        (json!({ "preset": "running-late", "minutes": 241 }), "half a day"),
        (json!({ "preset": "almost-ready", "minutes": 5 }), "minutes where none belong"),
        (json!({ "preset": "see-you-in-court" }), "a preset nobody knows"),
        (json!({ "preset": "almost-ready", "to": "nobody" }), "to nobody"),
        (json!({ "preset": "almost-ready", "text": "free text" }), "free text"),
    ] {
        refused(what, &clinician.ask(Method::POST, &say, Some(&bad)).await?, BAD);
    }
    let all = json!({ "visits": [visit["id"]], "minutes": 20 });
    let told = clinician.ask(Method::POST, "/late", Some(&all)).await?;
    assert_eq!(told.status, 204);
    visitor.sees("late for all", |view| view["messages"][1]["minutes"] == 20).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn whoever_leaves_unseen_is_told_of_and_may_come_back() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, visitor, appointment, .. } = &waiting;
    ground.chart_shows(appointment, "patient", "Connected").await?;
    let left = visitor.post("leave").await?.accepted()?;
    assert_eq!(left["stage"], "can-be-ready", "the way back is one button");
    let gone = visit_until(clinician, visit, "the patient left", |it| is(it, "patient", "disconnected")).await?;
    assert!(participant(&gone, "patient")["left_unseen_after"].is_u64(), "{gone}");
    let notices = clinician.get("/notices").await?;
    assert!(notices.to_string().contains("left-unseen"), "{notices}");
    ground.chart_shows(appointment, "patient", "Disconnected").await?;
    visitor.ready().await?;
    let back = visit_until(clinician, visit, "the patient is back", |it| is(it, "patient", "waiting")).await?;
    assert_eq!(participant(&back, "patient")["left_unseen_after"], Value::Null);
    ground.chart_shows(appointment, "patient", "Connected").await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn a_second_device_takes_the_place_over_and_the_first_is_told() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let phone = Visitor::enter(&ground, 0, &appointment).await?;
    let tablet = Visitor::enter(&ground, 0, &appointment).await?;
    let _page = phone.stay().await?;
    assert_eq!(tablet.view().await?["stage"], "can-be-ready", "before anybody is ready both may test");
    phone.ready().await?;
    assert_eq!(phone.view().await?["stage"], "waiting");
    assert_eq!(tablet.view().await?["stage"], "another-device");
    // A second *I'm ready* on the other device is not lost: it says where the place is.
    assert_eq!(tablet.post("ready").await?.accepted()?["stage"], "another-device");
    assert_eq!(tablet.post("take-over").await?.accepted()?["stage"], "waiting");
    phone.sees("the phone is told", |view| view["stage"] == "another-device").await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    assert!(is(&visit, "patient", "waiting"), "nobody left: {visit}");
    let told = ground.accepted(&appointment, "patient").await?;
    assert!(told.len() <= 1, "{told:?}");
    ground.no_leaks().await
}
