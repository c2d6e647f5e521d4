//! `roomed-relay doctor` against a hospital in which everything is right, and then one thing at a time is not: each is found under
//! its own name, with whose it is, and nothing else is called wrong for it. It leaves nothing behind and tells no secret.

use std::process::{Output, Stdio};

use anyhow::Context;
use e2e::scan;
use e2e::stack::{binary, free_port};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::ground::Ground;

/// What a run of the doctor came to.
struct Seen {
    exit: Option<i32>,
    report: Value,
    text: String,
}

impl Seen {
    fn of<'a>(&'a self, check: &str, organization: &str) -> &'a Value {
        let found = self.report["findings"].as_array().into_iter().flatten();
        let of = |it: &&Value| it["check"] == check && (organization.is_empty() || it["organization"] == organization);
        found.clone().find(of).unwrap_or(&Value::Null)
    }

    /// `check code` of everything in a state, each once.
    fn all(&self, state: &str) -> Vec<String> {
        let found = self.report["findings"].as_array().into_iter().flatten().filter(|it| it["state"] == state);
        let word = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> = found.map(|it| format!("{} {}", word(it, "check"), word(it, "code"))).collect();
        all.sort();
        all.dedup();
        all
    }
}

async fn run(ground: &Ground, change: impl FnOnce(&mut Value), more: &[&str]) -> anyhow::Result<Output> {
    let directory = &ground.stack.directory;
    let mut configuration: Value = toml::from_str(&std::fs::read_to_string(directory.join("relay.toml"))?)?;
    change(&mut configuration);
    let file = directory.join("doctor.toml");
    std::fs::write(&file, toml::to_string(&configuration)?)?;
    let mut command = Command::new(binary("roomed-relay")?);
    command.arg("doctor").args(more).arg("--config").arg(file).stdin(Stdio::null()).kill_on_drop(true);
    Ok(command.output().await?)
}

/// One run for machines and one for people, on the relay's configuration with a change.
async fn seen(ground: &Ground, change: impl Fn(&mut Value)) -> anyhow::Result<Seen> {
    let json = run(ground, &change, &["--json"]).await?;
    let people = run(ground, &change, &[]).await?;
    let errors = String::from_utf8_lossy(&json.stderr).into_owned();
    assert_eq!(json.status.code(), people.status.code());
    Ok(Seen {
        exit: json.status.code(),
        report: serde_json::from_slice(&json.stdout).with_context(|| errors)?,
        text: String::from_utf8(people.stdout)?,
    })
}

async fn throw(ground: &Ground, switch: &str, body: Value) -> anyhow::Result<()> {
    ground.stack.sandbox.send(Method::PUT, &format!("/switches/{switch}"), &body).await.map(drop)
}

/// What the sandbox's Graph has of meetings and subscriptions.
async fn at_graph(ground: &Ground) -> anyhow::Result<Value> {
    let graph = ground.stack.sandbox.at("graph");
    let get = async |what: &str| -> anyhow::Result<Value> {
        Ok(reqwest::get(format!("{graph}/_sandbox/{what}")).await?.json().await?)
    };
    Ok(json!([get("meetings").await?, get("subscriptions").await?]))
}

/// Nothing that must stay where it belongs is in the report: what the sandbox knows of patients and secrets, and what of the
/// configuration is secret.
async fn tells_nothing(ground: &Ground, seen: &Seen) -> anyhow::Result<()> {
    let mut all = scan::canaries(&ground.stack.sandbox.get("/canaries").await?);
    assert!(
        all.iter().any(|it| it.field == "entra.client_secret") && all.iter().any(|it| it.field == "entra.access_token")
    );
    all.push(scan::Canary::new("master key", &hex::encode([7_u8; 32])));
    all.push(scan::Canary::new("status password", ground.northside.text("/ehr/connection_status/auth/password")?));
    for person in ground.northside.0["people"].as_array().into_iter().flatten() {
        all.push(scan::Canary::new("somebody's name", person["name"].as_str().context("somebody has no name")?));
    }
    for (place, text) in [("json", seen.report.to_string()), ("text", seen.text.clone())] {
        let found = scan::bytes(place, text.as_bytes(), &all);
        assert!(found.is_empty(), "{found:?}");
        let query = text.as_bytes().windows(2).any(|it| it[0] == b'?' && it[1].is_ascii_alphanumeric());
        assert!(!query, "a query string: {text}");
    }
    Ok(())
}

