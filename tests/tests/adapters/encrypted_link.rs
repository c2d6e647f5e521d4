//! The patient's older way in: a link that OpenSSL encrypted as an EHR would, into the patient's own visit and no other.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::clinician::http;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};
use url::Url;

use crate::ground::Ground;
use crate::visitor::{Visitor, location, shown};

const SECRET: &str = "CanarySecret-of-two-and-thirty-b";

/// What an analyst types at Northside. Epic of the sandbox numbers its users as the public example does.
fn profile() -> Value {
    json!({
        "cipher": "aes-256-cbc",
        "secret": SECRET,
        "key": { "rule": "raw" },
        "iv": { "rule": "zero" },
        "padding": "pkcs7",
        "encoding": "base64",
        "time_zone": "America/Chicago",
        "validity_minutes": 60,
        "names": { "patient": "PatientID" },
        "kinds": { "patient": "2", "practitioner": "1" },
    })
}

async fn ground() -> anyhow::Result<Ground> {
    let mut ground = Ground::start().await?;
    ground.stack.reconfigure(|it| it["organizations"][0]["ehr"][0]["context_link"] = profile()).await?;
    Ok(ground)
}

/// Encrypted by code outside ours.
fn encrypted(secret: &str, text: &str) -> anyhow::Result<Vec<u8>> {
    let (key, iv) = (hex::encode(secret), "0".repeat(32));
    let arguments = ["enc", "-aes-256-cbc", "-K", &key, "-iv", &iv];
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().context("the test needs the openssl command")?;
    child.stdin.take().context("no standard input")?.write_all(text.as_bytes())?;
    let done = child.wait_with_output()?;
    anyhow::ensure!(done.status.success(), "openssl fails");
    Ok(done.stdout)
}

/// The record's text, as the public example has it.
fn text(appointment: &Value, person: &str, kind: u8, at: Timestamp) -> anyhow::Result<String> {
    let csn = appointment["csn"].as_str().context("no CSN")?;
    let local = at.in_tz("America/Chicago")?.strftime("%m/%d/%Y %I:%M %p").to_string();
    Ok(format!(
        "SessionID={csn}&ConferenceID={csn}&ExternalID= {person}&ExternalIDType={kind}&AppointmentTime= {local}&LinkValidityPeriod=60"
    ))
}

fn link(ground: &Ground, sealed: &[u8]) -> anyhow::Result<String> {
    let mut url = Url::parse(&format!("{}/o/northside/patient", ground.stack.relay))?;
    url.query_pairs_mut().append_pair("extDataType", "1").append_pair("extData", &STANDARD.encode(sealed));
    Ok(url.into())
}

/// A refusal's page: status and code, with the words, which must hold nothing of the link.
async fn refused(address: &str) -> anyhow::Result<(u16, String, String)> {
    let answer = http()?.get(address).send().await?;
    assert!(!answer.headers().contains_key("set-cookie"), "a refusal gives a cookie");
    let shown = shown(answer).await?;
    assert!(!shown.text.contains("SessionID") && !shown.text.contains("extData"), "the page repeats the link");
    Ok((shown.status, shown.code, shown.text))
}

#[tokio::test]
async fn a_patient_gets_in_by_an_encrypted_link_and_is_announced() -> anyhow::Result<()> {
    let ground = ground().await?;
    let appointment = ground.schedule(0, 0).await?;
    let wpr = ground.patient(0)?["wpr"].as_str().context("no WPR id")?.to_owned();
    let now = e2e::clock::now();
    let sealed = encrypted(SECRET, &text(&appointment, &wpr, 2, now)?)?;

    let link_to = link(&ground, &sealed)?;
    let answer = http()?.get(&link_to).send().await?;
    assert_eq!((answer.status(), &location(&answer)?[..5]), (StatusCode::SEE_OTHER, "/v/p/"));
    for (header, value) in [("referrer-policy", "no-referrer"), ("cache-control", "no-store")] {
        assert_eq!(answer.headers().get(header).and_then(|it| it.to_str().ok()), Some(value), "{header}");
    }
    let visitor = Visitor::entered(&ground, &answer)?;
    assert_eq!(visitor.view().await?["stage"], "can-be-ready");
    visitor.ready().await?;
    ground.chart_shows(&appointment, "patient", "Connected").await?;

    // Somebody who acts for them comes into the same visit, to a place of their own; the patient once more to theirs.
    let proxy = text(&appointment, "900000001", 2, now)? + &format!("&PatientID={wpr}");
    for (text, stage) in [(proxy, "can-be-ready"), (text(&appointment, &wpr, 2, now)?, "waiting")] {
        let again = http()?.get(link(&ground, &encrypted(SECRET, &text)?)?).send().await?;
        assert_eq!(Visitor::entered(&ground, &again)?.view().await?["stage"], stage);
    }
    visitor.sees("the patient's first page is told", |view| view["stage"] == "another-device").await?;
    assert_eq!(ground.written().await?.rows_of("visit"), 1);

    let log = std::fs::read_to_string(ground.stack.directory.join("logs/relay.log"))?;
    let sent = STANDARD.encode(&sealed);
    assert!(!log.contains(SECRET) && !log.contains(&sent[..24]), "the log repeats a link or the secret");
    ground.no_leaks().await
}

