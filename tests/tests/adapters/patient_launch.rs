//! The patient's way in: wrong patient, wrong appointment, replays, and what the page's API refuses.

use anyhow::Context;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error as SocketError;
use url::Url;

use crate::ground::{Ground, Refusal, refused};
use crate::visitor::{Back, Visitor, location, shown};

const LINK_REFUSED: Refusal = (400, "link-refused", "it");
const UNKNOWN_ISS: Refusal = (403, "unknown-iss", "ehr-analyst");
const STATE_UNKNOWN: Refusal = (410, "handle-unknown", "clinician");

/// Opens an address in a fresh browser and expects a refusal's page.
async fn opened(what: &str, address: &str, expected: Refusal) -> anyhow::Result<()> {
    returned(what, &Back { address: address.to_owned(), browser: String::new() }, expected).await
}

/// Goes back to the relay from the EHR and expects a refusal's page.
async fn returned(what: &str, back: &Back, expected: Refusal) -> anyhow::Result<()> {
    let answer = back.open().await?;
    assert!(!answer.headers().contains_key("set-cookie"), "{what}: a refusal gives a cookie");
    let refusal = shown(answer).await.with_context(|| what.to_owned())?;
    assert_eq!((refusal.status, refusal.code.as_str(), refusal.who), expected, "{what}");
    Ok(())
}

/// The address with one parameter replaced, or taken out.
fn changed(address: &str, name: &str, value: Option<&str>) -> anyhow::Result<String> {
    let mut url = Url::parse(address)?;
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    url.query_pairs_mut().clear().extend_pairs(pairs);
    if let Some(value) = value {
        url.query_pairs_mut().append_pair(name, value);
    }
    Ok(url.into())
}

#[tokio::test]
async fn a_patient_gets_into_their_own_visit_and_no_other() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let (own, others) = (ground.schedule(0, 0).await?, ground.schedule(0, 1).await?);
    let patient = ground.patient(0)?;
    let before = ground.written().await?;
    let csn = |of: &Value| of["csn"].as_str().unwrap_or_default().to_owned();
    let pressed = async || Visitor::pressed(&ground, patient, &own).await;

    let link = pressed().await?;
    let without_session = changed(&link, "sessionId", None)?;
    let elsewhere = changed(&link, "iss", Some("https://ehr.example/R4"))?;
    let harbors = changed(&link, "iss", Some(ground.harbor.text("/ehr/iss")?))?;
    let no_appointment = (422, "launch-without-appointment", "clinician");
    opened("no session", &without_session, no_appointment).await?;
    opened("an empty session", &changed(&link, "sessionId", Some(""))?, no_appointment).await?;
    opened("no launch", &changed(&link, "launch", None)?, LINK_REFUSED).await?;
    opened("the session twice", &format!("{link}&sessionId=1"), LINK_REFUSED).await?;
    opened("a line break", &format!("{link}%0d%0a"), LINK_REFUSED).await?;
    opened("an EHR nobody approved", &elsewhere, UNKNOWN_ISS).await?;
    opened("the other hospital's EHR", &harbors, UNKNOWN_ISS).await?;
    opened("the other hospital's door", &link.replace("/o/northside/", "/o/harbor/"), UNKNOWN_ISS).await?;

    // What the EHR lets through and the appointment does not.
    let wrong = changed(&pressed().await?, "sessionId", Some(&csn(&others)))?;
    returned("another patient's session", &Visitor::callback(&wrong).await?, (409, "wrong-patient", "clinician"))
        .await?;
    let nothing = changed(&pressed().await?, "sessionId", Some("40000000001"))?;
    let not_found = (404, "appointment-not-found", "ehr-analyst");
    returned("a session nobody has", &Visitor::callback(&nothing).await?, not_found).await?;
    for (status, code) in [
        ("cancelled", "appointment-cancelled"),
        ("noshow", "appointment-noshow"),
        ("entered-in-error", "appointment-entered-in-error"),
        ("fulfilled", "appointment-fulfilled"),
    ] {
        let over = ground.schedule_unusual(|it| it["status"] = json!(status)).await?;
        let callback = Visitor::callback(&Visitor::pressed(&ground, patient, &over).await?).await?;
        returned(status, &callback, (409, code, "clinician")).await?;
    }
    let office = ground.schedule_unusual(|it| it["type"] = json!("OFFICE")).await?;
    let callback = Visitor::callback(&Visitor::pressed(&ground, patient, &office).await?).await?;
    returned("an office visit", &callback, (422, "not-virtual", "ehr-analyst")).await?;

    // A clinician's launch does not open the patient's door: the EHR refuses, and we say so.
    let clinician = ground.clinician(0).await?;
    let theirs = clinician.begin_natively(&ground.stack, own["appointment_id"].as_str().unwrap_or_default()).await?;
    let theirs = Visitor::callback(&changed(&link, "launch", Some(&theirs.launch))?).await?;
    returned("a clinician's launch", &theirs, (403, "launch-refused", "clinician")).await?;

    let back = Visitor::callback(&link).await?;
    let swapped =
        |name: &str, value: Option<&str>| Ok::<_, anyhow::Error>(back.to(changed(&back.address, name, value)?));
    returned("a state nobody was given", &swapped("state", Some("made-up"))?, STATE_UNKNOWN).await?;
    returned("no state", &swapped("state", None)?, LINK_REFUSED).await?;
    returned("the code twice", &back.to(format!("{}&code=1", back.address)), LINK_REFUSED).await?;
    // Somebody's answer brought into another browser would open their visit there (RFC 6749, 10.12).
    for browser in ["", "roomed-launch=made-up", "roomed-visit=made-up"] {
        let astray = Visitor::callback(&pressed().await?).await?.in_browser(browser);
        returned(&format!("another browser with {browser:?}"), &astray, STATE_UNKNOWN).await?;
    }
    assert_eq!(ground.written().await?, before);

    // And now in earnest: once.
    let entered = back.open().await?;
    assert_eq!((entered.status(), &location(&entered)?[..5]), (StatusCode::SEE_OTHER, "/v/p/"));
    let after = ground.written().await?;
    returned("the same callback again", &back, STATE_UNKNOWN).await?;
    let astray = Visitor::callback(&pressed().await?).await?;
    let astray = astray.to(astray.address.replace("/o/northside/", "/o/harbor/"));
    returned("the other hospital's callback", &astray, STATE_UNKNOWN).await?;
    returned("the launch a second time", &Visitor::callback(&link).await?, (403, "launch-refused", "clinician"))
        .await?;
    assert_eq!(ground.written().await?, after);
    ground.no_leaks().await
}