#[tokio::test]
async fn where_everything_is_right_it_says_so_and_leaves_nothing_behind() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let before = (ground.at_rest().await?, at_graph(&ground).await?);
    let seen = seen(&ground, |_| {}).await?;
    assert_eq!((seen.all("wrong"), seen.exit), (vec![], Some(0)), "{}", seen.text);
    // A machine that runs tests may be short of room.
    assert!(seen.all("wait").iter().all(|it| it.ends_with(" disk-low")), "{}", seen.text);
    assert_eq!(seen.all("cannot-tell"), ["ehr.write write-unproven"]);
    assert_eq!(
        seen.all("not-used"),
        ["address.certificate tls-not-used", "ehr.certificate tls-not-used", "graph.removal removal-not-used"]
    );
    for organization in ["northside", "harbor"] {
        for (check, code) in [
            ("entra.configuration", "entra-fine"),
            ("entra.clock", "clock-fine"),
            ("entra.secret", "token-fine"),
            ("graph.meetings", "meetings-fine"),
            ("graph.patient-link", "patient-link-fine"),
            ("graph.attendance", "attendance-fine"),
            ("graph.notifications", "notifications-fine"),
            ("graph.clean", "clean-fine"),
            ("ehr.configuration", "smart-fine"),
            ("ehr.version", "fhir-fine"),
            ("ehr.clock", "clock-fine"),
            ("ehr.backend", "backend-fine"),
            ("ehr.environment", "environment-fine"),
        ] {
            assert_eq!(seen.of(check, organization)["code"], code, "{organization}: {check}");
        }
    }
    for check in [
        "database.schema",
        "database.writable",
        "keys.master",
        "keys.signing",
        "keys.certificate",
        "address.relay",
        "address.keys",
    ] {
        assert_eq!(seen.of(check, "")["state"], "fine", "{check}");
    }
    assert_eq!(seen.report["findings"].as_array().map(Vec::len), Some(42));
    let last = seen.text.lines().last().unwrap_or_default();
    assert!(last.starts_with("0 WRONG, ") && last.ends_with(" fine, 5 not used"), "{last}");
    // What it had to make was made, and is gone.
    let made = ground.stack.sandbox.journal().await?;
    let times = |what: &str| made.iter().filter(|it| it.what == what).count();
    assert_eq!((times("meeting.created"), times("meeting.deleted")), (4, 4));
    assert_eq!(times("subscription.created"), 4);
    let now = (ground.written().await?, at_graph(&ground).await?);
    assert_eq!(now.1, before.1);
    let rows =
        |it: &crate::ground::Written| ["visit", "inbox", "notice", "outbox", "watch"].map(|table| it.rows_of(table));
    assert_eq!(rows(&now.0), rows(&before.0));
    tells_nothing(&ground, &seen).await?;

    // One organization, and the relay itself.
    let one = run(&ground, |_| {}, &["--json", "--organization", "harbor"]).await?;
    let one: Value = serde_json::from_slice(&one.stdout)?;
    let of =
        |key: &str| one["findings"].as_array().into_iter().flatten().filter(|it| it["organization"] == key).count();
    assert_eq!((of("northside"), of("harbor")), (0, 16));
    ground.no_leaks().await
}

