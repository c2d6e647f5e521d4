//! *End for all* where the organization has it remove people: by a leg of the relay's own, which is nobody and comes out
//! again; who comes back is put out too, until the end can no longer be taken back. What the tenant does not allow is said.

use e2e::clinician::{Clinician, http};
use e2e::wait::until;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::ground::{Ground, visit_until};
use crate::links::path;
use crate::room::{Running, Waiting, is};

/// Northside with a tenant whose switch `removal` stands at `value`, and which wants people removed.
async fn ground(value: &str, lobby: &str) -> anyhow::Result<Ground> {
    let wanted: fn(&mut Value) = |configuration| {
        configuration["organizations"][0]["meeting"] = json!({ "removal": true, "lobby": "organizer" });
    };
    let mut ground = Ground::start_with(wanted).await?;
    if lobby != "organizer" {
        ground.stack.reconfigure(|it| it["organizations"][0]["meeting"]["lobby"] = json!(lobby)).await?;
    }
    tenant(&ground, value).await?;
    Ok(ground)
}

async fn tenant(ground: &Ground, value: &str) -> anyhow::Result<()> {
    let body = json!({ "value": value, "org": "northside" });
    ground.stack.sandbox.send(Method::PUT, "/switches/removal", &body).await.map(drop)
}

async fn act(clinician: &Clinician, visit: &Value, what: &str) -> anyhow::Result<Value> {
    clinician.ask(Method::POST, &format!("{}/{what}", path(visit)), None).await?.accepted()
}

/// How often the sandbox did this in this meeting.
async fn times(ground: &Ground, running: &Running, what: &str) -> anyhow::Result<usize> {
    let all = ground.stack.sandbox.journal().await?;
    let of_it = |it: &&e2e::stack::Entry| it.what == what && it.detail["thread"] == running.room.thread();
    Ok(all.iter().filter(of_it).count())
}

/// Waits until it has been done so often.
async fn done(ground: &Ground, running: &Running, what: &str, often: usize) -> anyhow::Result<()> {
    until(&format!("{what}, {often} times"), async || Ok((times(ground, running, what).await? >= often).then_some(())))
        .await
}

/// Waits until nobody is there but these kinds of legs.
async fn there(running: &Running, kinds: &[&str]) -> anyhow::Result<()> {
    until(&format!("only {kinds:?} is there"), async || Ok((running.room.kinds().await? == kinds).then_some(()))).await
}

async fn over(running: &Running) -> anyhow::Result<Value> {
    visit_until(&running.clinician, &running.visit, "it is over", |it| it["closing"] == false).await
}

/// What the chart was told of both, as far as its numbers go.
async fn told(ground: &Ground, running: &Running) -> anyhow::Result<[Vec<Value>; 2]> {
    let mut both = [Vec::new(), Vec::new()];
    for (side, list) in ["patient", "practitioner"].into_iter().zip(&mut both) {
        let all = ground.accepted(&running.appointment, side).await?;
        *list = all.into_iter().map(|it| it["connection_status"].clone()).collect();
    }
    Ok(both)
}

/// The undo window, made shorter than five minutes.
async fn short_undo(ground: &mut Ground) -> anyhow::Result<()> {
    ground.stack.reconfigure(|it| it["visit"] = json!({ "undo_minutes": 0, "grace_seconds": 2 })).await
}