#[tokio::test]
async fn the_pages_api_answers_its_own_page_only() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let visitor = Visitor::enter(&ground, 0, &appointment).await?;
    assert_eq!(visitor.view().await?["stage"], "can-be-ready");
    let before = ground.written().await?;
    let relay = ground.stack.relay.as_str();

    let not_signed_in = (401, "not-signed-in", "clinician");
    for cookie in [None, Some("roomed-visit=made-up"), Some("roomed-visit="), Some("other=1")] {
        for (method, path) in [(Method::GET, "visit"), (Method::POST, "ready"), (Method::POST, "handed-over")] {
            let answer = visitor.ask(method, path, cookie, Some(relay)).await?;
            refused(&format!("{path} with the cookie {cookie:?}"), &answer, not_signed_in);
        }
    }
    let foreign = [None, Some("https://ehr.example"), Some("null"), Some("http://127.0.0.1:1"), Some("")];
    for origin in foreign {
        for path in ["ready", "handed-over"] {
            let answer = visitor.post_from(path, origin).await?;
            refused(&format!("{path} from {origin:?}"), &answer, (400, "bad-request", "it"));
        }
        match visitor.socket_from(origin.unwrap_or("null")).await.map_err(|it| *it) {
            Err(SocketError::Http(answer)) => assert_eq!(answer.status().as_u16(), 400, "a socket from {origin:?}"),
            other => panic!("a socket from {origin:?}: {other:?}"),
        }
    }
    assert_eq!(ground.written().await?, before);
    assert_eq!(visitor.view().await?["stage"], "can-be-ready");

    // The day before, the devices can be tested; nobody arrives by it.
    let tomorrow = e2e::clock::now().checked_add(jiff::SignedDuration::from_hours(20))?;
    let later = ground.schedule_unusual(|it| it["start"] = json!(tomorrow.to_string())).await?;
    let early = Visitor::enter(&ground, 0, &later).await?;
    let page = early.stay().await?;
    let waits = ground.written().await?;
    assert_eq!(early.view().await?["stage"], "too-early");
    refused("ready a day early", &early.post("ready").await?, (400, "bad-request", "it"));
    assert_eq!(ground.written().await?, waits);
    assert_eq!(ground.mark(&later, "patient").await?, "Not connected");
    drop(page);

    // In time, from its own page, it works.
    visitor.ready().await?;
    assert_eq!(visitor.view().await?["stage"], "waiting");
    ground.chart_shows(&appointment, "patient", "Connected").await?;
    ground.no_leaks().await
}
