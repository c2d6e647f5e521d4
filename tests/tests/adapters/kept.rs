//! What stays as it was: a meeting under the organizer it was made under, whatever the configuration says later, and a chart
//! that a clinician's word about a stranger changes nothing in. And who covers a visit may let its people in.

use e2e::clinician::http;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::links::{invited, path};
use crate::room::{Room, Running, is};

fn id(of: &Value) -> &str {
    of["appointment_id"].as_str().unwrap_or_default()
}

async fn meetings(ground: &Ground) -> anyhow::Result<Vec<Value>> {
    let known: Value =
        http()?.get(format!("{}/_sandbox/meetings", ground.stack.sandbox.at("graph"))).send().await?.json().await?;
    Ok(known["meetings"].as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn a_meeting_stays_under_its_organizer_and_whoever_covers_may_admit() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let (scheduled, covers) = (ground.clinician(0).await?, ground.clinician(1).await?);
    let appointment = ground.schedule(0, 0).await?;
    let visit = scheduled.enter(&ground.stack, id(&appointment)).await?;
    let join = scheduled.ask(Method::POST, &format!("{}/join", path(&visit)), None).await?.accepted()?;
    let room = Room::of(&ground, &join).await?;

    // Meetings are made under somebody else from now on.
    let another = ground.northside.of_role("practitioner", 1)?["oid"].clone();
    let policy = format!("{}/_sandbox/access-policy", ground.stack.sandbox.at("graph"));
    http()?.post(policy).json(&json!({ "oid": another })).send().await?.error_for_status()?;
    let before = ground.northside.text("/organizer_oid")?.to_owned();
    assert_ne!(another, json!(before));
    ground.stack.reconfigure(|it| it["organizations"][0]["organizer_oid"] = another.clone()).await?;

    // A colleague covers: they have to be made a co-organizer of the meeting there is.
    let mut proof = covers.prove(&covers.begin(&ground.stack, id(&appointment)).await?).await?;
    proof["covering"] = json!(true);
    let theirs = covers.launch(&proof).await?.accepted()?;
    assert_eq!(theirs["id"], visit["id"]);
    let again = covers.ask(Method::POST, &format!("{}/join", path(&visit)), None).await?.accepted()?;
    assert_eq!(again["https_url"], join["https_url"], "one meeting for the visit");
    let all = meetings(&ground).await?;
    assert_eq!(all.len(), 1, "{all:?}");
    let by = room.comes(&covers.oid).await?;
    let guest = room.guest().await?;
    assert_eq!((room.place(&by).await?, room.place(&guest).await?), ("in".into(), "lobby".into()));
    room.admitted(&guest, &by).await?;
    assert_eq!(room.place(&guest).await?, "in");

    // A new visit's meeting is made as the configuration has it now.
    let next = ground.schedule(0, 1).await?;
    scheduled.enter(&ground.stack, id(&next)).await?;
    let organizers: Vec<String> = meetings(&ground).await?.iter().map(|it| it["organizer"].to_string()).collect();
    assert_eq!(organizers.len(), 2, "{organizers:?}");
    assert!(organizers.iter().any(|it| it.contains(&before)), "{organizers:?}");
    assert!(organizers.iter().any(|it| it.contains(another.as_str().unwrap_or("~"))), "{organizers:?}");
    ground.no_leaks().await
}

#[tokio::test]
async fn what_a_clinician_says_of_a_stranger_is_shown_and_in_no_chart() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let running = Running::start(&ground, 0).await?;
    let Running { clinician, visit, appointment, room, .. } = &running;
    let (_, relative) = invited(clinician, visit, &json!({ "role": "family", "send": { "by": "hand" } })).await?;
    let leg = room.guest().await?;
    room.admit().await?;
    let there = |it: &Value| is(it, "unattributed", "connected");
    let now = visit_until(clinician, visit, "a stranger is in", there).await?;
    let stranger = crate::ground::participant(&now, "unattributed")["id"].clone();
    for side in ["patient", "practitioner"] {
        ground.chart_shows(appointment, side, "Connected").await?;
    }
    let written = ground.stack.sandbox.write_backs().await?.len();

    let assign = format!("{}/assign", path(visit));
    let is_them = json!({ "leg": stranger, "participant": relative });
    let said = clinician.ask(Method::POST, &assign, Some(&is_them)).await?.accepted()?;
    assert_eq!(crate::ground::participant(&said, "unattributed")["assigned_to"], json!(relative));
    assert!(is(&said, "family", "connected"), "where the clinician says they are: {said}");
    let nobody = clinician.ask(Method::POST, &assign, Some(&json!({ "leg": stranger }))).await?.accepted()?;
    assert_eq!(crate::ground::participant(&nobody, "unattributed")["assigned_to"], Value::Null);
    assert!(is(&nobody, "family", "absent"));
    // Not even as the patient is a stranger written down.
    let patient = crate::ground::participant(&nobody, "patient")["id"].clone();
    clinician
        .ask(Method::POST, &assign, Some(&json!({ "leg": stranger, "participant": patient })))
        .await?
        .accepted()?;
    room.leaves(&leg).await?;
    visit_until(clinician, visit, "the stranger left", |it| is(it, "unattributed", "disconnected")).await?;
    ground.at_rest().await?;
    assert_eq!(ground.stack.sandbox.write_backs().await?.len(), written);
    ground.no_leaks().await
}