#[tokio::test]
async fn a_link_that_is_not_the_patients_own_opens_nothing() -> anyhow::Result<()> {
    let ground = ground().await?;
    let (own, others) = (ground.schedule(0, 0).await?, ground.schedule(0, 1).await?);
    let wpr = ground.patient(0)?["wpr"].as_str().context("no WPR id")?.to_owned();
    let now = e2e::clock::now();
    let before = ground.written().await?;
    let good = encrypted(SECRET, &text(&own, &wpr, 2, now)?)?;

    // One page, to the letter, for whatever is not as the EHR made it.
    let mut pages = Vec::new();
    for at in [0, 15, 16, good.len() / 2, good.len() - 17, good.len() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        pages.push(refused(&link(&ground, &changed)?).await?);
    }
    pages.push(refused(&link(&ground, &good[..good.len() - 16])?).await?);
    pages.push(refused(&link(&ground, b"short")?).await?);
    pages.push(refused(&link(&ground, &encrypted(&SECRET.replace('C', "K"), &text(&own, &wpr, 2, now)?)?)?).await?);
    pages.push(refused(&link(&ground, &encrypted(SECRET, &text(&others, &wpr, 2, now)?)?)?).await?);
    pages.push(refused(&link(&ground, &encrypted(SECRET, &text(&own, "900000001", 2, now)?)?)?).await?);
    assert_eq!((pages[0].0, pages[0].1.as_str()), (400, "context-link-altered"));
    assert!(pages.iter().all(|page| *page == pages[0]), "altered links can be told from each other");

    let hours = SignedDuration::from_hours;
    for (what, text, status, code) in [
        ("too late", text(&own, &wpr, 2, now - hours(2))?, 410, "context-link-expired"),
        ("too early", text(&own, &wpr, 2, now + hours(2))?, 403, "context-link-early"),
        ("no time", format!("SessionID=1&ExternalID={wpr}&ExternalIDType=2"), 422, "context-link-incomplete"),
        ("a clinician's", text(&own, &wpr, 1, now)?, 400, "link-refused"),
        ("no such visit", text(&json!({ "csn": "40000000001" }), &wpr, 2, now)?, 404, "appointment-not-found"),
    ] {
        let (found, word, _) = refused(&link(&ground, &encrypted(SECRET, &text)?)?).await?;
        assert_eq!((found, word.as_str()), (status, code), "{what}");
    }
    let cancelled = ground.schedule_unusual(|it| it["status"] = json!("cancelled")).await?;
    let over = refused(&link(&ground, &encrypted(SECRET, &text(&cancelled, &wpr, 2, now)?)?)?).await?;
    assert_eq!((over.0, over.1.as_str()), (409, "appointment-cancelled"));

    // A hospital without such links says so, and one that is not here says nothing of them.
    for (door, expected) in [("harbor", (404, "context-link-not-configured")), ("westside", (403, "unknown-iss"))] {
        let there = link(&ground, &good)?.replace("/o/northside/", &format!("/o/{door}/"));
        let (status, code, _) = refused(&there).await?;
        assert_eq!((status, code.as_str()), expected, "{door}");
    }
    let nothing = refused(&format!("{}/o/northside/patient?extDataType=1", ground.stack.relay)).await?;
    assert_eq!((nothing.0, nothing.1.as_str()), (400, "link-refused"));
    assert_eq!(ground.written().await?, before);
    ground.no_leaks().await
}