#[tokio::test]
async fn everybody_is_removed_by_a_leg_that_is_nobody_and_only_witnesses_are_believed() -> anyhow::Result<()> {
    let ground = ground("past-lobby", "organizer").await?;
    let running = Running::start(&ground, 0).await?;
    let Running { clinician, visit, room, .. } = &running;
    let before = clinician.get(&path(visit)).await?;
    assert_eq!((&before["ending"], &before["not_removed"]), (&json!("removes"), &Value::Null), "the dialog says so");
    let people = before["participants"].as_array().map(Vec::len);
    room.guest().await?;
    visit_until(clinician, visit, "a stranger waits in the lobby", |it| is(it, "unattributed", "waiting")).await?;
    assert_eq!(times(&ground, &running, "call.joined").await?, 0, "nobody comes in before somebody ends it");

    act(clinician, visit, "end").await?;
    there(&running, &["app"]).await?;
    let now = over(&running).await?;
    assert_eq!(now["stage"], "finished");
    let roles = now["participants"].as_array().into_iter().flatten().map(|it| it["role"].clone());
    assert_eq!(roles.clone().count(), people.unwrap_or_default() + 1, "the stranger, and no leg of ours");
    assert_eq!(roles.filter(|it| it == "unattributed").count(), 1);
    for side in ["patient", "practitioner"] {
        ground.chart_shows(&running.appointment, side, "Disconnected").await?;
    }
    // Whoever comes back is put out too, and is in nobody's chart any more.
    let once = told(&ground, &running).await?;
    let removed = times(&ground, &running, "participant.removed").await?;
    room.comes(&clinician.oid).await?;
    done(&ground, &running, "participant.removed", removed + 1).await?;
    there(&running, &["app"]).await?;
    ground.at_rest().await?;
    assert_eq!(told(&ground, &running).await?, once);
    assert_eq!(times(&ground, &running, "call.joined").await?, 1, "one leg for all of it");
    ground.no_leaks().await
}

#[tokio::test]
async fn who_is_removed_and_whom_no_witness_sees_leave_is_not_said_to_have_left() -> anyhow::Result<()> {
    let ground = ground("past-lobby", "organizer").await?;
    let running = Running::start(&ground, 0).await?;
    let Running { clinician, visit, .. } = &running;
    // Graph tells of nothing any more, and nobody has noticed.
    let graph = ground.stack.sandbox.at("graph");
    http()?.post(format!("{graph}/_sandbox/expire-subscriptions")).send().await?.error_for_status()?;
    for side in ["patient", "practitioner"] {
        ground.chart_shows(&running.appointment, side, "Connected").await?;
    }
    let before = told(&ground, &running).await?;
    act(clinician, visit, "end").await?;
    there(&running, &["app"]).await?;
    done(&ground, &running, "participant.removed", 2).await?;
    ground.at_rest().await?;
    assert_eq!(told(&ground, &running).await?, before, "204 is no testimony");
    let now = running.look().await?;
    assert_eq!((&now["closing"], is(&now, "patient", "connected")), (&json!(true), true));
    ground.no_leaks().await
}

#[tokio::test]
async fn an_end_that_is_taken_back_removes_nobody_more_and_our_leg_comes_out() -> anyhow::Result<()> {
    let ground = ground("past-lobby", "organizer").await?;
    let running = Running::start(&ground, 0).await?;
    let Running { clinician, visit, room, .. } = &running;
    // The first to be removed takes a while, and meanwhile somebody thinks better of it.
    let slow = json!({ "target": "graph.calls.remove", "mode": "delay", "delay_ms": 4000, "times": 0 });
    ground.fault(slow).await?;
    act(clinician, visit, "end").await?;
    let struck = async || {
        let faults = ground.stack.sandbox.get("/faults").await?;
        Ok((!faults["struck"]["graph.calls.remove"].is_null()).then_some(()))
    };
    until("one is being removed", struck).await?;
    let back = act(clinician, visit, "undo").await?;
    assert_eq!((&back["closing"], &back["stage"]), (&json!(false), &json!("in-progress")));
    let at_undo = times(&ground, &running, "participant.removed").await?;
    assert!(at_undo <= 1, "the one that had left already, and no other");
    ground.no_faults().await?;
    done(&ground, &running, "call.left", 1).await?;
    // Whoever is there stays, and whoever had to go may come back.
    room.comes(&clinician.oid).await?;
    visit_until(clinician, visit, "the clinician is back", |it| is(it, "practitioner", "connected")).await?;
    ground.at_rest().await?;
    assert_eq!(times(&ground, &running, "participant.removed").await?, at_undo, "nobody after the answer to the undo");
    assert!(!room.kinds().await?.contains(&"app".to_owned()));
    // And it ends again, for real.
    act(clinician, visit, "end").await?;
    there(&running, &["app"]).await?;
    assert_eq!(over(&running).await?["stage"], "finished");
    ground.no_leaks().await
}

