//! Somebody who asks too often is told so, in the form they can read, and nobody else notices.

use e2e::clinician::http;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, refused};
use crate::visitor::{Visitor, shown};

#[tokio::test]
async fn asking_too_often_is_refused_for_whoever_does_it() -> anyhow::Result<()> {
    let adjust = |configuration: &mut Value| {
        configuration["limits"] = json!({ "anonymous_per_minute": 10, "person_per_minute": 5 });
    };
    let ground = Ground::start_with(adjust).await?;
    let (clinician, colleague) = (ground.clinician(0).await?, ground.clinician(1).await?);
    let mut visitors = Vec::new();
    for patient in 0..2 {
        visitors.push(Visitor::enter(&ground, patient, &ground.schedule(0, patient).await?).await?);
    }
    let (looping, calm) = (&visitors[0], &visitors[1]);
    let before = ground.written().await?;
    let mut last = clinician.ask(Method::GET, "/visits", None).await?;
    for _ in 0..20 {
        if last.status != 200 {
            break;
        }
        last = clinician.ask(Method::GET, "/visits", None).await?;
    }
    refused("a clinician in a loop", &last, (429, "too-many-requests", "clinician"));
    assert_eq!(colleague.ask(Method::GET, "/visits", None).await?.status, 200);

    let (http, relay) = (http()?, &ground.stack.relay);
    let launch = format!("{relay}/o/northside/launch");
    let mut page = http.get(&launch).send().await?;
    for _ in 0..20 {
        if page.status().as_u16() == 429 {
            break;
        }
        page = http.get(&launch).send().await?;
    }
    let refusal = shown(page).await?;
    assert_eq!((refusal.status, refusal.code.as_str(), refusal.who), (429, "too-many-requests", "clinician"));

    // Guests and patients from there are told so as such, and in their language.
    for path in ["/i/none", "/o/northside/patient"] {
        let asked = http.get(format!("{relay}{path}")).header("accept-language", "es-MX,es").send().await?;
        let page = shown(asked).await?;
        assert_eq!((page.status, page.code.as_str()), (429, "too-many-requests"), "{path}");
        assert!(page.text.contains("<html lang=\"es\"") && page.text.contains("Espere un minuto"), "{}", page.text);
    }

    // A page in a loop is told so as JSON, and another page goes on. Whoever has no session, or makes one up, is an address.
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(looping.ask_at("/v/api/visit").await?.status);
    }
    assert_eq!((answers[0], answers[19]), (200, 429));
    assert_eq!(calm.ask_at("/v/api/visit").await?.status, 200);
    let ask = async |path: &str, cookie: String| -> anyhow::Result<u16> {
        Ok(http.get(format!("{relay}{path}")).header("cookie", cookie).send().await?.status().as_u16())
    };
    for path in ["/v/api/visit", "/v/api/probe", "/staff/api/visits"] {
        assert_eq!(ask(path, format!("roomed-visit={}", "m".repeat(43))).await?, 429, "{path}");
        assert_eq!(ask(path, "roomed-web=made-up".to_owned()).await?, 429, "{path}");
    }

    // A browser whose last visit is over: what it asks in another is that visit's.
    let other = calm.cookie.split("; ").find(|it| it.starts_with("roomed-place=")).unwrap_or_default();
    let both = format!("{other}; roomed-visit={}", "m".repeat(43));
    assert_eq!(ask(&format!("{}api/visit", calm.page), both).await?, 200);

    // Neither operators nor Graph are held up by it, and clinicians who are signed in go on.
    for path in ["healthz", "readyz", "metrics"] {
        assert_eq!(http.get(format!("{relay}/{path}")).send().await?.status().as_u16(), 200, "{path}");
    }
    for _ in 0..20 {
        let told = http.post(format!("{relay}/graph/notifications")).body("{}").send().await?;
        assert_eq!(told.status().as_u16(), 202);
    }
    assert_eq!(colleague.ask(Method::GET, "/me", None).await?.status, 200);
    assert_eq!(ground.written().await?, before);
    ground.no_leaks().await
}
