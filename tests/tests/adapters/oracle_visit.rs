//! A whole visit at Oracle Health, with the real relay: the meeting brings its links to the appointment, the patient's
//! arrival its status; what Oracle has no place for is said and counted, and nothing is written twice.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::room::{Running, Waiting, is};
use crate::visitor::{Visitor, shown as shown_to};

/// What stands at an appointment.
async fn standing(ground: &Ground, appointment: &Value) -> anyhow::Result<Value> {
    let all = ground.stack.sandbox.get("/standing?ehr=oracle").await?;
    let mut all = all["oracle"]["appointments"].as_array().cloned().unwrap_or_default();
    all.retain(|it| it["appointment_id"] == appointment["appointment_id"]);
    all.pop().ok_or_else(|| anyhow::anyhow!("the appointment is gone"))
}

/// Waits until an appointment stands so.
async fn stands(
    ground: &Ground,
    appointment: &Value,
    what: &str,
    wanted: impl Fn(&Value) -> bool,
) -> anyhow::Result<Value> {
    e2e::wait::until(what, async || Ok(Some(standing(ground, appointment).await?).filter(|it| wanted(it)))).await
}

/// What was written to the appointment, oldest first: its status and whether there were links by then.
async fn written(ground: &Ground, appointment: &Value) -> anyhow::Result<Vec<(String, bool)>> {
    let all = ground.stack.sandbox.get("/effects?since=0&limit=10000").await?;
    let all = all["effects"].as_array().cloned().unwrap_or_default();
    let own = all.iter().filter(|it| it["ehr"] == "oracle" && it["id"] == appointment["appointment_id"]);
    Ok(own.map(|it| (it["status"].as_str().unwrap_or_default().to_owned(), it["links"].is_object())).collect())
}

#[tokio::test]
async fn a_visit_brings_its_links_and_the_arrival_to_the_appointment() -> anyhow::Result<()> {
    let ground = Ground::start_at("oracle-health", |_| {}).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let id = appointment["appointment_id"].as_str().unwrap_or_default();
    assert_eq!(standing(&ground, &appointment).await?["links"], Value::Null);

    // The launch makes the meeting, and the meeting the links: our own pages, good for as long as the visit is planned.
    let visit = clinician.enter(&ground.stack, id).await?;
    let shown = stands(&ground, &appointment, "the links", |it| it["links"].is_object()).await?;
    assert_eq!(shown["status"], "booked");
    let page = |name: &str| {
        let iss: String = url::form_urlencoded::byte_serialize(clinician.iss.as_bytes()).collect();
        format!("{}/o/northside/{name}?iss={iss}&sessionId={id}", ground.stack.relay)
    };
    for (whose, name) in [("provider", "launch"), ("patient", "patient")] {
        assert_eq!(shown["links"][whose], page(name));
    }
    for end in ["start", "end"] {
        let at: jiff::Timestamp = shown["links"][end].as_str().unwrap_or_default().parse()?;
        let planned: jiff::Timestamp = visit[end].as_str().unwrap_or_default().parse()?;
        assert_eq!(at, planned, "{end}");
    }

    let waiting = Waiting::start(&ground, 0, appointment.clone()).await?;
    let shown = stands(&ground, &appointment, "the arrival", |it| it["status"] == "arrived").await?;
    assert!(shown["links"].is_object(), "the arrival took the links away");
    let running = waiting.meet(&ground).await?;
    assert_eq!(participant(&running.look().await?, "patient")["chart"]["state"], "written");

    running.room.leaves(&running.legs.1).await?;
    let gone = |visit: &Value| is(visit, "patient", "disconnected");
    visit_until(&running.clinician, &running.visit, "the patient is gone", gone).await?;
    end(&running).await?;

    // Who left and who is staff has no place in Oracle's schedule: each says so.
    let said = |visit: &Value| {
        let unsaid = |role| participant(visit, role)["chart"]["state"] == "unsupported";
        visit["stage"] == "finished" && unsaid("patient") && unsaid("practitioner")
    };
    let visit = visit_until(&running.clinician, &running.visit, "the visit says what the chart lacks", said).await?;
    let reason = |role| participant(&visit, role)["chart"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason("patient").contains("somebody who left"), "{visit}");
    assert!(reason("practitioner").contains("staff"), "{visit}");
    // Planned, arrived, in-progress, finished: no row, one count each.
    let counted = ground.figure("roomed_ehr_unsupported_total{about=\"stage\",vendor=\"oracle-health\"}").await?;
    assert_eq!(counted, 4.0);
    let once = [("booked".to_owned(), true), ("arrived".to_owned(), true)];
    assert_eq!(written(&ground, &appointment).await?, once);
    assert_eq!(standing(&ground, &appointment).await?["status"], "arrived");
    ground.no_leaks().await
}

#[tokio::test]
async fn the_patients_link_on_the_appointment_leads_into_their_visit_and_nobody_elses() -> anyhow::Result<()> {
    let ground = Ground::start_at("oracle-health", |_| {}).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let shown = stands(&ground, &appointment, "the links", |it| it["links"].is_object()).await?;
    let link = shown["links"]["patient"].as_str().unwrap_or_default();
    let portal = async |patient: usize| -> anyhow::Result<String> {
        let user = &ground.patient(patient)?["mychart_user"];
        let body = json!({ "ehr": "oracle", "org": "northside", "mychart_user": user });
        let session = ground.stack.sandbox.send(Method::POST, "/portal-sessions", &body).await?;
        Ok(session["cookie"].as_str().unwrap_or_default().to_owned())
    };

    let somebody = Visitor::callback_with(link, &portal(1).await?).await?.open().await?;
    let refusal = shown_to(somebody).await?;
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "wrong-patient"));
    let nobody = Visitor::callback(link).await?.open().await?;
    assert_eq!(shown_to(nobody).await?.code, "launch-refused", "who has not signed in has no code");

    let visitor = Visitor::of(&ground, &Visitor::callback_with(link, &portal(0).await?).await?).await?;
    visitor.ready().await?;
    stands(&ground, &appointment, "the arrival", |it| it["status"] == "arrived").await?;
    visit_until(&clinician, &visit, "it is this visit", |it| it["stage"] == "arrived").await?;
    // The provider's link is nobody's launch: it says where to begin.
    let provider = shown["links"]["provider"].as_str().unwrap_or_default();
    let page = shown_to(e2e::clinician::http()?.get(provider).send().await?).await?;
    assert!(page.text.contains("Begin the visit again from the chart"), "{}", page.text);
    ground.no_leaks().await
}

/// The clinician ends the visit and everybody goes.
async fn end(running: &Running) -> anyhow::Result<()> {
    let path = format!("/visits/{}/end", running.visit["id"].as_str().unwrap_or_default());
    running.clinician.ask(Method::POST, &path, None).await?.accepted()?;
    running.room.ends().await
}
