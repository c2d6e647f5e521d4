//! What browsers are asked to keep and to fetch over a whole visit of patient, guest, staff and a clinician without the
//! companion: the cookies that docs/operating.md names and no other, and nothing from anybody else's origin.

use std::collections::BTreeSet;

use e2e::browser::{Browser, PHONE};
use e2e::stack::staff_role;
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::clinic::{Clinic, DESK, prepared, ready};

const DOCS: &str = include_str!("../../../docs/operating.md");

/// What the documentation says, by the first column of its table.
fn named() -> BTreeSet<String> {
    let (_, table) = DOCS.split_once("| cookie | ").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with("| `"));
    rows.map(|line| line.split('`').nth(1).unwrap().to_owned()).collect()
}

/// Names of the cookies that a browser was sent, but for those of the stand-in hospital.
fn cookies(seen: &[Value]) -> BTreeSet<String> {
    let answers = seen.iter().filter(|it| it["method"] == "Network.responseReceivedExtraInfo");
    let headers = answers.filter_map(|it| it["params"]["headers"].as_object()).flatten();
    let set = headers.filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
    let lines = set.flat_map(|(_, value)| value.as_str().unwrap_or_default().lines());
    let mut names = BTreeSet::new();
    for line in lines {
        let name = line.split('=').next().unwrap_or_default().to_owned();
        if !name.starts_with("sandbox") {
            assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax"), "{name} is not guarded");
            names.insert(name);
        }
    }
    names
}

/// Every address that a page of the relay's asked for by itself; where a person is led on to is not.
fn asked_by_pages(seen: &[Value], relay: &str) -> Vec<String> {
    let ours = |it: &Value| it["documentURL"].as_str().is_some_and(|page| page.starts_with(relay));
    let text = |it: &Value| it.as_str().unwrap_or_default().to_owned();
    let parameters = |method: &str| {
        let method = method.to_owned();
        seen.iter().filter(move |it| it["method"] == method.as_str()).map(|it| &it["params"])
    };
    let requests = parameters("Network.requestWillBeSent").filter(|it| ours(it) && it["type"] != "Document");
    let sockets = parameters("Network.webSocketCreated");
    requests.map(|it| text(&it["request"]["url"])).chain(sockets.map(|it| text(&it["url"]))).collect()
}

#[tokio::test]
async fn the_cookies_are_those_of_the_documentation_and_nothing_comes_from_anybody_else() {
    let clinic = Clinic::open().await.unwrap();
    let appointment = clinic.schedule().await.unwrap();
    let visit = clinic.begun(&appointment).await.unwrap();
    let relay = clinic.public.clone();

    let patient = clinic.browser("patient", PHONE).await.unwrap();
    patient.open(&clinic.portal_link(&appointment).await.unwrap()).await.unwrap();
    prepared(&patient).await.unwrap();
    ready(&patient).await.unwrap();

    let staff = clinic.browser("staff", DESK).await.unwrap();
    let person = clinic.northside.of_role("staff", 0).unwrap();
    let department = clinic.northside.0.pointer("/departments/0").unwrap();
    let roles = json!({ "roles": [staff_role(department)] });
    let path = format!("/people/{}/app-roles", person["oid"].as_str().unwrap());
    clinic.stack.sandbox.send(Method::PUT, &path, &roles).await.unwrap();
    staff.open(&format!("{relay}/staff/?o=northside")).await.unwrap();
    staff.click("#sign-in").await.unwrap();
    staff.click(&format!("button[data-account='{}']", person["upn"].as_str().unwrap())).await.unwrap();
    staff.see("[data-visit]").await.unwrap();

    let body = json!({ "role": "interpreter", "send": { "by": "hand" } });
    let invited = visit.clinician.ask(Method::POST, &format!("{}/invitations", visit.path), Some(&body)).await.unwrap();
    let guest = clinic.browser("guest", PHONE).await.unwrap();
    guest.open(invited.accepted().unwrap()["link"].as_str().unwrap()).await.unwrap();
    guest.click("#open-visit").await.unwrap();
    prepared(&guest).await.unwrap();
    ready(&guest).await.unwrap();

    let clinician = clinic.browser("clinician", DESK).await.unwrap();
    clinic.in_the_browser(&clinician, &appointment).await.unwrap();
    clinician.click("button#in-browser").await.unwrap();
    // Led on to the meeting, and the patient after them.
    clinician.see("#join-browser").await.unwrap();
    patient.see("#display-name").await.unwrap();

    let mut kept = BTreeSet::new();
    let browsers: [(&str, &Browser); 4] =
        [("patient", &patient), ("staff", &staff), ("guest", &guest), ("clinician", &clinician)];
    for (who, browser) in browsers {
        let seen = browser.seen_by_devtools().await.unwrap();
        let asked = asked_by_pages(&seen, &relay);
        assert!(who == "clinician" || asked.len() > 3, "{who}: {asked:?}");
        let socket = relay.replacen("http", "ws", 1);
        let ours = |url: &str| url.starts_with(&format!("{relay}/")) || url.starts_with(&format!("{socket}/"));
        for url in &asked {
            let origin = Url::parse(url).map(|it| it.scheme().to_owned()).unwrap_or_default();
            // What a page makes itself has no origin to ask.
            assert!(ours(url) || matches!(origin.as_str(), "data" | "blob"), "{who}'s page asked for {url}");
        }
        let names = cookies(&seen);
        assert!(!names.is_empty(), "{who}");
        kept.extend(names);
    }
    assert_eq!(kept, named(), "docs/operating.md, Cookies");
    for (_, browser) in browsers {
        browser.page.clone().close().await.unwrap();
    }
}
