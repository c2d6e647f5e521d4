//! The generic FHIR R4 file against a strict stand-in server of every kind: with and without conditional create, update as
//! create, transactions and versions; in every way it can fail. What is there in the end is there once.

use reqwest::Method;
use roomed_relay::ehr::{ReadBack, Said};
use roomed_relay::outbox::{About, Presence, Role, WriteBack};
use roomed_relay::store::Channel;
use serde_json::{Value, json};

use crate::chart::{Chart, deliver};

/// Servers, and whether one of them can keep a second create out.
fn servers() -> Vec<(Value, bool)> {
    vec![
        (json!({}), true),
        (json!({ "transaction": false }), true),
        (json!({ "updateCreate": false }), true),
        (json!({ "updateCreate": false, "transaction": false }), true),
        (json!({ "conditionalCreate": false, "transaction": false }), true),
        (json!({ "versioning": "no-version" }), true),
        (json!({ "versioning": "versioned-update" }), true),
        (json!({ "conditionalCreate": false, "updateCreate": false, "transaction": false }), false),
        (json!({ "conditionalCreate": false, "updateCreate": false, "versioning": "no-version" }), false),
    ]
}

/// A chart whose server can do this.
async fn chart(can: &Value) -> anyhow::Result<Chart> {
    let chart = Chart::start("fhir-r4").await?;
    chart.sandbox.send(Method::PUT, "/r4/capabilities", can).await?;
    Ok(chart)
}

fn stage(chart: &Chart, appointment: &Value, stage: &str) -> WriteBack {
    chart.intent(appointment, Channel::State, About::Stage { stage: stage.into(), at: e2e::clock::now() })
}

/// Encounters that were made, one entry per create.
async fn encounters(chart: &Chart) -> anyhow::Result<usize> {
    let is_one = |it: &&Value| it["kind"] == "create" && it["resource_type"] == "Encounter";
    Ok(chart.effects().await?.iter().filter(is_one).count())
}

#[tokio::test]
async fn a_whole_visit_is_told_to_every_kind_of_server() -> anyhow::Result<()> {
    for (can, _) in servers() {
        let chart = chart(&can).await?;
        // The one was planned by the desk, the other is ours to make.
        whole_visit(&chart, &can, &chart.schedule(0, "booked").await?).await?;
        assert_eq!(encounters(&chart).await?, 0, "{can}");
        whole_visit(&chart, &can, &chart.schedule_without_encounter(1).await?).await?;
        assert_eq!(encounters(&chart).await?, 1, "{can}");
        let standing = chart.sandbox.get("/standing?ehr=r4").await?;
        let statuses: Vec<_> =
            standing["r4"]["encounters"].as_array().into_iter().flatten().map(|it| &it["status"]).collect();
        assert_eq!(statuses, [&json!("finished"), &json!("finished")], "{can}: never backwards");
    }
    Ok(())
}

async fn whole_visit(chart: &Chart, can: &Value, appointment: &Value) -> anyhow::Result<()> {
    let id = appointment["appointment_id"].as_str().unwrap_or_default();
    let mut events = Vec::new();
    for (n, (role, presence)) in [
        (Role::Patient, Presence::Connected),
        (Role::Practitioner, Presence::Connected),
        (Role::Patient, Presence::Disconnected),
        (Role::Patient, Presence::Connected),
        (Role::Patient, Presence::Disconnected),
        (Role::Practitioner, Presence::Disconnected),
    ]
    .into_iter()
    .enumerate()
    {
        for channel in [Channel::State, Channel::Audit, Channel::Message] {
            let key = format!("{id}-{n}-{}", channel.as_str());
            let intent = chart.presence(appointment, channel, role, presence);
            let delivered = chart.deliver(&intent, &key).await?;
            assert_eq!((delivered.said, delivered.attempts), (Said::Accepted, 1), "{can}: {key}");
            assert_eq!(chart.shows(&intent, &key).await, ReadBack::Applied, "{can}: {key}");
            if channel != Channel::State {
                events.push((key, intent));
            }
        }
    }
    for word in ["arrived", "in-progress", "finished", "in-progress"] {
        let intent = stage(chart, appointment, word);
        assert_eq!(chart.deliver(&intent, word).await?.said, Said::Accepted, "{can}: {word}");
    }
    // Said again, as a worker that died before it could settle would: nothing comes of it.
    let before = chart.effects().await?;
    for (key, intent) in &events {
        assert_eq!(chart.creates(key).await?, 1, "{can}: {key}");
        assert_eq!(chart.deliver(intent, key).await?.said, Said::Accepted, "{can}: {key}");
        assert_eq!(chart.creates(key).await?, 1, "{can}: {key}");
    }
    let creates = |all: &[Value]| all.iter().filter(|it| it["kind"] == "create").count();
    assert_eq!(creates(&chart.effects().await?), creates(&before));
    Ok(())
}

