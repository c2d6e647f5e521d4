//! Clinicians among themselves: an appointment without a patient. Each awaits the others, whoever is not there yet is
//! alerted, their own lines are written, and nobody is said to have missed anything.

use e2e::clinician::Clinician;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::room::Room;
use crate::visitor::Visitor;

/// A talk of Northside's first two practitioners, now.
async fn book(ground: &Ground) -> anyhow::Result<Value> {
    let other = ground.northside.of_role("practitioner", 1)?["practitioner_id"].clone();
    let among = |body: &mut Value| {
        body["more_practitioners"] = json!([other]);
        if let Some(body) = body.as_object_mut() {
            body.remove("patient_id");
        }
    };
    ground.schedule_unusual(among).await
}

fn id(appointment: &Value) -> &str {
    appointment["appointment_id"].as_str().unwrap_or_default()
}

fn inside(visit: &Value) -> usize {
    visit["participants"].as_array().into_iter().flatten().filter(|it| it["presence"] == "connected").count()
}

#[tokio::test]
async fn who_is_missing_is_alerted_and_both_are_written_to_their_own_lines() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    // The second one was here before, in another visit: so it is known whom to alert.
    let second = ground.clinician(1).await?;
    second.enter(&ground.stack, id(&ground.schedule(1, 0).await?)).await?;
    let appointment = book(&ground).await?;
    let first = ground.clinician(0).await?;
    let visit = first.enter(&ground.stack, id(&appointment)).await?;
    let roles = visit["participants"].as_array().into_iter().flatten().map(|it| it["role"].clone());
    assert_eq!(roles.collect::<Vec<_>>(), [json!("practitioner"), json!("practitioner")], "{visit}");

    let path = |visit: &Value| format!("/visits/{}/join", visit["id"].as_str().unwrap_or_default());
    let join = first.ask(Method::POST, &path(&visit), None).await?.accepted()?;
    let room = Room::of(&ground, &join).await?;
    room.comes(&first.oid).await?;
    e2e::wait::until("the other one is alerted", async || {
        let notices = second.get("/notices").await?["notices"].clone();
        let about = |it: &&Value| it["kind"] == "patient-ready" && it["visit"] == visit["id"];
        Ok(notices.as_array().into_iter().flatten().find(about).cloned())
    })
    .await
    .map(|notice| assert_eq!((&notice["role"], &notice["proven"]), (&json!("practitioner"), &json!(false))))?;
    let own = first.get("/notices").await?["notices"].clone();
    assert!(own.as_array().into_iter().flatten().all(|it| it["kind"] != "patient-ready"), "not of oneself: {own}");

    let theirs = second.enter(&ground.stack, id(&appointment)).await?;
    assert_eq!(theirs["id"], visit["id"]);
    second.ask(Method::POST, &path(&theirs), None).await?.accepted()?;
    room.comes(&second.oid).await?;
    visit_until(&first, &visit, "both are in", |it| it["stage"] == "in-progress" && inside(it) == 2).await?;
    // A line for each, and none for a patient.
    let lines = async || -> anyhow::Result<Vec<Value>> {
        let all = ground.stack.sandbox.write_backs().await?.into_iter();
        Ok(all.filter(|it| it["conference_id"] == appointment["csn"]).collect())
    };
    e2e::wait::until("both lines are written", async || Ok((lines().await?.len() == 2).then_some(()))).await?;
    let end = format!("/visits/{}/end", visit["id"].as_str().unwrap_or_default());
    first.ask(Method::POST, &end, None).await?.accepted()?;
    room.ends().await?;
    e2e::wait::until("both lines say that they left", async || Ok((lines().await?.len() == 4).then_some(()))).await?;
    let kind = &ground.northside.0["ehr"]["connection_status"]["external_id_type"]["practitioner"];
    for n in [0, 1] {
        let emp = &ground.northside.of_role("practitioner", n)?["emp"];
        let own = lines().await?.into_iter().filter(|it| it["external_id"] == *emp && it["external_id_type"] == *kind);
        assert_eq!(own.count(), 2, "{n}");
    }
    let stages = ground.written().await?;
    assert!(format!("{stages:?}").contains("\"finished\""), "{stages:?}");
    ground.no_leaks().await
}

#[tokio::test]
async fn two_clinicians_of_one_patient_are_both_alerted_and_who_connects_is_written() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (first, second) = (ground.clinician(0).await?, ground.clinician(1).await?);
    // Both were here before, in other visits: so it is known whom to alert.
    first.enter(&ground.stack, id(&ground.schedule(0, 1).await?)).await?;
    second.enter(&ground.stack, id(&ground.schedule(1, 2).await?)).await?;
    let other = ground.northside.of_role("practitioner", 1)?["practitioner_id"].clone();
    let appointment = ground.schedule_unusual(|body| body["more_practitioners"] = json!([other])).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    let _page = visitor.stay().await?;
    visitor.ready().await?;
    let told = async |who: &Clinician| {
        let notices = who.get("/notices").await?["notices"].clone();
        Ok(notices.as_array().into_iter().flatten().find(|it| it["kind"] == "patient-ready").cloned())
    };
    let one = e2e::wait::until("the first is alerted", async || told(&first).await).await?;
    let two = e2e::wait::until("the second is alerted", async || told(&second).await).await?;
    assert_eq!((&one["visit"], &one["role"]), (&two["visit"], &json!("patient")));

    // The second begins it and takes it on; the first is not needed.
    let visit = second.enter(&ground.stack, id(&appointment)).await?;
    assert_eq!(visit["id"], one["visit"]);
    let join = format!("/visits/{}/join", visit["id"].as_str().unwrap_or_default());
    let room = Room::of(&ground, &second.ask(Method::POST, &join, None).await?.accepted()?).await?;
    room.comes(&second.oid).await?;
    visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    visitor.post("handed-over").await?.accepted()?;
    room.guest().await?;
    room.admit().await?;
    visit_until(&second, &visit, "they meet", |it| it["stage"] == "in-progress" && inside(it) == 2).await?;
    ground.chart_shows(&appointment, "patient", "Connected").await?;
    let lines = async || -> anyhow::Result<Vec<Value>> {
        let all = ground.accepted(&appointment, "practitioner").await?;
        Ok(all.into_iter().map(|it| it["external_id"].clone()).collect())
    };
    let written =
        e2e::wait::until("who connected is written", async || Ok(Some(lines().await?).filter(|it| !it.is_empty())))
            .await?;
    // The first comes as well: on a line of their own.
    first.enter(&ground.stack, id(&appointment)).await?;
    room.comes(&first.oid).await?;
    visit_until(&second, &visit, "three are in", |it| inside(it) == 3).await?;
    let both =
        e2e::wait::until("both are written", async || Ok(Some(lines().await?).filter(|it| it.len() == 2))).await?;
    assert_eq!(written[..], both[..1]);
    assert_ne!(both[0], both[1], "each on their own line: {both:?}");
    ground.no_leaks().await
}
