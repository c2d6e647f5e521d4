//! Clinicians' names on the visit page and the staff page, each as the organization has it: as the EHR writes them where they
//! are shown, and otherwise nowhere. They are in memory only: no table, no log and no notice ever has one.

use e2e::scan::{self, Canary};
use e2e::wait::until;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::visitor::Visitor;
use crate::web_browser::{Browser, assign};

/// `page` and `staff`: what the organization says of each; nothing where it says nothing.
async fn ground(vendor: &'static str, page: Option<&str>, staff: Option<&str>) -> anyhow::Result<Ground> {
    let mut ground = Ground::start_at(vendor, |_| {}).await?;
    ground
        .stack
        .reconfigure(|it| {
            it["organizations"][0]["staff"] = json!([{ "role": "Desk.All", "departments": ["*"] }]);
            if let Some(policy) = page {
                it["organizations"][0]["pages"]["clinician"] = policy.into();
            }
            if let Some(policy) = staff {
                it["organizations"][0]["staff_page"]["clinician"] = policy.into();
            }
        })
        .await?;
    Ok(ground)
}

/// A patient who waits, and a desk that sees them.
struct Readers {
    visitor: Visitor,
    desk: Browser,
}

impl Readers {
    async fn of(ground: &Ground) -> anyhow::Result<Self> {
        let appointment = ground.schedule(0, 0).await?;
        let visitor = Visitor::enter(ground, 0, &appointment).await?;
        visitor.ready().await?;
        let person = ground.northside.of_role("staff", 0)?;
        assign(ground, person, &["Desk.All"]).await?;
        let mut desk = Browser::of(ground)?;
        desk.go_as("/o/northside/sign-in?to=staff", person).await?;
        Ok(Self { visitor, desk })
    }

    /// What the patient's page says.
    async fn page(&self) -> anyhow::Result<Value> {
        Ok(self.visitor.view().await?["clinician"].clone())
    }

    /// What the staff page says.
    async fn staff(&self) -> anyhow::Result<Value> {
        let rows = self.desk.api(Method::GET, "/staff/api/visits", None).await?.accepted()?;
        Ok(rows["rows"][0]["clinicians"].clone())
    }

    async fn page_names(&self, name: &str) -> anyhow::Result<()> {
        until("the page names the clinician", async || Ok((self.page().await? == name).then_some(()))).await
    }

    async fn staff_names(&self, name: &str) -> anyhow::Result<()> {
        until("the list names the clinician", async || Ok((self.staff().await? == json!([name])).then_some(()))).await
    }
}

fn name(ground: &Ground) -> anyhow::Result<String> {
    let name = ground.northside.of_role("practitioner", 0)?["name"].as_str().unwrap_or_default().to_owned();
    assert!(name.len() > 5, "the sandbox says what they are called");
    Ok(name)
}

#[tokio::test]
async fn a_clinician_is_named_where_the_organization_says_so_and_kept_nowhere() -> anyhow::Result<()> {
    for vendor in ["epic", "oracle-health", "fhir-r4"] {
        let ground = ground(vendor, Some("shown"), Some("shown")).await?;
        let name = name(&ground)?;
        let readers = Readers::of(&ground).await?;
        readers.page_names(&name).await?;
        readers.staff_names(&name).await?;
        for place in ["relay.sqlite", "relay.sqlite-wal", "logs/relay.log"] {
            let found = scan::file(&ground.stack.directory.join(place), &[Canary::new("clinician.name", &name)]);
            assert_eq!(found, [], "{vendor}");
        }
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn staff_are_told_whom_the_patients_page_hides_and_the_other_way_round() -> anyhow::Result<()> {
    // Whoever says nothing shows names to staff and to nobody else.
    for (page, staff) in [(None, None), (Some("hidden"), Some("shown"))] {
        let ground = ground("epic", page, staff).await?;
        let readers = Readers::of(&ground).await?;
        // Once the name is known, nothing but the policy keeps it off the page.
        readers.staff_names(&name(&ground)?).await?;
        assert_eq!(readers.page().await?, Value::Null, "{page:?}");
    }
    let ground = ground("epic", Some("shown"), Some("hidden")).await?;
    let readers = Readers::of(&ground).await?;
    readers.page_names(&name(&ground)?).await?;
    assert_eq!(readers.staff().await?, json!([]));
    ground.no_leaks().await
}

#[tokio::test]
async fn where_both_hide_names_none_is_read() -> anyhow::Result<()> {
    let ground = ground("epic", Some("hidden"), Some("hidden")).await?;
    // Their first launch asks whose chart it is, and does read.
    let clinician = ground.clinician(0).await?;
    let begin = async || {
        let appointment = ground.schedule(0, 1).await?;
        clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await
    };
    begin().await?;
    // A reading would strike.
    ground
        .fault(
            json!({ "target": "epic.fhir", "mode": "delay", "delay_ms": 1, "matching": "Practitioner/", "times": 0 }),
        )
        .await?;
    let readers = Readers::of(&ground).await?;
    readers.staff().await?;
    assert_eq!((readers.page().await?, readers.staff().await?), (Value::Null, json!([])));
    // A launch that is later than all of that.
    begin().await?;
    ground.at_rest().await?;
    let faults = ground.stack.sandbox.get("/faults").await?;
    assert_eq!(faults["struck"]["epic.fhir"], Value::Null, "{faults}");
    Ok(())
}

#[tokio::test]
async fn an_ehr_that_does_not_say_a_name_keeps_nobody_waiting() -> anyhow::Result<()> {
    let ground = ground("epic", Some("shown"), None).await?;
    ground.fault(json!({ "target": "epic.fhir", "mode": "status", "matching": "Practitioner/", "times": 0 })).await?;
    let readers = Readers::of(&ground).await?;
    assert_eq!((readers.page().await?, readers.staff().await?), (Value::Null, json!([])));
    Ok(())
}
