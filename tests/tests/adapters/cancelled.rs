//! A cancellation in the EHR reaches the meeting and the links, at each vendor: who is inside is asked to leave, or put out,
//! but nobody in the middle of a talk; then the meeting is no more. An appointment that stands again gets another.

use e2e::clinician::{Clinician, http};
use e2e::wait::until;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused, visit_until};
use crate::links::{invited, opens_nothing, path, token};
use crate::room::{Room, Running, Waiting, is};

const VENDORS: [&str; 3] = ["epic", "oracle-health", "fhir-r4"];

fn often(configuration: &mut Value) {
    configuration["ehr"] = json!({ "poll_seconds": 1 });
}

/// The same at an organization that has people removed, in a tenant that lets it.
async fn removing(vendor: &'static str) -> anyhow::Result<Ground> {
    let wanted: fn(&mut Value) = |configuration| {
        often(configuration);
        configuration["organizations"][0]["meeting"] = json!({ "removal": true });
    };
    let ground = Ground::start_at(vendor, wanted).await?;
    let body = json!({ "value": "past-lobby", "org": "northside" });
    ground.stack.sandbox.send(Method::PUT, "/switches/removal", &body).await?;
    Ok(ground)
}

async fn status(ground: &Ground, appointment: &Value, status: &str) -> anyhow::Result<()> {
    let path = format!("/appointments/{}", appointment["appointment_id"].as_str().unwrap_or_default());
    ground.stack.sandbox.send(Method::PATCH, &path, &json!({ "status": status })).await.map(drop)
}

/// The threads of the meetings that Graph knows.
async fn meetings(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let address = format!("{}/_sandbox/meetings", ground.stack.sandbox.at("graph"));
    let all: Value = http()?.get(&address).send().await?.json().await?;
    let threads = all["meetings"].as_array().into_iter().flatten().filter_map(|it| it["thread"].as_str());
    Ok(threads.map(str::to_owned).collect())
}

async fn is_deleted(ground: &Ground, room: &Room) -> anyhow::Result<()> {
    until("the meeting is deleted", async || Ok(meetings(ground).await?.is_empty().then_some(()))).await?;
    assert!(room.guest().await.is_err(), "its link opens nothing");
    Ok(())
}

/// How often the sandbox did this.
async fn times(ground: &Ground, what: &str) -> anyhow::Result<usize> {
    Ok(ground.stack.sandbox.journal().await?.iter().filter(|it| it.what == what).count())
}

async fn join(clinician: &Clinician, visit: &Value) -> anyhow::Result<Value> {
    clinician.ask(Method::POST, &format!("{}/join", path(visit)), None).await?.accepted()
}

/// Everybody inside or at the door of the meeting.
fn there(visit: &Value) -> Vec<&str> {
    let here = |it: &&Value| it["presence"] == "connected" || it["presence"] == "waiting";
    let all = visit["participants"].as_array().into_iter().flatten().filter(here);
    let mut roles: Vec<&str> = all.map(|it| it["role"].as_str().unwrap_or_default()).collect();
    roles.sort_unstable();
    roles
}

fn says_cancelled(visit: &Value) -> bool {
    visit["timeline"].as_array().into_iter().flatten().any(|it| it["what"] == "cancelled" && it["source"] == "ehr")
}

#[tokio::test]
async fn a_cancelled_visit_with_people_inside_is_closing_and_its_meeting_goes_when_they_have_gone() -> anyhow::Result<()>
{
    for vendor in VENDORS {
        let ground = Ground::start_at(vendor, often).await?;
        let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
        let Waiting { clinician, visit, appointment, visitor, .. } = &waiting;
        let room = Room::of(&ground, &join(clinician, visit).await?).await?;
        let own = room.comes(&clinician.oid).await?;
        visit_until(clinician, visit, "the clinician is in", |it| is(it, "practitioner", "connected")).await?;
        status(&ground, appointment, "cancelled").await?;
        let now = visit_until(clinician, visit, "the cancellation", |it| it["stage"] == "cancelled").await?;
        assert_eq!(
            (&now["closing"], there(&now)),
            (&json!(true), vec!["practitioner"]),
            "{vendor}: who is still inside"
        );
        assert_eq!((&now["ending"], says_cancelled(&now)), (&Value::Null, true), "{vendor}");
        visitor.sees("the patient's page says so", |view| view["stage"] == "cancelled").await?;
        // Somebody who had the link comes meanwhile, and is seen.
        let stranger = room.guest().await?;
        room.admit().await?;
        let both = ["practitioner", "unattributed"];
        visit_until(clinician, visit, "somebody came", |it| it["closing"] == true && there(it) == both).await?;
        room.leaves(&own).await?;
        visit_until(clinician, visit, "one left", |it| it["closing"] == true && there(it) == ["unattributed"]).await?;
        assert_eq!(meetings(&ground).await?.len(), 1, "{vendor}: not while anybody is inside");
        room.leaves(&stranger).await?;
        let over = visit_until(clinician, visit, "all are out", |it| it["closing"] == false).await?;
        assert_eq!(over["stage"], "cancelled", "{vendor}");
        is_deleted(&ground, &room).await?;
        let closed = clinician.ask(Method::POST, &format!("{}/join", path(visit)), None).await?;
        refused(vendor, &closed, (409, "visit-closed", "clinician"));

        // Booked after all: the same visit goes on, in another meeting.
        status(&ground, appointment, "booked").await?;
        let again = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
        assert_eq!((&again["id"], &again["closing"]), (&visit["id"], &json!(false)), "{vendor}");
        let anew = Room::of(&ground, &join(clinician, visit).await?).await?;
        assert!(anew.thread() != room.thread() && meetings(&ground).await? == [anew.thread()], "{vendor}");
        anew.comes(&clinician.oid).await?;
        visitor.sees("the patient is called", |view| view["stage"] == "called").await?;
        visitor.post("handed-over").await?.accepted()?;
        anew.guest().await?;
        anew.admit().await?;
        visit_until(clinician, visit, "they meet", |it| it["stage"] == "in-progress").await?;
        ground.no_leaks().await?;
    }
    Ok(())
}

