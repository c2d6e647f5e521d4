//! The control API: same seed, same hospital; canaries; journal with long poll; loopback only.

use crate::desk::{Desk, text};
use roomed_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use std::net::SocketAddr;

#[tokio::test]
async fn the_same_seed_gives_the_same_hospital() {
    let (one, two) = (Desk::open().await, Desk::open().await);
    for pointer in
        ["/tid", "/entra/relay_client_id", "/people/0/oid", "/patients/0/patient_id", "/ehr/connection_status"]
    {
        assert_eq!(one.northside.pointer(pointer), two.northside.pointer(pointer), "{pointer}");
    }
    assert_ne!(one.northside["tid"], one.harbor["tid"]);
    assert_ne!(one.northside["ehr"]["iss"], one.harbor["ehr"]["iss"]);
    assert_ne!(one.northside["ehr"]["identifier_systems"], one.harbor["ehr"]["identifier_systems"]);
}

#[tokio::test]
async fn canaries_are_unmistakable_and_secrets_are_listed_as_they_are_minted() {
    let options = Options { canaries: true, ..Options::default() };
    let running = Sandbox::start(options).await.unwrap();
    let all = running.hospital.canaries.all();
    let names: Vec<_> = all.iter().filter(|it| it.field == "patient.name").collect();
    assert_eq!(names.len(), 9);
    assert!(names.iter().all(|it| !it.value.starts_with("Camila Lopez")));

    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let launch = desk.launch(json!({ "emp_user": "MOKAFOR", "appointment_id": appointment["appointment_id"] })).await;
    let listed = desk.ask("/canaries").await;
    let expected = json!({ "field": "epic.launch", "value": launch["launch"], "kind": "secret" });
    assert!(listed["canaries"].as_array().unwrap().contains(&expected));
}

#[tokio::test]
async fn the_journal_can_be_waited_for() {
    let desk = Desk::open().await;
    let before = desk.ask("/journal").await["entries"].as_array().unwrap().len();
    let waiting = desk.http.get(desk.control(&format!("/journal?after={before}&wait_ms=10000"))).send();
    let acting = desk.advance(60);
    let (answer, ()) = tokio::join!(waiting, acting);
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(text(&answer, "/entries/0/what"), "clock.advanced");
    assert_eq!(answer["entries"][0]["n"], before + 1);
    let nothing = desk.ask(&format!("/journal?after={}&wait_ms=1", before + 1)).await;
    assert_eq!(nothing["entries"], json!([]));
}

#[tokio::test]
async fn nothing_listens_beyond_loopback() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    assert!(Sandbox::start(Options { epic: everywhere, ..Options::default() }).await.is_err());
}

#[tokio::test]
async fn a_shutdown_ends_open_pages_too() {
    let desk = Desk::open().await;
    let mut events = crate::pages::events(&desk, &crate::pages::sign_in(&desk, "MOKAFOR").await).await;
    assert!(events.chunk().await.unwrap().is_some());
    desk.running.shutdown().await;
    while let Ok(Some(_)) = events.chunk().await {}
}

#[tokio::test]
async fn addresses_asked_of_graph_and_referers_are_kept_for_the_leak_scan() {
    let running = Sandbox::start(Options::default()).await.unwrap();
    let http = reqwest::Client::builder().build().unwrap();
    let graph = format!("{}/v1.0/users/somebody/onlineMeetings?x=1", running.addresses.graph);
    http.get(graph).send().await.unwrap();
    let page = format!("{}/mychart/", running.addresses.epic);
    http.get(page).header("referer", "http://elsewhere.example/from").send().await.unwrap();
    let asked = http.get(format!("{}/asked", running.addresses.control)).send().await.unwrap();
    let asked: Value = asked.json().await.unwrap();
    assert_eq!(asked["graph"], json!(["/v1.0/users/somebody/onlineMeetings?x=1"]));
    assert_eq!(asked["referers"], json!(["http://elsewhere.example/from"]));
}
