//! Clinicians among themselves: an appointment without a patient. Each awaits the others, whoever is not there yet is
//! alerted, their own lines are written, and nobody is said to have missed anything.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::room::Room;

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