#[tokio::test]
async fn what_the_microsoft_365_admin_has_to_do_is_told_apart() -> anyhow::Result<()> {
    let ground = Ground::start_with(|it| it["organizations"][0]["meeting"] = json!({ "removal": true })).await?;
    let other_secret =
        |it: &mut Value| it["organizations"][0]["entra"]["relay_client_secret"] = json!("Another~secret-of-17");
    let other_client =
        |it: &mut Value| it["organizations"][0]["entra"]["relay_client_id"] = json!(uuid::Uuid::nil().to_string());
    let other_tenant = |it: &mut Value| {
        let organization = &mut it["organizations"][0];
        let tid = organization["tid"].as_str().unwrap_or_default().to_owned();
        for (section, key) in [("graph", "token_endpoint"), ("entra", "authority")] {
            let address = organization[section][key].as_str().unwrap_or_default();
            organization[section][key] = json!(address.replace(&tid, &uuid::Uuid::nil().to_string()));
        }
    };
    let other_organizer =
        |it: &mut Value| it["organizations"][0]["organizer_oid"] = json!(uuid::Uuid::nil().to_string());
    let nothing = |_: &mut Value| {};
    let consent = |value: &str| ("consent", json!({ "value": value, "org": "northside" }));
    let expired = ("client_secret", json!({ "value": "expired" }));
    let removal = ("removal", json!({ "value": "none", "org": "northside" }));
    let policy = json!({ "target": "graph.access_policy", "mode": "refuse", "times": 0 });
    type Case<'a> = (&'a dyn Fn(&mut Value), Option<(&'a str, Value)>, Option<&'a Value>, &'a [&'a str], &'a str);
    let cases: [Case<'_>; 10] = [
        (&other_secret, None, None, &["entra.secret secret-wrong"], "AADSTS7000215"),
        (&other_client, None, None, &["entra.secret app-unknown"], "AADSTS700016"),
        (
            &other_tenant,
            None,
            None,
            &["entra.configuration entra-tenant-unknown", "entra.secret tenant-unknown"],
            "AADSTS90002",
        ),
        (&other_organizer, None, None, &["graph.meetings organizer-unknown"], "HTTP 404"),
        (&nothing, Some(expired), None, &["entra.secret secret-expired"], "AADSTS7000222"),
        (&nothing, Some(consent("withdrawn")), None, &["entra.secret app-unknown"], "AADSTS700016"),
        (&nothing, Some(consent("no-writing")), None, &["graph.meetings meetings-not-permitted"], "HTTP 403"),
        (&nothing, Some(consent("no-attendance")), None, &["graph.attendance attendance-not-permitted"], "HTTP 403"),
        (
            &nothing,
            Some(consent("no-patient-links")),
            None,
            &["graph.patient-link patient-link-not-permitted"],
            "HTTP 403",
        ),
        (&nothing, None, Some(&policy), &["graph.meetings access-policy-missing"], "30 minutes"),
    ];
    // That it may join calls is so in all of them.
    throw(&ground, "removal", json!({ "value": "on", "org": "northside" })).await?;
    for (change, switch, fault, wanted, words) in cases {
        if let Some((name, body)) = &switch {
            throw(&ground, name, body.clone()).await?;
        }
        if let Some(fault) = fault {
            ground.fault(fault.clone()).await?;
        }
        let seen = seen(&ground, change).await?;
        assert_eq!(seen.all("wrong"), wanted, "{}", seen.text);
        assert_eq!(seen.exit, Some(1), "{wanted:?}");
        for check in wanted {
            let check = check.split(' ').next().unwrap_or_default();
            assert_eq!(seen.of(check, "northside")["owner"], "microsoft-365-admin", "{check}");
        }
        assert!(seen.text.contains(words), "{words}: {}", seen.text);
        tells_nothing(&ground, &seen).await?;
        if let Some((name, _)) = &switch {
            let usual = if *name == "client_secret" { "valid" } else { "all" };
            throw(&ground, name, json!({ "value": usual })).await?;
        }
        ground.no_faults().await?;
    }
    let at_rest = at_graph(&ground).await?;
    assert_eq!(at_rest, json!([{ "meetings": [] }, { "subscriptions": [] }]));

    let seen = async || seen(&ground, nothing).await;
    assert_eq!(seen().await?.of("graph.removal", "northside")["code"], "removal-unproven");
    throw(&ground, removal.0, removal.1).await?;
    assert_eq!(seen().await?.all("wrong"), ["graph.removal removal-not-permitted"]);
    ground.no_leaks().await
}

