//! A whole visit at a generic FHIR R4 server, with the real relay: its stages become the Encounter's status, who is there
//! becomes periods, and everybody who comes or goes one AuditEvent and one Communication.

use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, visit_until};
use crate::room::{Waiting, is};

/// Everything of a type that stands in the server.
async fn resources(ground: &Ground, kind: &str) -> anyhow::Result<Vec<Value>> {
    let all = ground.stack.sandbox.get(&format!("/r4/resources/{kind}")).await?;
    Ok(all["resources"].as_array().cloned().unwrap_or_default())
}

/// Waits until there is one Encounter and it stands so.
async fn encounter(ground: &Ground, what: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    e2e::wait::until(what, async || {
        let mut all = resources(ground, "Encounter").await?;
        anyhow::ensure!(all.len() <= 1, "there are {} encounters", all.len());
        Ok(all.pop().filter(|it| wanted(it)))
    })
    .await
}

/// Every status the Encounter had, in order.
async fn statuses(ground: &Ground) -> anyhow::Result<Vec<String>> {
    let all = ground.stack.sandbox.get("/effects?since=0&limit=10000").await?;
    let all = all["effects"].as_array().cloned().unwrap_or_default();
    let own = all.iter().filter(|it| it["resource_type"] == "Encounter");
    let mut statuses: Vec<String> = own.map(|it| it["status"].as_str().unwrap_or_default().to_owned()).collect();
    statuses.dedup();
    Ok(statuses)
}

fn with_messages(configuration: &mut Value) {
    configuration["organizations"][0]["ehr"][0]["communication"] = json!(true);
}

/// Who came or went by the events of a type: role and word, sorted.
fn said(events: &[Value], of: impl Fn(&Value) -> (String, String)) -> Vec<(String, String)> {
    let mut said: Vec<_> = events.iter().map(of).collect();
    said.sort();
    said
}

/// The type of a reference.
fn kind_of(reference: &Value) -> String {
    reference.as_str().and_then(|it| it.split('/').next()).unwrap_or_default().to_owned()
}

/// A server where nothing keeps a second Encounter out, and nothing one change from undoing another.
#[tokio::test]
async fn at_the_poorest_server_a_visit_is_one_encounter_all_the_same() -> anyhow::Result<()> {
    let ground = Ground::start_at("fhir-r4", |_| ()).await?;
    let can =
        json!({ "conditionalCreate": false, "updateCreate": false, "transaction": false, "versioning": "no-version" });
    ground.stack.sandbox.send(Method::PUT, "/r4/capabilities", &can).await?;
    let appointment = ground.schedule_unusual(|it| it["encounter"] = json!(false)).await?;
    // The arrival is a stage and a presence: two rows of one resource, at the same moment.
    let waiting = Waiting::start(&ground, 0, appointment).await?;
    let there = |it: &Value| it["status"] == "arrived" && it["location"][0]["period"]["start"].is_string();
    encounter(&ground, "the arrival", there).await?;
    waiting.meet(&ground).await?;
    let begun = |it: &Value| {
        it["status"] == "in-progress"
            && it["participant"][0]["period"]["start"].is_string()
            && it["location"][0]["period"]["start"].is_string()
    };
    encounter(&ground, "the beginning", begun).await?;
    Ok(())
}

#[tokio::test]
async fn a_visit_is_an_encounter_that_moves_and_an_event_for_everybody_who_comes_or_goes() -> anyhow::Result<()> {
    let ground = Ground::start_at("fhir-r4", with_messages).await?;
    // The desk has planned no Encounter: it is ours to make.
    let appointment = ground.schedule_unusual(|it| it["encounter"] = json!(false)).await?;
    let waiting = Waiting::start(&ground, 0, appointment.clone()).await?;
    let there = |it: &Value| it["status"] == "arrived" && it["location"][0]["period"]["start"].is_string();
    let shown = encounter(&ground, "the arrival", there).await?;
    assert_eq!((&shown["class"]["code"], shown["location"].as_array().map(Vec::len)), (&json!("VR"), Some(1)));
    assert_eq!(shown["location"][0]["period"]["end"], Value::Null);
    let reference = format!("Appointment/{}", appointment["appointment_id"].as_str().unwrap_or_default());
    assert_eq!(shown["appointment"], json!([{ "reference": reference }]));

    let running = waiting.meet(&ground).await?;
    let begun = |it: &Value| it["status"] == "in-progress" && it["participant"][0]["period"]["start"].is_string();
    let shown = encounter(&ground, "the beginning", begun).await?;
    assert!(shown["period"]["start"].is_string(), "{shown}");

    running.room.leaves(&running.legs.1).await?;
    let gone = |visit: &Value| is(visit, "patient", "disconnected");
    visit_until(&running.clinician, &running.visit, "the patient is gone", gone).await?;
    encounter(&ground, "the patient's period ends", |it| it["location"][0]["period"]["end"].is_string()).await?;
    let path = format!("/visits/{}/end", running.visit["id"].as_str().unwrap_or_default());
    running.clinician.ask(Method::POST, &path, None).await?.accepted()?;
    running.room.ends().await?;
    let over = |it: &Value| it["status"] == "finished" && it["participant"][0]["period"]["end"].is_string();
    let shown = encounter(&ground, "the end", over).await?;
    assert!(shown["period"]["end"].is_string(), "{shown}");
    let moves = statuses(&ground).await?;
    let planned = moves.first().is_some_and(|it| it == "planned");
    assert_eq!(moves[usize::from(planned)..], ["arrived", "in-progress", "finished"]);

    // One of each for each who came and went, once however often the relay looks at it.
    let each = |came: &str, went: &str| {
        let of = |who: &str, what: &str| (who.to_owned(), what.to_owned());
        ["Patient", "Practitioner"].iter().flat_map(|it| [of(it, came), of(it, went)]).collect::<Vec<_>>()
    };
    e2e::wait::until("every event is told", async || {
        let mut left = 0.0;
        for state in ["waiting", "in-flight", "waiting-for-identifier"] {
            left += ground.figure(&format!("roomed_outbox_entries{{state=\"{state}\"}}")).await?;
        }
        Ok((left == 0.0).then_some(()))
    })
    .await?;
    let audits = said(&resources(&ground, "AuditEvent").await?, |it| {
        let code = it["subtype"][0]["code"].as_str().unwrap_or_default().to_owned();
        (kind_of(&it["agent"][1]["who"]["reference"]), code)
    });
    assert_eq!(audits, each("110124", "110125"));
    let messages = said(&resources(&ground, "Communication").await?, |it| {
        let text = it["payload"][0]["contentString"].as_str().unwrap_or_default();
        let word = if text.contains("no longer") { "went" } else { "came" };
        (kind_of(&it["sender"]["reference"]), word.to_owned())
    });
    assert_eq!(messages, each("came", "went"));
    // R4 has no element for links; nothing else was left unsaid.
    let unsupported = ground.figure("roomed_ehr_unsupported_total{about=\"links\",vendor=\"fhir-r4\"}").await?;
    assert_eq!(unsupported, 1.0);
    for state in ["parked", "unsupported"] {
        assert_eq!(ground.figure(&format!("roomed_outbox_entries{{state=\"{state}\"}}")).await?, 0.0, "{state}");
    }
    ground.no_leaks().await
}
