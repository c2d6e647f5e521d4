//! What browsers are asked to keep and to fetch over a whole visit of patient, guest, staff and a clinician without the
//! companion: the cookies that docs/operating.md names and no other, nothing from anybody else's origin, and pages under a
//! policy that would not have it.

use std::collections::BTreeSet;

use e2e::browser::{Browser, PHONE};
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

/// Every page of the relay's that a browser was shown: its path and its Content-Security-Policy.
fn policies(seen: &[Value], relay: &str) -> Vec<(String, String)> {
    let answers = seen.iter().filter(|it| it["method"] == "Network.responseReceived").map(|it| &it["params"]);
    let pages = answers.filter(|it| it["type"] == "Document").map(|it| &it["response"]);
    let mut all = Vec::new();
    for page in pages {
        let Some(path) = page["url"].as_str().and_then(|it| it.strip_prefix(relay)) else { continue };
        let mut headers = page["headers"].as_object().unwrap().iter();
        let policy = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-security-policy"));
        let policy = policy.and_then(|(_, value)| value.as_str()).unwrap_or_default();
        all.push((path.split(['?', '#']).next().unwrap_or_default().to_owned(), policy.to_owned()));
    }
    all
}

/// Nothing but its own files and, where the page has one, the script and the style of this very answer; nothing framed;
/// forms lead to the relay and to whom it sends people on to.
fn strict(path: &str, policy: &str, led_to: &[&str]) {
    let directives = policy.split("; ").filter_map(|it| it.split_once(' ')).collect::<Vec<_>>();
    for must in ["default-src", "base-uri", "frame-ancestors"] {
        assert!(directives.contains(&(must, "'none'")), "{path}: {must} in {policy}");
    }
    assert!(directives.iter().any(|(name, _)| *name == "form-action"), "{path}: {policy}");
    for (name, sources) in directives {
        for source in sources.split(' ') {
            let own = matches!(source, "'none'" | "'self'")
                || name == "script-src" && source.starts_with("'nonce-")
                || name == "style-src" && source.starts_with("'sha256-")
                || name == "form-action" && led_to.iter().any(|it| source.starts_with(it));
            assert!(own, "{path}: {name} allows {source}");
        }
    }
}

#[tokio::test]
async fn the_cookies_are_those_of_the_documentation_and_nothing_comes_from_anybody_else() {
    let clinic = Clinic::open().await.unwrap();
    let appointment = clinic.schedule().await.unwrap();
    // Somebody sits down where another is signed in, and says so.
    let somebody = clinic.browser("somebody", DESK).await.unwrap();
    clinic.signed_in_at_the_launch(&somebody, &appointment).await.unwrap();
    somebody.click("button#first-link-no").await.unwrap();
    somebody.see("a#other").await.unwrap();
    let visit = clinic.begun(&appointment).await.unwrap();
    let relay = clinic.public.clone();

    let patient = clinic.browser("patient", PHONE).await.unwrap();
    patient.open(&clinic.portal_link(&appointment).await.unwrap()).await.unwrap();
    prepared(&patient).await.unwrap();
    ready(&patient).await.unwrap();

    let staff = clinic.staff().await.unwrap();

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

    let [entra, epic, teams] = ["entra", "epic", "teams"].map(|it| clinic.stack.sandbox.at(it));
    let led_to = [entra, epic, teams, "msteams:"];
    let (mut kept, mut pages) = (BTreeSet::new(), BTreeSet::new());
    let browsers: [(&str, &Browser); 5] = [
        ("patient", &patient),
        ("staff", &staff),
        ("guest", &guest),
        ("clinician", &clinician),
        ("somebody", &somebody),
    ];
    for (who, browser) in browsers {
        let seen = browser.seen_by_devtools().await.unwrap();
        let asked = asked_by_pages(&seen, &relay);
        assert!(matches!(who, "clinician" | "somebody") || asked.len() > 3, "{who}: {asked:?}");
        let socket = relay.replacen("http", "ws", 1);
        let ours = |url: &str| url.starts_with(&format!("{relay}/")) || url.starts_with(&format!("{socket}/"));
        for url in &asked {
            let origin = Url::parse(url).map(|it| it.scheme().to_owned()).unwrap_or_default();
            // What a page makes itself has no origin to ask.
            assert!(ours(url) || matches!(origin.as_str(), "data" | "blob"), "{who}'s page asked for {url}");
        }
        for (path, policy) in policies(&seen, &relay) {
            strict(&path, &policy, &led_to);
            pages.insert(path.split('/').nth(1).unwrap_or_default().to_owned());
        }
        // A style or a script that the policy blocks is complained of; so is the first answer to a page that does not know
        // yet whether somebody is signed in, and the question whose account it is.
        let expected = if who == "somebody" { "409" } else { "401" };
        let mut complaints = browser.complaints().await.unwrap();
        complaints
            .retain(|it| it.starts_with(&relay) && !it.contains(expected) || it.contains("Content Security Policy"));
        assert_eq!(complaints, Vec::<String>::new(), "{who}'s console");
        let names = cookies(&seen);
        assert!(!names.is_empty(), "{who}");
        kept.extend(names);
    }
    assert_eq!(kept, named(), "docs/operating.md, Cookies");
    let read = ["i", "o", "staff", "v"].into_iter().filter(|it| !pages.contains(*it)).collect::<Vec<_>>();
    assert!(read.is_empty(), "no page of {read:?} was seen among {pages:?}");
    for (_, browser) in browsers {
        browser.page.clone().close().await.unwrap();
    }
}
