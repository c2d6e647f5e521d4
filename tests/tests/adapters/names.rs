//! Clinicians' names on the visit page and the staff page: as the EHR writes them where the organization shows them, and
//! otherwise nowhere. They are in memory only: no table, no log and no notice ever has one.

use e2e::scan::{self, Canary};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::visitor::Visitor;
use crate::web_browser::{Browser, assign};

async fn ground(vendor: &'static str, policy: Option<&str>) -> anyhow::Result<Ground> {
    let mut ground = Ground::start_at(vendor, |_| {}).await?;
    ground
        .reconfigure(|it| {
            it["organizations"][0]["staff"] = json!([{ "role": "Desk.All", "departments": ["*"] }]);
            if let Some(policy) = policy {
                it["organizations"][0]["pages"]["clinician"] = policy.into();
            }
        })
        .await?;
    Ok(ground)
}

/// What the patient's page and the staff page say of the clinician; where they are `named`, as soon as they do.
async fn said(ground: &Ground, named: bool) -> anyhow::Result<(Value, Value)> {
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(ground, 0, &appointment).await?;
    visitor.ready().await?;
    if named {
        visitor.sees("the clinician's name", |view| !view["clinician"].is_null()).await?;
    }
    let page = visitor.view().await?["clinician"].clone();
    let person = ground.northside.of_role("staff", 0)?;
    assign(ground, person, &["Desk.All"]).await?;
    let mut browser = Browser::of(ground)?;
    browser.go_as("/o/northside/sign-in?to=staff", person).await?;
    let rows = browser.api(Method::GET, "/staff/api/visits", None).await?.accepted()?;
    Ok((page, rows["rows"][0]["clinicians"].clone()))
}

#[tokio::test]
async fn a_clinician_is_named_where_the_organization_says_so_and_kept_nowhere() -> anyhow::Result<()> {
    for vendor in ["epic", "oracle-health", "fhir-r4"] {
        let ground = ground(vendor, Some("shown")).await?;
        let name = ground.northside.of_role("practitioner", 0)?["name"].as_str().unwrap_or_default().to_owned();
        assert!(name.len() > 5, "the sandbox says what they are called");
        let (page, staff) = said(&ground, true).await?;
        assert_eq!((page, staff), (json!(name), json!([name])), "{vendor}");
        for place in ["relay.sqlite", "relay.sqlite-wal", "logs/relay.log"] {
            let found = scan::file(&ground.stack.directory.join(place), &[Canary::new("clinician.name", &name)]);
            assert_eq!(found, [], "{vendor}");
        }
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_clinician_is_named_nowhere_where_the_organization_hides_them_or_says_nothing() -> anyhow::Result<()> {
    for policy in [None, Some("hidden")] {
        let ground = ground("epic", policy).await?;
        assert_eq!(said(&ground, false).await?, (Value::Null, json!([])), "{policy:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_ehr_that_does_not_say_a_name_keeps_nobody_waiting() -> anyhow::Result<()> {
    let ground = ground("epic", Some("shown")).await?;
    ground.fault(json!({ "target": "epic.fhir", "mode": "status", "matching": "Practitioner/", "times": 0 })).await?;
    let (page, staff) = said(&ground, false).await?;
    assert_eq!((page, staff), (Value::Null, json!([])));
    Ok(())
}
