//! A companion of before speaks version 1 and refuses a whole list for one word it does not know: it is told everything
//! in the words it has.

use e2e::clinician::http;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::room::Waiting;

/// The words version 1 had.
const ROLES: [&str; 3] = ["patient", "practitioner", "unattributed"];
const PRESENCES: [&str; 4] = ["absent", "waiting", "connected", "disconnected"];
const NOTICES: [&str; 4] = ["patient-ready", "alert-withdrawn", "visit-changed", "covered-by"];

#[tokio::test]
async fn it_reads_a_visit_with_an_interpreter_and_a_call_for_help() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let waiting = Waiting::start(&ground, 0, ground.schedule(0, 0).await?).await?;
    let Waiting { clinician, visit, visitor, .. } = &waiting;
    let invite = format!("/visits/{}/invitations", visit["id"].as_str().unwrap_or_default());
    let interpreter = json!({ "role": "interpreter", "send": { "by": "hand" } });
    clinician.ask(Method::POST, &invite, Some(&interpreter)).await?.accepted()?;
    visitor.post("help").await?.accepted()?;

    let ask = async |path: &str| -> anyhow::Result<Value> {
        let address = format!("{}/api/v1{path}", ground.stack.relay);
        Ok(http()?.get(address).bearer_auth(&clinician.token).send().await?.error_for_status()?.json().await?)
    };
    let visits = ask("/visits").await?;
    let people = visits["visits"][0]["participants"].as_array().cloned().unwrap_or_default();
    assert_eq!(people.len(), 3, "{visits}");
    for one in &people {
        assert!(ROLES.iter().any(|role| one["role"] == *role), "{one}");
        assert!(PRESENCES.iter().any(|presence| one["presence"] == *presence), "{one}");
    }
    let notices = ask("/notices").await?["notices"].as_array().cloned().unwrap_or_default();
    assert!(!notices.is_empty());
    for notice in &notices {
        assert!(NOTICES.iter().any(|kind| notice["kind"] == *kind), "{notice}");
    }
    let words = clinician.get("/notices").await?.to_string();
    assert!(words.contains("help-wanted"), "one of today hears it in full: {words}");
    ground.no_leaks().await
}