#[tokio::test]
async fn what_the_ehr_analyst_has_to_do_is_told_apart_and_a_dead_ehr_is_no_other_checks_end() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    let first = |it: &mut Value, key: &str, value: Value| it["organizations"][0]["ehr"][0][key] = value;
    let iss = ground.northside.text("/ehr/iss")?.to_owned();
    let dstu2 = iss.replace("/R4", "/DSTU2");

    // Another version's address, and one that was cut off.
    let seen_at = async |address: &str| seen(&ground, |it| first(it, "iss", json!(address))).await;
    let seen = seen_at(&dstu2).await?;
    assert_eq!(seen.all("wrong"), ["ehr.version fhir-other"], "{}", seen.text);
    let found = seen.of("ehr.version", "northside");
    assert_eq!((&found["measured"], &found["copy"]), (&json!("FHIR 1.0.2 (DSTU2)"), &json!(iss)));
    assert_eq!((&found["owner"], &found["ehr"]), (&json!("ehr-analyst"), &json!(dstu2)));
    let seen = seen_at(iss.trim_end_matches("/R4")).await?;
    assert_eq!(seen.all("wrong"), ["ehr.configuration smart-absent"], "{}", seen.text);
    assert_eq!(seen.of("ehr.configuration", "northside")["copy"], json!(iss));

    // A client the EHR does not know, and keys it does not know yet: of both organizations.
    let seen = self::seen(&ground, |it| first(it, "backend_client_id", json!("another"))).await?;
    assert_eq!(seen.all("wrong"), ["ehr.backend backend-unknown"]);
    assert_eq!(seen.of("ehr.backend", "harbor")["state"], "fine");
    throw(&ground, "key_sync", json!({ "value": "not-yet" })).await?;
    let seen = self::seen(&ground, |_| {}).await?;
    assert_eq!(seen.all("wrong"), ["ehr.backend backend-unknown"]);
    let found = seen.of("ehr.backend", "northside");
    assert_eq!(found["measured"], "HTTP 400 invalid_client");
    assert!(seen.text.contains("up to 12 hours") && found["owner"] == "ehr-analyst", "{}", seen.text);
    assert!(found["copy"].as_str().is_some_and(|it| it.ends_with("/.well-known/jwks.json")), "{found}");
    tells_nothing(&ground, &seen).await?;
    throw(&ground, "key_sync", json!({ "value": "done" })).await?;

    // A clock that is wrong is wrong everywhere.
    throw(&ground, "server_date", json!({ "value": "ahead" })).await?;
    let seen = self::seen(&ground, |_| {}).await?;
    assert_eq!(seen.all("wrong"), ["ehr.clock clock-off", "entra.clock clock-off"], "{}", seen.text);
    throw(&ground, "server_date", json!({ "value": "right" })).await?;

    // Environments that do not fit their address.
    let seen = self::seen(&ground, |it| first(it, "environment", json!("production"))).await?;
    assert_eq!(seen.of("ehr.environment", "northside")["code"], "environment-host-shared");
    assert_eq!(seen.all("wrong"), [] as [&str; 0]);

    // It does not answer at all: everything else does.
    ground.fault(json!({ "target": "epic", "mode": "drop_before", "times": 0 })).await?;
    let seen = self::seen(&ground, |_| {}).await?;
    assert_eq!(seen.all("wrong"), ["ehr.configuration ehr-unreachable"], "{}", seen.text);
    assert_eq!(seen.of("ehr.configuration", "harbor")["owner"], "it");
    assert_eq!(seen.of("graph.notifications", "harbor")["state"], "fine");
    ground.no_faults().await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn what_a_server_does_not_offer_or_grant_is_named() -> anyhow::Result<()> {
    let oracle = Ground::start_at("oracle-health", |_| {}).await?;
    let found = seen(&oracle, |_| {}).await?;
    assert_eq!((found.all("wrong"), found.exit), (vec![], Some(0)), "{}", found.text);
    assert_eq!(found.of("ehr.write", "northside")["code"], "write-fine");

    let r4 = Ground::start_at("fhir-r4", |_| {}).await?;
    let found = seen(&r4, |_| {}).await?;
    assert_eq!((found.all("wrong"), found.exit), (vec![], Some(0)), "{}", found.text);
    assert_eq!(found.of("ehr.write", "northside")["code"], "write-fine");
    // Keys that another relay has, which was set up with the same master key: nobody would believe this one.
    let keys = oracle.stack.directory.join("keys");
    let found = seen(&r4, |it| it["keys"]["directory"] = json!(keys)).await?;
    assert_eq!(found.all("wrong"), ["address.keys jwks-other", "ehr.backend backend-unknown"], "{}", found.text);
    r4.no_leaks().await?;
    oracle.no_leaks().await?;

    // Epic is no server that takes everything in FHIR.
    let epic = Ground::start().await?;
    let not_as_it_is = |it: &mut Value| {
        let ehr = &mut it["organizations"][0]["ehr"][0];
        ehr["vendor"] = json!("fhir-r4");
        ehr.as_object_mut().map(|it| it.remove("connection_status"));
        ehr["identifier_systems"].as_object_mut().map(|it| it.remove("conference"));
    };
    let found = seen(&epic, not_as_it_is).await?;
    assert_eq!(found.all("wrong"), ["ehr.backend backend-scope-missing", "ehr.write write-missing"], "{}", found.text);
    let measured = |check: &str| found.of(check, "northside")["measured"].clone();
    assert_eq!(measured("ehr.write"), "not offered: Encounter: create, Encounter: update, AuditEvent: create");
    let scopes = "system/Encounter.write system/Location.write system/AuditEvent.read system/AuditEvent.write";
    assert_eq!(measured("ehr.backend"), format!("not granted: {scopes}"));
    let untold = |it: &mut Value| {
        drop(it["organizations"][0]["ehr"][0].as_object_mut().map(|it| it.remove("connection_status")))
    };
    assert_eq!(seen(&epic, untold).await?.of("ehr.write", "northside")["code"], "write-not-used");
    epic.no_leaks().await
}

