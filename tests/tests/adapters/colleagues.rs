//! Clinicians among themselves, an appointment without a patient, and two clinicians of one patient, at each vendor. Each awaits
//! the others, whoever is not there yet is alerted, what the chart has a place for is written to their own lines, and nobody is
//! said to have missed anything.

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

const VENDORS: [&str; 3] = ["epic", "oracle-health", "fhir-r4"];

/// The periods of Northside's first two practitioners on the Encounter of a generic server: start, and end if they left.
async fn periods(ground: &Ground, appointment: &Value) -> anyhow::Result<Vec<Value>> {
    let all = ground.stack.sandbox.get("/r4/resources/Encounter").await?;
    let reference = format!("Appointment/{}", id(appointment));
    let of_it = |it: &&Value| it["appointment"][0]["reference"] == reference.as_str();
    let all: Vec<&Value> = all["resources"].as_array().into_iter().flatten().filter(of_it).collect();
    anyhow::ensure!(all.len() == 1, "there are {} encounters", all.len());
    let ours = all[0]["participant"].as_array().into_iter().flatten().filter(|it| it["period"].is_object());
    let mut ours: Vec<Value> = ours.map(|it| json!([it["individual"]["reference"], it["period"]])).collect();
    ours.sort_by_key(|it| it[0].to_string());
    ours.dedup_by_key(|it| it[0].to_string());
    Ok(ours)
}

/// Waits until both stand on the Encounter, each on their own entry and seen to leave or not.
async fn both_stand(ground: &Ground, appointment: &Value, left: bool) -> anyhow::Result<()> {
    e2e::wait::until("both stand on the encounter", async || {
        let all = periods(ground, appointment).await?;
        let is_so = |it: &Value| it[1]["start"].is_string() && it[1]["end"].is_string() == left;
        Ok((all.len() == 2 && all.iter().all(is_so)).then_some(()))
    })
    .await
}

/// Nothing that was to be told is left to somebody. Oracle Health has no place for a clinician's presence.
async fn nothing_is_left(ground: &Ground) -> anyhow::Result<()> {
    let parked = ground.figure("roomed_outbox_entries{state=\"parked\"}").await?;
    let unsupported = ground.figure("roomed_outbox_entries{state=\"unsupported\"}").await?;
    anyhow::ensure!(parked == 0.0, "{}: {parked} are parked", ground.vendor);
    anyhow::ensure!(unsupported == 0.0 || ground.vendor == "oracle-health", "{}: {unsupported}", ground.vendor);
    Ok(())
}

#[tokio::test]
async fn who_is_missing_is_alerted_and_both_are_written_to_their_own_lines() -> anyhow::Result<()> {
    for vendor in VENDORS {
        let ground = Ground::start_at(vendor, |_| {}).await?;
        among_themselves(&ground).await?;
        ground.no_leaks().await?;
    }
    Ok(())
}

async fn among_themselves(ground: &Ground) -> anyhow::Result<()> {
    // The second one was here before, in another visit: so it is known whom to alert.
    let second = ground.clinician(1).await?;
    second.enter(&ground.stack, id(&ground.schedule(1, 0).await?)).await?;
    let appointment = book(ground).await?;
    let first = ground.clinician(0).await?;
    let visit = first.enter(&ground.stack, id(&appointment)).await?;
    let roles = visit["participants"].as_array().into_iter().flatten().map(|it| it["role"].clone());
    assert_eq!(roles.collect::<Vec<_>>(), [json!("practitioner"), json!("practitioner")], "{visit}");

    let path = |visit: &Value| format!("/visits/{}/join", visit["id"].as_str().unwrap_or_default());
    let join = first.ask(Method::POST, &path(&visit), None).await?.accepted()?;
    let room = Room::of(ground, &join).await?;
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
    let end = format!("/visits/{}/end", visit["id"].as_str().unwrap_or_default());
    if ground.vendor != "epic" {
        if ground.vendor == "fhir-r4" {
            both_stand(ground, &appointment, false).await?;
        }
        first.ask(Method::POST, &end, None).await?.accepted()?;
        room.ends().await?;
        visit_until(&first, &visit, "it is over", |it| it["stage"] == "finished").await?;
        if ground.vendor == "fhir-r4" {
            both_stand(ground, &appointment, true).await?;
        }
        return nothing_is_left(ground).await;
    }
    // A line for each, and none for a patient.
    let lines = async || -> anyhow::Result<Vec<Value>> {
        let all = ground.stack.sandbox.write_backs().await?.into_iter();
        Ok(all.filter(|it| it["conference_id"] == appointment["csn"]).collect())
    };
    e2e::wait::until("both lines are written", async || Ok((lines().await?.len() == 2).then_some(()))).await?;
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
    nothing_is_left(ground).await
}

#[tokio::test]
async fn two_clinicians_of_one_patient_are_both_alerted_and_who_connects_is_written() -> anyhow::Result<()> {
    for vendor in VENDORS {
        let ground = Ground::start_at(vendor, |_| {}).await?;
        with_a_patient(&ground).await?;
        nothing_is_left(&ground).await?;
        ground.no_leaks().await?;
    }
    Ok(())
}

async fn with_a_patient(ground: &Ground) -> anyhow::Result<()> {
    let (first, second) = (ground.clinician(0).await?, ground.clinician(1).await?);
    // Both were here before, in other visits: so it is known whom to alert.
    first.enter(&ground.stack, id(&ground.schedule(0, 1).await?)).await?;
    second.enter(&ground.stack, id(&ground.schedule(1, 2).await?)).await?;
    let other = ground.northside.of_role("practitioner", 1)?["practitioner_id"].clone();
    let appointment = ground.schedule_unusual(|body| body["more_practitioners"] = json!([other])).await?;
    let visitor = Visitor::enter(ground, 0, &appointment).await?;
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
    let room = Room::of(ground, &second.ask(Method::POST, &join, None).await?.accepted()?).await?;
    let by = room.comes(&second.oid).await?;
    visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
    visitor.post("handed-over").await?.accepted()?;
    // Who is in the meeting as a co-organizer lets people in.
    room.admitted(&room.guest().await?, &by).await?;
    visit_until(&second, &visit, "they meet", |it| it["stage"] == "in-progress" && inside(it) == 2).await?;
    if ground.vendor != "epic" {
        // The first comes as well.
        first.enter(&ground.stack, id(&appointment)).await?;
        room.comes(&first.oid).await?;
        visit_until(&second, &visit, "three are in", |it| inside(it) == 3).await?;
        if ground.vendor == "fhir-r4" {
            both_stand(ground, &appointment, false).await?;
        }
        return Ok(());
    }
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
    Ok(())
}