#[tokio::test]
async fn what_the_tenant_does_not_allow_is_said_and_it_is_closing_as_ever() -> anyhow::Result<()> {
    for (value, lobby, words) in [
        ("none", "organizer", "Calls.JoinGroupCall.All"),
        ("consented", "organization", "Set-CsApplicationMeetingConfiguration"),
        ("on", "organizer", "lobby"),
    ] {
        let ground = ground(value, lobby).await?;
        let running = Running::start(&ground, 0).await?;
        let Running { clinician, visit, room, legs, .. } = &running;
        let ended = act(clinician, visit, "end").await?;
        assert_eq!(ended["closing"], true, "{value}");
        let said = |it: &Value| it["not_removed"]["detail"].as_str().is_some_and(|it| it.contains(words));
        let now = visit_until(clinician, visit, &format!("{value}: it says why"), said).await?;
        assert_eq!(
            (&now["ending"], &now["not_removed"]["who"]),
            (&Value::Null, &json!("microsoft-365-admin")),
            "{value}"
        );
        assert!(is(&now, "patient", "connected") && is(&now, "practitioner", "connected"), "{value}");
        assert_eq!(times(&ground, &running, "participant.removed").await?, 0, "{value}");
        if value == "on" {
            // Let in, it does what it came for.
            room.admit().await?;
            there(&running, &["app"]).await?;
        } else {
            until("our leg is out", async || Ok((!room.kinds().await?.contains(&"app".into())).then_some(()))).await?;
            room.leaves(&legs.1).await?;
            room.leaves(&legs.0).await?;
        }
        assert_eq!(over(&running).await?["stage"], "finished", "{value}");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_refused_at_one_visit_is_said_before_the_next_ends_and_forgotten_when_it_works() -> anyhow::Result<()> {
    let ground = ground("none", "organizer").await?;
    let first = Running::start(&ground, 0).await?;
    act(&first.clinician, &first.visit, "end").await?;
    visit_until(&first.clinician, &first.visit, "it says why", |it| !it["not_removed"].is_null()).await?;
    let second = Running::start(&ground, 1).await?;
    let before = second.look().await?;
    assert_eq!(before["ending"], Value::Null);
    assert_eq!(before["not_removed"]["who"], "microsoft-365-admin");
    // The admin has consented meanwhile: the token of before does not know of it.
    tenant(&ground, "past-lobby").await?;
    act(&second.clinician, &second.visit, "end").await?;
    there(&second, &["app"]).await?;
    over(&second).await?;
    let third = Running::start(&ground, 2).await?;
    let before = third.look().await?;
    assert_eq!((&before["ending"], &before["not_removed"]), (&json!("removes"), &Value::Null));
    ground.no_leaks().await
}

#[tokio::test]
async fn a_relay_that_starts_again_goes_on_with_the_leg_it_has() -> anyhow::Result<()> {
    let mut ground = ground("past-lobby", "organizer").await?;
    let running = Running::start(&ground, 0).await?;
    let Running { clinician, visit, room, .. } = &running;
    // In, and not yet able to put anybody out.
    ground.fault(json!({ "target": "graph.calls.remove", "mode": "status", "status": 503, "times": 0 })).await?;
    act(clinician, visit, "end").await?;
    there(&running, &["user", "guest", "app"]).await?;
    done(&ground, &running, "call.joined", 1).await?;
    ground.stack.kill_relay().await?;
    ground.no_faults().await?;
    assert_eq!(times(&ground, &running, "participant.removed").await?, 0);
    ground.stack.start_relay().await?;
    there(&running, &["app"]).await?;
    over(&running).await?;
    assert_eq!(times(&ground, &running, "call.joined").await?, 1, "the leg of before");
    // Taken back while no relay runs to hear of it: impossible; taken back now, it comes out.
    act(clinician, visit, "undo").await?;
    there(&running, &[]).await?;
    assert_eq!(times(&ground, &running, "call.left").await?, 1);
    room.comes(&clinician.oid).await?;
    visit_until(clinician, visit, "the clinician is back", |it| is(it, "practitioner", "connected")).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn whatever_graph_does_everybody_is_out_and_no_leg_of_ours_stays() -> anyhow::Result<()> {
    let mut ground = ground("past-lobby", "organizer").await?;
    short_undo(&mut ground).await?;
    let faults = [
        json!({ "target": "graph.calls.join", "mode": "status", "status": 429, "retry_after": 1, "times": 2 }),
        json!({ "target": "graph.calls", "mode": "status", "status": 503, "times": 6 }),
        json!({ "target": "graph.calls.remove", "mode": "drop_after_apply", "times": 2 }),
        json!({ "target": "graph.calls.join", "mode": "drop_after_apply", "times": 1 }),
        json!({ "target": "graph.calls.hang_up", "mode": "drop_after_apply", "times": 1 }),
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let running = Running::start(&ground, n % 3).await?;
        let Running { clinician, visit, .. } = &running;
        ground.fault(fault.clone()).await?;
        act(clinician, visit, "end").await?;
        over(&running).await?;
        there(&running, &[]).await?;
        let legs = times(&ground, &running, "call.joined").await?;
        assert_eq!(legs, if fault["target"] == "graph.calls.join" && n == 3 { 2 } else { 1 }, "{fault}");
        ground.no_faults().await?;
    }
    ground.no_leaks().await
}

/// When the relay looks at its only visit again by itself.
async fn timer(ground: &Ground) -> anyhow::Result<i64> {
    let file = SqliteConnectOptions::new().filename(ground.stack.directory.join("relay.sqlite")).read_only(true);
    let mut database = SqliteConnection::connect_with(&file).await?;
    let at = sqlx::query_scalar("SELECT next_timer_at FROM visit").fetch_one(&mut database).await?;
    database.close().await?;
    Ok(at)
}

#[tokio::test]
async fn our_own_leg_is_no_sign_of_anybody_and_prolongs_no_visit() -> anyhow::Result<()> {
    let mut ground = ground("past-lobby", "organizer").await?;
    ground.stack.reconfigure(|it| it["visit"]["call_patience_seconds"] = json!(1)).await?;
    // Long planned to be over: it is given up so long after the last sign of anybody.
    let start = e2e::clock::now() - jiff::SignedDuration::from_mins(45);
    let appointment = ground.schedule_unusual(|it| it["start"] = start.to_string().into()).await?;
    let running = Waiting::start(&ground, 0, appointment).await?.meet(&ground).await?;
    let soon = || e2e::clock::now().as_millisecond() + 3_600_000;
    until("nothing is due soon", async || Ok((timer(&ground).await? > soon()).then_some(()))).await?;
    ground.at_rest().await?;
    ground.fault(json!({ "target": "graph.calls.remove", "mode": "status", "status": 503, "times": 0 })).await?;
    let before = (timer(&ground).await?, ground.figure("roomed_graph_events_total").await?);
    act(&running.clinician, &running.visit, "end").await?;
    done(&ground, &running, "call.joined", 1).await?;
    until("Graph has told of our leg", async || {
        Ok((ground.figure("roomed_graph_events_total").await? > before.1).then_some(()))
    })
    .await?;
    assert_eq!(timer(&ground).await?, before.0, "somebody seems to have come");
    ground.no_faults().await?;
    over(&running).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn where_nobody_wants_it_no_leg_comes() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    tenant(&ground, "past-lobby").await?;
    let running = Running::start(&ground, 0).await?;
    let Running { clinician, visit, room, legs, .. } = &running;
    let ended = act(clinician, visit, "end").await?;
    assert_eq!(
        (&ended["ending"], &ended["not_removed"], &ended["closing"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
    room.leaves(&legs.0).await?;
    room.leaves(&legs.1).await?;
    over(&running).await?;
    assert_eq!(times(&ground, &running, "call.joined").await?, 0);
    // Where Graph would tell of a leg of ours, nothing is read.
    let told = http()?.post(format!("{}/graph/calls", ground.stack.relay)).body("{}").send().await?;
    assert_eq!(told.status(), StatusCode::ACCEPTED);
    ground.no_leaks().await
}