#[tokio::test]
async fn what_graph_does_not_do_now_is_its_to_do_and_what_stayed_behind_is_found_again() -> anyhow::Result<()> {
    let ground = Ground::start().await?;
    ground.fault(json!({ "target": "graph.create", "mode": "status", "status": 503, "times": 0 })).await?;
    let found = seen(&ground, |_| {}).await?;
    assert_eq!(
        (found.all("wrong"), found.exit),
        (vec!["graph.meetings graph-unreachable".into()], Some(1)),
        "{}",
        found.text
    );
    assert_eq!(found.of("graph.meetings", "harbor")["owner"], "it");
    assert_eq!(found.of("graph.notifications", "harbor")["code"], "not-asked");
    ground.no_faults().await?;

    ground.fault(json!({ "target": "graph.meeting.delete", "mode": "status", "status": 503, "times": 0 })).await?;
    let found = seen(&ground, |_| {}).await?;
    assert_eq!((found.of("graph.clean", "northside")["code"].clone(), found.exit), (json!("clean-left"), Some(0)));
    let left = at_graph(&ground).await?;
    assert_eq!(
        left[0]["meetings"].as_array().map(Vec::len),
        Some(2),
        "one for each organization, whatever often it runs"
    );
    ground.no_faults().await?;
    let found = seen(&ground, |_| {}).await?;
    assert_eq!(found.of("graph.clean", "northside")["code"], "clean-fine");
    assert_eq!(at_graph(&ground).await?, json!([{ "meetings": [] }, { "subscriptions": [] }]));
    ground.no_leaks().await
}