/// At an R4 server the Encounter is the chart: what the EHR cancelled is not said back to it, so that it can go on.
#[tokio::test]
async fn at_r4_a_visit_that_is_booked_again_is_told_to_its_encounter() -> anyhow::Result<()> {
    let ground = Ground::start_at("fhir-r4", often).await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, appointment, .. } = &waiting;
    encounter_stands(&ground, "arrived").await?;
    status(&ground, appointment, "cancelled").await?;
    visit_until(clinician, visit, "the cancellation", |it| it["stage"] == "cancelled").await?;
    status(&ground, appointment, "booked").await?;
    clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let Running { clinician, visit, room, .. } = waiting.meet(&ground).await?;
    encounter_stands(&ground, "in-progress").await?;
    clinician.ask(Method::POST, &format!("{}/end", path(&visit)), None).await?.accepted()?;
    room.ends().await?;
    encounter_stands(&ground, "finished").await?;
    for state in ["parked", "unsupported"] {
        assert_eq!(ground.figure(&format!("roomed_outbox_entries{{state=\"{state}\"}}")).await?, 0.0, "{state}");
    }
    ground.no_leaks().await
}

/// The same before anybody came: nothing of the cancellation is in the planned Encounter.
#[tokio::test]
async fn at_r4_a_planned_visit_that_is_booked_again_is_told_to_its_encounter() -> anyhow::Result<()> {
    let ground = Ground::start_at("fhir-r4", often).await?;
    let appointment = ground.schedule(0, 0).await?;
    let id = appointment["appointment_id"].as_str().unwrap_or_default().to_owned();
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, &id).await?;
    status(&ground, &appointment, "cancelled").await?;
    visit_until(&clinician, &visit, "the cancellation", |it| it["stage"] == "cancelled").await?;
    status(&ground, &appointment, "booked").await?;
    Waiting::start(&ground, 0, appointment).await?.meet(&ground).await?;
    encounter_stands(&ground, "in-progress").await?;
    assert_eq!(ground.figure("roomed_outbox_entries{state=\"parked\"}").await?, 0.0);
    ground.no_leaks().await
}

/// Waits until the one Encounter has this status.
async fn encounter_stands(ground: &Ground, status: &str) -> anyhow::Result<()> {
    until(&format!("the encounter is {status}"), async || {
        let all = ground.stack.sandbox.get("/r4/resources/Encounter").await?;
        let all = all["resources"].as_array().cloned().unwrap_or_default();
        Ok((all.len() == 1 && all[0]["status"] == status).then_some(()))
    })
    .await
}

