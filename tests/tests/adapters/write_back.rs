//! The chart's service failing in every way it can: in the end the chart shows the newest state, and nothing is lost.

use e2e::clinician::Clinician;
use e2e::wait;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, visit_until};
use crate::room::{Running, Waiting};
use crate::visitor::Visitor;

/// A visit whose patient is on the page, not ready yet, with the clinician who looks at it.
struct Arriving {
    clinician: Clinician,
    visit: Value,
    appointment: Value,
    visitor: Visitor,
}

impl Arriving {
    async fn start(ground: &Ground, patient: usize) -> anyhow::Result<Self> {
        let clinician = ground.clinician(0).await?;
        let appointment = ground.schedule(0, patient).await?;
        let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
        let visitor = Visitor::enter(ground, patient, &appointment).await?;
        Ok(Self { clinician, visit, appointment, visitor })
    }

    /// Waits until the visit says this of the patient's mark in the chart.
    async fn told(&self, state: &str) -> anyhow::Result<Value> {
        let wanted = |visit: &Value| participant(visit, "patient")["chart"]["state"] == state;
        let visit = visit_until(&self.clinician, &self.visit, &format!("the chart is {state}"), wanted).await?;
        Ok(participant(&visit, "patient")["chart"].clone())
    }
}

/// How often delivery ended so.
async fn attempts(ground: &Ground, outcome: &str) -> anyhow::Result<f64> {
    ground.figure(&format!("roomed_outbox_attempts_total{{outcome=\"{outcome}\"}}")).await
}

/// Waits until nothing is left to deliver.
async fn settled(ground: &Ground) -> anyhow::Result<()> {
    wait::until("the outbox is empty", async || {
        let mut left = 0.0;
        for state in ["waiting", "in-flight", "waiting-for-identifier"] {
            left += ground.figure(&format!("roomed_outbox_entries{{state=\"{state}\"}}")).await?;
        }
        Ok((left == 0.0).then_some(()))
    })
    .await
}