#[tokio::test]
async fn what_it_has_to_do_is_told_apart_also_while_the_relay_is_down() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let nobody = format!("http://127.0.0.1:{}", free_port()?);
    let seen = seen(&ground, |it| it["public_url"] = json!(nobody)).await?;
    let wrong = ["address.relay address-unreachable", "graph.notifications notifications-unreachable"];
    assert_eq!((seen.all("wrong"), seen.exit), (wrong.map(str::to_owned).to_vec(), Some(1)), "{}", seen.text);
    assert_eq!(seen.of("address.relay", "")["owner"], "it");
    // Something else than a relay.
    let graph = ground.stack.sandbox.at("graph");
    let seen = self::seen(&ground, |it| it["public_url"] = json!(graph)).await?;
    assert!(
        seen.all("wrong").starts_with(&["address.keys jwks-unreadable".into(), "address.relay address-other".into()]),
        "{}",
        seen.text
    );

    // Entra as somebody else, and nowhere.
    let tid = ground.northside.text("/tid")?.to_owned();
    let common = |it: &mut Value| {
        let authority = &mut it["organizations"][0]["entra"]["authority"];
        *authority = json!(authority.as_str().unwrap_or_default().replace(&tid, "organizations"));
    };
    let seen = self::seen(&ground, common).await?;
    assert_eq!(seen.all("wrong"), ["entra.configuration entra-issuer-other"], "{}", seen.text);
    let away = |it: &mut Value| it["organizations"][0]["entra"]["authority"] = json!(nobody);
    let seen = self::seen(&ground, away).await?;
    assert_eq!(seen.all("wrong"), ["entra.configuration entra-unreachable"], "{}", seen.text);
    assert_eq!(seen.of("entra.clock", "northside")["code"], "not-asked");

    let other_key = |it: &mut Value| it["keys"]["master_key"] = json!("ff".repeat(32));
    let seen = self::seen(&ground, other_key).await?;
    assert_eq!(seen.all("wrong"), ["keys.master master-key-wrong"], "{}", seen.text);
    let none = |it: &mut Value| it["keys"]["master_key"] = json!("not hexadecimal");
    assert_eq!(self::seen(&ground, none).await?.all("wrong"), ["keys.master master-key-unusable"]);
    let elsewhere = ground.stack.directory.join("empty");
    let lost = |it: &mut Value| it["keys"]["directory"] = json!(elsewhere);
    assert_eq!(self::seen(&ground, lost).await?.all("wrong"), ["keys.master keys-lost"]);
    assert!(!elsewhere.exists(), "the doctor makes nothing");
    let file = ground.stack.directory.join("other.sqlite");
    let absent = |it: &mut Value| it["database"]["url"] = json!(format!("sqlite:{}", file.display()));
    assert_eq!(self::seen(&ground, absent).await?.all("wrong"), ["database.schema database-absent"]);
    assert!(!file.exists(), "the doctor makes nothing");

    // A relay of before, and one of later: neither is migrated.
    ground.stack.stop_relay().await?;
    let steps = async |statement: &'static str| -> anyhow::Result<()> {
        use sqlx::Connection;
        let address = format!("sqlite:{}", ground.stack.directory.join("relay.sqlite").display());
        let mut database = sqlx::SqliteConnection::connect(&address).await?;
        sqlx::raw_sql(statement).execute(&mut database).await?;
        Ok(database.close().await?)
    };
    let later =
        "INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, 1, checksum, 0 FROM _sqlx_migrations LIMIT 1";
    steps(later).await?;
    let seen = self::seen(&ground, |_| {}).await?;
    assert_eq!(seen.of("database.schema", "")["code"], "database-newer");
    assert_eq!(seen.of("address.relay", "")["code"], "address-unreachable", "it is down");
    steps("DELETE FROM _sqlx_migrations WHERE version >= (SELECT max(version) FROM _sqlx_migrations WHERE version < 9999)").await?;
    let seen = self::seen(&ground, |_| {}).await?;
    assert_eq!(seen.of("database.schema", "")["code"], "database-older");
    let again = self::seen(&ground, |_| {}).await?;
    assert_eq!(again.of("database.schema", "")["code"], "database-older", "it was left as it is");

    // What cannot begin is neither good nor bad.
    for (change, more) in [
        ((|it| it["visit"] = json!({ "no_such_key": 1 })) as fn(&mut Value), &[][..]),
        (|_| {}, &["--organization", "nobody"]),
    ] {
        let output = run(&ground, change, more).await?;
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(!output.stderr.is_empty());
    }
    Ok(())
}