/// Faults of a write that take effect, or do not, without anybody hearing of it.
fn ambiguous() -> [Value; 5] {
    [
        json!({ "mode": "drop_after_apply" }),
        json!({ "mode": "status_after_apply", "status": 500 }),
        json!({ "mode": "drop_before" }),
        json!({ "mode": "late", "delay_ms": 300 }),
        json!({ "mode": "status", "status": 502 }),
    ]
}

#[tokio::test]
async fn an_event_nobody_heard_of_is_there_once_or_waits_for_an_operator() -> anyhow::Result<()> {
    for (can, keeps_out) in servers() {
        let chart = chart(&can).await?;
        let appointment = chart.schedule(0, "booked").await?;
        for (n, fault) in ambiguous().into_iter().enumerate() {
            for channel in [Channel::Audit, Channel::Message] {
                let key = format!("key-{n}-{}", channel.as_str());
                let mut switch = fault.clone();
                switch["target"] = json!("r4.write");
                chart.fault(switch).await?;
                let intent = chart.presence(&appointment, channel, Role::Patient, Presence::Connected);
                let said = chart.deliver(&intent, &key).await?.said;
                let there = chart.creates(&key).await?;
                let applied = ["after_apply", "late"].iter().any(|it| fault.to_string().contains(it));
                // An AuditEvent can be made under an id of ours or not at all conditionally.
                let keeps_out = keeps_out && (channel == Channel::Message || can["updateCreate"] != json!(false));
                match (applied, keeps_out) {
                    (true, _) | (false, true) => assert_eq!((said, there), (Said::Accepted, 1), "{can} {fault} {key}"),
                    (false, false) => {
                        assert!(matches!(said, Said::PossibleDouble { .. }), "{can} {fault} {key}: {said:?}");
                        assert_eq!(there, 0);
                    }
                }
            }
        }
        chart.no_fault_left().await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_encounter_is_made_once_and_shows_the_newest_state_whatever_fails() -> anyhow::Result<()> {
    for (can, keeps_out) in servers() {
        let chart = chart(&can).await?;
        for (n, fault) in ambiguous().into_iter().enumerate() {
            let appointment = chart.schedule_without_encounter(n % 3).await?;
            let before = encounters(&chart).await?;
            let mut switch = fault.clone();
            switch["target"] = json!("r4.write");
            chart.fault(switch).await?;
            let patient = chart.presence(&appointment, Channel::State, Role::Patient, Presence::Connected);
            let applied = ["after_apply", "late"].iter().any(|it| fault.to_string().contains(it));
            let said = chart.deliver(&patient, "patient").await?.said;
            if !keeps_out && !applied {
                assert!(matches!(said, Said::PossibleDouble { .. }), "{can} {fault}: {said:?}");
                assert_eq!(encounters(&chart).await?, before, "{can} {fault}");
                continue;
            }
            assert_eq!(said, Said::Accepted, "{can} {fault}");
            let clinician = chart.presence(&appointment, Channel::State, Role::Practitioner, Presence::Connected);
            chart
                .fault({
                    let mut it = fault.clone();
                    it["target"] = json!("r4.write");
                    it
                })
                .await?;
            assert_eq!(chart.deliver(&clinician, "clinician").await?.said, Said::Accepted, "{can} {fault}");
            for intent in [&patient, &clinician] {
                assert_eq!(chart.shows(intent, "x").await, ReadBack::Applied, "{can} {fault}");
            }
            assert_eq!(encounters(&chart).await?, before + 1, "{can} {fault}");
        }
        chart.no_fault_left().await?;
    }
    Ok(())
}

#[tokio::test]
async fn two_nodes_tell_of_one_visit_at_the_same_time() -> anyhow::Result<()> {
    for can in [json!({}), json!({ "transaction": false }), json!({ "updateCreate": false })] {
        let chart = chart(&can).await?;
        for n in 0..5 {
            let appointment = chart.schedule_without_encounter(n % 3).await?;
            let before = encounters(&chart).await?;
            let patient = chart.presence(&appointment, Channel::State, Role::Patient, Presence::Connected);
            let clinician = chart.presence(&appointment, Channel::State, Role::Practitioner, Presence::Connected);
            let arrived = stage(&chart, &appointment, "arrived");
            let (one, two, three) = tokio::join!(
                deliver(&chart.ehr, &patient, "patient"),
                deliver(&chart.other_node, &clinician, "clinician"),
                deliver(&chart.other_node, &arrived, "stage"),
            );
            assert_eq!((one?.said, two?.said, three?.said), (Said::Accepted, Said::Accepted, Said::Accepted));
            for intent in [&patient, &clinician, &arrived] {
                assert_eq!(chart.shows(intent, "x").await, ReadBack::Applied, "{can}");
            }
            assert_eq!(encounters(&chart).await?, before + 1, "{can}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn refusals_busy_servers_and_lost_tokens_fall_into_their_classes() -> anyhow::Result<()> {
    let chart = chart(&json!({})).await?;
    for channel in [Channel::State, Channel::Audit, Channel::Message] {
        for (fault, wanted, attempts) in [
            (json!({ "mode": "poison" }), "never", 1),
            (json!({ "mode": "refuse" }), "never", 1),
            (json!({ "mode": "revoke" }), "accepted", 1),
            (json!({ "mode": "status", "status": 503, "retry_after": 1 }), "accepted", 2),
            (json!({ "mode": "status", "status": 429 }), "accepted", 2),
        ] {
            let appointment = chart.schedule(0, "booked").await?;
            let mut switch = fault.clone();
            switch["target"] = json!("r4.write");
            chart.fault(switch).await?;
            let intent = chart.presence(&appointment, channel, Role::Patient, Presence::Connected);
            let key = format!("{}-{fault}", channel.as_str()).replace(|it: char| !it.is_ascii_alphanumeric(), "");
            let delivered = chart.deliver(&intent, &key).await?;
            let got = match delivered.said {
                Said::Accepted => "accepted",
                Said::Never { .. } => "never",
                other => anyhow::bail!("{fault}: {other:?}"),
            };
            assert_eq!((got, delivered.attempts), (wanted, attempts), "{channel:?} {fault}");
        }
    }
    chart.no_fault_left().await
}

#[tokio::test]
async fn a_launch_finds_its_appointment() -> anyhow::Result<()> {
    let chart = chart(&json!({})).await?;
    let appointment = chart.schedule(0, "booked").await?;
    let text = |name: &str| appointment[name].as_str().unwrap_or_default().to_owned();
    let found = chart.ehr.appointment_by_identifier(&text("csn")).await?;
    let facts = found.ok_or_else(|| anyhow::anyhow!("not found"))?;
    assert_eq!(
        (facts.id.clone(), facts.patient.clone().unwrap_or_default()),
        (text("appointment_id"), text("patient_id"))
    );
    assert_eq!(chart.ehr.appointment(&text("appointment_id")).await?, Some(facts));
    Ok(())
}
