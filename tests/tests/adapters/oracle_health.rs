//! Oracle Health: arrivals and links as `PATCH Appointment`, against the stand-in that answers as Oracle's pages say, in
//! every way it can fail.

use reqwest::Method;
use roomed_relay::ehr::{ReadBack, Said};
use roomed_relay::outbox::{About, Presence, Role, WriteBack};
use roomed_relay::store::Channel;
use serde_json::{Value, json};

use crate::chart::{Chart, deliver};

/// What stands at an appointment.
async fn standing(chart: &Chart, appointment: &Value) -> anyhow::Result<Value> {
    let all = chart.sandbox.get("/standing?ehr=oracle").await?;
    let all = all["oracle"]["appointments"].as_array().cloned().unwrap_or_default();
    let found = all.into_iter().find(|it| it["appointment_id"] == appointment["appointment_id"]);
    found.ok_or_else(|| anyhow::anyhow!("the appointment is gone"))
}

fn arrival(chart: &Chart, appointment: &Value) -> WriteBack {
    chart.presence(appointment, Channel::State, Role::Patient, Presence::Connected)
}

fn links(chart: &Chart, appointment: &Value, patient: &str) -> WriteBack {
    let from = e2e::clock::now();
    let about = About::Links {
        provider: "https://roomed.example/o/northside/launch?iss=x".into(),
        patient: patient.into(),
        from,
        until: from + jiff::SignedDuration::from_mins(30),
    };
    chart.intent(appointment, Channel::Link, about)
}

#[tokio::test]
async fn the_patients_arrival_stands_in_the_schedule_and_goes_no_further() -> anyhow::Result<()> {
    let chart = Chart::start("oracle-health").await?;
    let booked = chart.schedule(0, "booked").await?;
    let intent = arrival(&chart, &booked);
    assert_eq!(chart.shows(&intent, "k").await, ReadBack::NotApplied);
    assert_eq!(chart.deliver(&intent, "k").await?.said, Said::Accepted);
    assert_eq!(standing(&chart, &booked).await?["status"], "arrived");
    assert_eq!(chart.shows(&intent, "k").await, ReadBack::Applied);
    let before = chart.effects().await?.len();
    assert_eq!(chart.deliver(&intent, "k").await?.said, Said::Accepted);
    for (status, wanted) in [("checked-in", "accepted"), ("fulfilled", "accepted"), ("cancelled", "never")] {
        let appointment = chart.schedule(1, status).await?;
        let said = chart.deliver(&arrival(&chart, &appointment), "k").await?.said;
        assert!(
            matches!((&said, wanted), (Said::Accepted, "accepted") | (Said::Never { .. }, "never")),
            "{status}: {said:?}"
        );
        assert_eq!(standing(&chart, &appointment).await?["status"], status);
    }
    for (role, presence) in [
        (Role::Patient, Presence::Disconnected),
        (Role::Practitioner, Presence::Connected),
        (Role::Practitioner, Presence::Disconnected),
    ] {
        let said = chart.deliver(&chart.presence(&booked, Channel::State, role, presence), "k").await?.said;
        assert!(matches!(said, Said::Unsupported { .. }), "{said:?}");
    }
    assert_eq!(chart.effects().await?.len(), before, "what stands already is not written again");
    Ok(())
}

#[tokio::test]
async fn links_are_added_once_and_replaced_ever_after() -> anyhow::Result<()> {
    let chart = Chart::start("oracle-health").await?;
    let appointment = chart.schedule(0, "booked").await?;
    // The order in which a read shows them changes with every version.
    for n in 0..6 {
        let page = format!("https://roomed.example/o/northside/patient?n={n}");
        let intent = links(&chart, &appointment, &page);
        let delivered = chart.deliver(&intent, "k").await?;
        assert_eq!((delivered.said, delivered.attempts), (Said::Accepted, 1), "{n}");
        let shown = standing(&chart, &appointment).await?["links"].clone();
        assert_eq!(
            (&shown["patient"], &shown["provider"]),
            (&json!(page), &json!("https://roomed.example/o/northside/launch?iss=x"))
        );
        let before = chart.effects().await?.len();
        assert_eq!(chart.deliver(&intent, "k").await?.said, Said::Accepted);
        assert_eq!(chart.effects().await?.len(), before, "equal links are not written again");
        assert_eq!(chart.shows(&intent, "k").await, ReadBack::Applied);
    }
    let long = links(&chart, &appointment, &format!("https://roomed.example/{}", "x".repeat(255)));
    assert!(matches!(chart.deliver(&long, "k").await?.said, Said::Never { .. }));
    Ok(())
}

