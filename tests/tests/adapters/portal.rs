//! The portal's API: who is let in and for how long, that a change comes from a page of ours by somebody who has just signed in,
//! and that another hospital's administrator knows nothing of this one's.

use std::collections::BTreeSet;

use e2e::{scan, wait};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::ground::{Ground, participant, refused, visit_until};
use crate::visitor::Visitor;
use crate::web_browser::{Browser, assign};

const SIGNED_OUT: (u16, &str, &str) = (401, "not-signed-in", "clinician");
const NO_ROLE: (u16, &str, &str) = (403, "role-missing", "microsoft-365-admin");
const NOT_OURS: (u16, &str, &str) = (400, "bad-request", "it");
const UNKNOWN: (u16, &str, &str) = (404, "write-back-unknown", "ehr-analyst");
const CHANGED: (u16, &str, &str) = (409, "write-back-changed", "ehr-analyst");

/// Everything an administrator may ask for, and what goes with it.
fn doors(id: &str) -> Vec<(Method, String, Option<Value>)> {
    let get = |path: &str| (Method::GET, format!("/portal/api/{path}"), None);
    let post = |path: &str, body: Value| (Method::POST, format!("/portal/api/{path}"), Some(body));
    vec![
        get("doctor"),
        get("records"),
        get("write-backs"),
        get(&format!("write-backs/{id}")),
        post("doctor", json!({})),
        post(&format!("write-backs/{id}/retry"), json!({ "absent": false })),
        post(&format!("write-backs/{id}/skip"), json!({ "reason": "Told by telephone." })),
        post("write-backs/replay", json!({ "since": "2026-01-01T00:00:00Z" })),
    ]
}

/// Somebody of a hospital's staff with these roles, signed in to the portal.
async fn signed_in(ground: &Ground, key: &str, roles: &[&str]) -> anyhow::Result<Browser> {
    let organization = if key == "harbor" { &ground.harbor } else { &ground.northside };
    let person = organization.of_role("staff", 0)?;
    assign(ground, person, roles).await?;
    let mut browser = Browser::of(ground)?;
    let page = browser.go_as(&format!("/o/{key}/sign-in?to=portal"), person).await?;
    assert_eq!((page.status, page.address.path(), page.address.query()), (200, "/portal/", Some(&*format!("o={key}"))));
    Ok(browser)
}

async fn get(browser: &Browser, path: &str) -> anyhow::Result<Value> {
    browser.api(Method::GET, &format!("/portal/api/{path}"), None).await?.accepted()
}

async fn post(browser: &Browser, path: &str, body: Value) -> anyhow::Result<Value> {
    browser.api(Method::POST, &format!("/portal/api/{path}"), Some(&body)).await?.accepted()
}

/// A run of the doctor to its end.
async fn examined(browser: &Browser) -> anyhow::Result<Value> {
    let begun = post(browser, "doctor", json!({})).await?;
    assert!(begun["running"]["since"].is_string(), "{begun}");
    wait::until("the doctor is done", async || {
        let view = get(browser, "doctor").await?;
        assert_eq!(view["failed"], false, "{view}");
        Ok(view["running"].is_null().then(|| view["report"].clone()))
    })
    .await
}

