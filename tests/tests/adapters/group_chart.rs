//! A group in the meeting: three patients who all show the same name there. Everybody is written to their own line, by
//! conference id and their own external id, and whoever cannot be told apart to none.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::group::{Group, PATIENTS, count};
use crate::room::{Room, is};

/// Only the meeting tells who is there, and gaps are short.
fn in_the_meeting(configuration: &mut Value) {
    configuration["visit"] = json!({ "connected_at": "admitted", "grace_seconds": 2, "door_seconds": 3 });
}

/// What was written: every status in order, by conference id, kind and external id.
async fn written(ground: &Ground) -> anyhow::Result<BTreeMap<[String; 3], Vec<Value>>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for it in ground.stack.sandbox.write_backs().await? {
        let key = ["conference_id", "external_id_type", "external_id"].map(|name| it[name].to_string());
        let told = all.entry(key).or_default();
        // The newest state may be said again; it is the same.
        if told.last() != Some(&it["connection_status"]) {
            told.push(it["connection_status"].clone());
        }
    }
    Ok(all)
}

/// A line of the group: `type` and external id as the connection-status service wants them.
fn line(ground: &Ground, group: &Group, kind: &str, external_id: &Value) -> [String; 3] {
    let number = &ground.northside.0["ehr"]["connection_status"]["external_id_type"][kind];
    [json!(group.conference).to_string(), number.to_string(), external_id.to_string()]
}

fn patient_line(ground: &Ground, group: &Group, n: usize) -> anyhow::Result<[String; 3]> {
    Ok(line(ground, group, "patient", &ground.patient(PATIENTS[n])?["wpr"]))
}

fn clinician_line(ground: &Ground, group: &Group) -> anyhow::Result<[String; 3]> {
    Ok(line(ground, group, "practitioner", &ground.northside.of_role("practitioner", 0)?["emp"]))
}

/// *Join*, and the clinician is inside.
async fn joined(ground: &Ground, group: &Group) -> anyhow::Result<(Room, String)> {
    let path = format!("/visits/{}/join", group.visit["id"].as_str().unwrap_or_default());
    let join = group.clinician.ask(Method::POST, &path, None).await?.accepted()?;
    let room = Room::of(ground, &join).await?;
    let own = room.comes(&group.clinician.oid).await?;
    let inside = |it: &Value| is(it, "practitioner", "connected");
    visit_until(&group.clinician, &group.visit, "the clinician is inside", inside).await?;
    Ok((room, own))
}

#[tokio::test]
async fn three_of_one_name_go_in_one_by_one_and_each_is_written_to_their_own_line() -> anyhow::Result<()> {
    let ground = Ground::start_with(in_the_meeting).await?;
    let group = Group::start(&ground).await?;
    // Not in the order of their appointments.
    let order = [2, 0, 1];
    for n in order {
        group.visitors[n].ready().await?;
    }
    let (room, _) = joined(&ground, &group).await?;
    let mut legs = BTreeMap::new();
    for (so_far, n) in order.into_iter().enumerate() {
        group.visitors[n].sees("their turn", |view| view["stage"] == "called").await?;
        group.visitors[n].post("handed-over").await?.accepted()?;
        legs.insert(n, room.guest().await?);
        room.admit().await?;
        let known = |it: &Value| count(it, "connected") == so_far + 1;
        visit_until(&group.clinician, &group.visit, "they are known as themselves", known).await?;
    }
    let (connected, gone) = statuses(&ground);
    let mut expected = BTreeMap::from([(clinician_line(&ground, &group)?, vec![connected.clone()])]);
    for n in order {
        expected.insert(patient_line(&ground, &group, n)?, vec![connected.clone()]);
    }
    becomes(&ground, &expected).await?;
    // One leaves: that one, and nobody else.
    room.leaves(&legs[&0]).await?;
    expected.insert(patient_line(&ground, &group, 0)?, vec![connected.clone(), gone.clone()]);
    becomes(&ground, &expected).await?;
    room.ends().await?;
    for told in expected.values_mut() {
        *told = vec![connected.clone(), gone.clone()];
    }
    becomes(&ground, &expected).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn two_of_one_name_who_cannot_be_told_apart_are_in_no_chart() -> anyhow::Result<()> {
    let ground = Ground::start_with(in_the_meeting).await?;
    let group = Group::start(&ground).await?;
    for n in [1, 0, 2] {
        group.visitors[n].ready().await?;
    }
    let (room, _) = joined(&ground, &group).await?;
    group.visitors[1].sees("their turn", |view| view["stage"] == "called").await?;
    group.visitors[1].post("handed-over").await?.accepted()?;
    room.guest().await?;
    room.admit().await?;
    visit_until(&group.clinician, &group.visit, "the first is known", |it| count(it, "connected") == 1).await?;
    // The next one is slow on the way, so the last is let go too; then both come at once.
    for n in [0, 2] {
        group.visitors[n].sees("their turn", |view| view["stage"] == "called").await?;
        group.visitors[n].post("handed-over").await?.accepted()?;
    }
    for _ in 0..2 {
        room.guest().await?;
    }
    for _ in 0..2 {
        room.admit().await?;
    }
    let strangers = |it: &Value| {
        let all = it["participants"].as_array().into_iter().flatten();
        all.filter(|it| it["role"] == "unattributed" && it["presence"] == "connected").count()
    };
    visit_until(&group.clinician, &group.visit, "two whom nobody can tell apart", |it| strangers(it) == 2).await?;
    let (connected, gone) = statuses(&ground);
    let known = [clinician_line(&ground, &group)?, patient_line(&ground, &group, 1)?];
    becomes(&ground, &known.clone().map(|it| (it, vec![connected.clone()])).into()).await?;
    room.ends().await?;
    becomes(&ground, &known.map(|it| (it, vec![connected.clone(), gone.clone()])).into()).await?;
    ground.no_leaks().await
}

/// The numbers for *connected* and *disconnected*.
fn statuses(ground: &Ground) -> (Value, Value) {
    let status = &ground.northside.0["ehr"]["connection_status"];
    (status["connected"].clone(), status["disconnected"].clone())
}

/// Waits until exactly this was written, and nothing for anybody else.
async fn becomes(ground: &Ground, expected: &BTreeMap<[String; 3], Vec<Value>>) -> anyhow::Result<()> {
    let mut last = BTreeMap::new();
    let done = e2e::wait::until("exactly these lines are written", async || {
        last = written(ground).await?;
        Ok((last == *expected).then_some(()))
    });
    if done.await.is_err() {
        assert_eq!(last, *expected);
    }
    ground.at_rest().await?;
    assert_eq!(written(ground).await?, *expected, "and nothing more");
    Ok(())
}