#[tokio::test]
async fn a_service_that_fails_and_comes_back_is_told_the_newest_state() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let (connected, disconnected) = (
        ground.northside.0["ehr"]["connection_status"]["connected"].clone(),
        ground.northside.0["ehr"]["connection_status"]["disconnected"].clone(),
    );
    let statuses = async |ground: &Ground, of: &Arriving| -> anyhow::Result<Vec<Value>> {
        let accepted = ground.accepted(&of.appointment, "patient").await?;
        Ok(accepted.iter().map(|it| it["connection_status"].clone()).collect())
    };

    // Applied, but the answer is lost: nobody knows, so it is said again, and once more when nothing can be in flight.
    let lost = Arriving::start(&ground, 0).await?;
    ground.fault(json!({ "target": "epic.connection_status", "mode": "drop_after_apply" })).await?;
    lost.visitor.ready().await?;
    lost.told("written").await?;
    settled(&ground).await?;
    assert_eq!(attempts(&ground, "unknown").await?, 1.0);
    let said = statuses(&ground, &lost).await?;
    assert!(said.len() >= 2 && said.iter().all(|it| *it == connected), "{said:?}");
    assert_eq!(ground.mark(&lost.appointment, "patient").await?, "Connected");

    // Cut before anything was done.
    let cut = Arriving::start(&ground, 1).await?;
    ground.fault(json!({ "target": "epic.connection_status", "mode": "drop_before" })).await?;
    cut.visitor.ready().await?;
    cut.told("written").await?;
    assert_eq!(ground.mark(&cut.appointment, "patient").await?, "Connected");

    // Overloaded, and says for how long: it is left alone for as long.
    let busy = Arriving::start(&ground, 2).await?;
    let fault = json!({ "target": "epic.connection_status", "mode": "status", "status": 503, "retry_after": 3 });
    ground.fault(fault).await?;
    let asked = e2e::clock::now();
    busy.visitor.ready().await?;
    busy.told("written").await?;
    let accepted = ground.accepted(&busy.appointment, "patient").await?;
    let at: jiff::Timestamp = accepted[0]["at"].as_str().unwrap_or_default().parse()?;
    assert!(at.duration_since(asked) >= jiff::SignedDuration::from_secs(3), "asked again before Retry-After was over");
    assert_eq!(accepted.len(), 1);

    // Refuses the user: an analyst puts that right, and then it is said after all.
    let locked = Arriving::start(&ground, 3).await?;
    ground.fault(json!({ "target": "epic.connection_status", "mode": "status", "status": 401, "times": 2 })).await?;
    locked.visitor.ready().await?;
    locked.told("pending").await?;
    locked.told("written").await?;
    assert_eq!(statuses(&ground, &locked).await?, std::slice::from_ref(&connected));

    // Does not take this very status: a person must look. What happens next is told all the same, so the chart is not
    // left behind.
    let refused = Arriving::start(&ground, 4).await?;
    let page = refused.visitor.stay().await?;
    ground.fault(json!({ "target": "epic.connection_status", "mode": "status", "status": 400 })).await?;
    refused.visitor.ready().await?;
    let chart = refused.told("needs-analyst").await?;
    assert!(chart["reason"].as_str().is_some_and(|it| it.contains("400")), "{chart}");
    assert_eq!(statuses(&ground, &refused).await?, Vec::<Value>::new());
    drop(page);
    ground.chart_shows(&refused.appointment, "patient", "Disconnected").await?;
    refused.told("written").await?;
    assert_eq!(statuses(&ground, &refused).await?, [disconnected]);

    // The EHR's token endpoint is down, and the relay has no token yet.
    let unread = Arriving::start(&ground, 5).await?;
    let faults = ground.stack.sandbox.get("/faults").await?;
    assert_eq!(faults["faults"], json!([]), "a fault was never met");
    ground.stack.stop_relay().await?;
    // Before the relay is there: it looks at its visits' appointments as soon as it is.
    ground.fault(json!({ "target": "epic.token", "mode": "status", "status": 503, "times": 0 })).await?;
    ground.stack.start_relay().await?;
    unread.visitor.ready().await?;
    assert_eq!(unread.told("pending").await?["state"], "pending");
    ground.no_faults().await?;
    unread.told("written").await?;
    assert_eq!(statuses(&ground, &unread).await?, [connected]);

    settled(&ground).await?;
    assert_eq!(ground.figure("roomed_outbox_entries{state=\"parked\"}").await?, 0.0);
    ground.no_leaks().await
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() -> anyhow::Result<()> {
    // What was in flight at the kill belongs to the dead worker until its lease runs out.
    let adjust = |configuration: &mut Value| {
        configuration["outbox"]["lease_ms"] = json!(4000);
        configuration["outbox"]["deadline_ms"] = json!(2000);
    };
    let mut ground = Ground::start_with(adjust).await?;
    let arriving = Arriving::start(&ground, 0).await?;
    // The service is down, so that nothing can have been told before the relay dies.
    ground.fault(json!({ "target": "epic.connection_status", "mode": "status", "status": 503, "times": 0 })).await?;
    arriving.visitor.ready().await?;
    ground.stack.kill_relay().await?;
    ground.no_faults().await?;
    assert_eq!(ground.mark(&arriving.appointment, "patient").await?, "Not connected");

    ground.stack.start_relay().await?;
    ground.chart_shows(&arriving.appointment, "patient", "Connected").await?;
    arriving.told("written").await?;
    let view = arriving.visitor.view().await?;
    assert_eq!(view["stage"], "waiting", "the patient is asked for what they have already said");
    settled(&ground).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn while_the_ehr_is_down_people_meet_and_what_waits_for_the_chart_is_said_and_caught_up() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    ground.chart_shows(&waiting.appointment, "patient", "Connected").await?;
    for target in ["epic.fhir", "epic.token", "epic.connection_status"] {
        ground.fault(json!({ "target": target, "mode": "drop_before", "times": 0 })).await?;
    }
    // *Join*, the call and the meeting ask nothing of the EHR.
    let running = waiting.meet(&ground).await?;
    let Running { clinician, visit, appointment, room, legs, .. } = &running;
    room.leaves(&legs.1).await?;
    let states = |it: &Value| ["patient", "practitioner"].map(|role| participant(it, role)["chart"]["state"].clone());
    let wait = |it: &Value| states(it) == [json!("pending"), json!("pending")];
    let now = visit_until(clinician, visit, "both of their newest wait for the chart", wait).await?;
    assert_eq!(now["stage"], "in-progress");
    for side in ["patient", "practitioner"] {
        assert!(participant(&now, side)["chart"]["since"].is_string(), "{side}: since when");
    }
    assert_eq!(ground.accepted(appointment, "practitioner").await?.len(), 0);
    ground.no_faults().await?;
    ground.chart_shows(appointment, "practitioner", "Connected").await?;
    ground.chart_shows(appointment, "patient", "Disconnected").await?;
    let written = |it: &Value| states(it) == [json!("written"), json!("written")];
    visit_until(clinician, visit, "nothing waits any more", written).await?;
    settled(&ground).await?;
    ground.no_leaks().await
}
