//! Two validators that are not ours look at every resource that is sent: npm `@medplum/core` (structure and invariants) and
//! npm `fhir` (structure and required value sets). Each misses what the other finds, so both must be content. Their packages
//! stand in `tests/witness`; without them the test fails.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What each validator finds wrong with each resource.
fn findings(resources: &[&Value]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/witness");
    let mut node = Command::new("node")
        .arg("fhir-validators.mjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node cannot be started; `cargo xtask setup` says what is missing");
    node.stdin.take().unwrap().write_all(json!(resources).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint: String = complaint.chars().take(2000).collect();
    assert!(output.status.success(), "`cargo xtask setup` installs the validators' packages: {complaint}");
    let found: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found.len(), resources.len());
    found
}

#[tokio::test]
async fn two_strangers_find_nothing_wrong_with_what_is_sent() {
    let mut all: Vec<&(String, Value)> = super::shapes::all().await.iter().collect();
    all.sort_by_cached_key(|(_, it)| it.to_string());
    all.dedup_by(|(_, one), (_, other)| one == other);
    let resources: Vec<&Value> = all.iter().map(|(_, it)| it).collect();
    for ((name, resource), found) in all.iter().zip(findings(&resources)) {
        assert_eq!(found, json!({ "medplum": [], "fhir": [] }), "{name}: {resource}");
    }
}

#[test]
fn the_strangers_find_what_is_wrong() {
    let class = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" });
    let agent = json!([{ "requestor": true }]);
    let source = json!({ "observer": { "display": "x" } });
    let bad = [
        json!({ "resourceType": "Encounter", "status": "connected", "class": class }),
        json!({ "resourceType": "Encounter", "status": "planned" }),
        json!({ "resourceType": "Encounter", "status": "planned", "class": class, "unheardOf": [{}] }),
        json!({ "resourceType": "AuditEvent", "type": { "code": "110108" }, "recorded": "2026-11-22T10:00:00Z",
            "agent": agent }),
        json!({ "resourceType": "AuditEvent", "type": { "code": "110108" }, "recorded": "today", "agent": agent,
            "source": source }),
        json!({ "resourceType": "AuditEvent", "type": { "code": "110108" }, "recorded": "2026-11-22T10:00:00Z",
            "agent": [{ "who": { "display": "x" } }], "source": source }),
        json!({ "resourceType": "Communication", "identifier": [{ "value": "x" }] }),
        json!({ "resourceType": "Communication", "status": "sent" }),
        json!({ "resourceType": "Communication", "status": "completed", "payload": [{ "content": "x" }] }),
        json!({ "resourceType": "Appointment", "status": "arrived",
            "participant": [{ "actor": { "reference": "Patient/p" }, "status": "accepted" }] }),
        json!({ "resourceType": "Appointment", "status": "arrived", "start": "2026-11-22T10:00:00Z",
            "end": "2026-11-22T11:00:00Z" }),
    ];
    let all: Vec<&Value> = bad.iter().collect();
    for (resource, found) in bad.iter().zip(findings(&all)) {
        assert_ne!(found, json!({ "medplum": [], "fhir": [] }), "{resource}");
    }
}

/// What is wrong is found wherever it stands: on its own, in an entry of a transaction, and contained.
#[test]
fn the_strangers_look_into_transactions_and_contained_resources() {
    let encounter = json!({ "resourceType": "Encounter", "status": "planned",
        "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "VR" } });
    let location = json!({ "resourceType": "Location", "status": "active", "mode": "instance", "name": "x" });
    let changed = |resource: &Value, change: &dyn Fn(&mut Value)| {
        let mut resource = resource.clone();
        change(&mut resource);
        resource
    };
    let transaction = |location: &Value, encounter: &Value| {
        json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
            { "resource": location, "request": { "method": "PUT", "url": "Location/l1" } },
            { "resource": encounter, "request": { "method": "PUT", "url": "Encounter/e1" } },
        ] })
    };
    let containing = |location: &Value| {
        changed(&encounter, &|it| {
            it["contained"] = json!([location]);
            it["contained"][0]["id"] = json!("l");
            it["location"] = json!([{ "location": { "reference": "#l" } }]);
        })
    };
    let sound = [transaction(&location, &encounter), containing(&location)];
    let mut bad = Vec::new();
    for change in [
        (&|it: &mut Value| it["status"] = json!("open")) as &dyn Fn(&mut Value),
        &|it| it["unheardOf"] = json!(1),
        &|it| it["name"] = json!(["x"]),
    ] {
        let location = changed(&location, change);
        bad.extend([transaction(&location, &encounter), containing(&location)]);
    }
    for change in [(&|it: &mut Value| it["status"] = json!("connected")) as &dyn Fn(&mut Value), &|it| {
        drop(it.as_object_mut().unwrap().remove("class"))
    }] {
        bad.push(transaction(&location, &changed(&encounter, change)));
    }
    let all: Vec<&Value> = sound.iter().chain(&bad).collect();
    for (n, (resource, found)) in all.iter().zip(findings(&all)).enumerate() {
        let nothing = found == json!({ "medplum": [], "fhir": [] });
        assert_eq!(nothing, n < sound.len(), "{resource}: {found}");
    }
}
