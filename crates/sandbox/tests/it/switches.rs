//! The named switches: listed with their words, thrown for one organization or for all, refused when they are not there.

use crate::desk::Desk;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn a_switch_is_thrown_for_one_organization_or_for_all() {
    let desk = Desk::open().await;
    let now = async || {
        let all = desk.ask("/switches").await;
        all["switches"].as_array().unwrap().iter().find(|it| it["name"] == "proxies").unwrap()["now"].clone()
    };
    assert_eq!(now().await, json!({ "northside": "related-person", "harbor": "related-person" }));
    let body = json!({ "value": "none", "org": "harbor" });
    desk.tell(reqwest::Method::PUT, "/switches/proxies", &body).await;
    assert_eq!(now().await, json!({ "northside": "related-person", "harbor": "none" }));
    let thrown = desk.journal_says("switch.thrown").await;
    assert_eq!(thrown, json!({ "switch": "proxies", "value": "none", "organization": "harbor" }));
    desk.throw("proxies", "other-patient").await;
    assert_eq!(now().await, json!({ "northside": "other-patient", "harbor": "other-patient" }));

    for (name, body, status) in [
        ("nonsense", json!({ "value": "none" }), StatusCode::NOT_FOUND),
        ("proxies", json!({ "value": "perhaps" }), StatusCode::UNPROCESSABLE_ENTITY),
        ("proxies", json!({ "value": "none", "org": "nowhere" }), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let url = desk.control(&format!("/switches/{name}"));
        let answer = desk.http.put(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name} {body}");
        assert!(!answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().is_empty());
    }
    assert_eq!(now().await, json!({ "northside": "other-patient", "harbor": "other-patient" }));
}

#[tokio::test]
async fn every_switch_has_words_and_begins_at_its_first_value() {
    let desk = Desk::open().await;
    let all = desk.ask("/switches").await;
    let mut names = Vec::new();
    for switch in all["switches"].as_array().unwrap() {
        let values = switch["values"].as_array().unwrap();
        assert!(values.len() > 1 && !switch["words"].as_str().unwrap().is_empty(), "{switch}");
        assert!(values.iter().all(|it| !it["words"].as_str().unwrap().is_empty()), "{switch}");
        assert!(switch["now"].as_object().unwrap().values().all(|it| *it == values[0]["value"]), "{switch}");
        names.push(switch["name"].as_str().unwrap());
    }
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