#[tokio::test]
async fn while_they_talk_a_cancellation_puts_nobody_out_until_the_clinician_has_left() -> anyhow::Result<()> {
    for vendor in VENDORS {
        let ground = removing(vendor).await?;
        let running = Running::start(&ground, 0).await?;
        let Running { clinician, visit, appointment, room, legs: (own, patient), .. } = &running;
        status(&ground, appointment, "cancelled").await?;
        let now = visit_until(clinician, visit, "it is said", says_cancelled).await?;
        assert_eq!((&now["stage"], &now["closing"]), (&json!("in-progress"), &json!(false)), "{vendor}");
        // The patient's line breaks, and they come back.
        room.leaves(patient).await?;
        visit_until(clinician, visit, "they are alone", |it| there(it) == ["practitioner"]).await?;
        let back = room.guest().await?;
        room.admit().await?;
        visit_until(clinician, visit, "they are back", |it| there(it).len() == 2).await?;
        assert_eq!(
            (times(&ground, "call.joined").await?, times(&ground, "participant.removed").await?),
            (0, 0),
            "{vendor}"
        );
        assert_eq!(clinician.get(&path(visit)).await?["closing"], false, "{vendor}");
        room.leaves(own).await?;
        let seen = visit_until(clinician, visit, "it is over", |it| it["stage"] == "finished").await?;
        assert_eq!(seen["closing"], false, "{vendor}: it took place, whatever the schedule says");
        assert_eq!(times(&ground, "participant.removed").await?, 1, "{vendor}: who had stayed behind");
        assert!(!room.legs().await?.iter().any(|it| it["leg"] == json!(back)), "{vendor}");
        until("our leg is out", async || Ok(room.legs().await?.is_empty().then_some(()))).await?;
        assert_eq!(meetings(&ground).await?, [room.thread()], "{vendor}: of a visit that took place it is kept");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_is_alone_inside_is_put_out_and_graph_is_asked_until_the_meeting_is_gone() -> anyhow::Result<()> {
    let ground = removing("epic").await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, appointment, .. } = &waiting;
    let room = Room::of(&ground, &join(clinician, visit).await?).await?;
    room.comes(&clinician.oid).await?;
    visit_until(clinician, visit, "the clinician is in", |it| is(it, "practitioner", "connected")).await?;
    // One look of the relay's asks four times.
    ground.fault(json!({ "target": "graph.meeting.delete", "mode": "status", "status": 503, "times": 5 })).await?;
    status(&ground, appointment, "cancelled").await?;
    let over = |it: &Value| it["stage"] == "cancelled" && it["closing"] == false;
    visit_until(clinician, visit, "all are out", over).await?;
    assert_eq!(times(&ground, "participant.removed").await?, 1);
    is_deleted(&ground, &room).await?;
    assert_eq!(ground.stack.sandbox.get("/faults").await?["faults"], json!([]), "Graph was away meanwhile");
    until("our leg is out", async || Ok(room.legs().await?.is_empty().then_some(()))).await?;
    ground.no_leaks().await
}

/// Graph does not delete the first meeting, and whoever has its link goes on using it.
#[tokio::test]
async fn what_happens_in_a_meeting_that_was_given_up_is_not_taken_for_what_happens_in_the_next() -> anyhow::Result<()> {
    let ground = Ground::start_at("epic", often).await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, appointment, .. } = &waiting;
    let room = Room::of(&ground, &join(clinician, visit).await?).await?;
    let own = room.comes(&clinician.oid).await?;
    visit_until(clinician, visit, "the clinician is in", |it| is(it, "practitioner", "connected")).await?;
    ground.fault(json!({ "target": "graph.meeting.delete", "mode": "status", "status": 403, "times": 0 })).await?;
    status(&ground, appointment, "cancelled").await?;
    visit_until(clinician, visit, "the cancellation", |it| it["closing"] == true).await?;
    room.leaves(&own).await?;
    visit_until(clinician, visit, "all are out", |it| it["closing"] == false).await?;
    status(&ground, appointment, "booked").await?;
    clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let anew = Room::of(&ground, &join(clinician, visit).await?).await?;
    assert_ne!(anew.thread(), room.thread());
    anew.comes(&clinician.oid).await?;
    visit_until(clinician, visit, "the clinician is in the next", |it| is(it, "practitioner", "connected")).await?;

    room.comes(&clinician.oid).await?;
    room.ends().await?;
    // What Graph tells of the next one is heard after that.
    let unknown = "roomed_graph_dropped_total{reason=\"unknown-subscription\"}";
    until("Graph has told of the first meeting", async || {
        let gone = clinician.get(&path(visit)).await?;
        let is_heard = !is(&gone, "practitioner", "connected") || there(&gone).contains(&"unattributed");
        anyhow::ensure!(!is_heard, "it was taken for the next one's: {gone}");
        Ok((ground.figure(unknown).await? >= 2.0).then_some(()))
    })
    .await?;
    anew.guest().await?;
    anew.admit().await?;
    let both = ["practitioner", "unattributed"];
    visit_until(clinician, visit, "who comes to the next is seen", |it| there(it) == both).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn a_cancelled_visits_link_opens_nothing() -> anyhow::Result<()> {
    let often: fn(&mut Value) = |configuration| configuration["ehr"] = json!({ "poll_seconds": 1 });
    let ground = Ground::start_with(often).await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, appointment, visitor, .. } = &waiting;
    let (link, _) = invited(clinician, visit, &json!({ "role": "family", "send": { "by": "hand" } })).await?;
    let id = appointment["appointment_id"].as_str().unwrap_or_default();
    let cancelled = json!({ "status": "cancelled" });
    ground.stack.sandbox.send(Method::PATCH, &format!("/appointments/{id}"), &cancelled).await?;
    visitor.sees("the patient's page says so", |view| view["stage"] == "cancelled").await?;
    opens_nothing(&ground, "cancelled", token(&link)).await?;
    ground.no_leaks().await
}