#[tokio::test]
async fn every_failure_of_a_patch_ends_with_the_arrival() -> anyhow::Result<()> {
    let chart = Chart::start("oracle-health").await?;
    for (n, fault) in [
        json!({ "mode": "drop_before" }),
        json!({ "mode": "drop_after_apply" }),
        json!({ "mode": "status", "status": 500 }),
        json!({ "mode": "status", "status": 503, "retry_after": 1 }),
        json!({ "mode": "status", "status": 423 }),
        json!({ "mode": "status_after_apply", "status": 502 }),
        json!({ "mode": "late", "delay_ms": 300 }),
        json!({ "mode": "status", "status": 409 }),
        json!({ "mode": "status", "status": 412 }),
        json!({ "mode": "revoke" }),
    ]
    .into_iter()
    .enumerate()
    {
        let appointment = chart.schedule(n % 3, "booked").await?;
        let mut switch = fault.clone();
        switch["target"] = json!("oracle.patch");
        chart.fault(switch).await?;
        let delivered = chart.deliver(&arrival(&chart, &appointment), "k").await?;
        assert_eq!(delivered.said, Said::Accepted, "{fault}");
        assert_eq!(standing(&chart, &appointment).await?["status"], "arrived", "{fault}");
        let silent = ["409", "412", "revoke"].iter().any(|it| fault.to_string().contains(it));
        assert_eq!(delivered.attempts, if silent { 1 } else { 2 }, "{fault}");
        let written = chart.effects().await?.iter().filter(|it| it["id"] == appointment["appointment_id"]).count();
        assert_eq!(written, 1, "{fault}");
    }
    chart.no_fault_left().await?;
    for mode in ["poison", "refuse"] {
        let appointment = chart.schedule(0, "booked").await?;
        chart.fault(json!({ "target": "oracle.patch", "mode": mode })).await?;
        let said = chart.deliver(&arrival(&chart, &appointment), "k").await?.said;
        assert!(matches!(said, Said::Never { .. }), "{mode}: {said:?}");
    }
    // Reads that fail apply nothing.
    let appointment = chart.schedule(0, "booked").await?;
    chart.fault(json!({ "target": "oracle.read", "mode": "status", "status": 500, "times": 2 })).await?;
    assert_eq!(chart.deliver(&arrival(&chart, &appointment), "k").await?.attempts, 3);
    Ok(())
}

#[tokio::test]
async fn two_nodes_and_a_front_desk_change_one_appointment() -> anyhow::Result<()> {
    let chart = Chart::start("oracle-health").await?;
    for stale in [409, 412] {
        chart.sandbox.send(Method::PUT, "/oracle/behaviour", &json!({ "stale": stale })).await?;
        let appointment = chart.schedule(0, "booked").await?;
        let (arrival, links) = (arrival(&chart, &appointment), links(&chart, &appointment, "https://roomed.example/p"));
        let (one, other) = tokio::join!(deliver(&chart.ehr, &arrival, "k"), deliver(&chart.other_node, &links, "l"));
        assert_eq!((one?.said, other?.said), (Said::Accepted, Said::Accepted));
        let stands = standing(&chart, &appointment).await?;
        assert_eq!(
            (&stands["status"], &stands["links"]["patient"]),
            (&json!("arrived"), &json!("https://roomed.example/p"))
        );
        // The desk checks the patient in between our read and our patch.
        let appointment = chart.schedule(1, "booked").await?;
        let id = appointment["appointment_id"].as_str().unwrap_or_default().to_owned();
        chart.fault(json!({ "target": "oracle.patch", "mode": "delay", "delay_ms": 500 })).await?;
        let intent = self::arrival(&chart, &appointment);
        let desk = async {
            e2e::wait::until("our patch is under way", async || {
                Ok((chart.sandbox.get("/faults").await?["faults"] == json!([])).then_some(()))
            })
            .await?;
            chart.sandbox.send(Method::PATCH, &format!("/appointments/{id}"), &json!({ "status": "checked-in" })).await
        };
        let (said, desk) = tokio::join!(chart.deliver(&intent, "k"), desk);
        desk?;
        assert_eq!(said?.said, Said::Accepted);
        assert_eq!(standing(&chart, &appointment).await?["status"], "checked-in", "what the desk did stands");
    }
    Ok(())
}

#[tokio::test]
async fn a_launch_finds_its_appointment() -> anyhow::Result<()> {
    let chart = Chart::start("oracle-health").await?;
    let appointment = chart.schedule(0, "booked").await?;
    let text = |name: &str| appointment[name].as_str().unwrap_or_default().to_owned();
    let by_id = chart.ehr.appointment_by_identifier(&text("appointment_id")).await?;
    let facts = by_id.ok_or_else(|| anyhow::anyhow!("not found"))?;
    assert_eq!(
        (facts.id.clone(), facts.patient.clone().unwrap_or_default(), facts.is_virtual),
        (text("appointment_id"), text("patient_id"), true)
    );
    assert_eq!(chart.ehr.appointment_of_encounter(&text("encounter_id")).await?, Some(facts));
    Ok(())
}