fn found<'a>(report: &'a Value, check: &str) -> &'a Value {
    let mut all = report["findings"].as_array().into_iter().flatten();
    all.find(|it| it["check"] == check).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn only_roles_open_it_and_a_change_needs_our_page_and_a_fresh_sign_in() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let nobody = Browser::of(&ground)?;
    let without = signed_in(&ground, "northside", &["Desk.All"]).await?;
    refused("me", &nobody.api(Method::GET, "/portal/api/me", None).await?, SIGNED_OUT);
    refused("me", &without.api(Method::GET, "/portal/api/me", None).await?, NO_ROLE);
    let reader = signed_in(&ground, "northside", &["Roomed.Reports"]).await?;
    let me = get(&reader, "me").await?;
    assert_eq!((&me["roles"], &me["steps"]), (&json!(["reports"]), &json!([])));
    for (method, path, body) in doors("x") {
        for (who, browser, expected) in
            [("nobody", &nobody, SIGNED_OUT), ("without a role", &without, NO_ROLE), ("a reader", &reader, NO_ROLE)]
        {
            refused(
                &format!("{who}: {method} {path}"),
                &browser.api(method.clone(), &path, body.as_ref()).await?,
                expected,
            );
        }
    }

    let admin = signed_in(&ground, "northside", &["Roomed.Admin"]).await?;
    let me = get(&admin, "me").await?;
    assert_eq!((&me["key"], &me["roles"]), (&json!("northside"), &json!(["admin"])), "{me}");
    let steps: Vec<_> = me["steps"].as_array().into_iter().flatten().map(|it| it["step"].clone()).collect();
    assert_eq!(steps, ["prerequisites", "records", "doctor", "write-backs"]);
    for (method, path, body) in doors("x").into_iter().filter(|it| it.0 == Method::POST) {
        for origin in [None, Some("https://elsewhere.example"), Some("null")] {
            let answer = admin.api_from(method.clone(), &path, body.as_ref(), origin).await?;
            refused(&format!("{path} from {origin:?}"), &answer, NOT_OURS);
        }
    }

    // Sixteen minutes later they may look, and change nothing until they have signed in again.
    let file = SqliteConnectOptions::new().filename(ground.stack.directory.join("relay.sqlite"));
    let mut database = SqliteConnection::connect_with(&file).await?;
    sqlx::query("UPDATE web_session SET ends_at = ends_at - 960000").execute(&mut database).await?;
    for (method, path, body) in doors("x") {
        let answer = admin.api(method.clone(), &path, body.as_ref()).await?;
        match method == Method::POST {
            true => refused(&path, &answer, SIGNED_OUT),
            false => assert!([200, 404].contains(&answer.status), "{path}: {}", answer.status),
        }
    }
    assert!(get(&admin, "doctor").await?["running"].is_null(), "nothing was begun");
    // A session that seems to be of tomorrow is as little good.
    sqlx::query("UPDATE web_session SET ends_at = ends_at + 1920000").execute(&mut database).await?;
    database.close().await?;
    refused("of tomorrow", &admin.api(Method::POST, "/portal/api/doctor", Some(&json!({}))).await?, SIGNED_OUT);
    let again = signed_in(&ground, "northside", &["Roomed.Admin"]).await?;
    examined(&again).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_whose_it_is_and_of_ones_own_organization_only() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let admin = signed_in(&ground, "northside", &["Roomed.Admin"]).await?;
    let stranger = signed_in(&ground, "harbor", &["Roomed.Admin"]).await?;
    let report = examined(&admin).await?;
    let all = report["findings"].as_array().cloned().unwrap_or_default();
    let wrong: Vec<_> = all.iter().filter(|it| it["state"] == "wrong").collect();
    assert!(all.len() > 20 && wrong.is_empty(), "{report}");
    let areas: BTreeSet<_> =
        all.iter().filter(|it| it["prerequisite"] == true).map(|it| it["area"].to_string()).collect();
    assert_eq!(areas.into_iter().collect::<Vec<_>>(), ["\"ehr\"", "\"entra\"", "\"graph\""]);
    // Figures of the machine are its operator's.
    let machine = all.iter().filter(|it| it["area"] == "database" || it["area"] == "keys");
    assert!(machine.clone().count() > 3 && machine.clone().all(|it| it["measured"] == "" && it["copy"].is_null()));
    assert!(get(&stranger, "doctor").await?["report"].is_null(), "nobody has looked at harbor");
    let step = |me: &Value| me["steps"][0].clone();
    assert_eq!(step(&get(&admin, "me").await?), json!({ "step": "prerequisites", "state": "done" }));
    assert_eq!(step(&get(&stranger, "me").await?), json!({ "step": "prerequisites", "state": "todo" }));

    ground.fault(json!({ "target": "graph.access_policy", "mode": "refuse", "times": 0 })).await?;
    let report = examined(&admin).await?;
    let policy = found(&report, "graph.meetings");
    assert_eq!(
        (&policy["state"], &policy["code"], &policy["owner"]),
        (&json!("wrong"), &json!("access-policy-missing"), &json!("microsoft-365-admin"))
    );
    let paste = policy["copy"].as_str().unwrap_or_default();
    assert!(paste.contains("Grant-CsApplicationAccessPolicy"), "{policy}");
    assert_eq!(step(&get(&admin, "me").await?)["state"], "attention");
    tells_no_secret(&ground, &report).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn the_records_are_what_launches_are_checked_against() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let admin = signed_in(&ground, "northside", &["Roomed.Admin"]).await?;
    let view = get(&admin, "records").await?;
    let relay = &ground.stack.relay;
    let value = |at: &Value, field: &str| {
        let mut all = at.as_array().into_iter().flatten();
        all.find(|it| it["field"] == field).map_or(Value::Null, |it| it["value"].clone())
    };
    let ehr = &view["ehrs"][0];
    let configured = ground.northside.ehr("epic")?;
    assert_eq!((&ehr["iss"], &ehr["environment"]), (&configured["iss"], &json!("test")));
    for (field, name) in [("companion-client-id", "companion_client_id"), ("patient-client-id", "patient_client_id")] {
        assert_eq!(value(&ehr["clients"], field), configured[name], "{field}");
    }
    // The key set that is named answers.
    let jwks = value(&ehr["clients"], "jwks-url");
    assert_eq!(reqwest::get(jwks.as_str().unwrap_or_default()).await?.status(), 200);
    let record = |kind: &str| {
        let mut all = ehr["records"].as_array().into_iter().flatten();
        all.find(|it| it["kind"] == kind).map_or(Value::Null, |it| it["values"].clone())
    };
    let provider = record("provider");
    assert_eq!(value(&provider, "launch-url"), json!(format!("{relay}/o/northside/launch")));
    assert_eq!(value(&provider, "context-tokens"), "sessionId=%CSN%&departmentId=%PERFDEPID;;; ; ;;NONE;%");
    assert_eq!(value(&record("patient"), "launch-url"), json!(format!("{relay}/o/northside/patient")));
    assert_eq!(value(&record("patient"), "context-tokens"), "sessionId=%CSN%");
    // What the stand-in Epic launches with is what the record says.
    let begun = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let pressed = begun.press(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let launched = pressed["https_url"].as_str().unwrap_or_default();
    assert!(launched.starts_with(value(&provider, "launch-url").as_str().unwrap_or("?")), "{launched}");
    tells_no_secret(&ground, &view).await?;
    let stranger = signed_in(&ground, "harbor", &["Roomed.Admin"]).await?;
    let theirs = get(&stranger, "records").await?.to_string();
    assert!(theirs.contains("/o/harbor/launch") && !theirs.contains("northside"), "{theirs}");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_write_back_that_stopped_is_found_sent_again_or_skipped_and_another_hospitals_is_unknown()
-> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let admin = signed_in(&ground, "northside", &["Roomed.Admin"]).await?;
    let stranger = signed_in(&ground, "harbor", &["Roomed.Admin"]).await?;
    let parked = async |patient: usize| -> anyhow::Result<(Value, Value)> {
        let clinician = ground.clinician(0).await?;
        let appointment = ground.schedule(0, patient).await?;
        let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
        let visitor = Visitor::enter(&ground, patient, &appointment).await?;
        ground.fault(json!({ "target": "epic.connection_status", "mode": "status", "status": 422 })).await?;
        visitor.ready().await?;
        let stopped = |visit: &Value| participant(visit, "patient")["chart"]["state"] == "needs-analyst";
        visit_until(&clinician, &visit, "the chart needs somebody", stopped).await?;
        let view = get(&admin, "write-backs?state=parked").await?;
        Ok((view["rows"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default(), appointment))
    };
    let (row, appointment) = parked(0).await?;
    let id = row["id"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (&row["state"], &row["may_retry"], &row["may_skip"]),
        (&json!("parked"), &json!(true), &json!(true)),
        "{row}"
    );
    assert!(row["reason"].as_str().is_some_and(|it| it.contains("422")), "{row}");
    let steps = get(&admin, "me").await?["steps"].clone();
    assert_eq!(steps[3], json!({ "step": "write-backs", "state": "attention" }));
    let one = get(&admin, &format!("write-backs/{id}")).await?;
    let kinds: Vec<_> = one["ledger"].as_array().into_iter().flatten().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, ["started", "settled"], "{one}");

    // By time: nothing before, this one since.
    let at = row["accepted_at"].as_str().unwrap_or_default();
    let count = async |query: String| -> anyhow::Result<usize> {
        Ok(get(&admin, &format!("write-backs?state=parked&{query}")).await?["rows"].as_array().map_or(0, Vec::len))
    };
    assert_eq!((count(format!("since={at}")).await?, count(format!("until={at}")).await?), (1, 0));
    for wrong in ["state=gone", "since=yesterday", "after=x"] {
        let answer = admin.api(Method::GET, &format!("/portal/api/write-backs?{wrong}"), None).await?;
        refused(wrong, &answer, NOT_OURS);
    }

    // Harbor's administrator sees none of it and can do nothing to it.
    assert_eq!(get(&stranger, "write-backs").await?["rows"], json!([]));
    for (method, path, body) in doors(&id).into_iter().filter(|it| it.1.contains(&id)) {
        refused(&path, &stranger.api(method, &path, body.as_ref()).await?, UNKNOWN);
    }
    let day = json!({ "since": "2026-01-01T00:00:00Z" });
    assert_eq!(post(&stranger, "write-backs/replay", day.clone()).await?["undelivered"], 0);
    assert_eq!(get(&admin, &format!("write-backs/{id}")).await?["row"]["state"], "parked");

    post(&admin, &format!("write-backs/{id}/retry"), json!({ "absent": false })).await?;
    ground.chart_shows(&appointment, "patient", "Connected").await?;
    wait::until("the row is delivered", async || {
        let one = get(&admin, &format!("write-backs/{id}")).await?;
        Ok((one["row"]["state"] == "delivered").then_some(()))
    })
    .await?;
    let again = admin
        .api(Method::POST, &format!("/portal/api/write-backs/{id}/skip"), Some(&json!({ "reason": "late" })))
        .await?;
    refused("skip what is delivered", &again, CHANGED);

    // Replayed only by the number that a look has told.
    let plan = post(&admin, "write-backs/replay", day.clone()).await?;
    let again = plan["again"].as_u64().unwrap_or_default();
    assert!(again > 0 && plan["done"].is_null(), "{plan}");
    let before = ground.accepted(&appointment, "patient").await?.len();
    let other = json!({ "since": "2026-01-01T00:00:00Z", "expected": again + 1 });
    assert!(post(&admin, "write-backs/replay", other).await?["done"].is_null(), "the number is another");
    let same = json!({ "since": "2026-01-01T00:00:00Z", "expected": again });
    assert_eq!(post(&admin, "write-backs/replay", same).await?["done"], again);
    wait::until("the chart is told once more", async || {
        Ok((ground.accepted(&appointment, "patient").await?.len() > before).then_some(()))
    })
    .await?;

    let (row, appointment) = parked(1).await?;
    let id = row["id"].as_str().unwrap_or_default().to_owned();
    for reason in ["", "  x ", "two\nlines", &"x".repeat(201)] {
        let path = format!("/portal/api/write-backs/{id}/skip");
        refused(reason, &admin.api(Method::POST, &path, Some(&json!({ "reason": reason }))).await?, NOT_OURS);
    }
    post(&admin, &format!("write-backs/{id}/skip"), json!({ "reason": " Told by telephone. " })).await?;
    let one = get(&admin, &format!("write-backs/{id}")).await?;
    assert_eq!(one["row"]["state"], "skipped");
    let last = one["ledger"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    assert_eq!((&last["kind"], &last["reason"]), (&json!("skipped"), &json!("Told by telephone.")));
    assert_ne!(ground.mark(&appointment, "patient").await?, "Connected");
    ground.no_leaks().await
}

/// Nothing that the sandbox or the configuration holds secret stands in an answer.
async fn tells_no_secret(ground: &Ground, answer: &Value) -> anyhow::Result<()> {
    let mut all = scan::canaries(&ground.stack.sandbox.get("/canaries").await?);
    all.push(scan::Canary::new("status password", ground.northside.text("/ehr/connection_status/auth/password")?));
    let found = scan::bytes("answer", answer.to_string().as_bytes(), &all);
    assert!(found.is_empty(), "{found:?}");
    Ok(())
}
