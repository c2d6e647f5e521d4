//! From MyChart's encrypted link to *I'm ready*: links of the stand-in portal, whose cipher is not the relay's, and what a
//! holder of one gains by changing it.

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::clinician::http;
use e2e::stack::binary;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use crate::ground::Ground;
use crate::visitor::{Visitor, shown};

/// A way to make links: as the portal's switch has it, and as the relay's configuration does.
struct Way {
    portal: Value,
    relay: Value,
}

impl Way {
    /// The usual beginnings, then what `portal` and `relay` say.
    fn new(portal: Value, relay: Value) -> Self {
        let mut way = Self {
            portal: json!({
                "padding": "pkcs7", "writing": "base64", "zone": "America/Chicago", "validity_minutes": 60,
                "leading_spaces": true, "begins_with": "",
            }),
            relay: json!({
                "padding": "pkcs7", "encoding": "base64", "time_zone": "America/Chicago", "validity_minutes": 60,
                "kinds": { "patient": "2", "practitioner": "1" },
            }),
        };
        for (side, more) in [(&mut way.portal, portal), (&mut way.relay, relay)] {
            for (key, value) in more.as_object().into_iter().flatten() {
                side[key] = value.clone();
            }
        }
        way
    }

    /// The portal makes such links, and the relay reads them.
    async fn agreed(&self, ground: &mut Ground) -> anyhow::Result<()> {
        ground.stack.sandbox.send(Method::PUT, "/context-links/northside", &self.portal).await?;
        ground.stack.reconfigure(|it| it["organizations"][0]["ehr"][0]["context_link"] = self.relay.clone()).await
    }
}

/// Every rule at least once, AES-128 and AES-256.
fn ways() -> Vec<Way> {
    let (sixteen, long, any) = ("CanarySixteenLet", "CanarySecret-of-two-and-thirty-b", "a canary of any length");
    let known = "Link=RoomedVisits&";
    let pbkdf2 = |digest: &str| json!({ "rule": "pbkdf2", "digest": digest, "salt": "salt", "rounds": 1000 });
    vec![
        Way::new(
            json!({ "key_bits": 128, "secret": sixteen, "derivation": "text", "iv": "zero", "plus_for_space": true }),
            json!({ "cipher": "aes-128-cbc", "secret": sixteen, "key": { "rule": "raw" }, "iv": { "rule": "zero" } }),
        ),
        Way::new(
            json!({
                "key_bits": 256, "secret": long, "derivation": "text", "iv": "beside", "begins_with": known,
                "bare_plus": true,
            }),
            json!({
                "cipher": "aes-256-cbc", "secret": long, "key": { "rule": "raw" }, "starts_with": known,
                "iv": { "rule": "parameter", "name": "extIV" },
            }),
        ),
        Way::new(
            json!({
                "key_bits": 256, "secret": hex::encode(long), "derivation": "hex", "iv": "in-front",
                "begins_with": known, "padding": "zeros", "time": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin",
            }),
            json!({
                "cipher": "aes-256-cbc", "secret": hex::encode(long), "key": { "rule": "hex" }, "starts_with": known,
                "iv": { "rule": "prefix" }, "padding": "zero", "time_format": "%d.%m.%Y %H:%M",
                "time_zone": "Europe/Berlin",
            }),
        ),
        Way::new(
            json!({
                "key_bits": 128, "secret": STANDARD.encode(sixteen), "derivation": "base64", "iv": "of-key",
                "writing": "hex", "bare_plus": true,
            }),
            json!({
                "cipher": "aes-128-cbc", "secret": STANDARD.encode(sixteen), "key": { "rule": "base64" },
                "iv": { "rule": "key" }, "encoding": "hex",
            }),
        ),
        Way::new(
            json!({
                "key_bits": 128, "secret": any, "derivation": "crypt-derive-key", "iv": "fixed",
                "fixed_iv": "0f0e0d0c0b0a09080706050403020100",
            }),
            json!({
                "cipher": "aes-128-cbc", "secret": any, "key": { "rule": "sha1-crypt-derive-key" },
                "iv": { "rule": "fixed", "hex": "0f0e0d0c0b0a09080706050403020100" },
            }),
        ),
        Way::new(
            json!({ "key_bits": 256, "secret": any, "derivation": "sha256", "iv": "zero" }),
            json!({ "cipher": "aes-256-cbc", "secret": any, "key": { "rule": "sha256" }, "iv": { "rule": "zero" } }),
        ),
        Way::new(
            json!({
                "key_bits": 256, "secret": any, "derivation": "pbkdf2-sha1", "salt": "salt", "rounds": 1000,
                "iv": "after-key",
            }),
            json!({ "cipher": "aes-256-cbc", "secret": any, "key": pbkdf2("sha1"), "iv": { "rule": "derived" } }),
        ),
        Way::new(
            json!({
                "key_bits": 128, "secret": any, "derivation": "pbkdf2-sha256", "salt": "salt", "rounds": 1000,
                "iv": "zero",
            }),
            json!({ "cipher": "aes-128-cbc", "secret": any, "key": pbkdf2("sha256"), "iv": { "rule": "zero" } }),
        ),
    ]
}

#[tokio::test]
async fn from_mycharts_link_to_im_ready_however_it_is_made() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    for (n, way) in ways().iter().enumerate() {
        let what = || format!("way {n}: {}", way.portal);
        way.agreed(&mut ground).await.with_context(what)?;
        let appointment = ground.schedule(0, 0).await?;
        let link = Visitor::pressed(&ground, ground.patient(0)?, &appointment).await?;
        assert!(link.contains("extData=") && !link.contains("launch="), "{}: {link}", what());
        let entered = http()?.get(&link).send().await?;
        let visitor = Visitor::entered(&ground, &entered).with_context(what)?;
        visitor.ready().await.with_context(what)?;
        // Am I in the right place: whose visit it is, and when.
        let view = visitor.view().await?;
        assert_eq!(view["organization"], "Northside Health", "{}", what());
        let starts = |it: &Value| Some(it["start"].as_str()?.parse::<jiff::Timestamp>().ok()?.as_millisecond());
        assert!(starts(&view).is_some() && starts(&view) == starts(&appointment), "{view}");
        ground.chart_shows(&appointment, "patient", "Connected").await.with_context(what)?;
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn sixty_altered_links_reach_no_appointment() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let appointment = ground.schedule(0, 0).await?;
    let before = ground.written().await?;
    let mut pages = Vec::new();
    for way in &ways()[..3] {
        way.agreed(&mut ground).await?;
        let link = Visitor::pressed(&ground, ground.patient(0)?, &appointment).await?;
        // From here on the EHR counts whoever asks for anything of a chart.
        let counting = json!({ "target": "epic.fhir", "mode": "status", "status": 503, "times": 0 });
        ground.fault(counting).await?;
        let asked = reads(&ground).await?;
        for (n, altered) in altered(&link)?.into_iter().enumerate() {
            let page = shown(http()?.get(&altered).send().await?).await?;
            assert_eq!((page.status, page.code.as_str()), (400, "context-link-altered"), "way {}, {n}", way.portal);
            pages.push(page.text);
        }
        assert_eq!(reads(&ground).await?, asked, "an altered link of {} made the relay ask the EHR", way.portal);
        // The whole one does ask, so that the count above means something.
        let page = shown(http()?.get(&link).send().await?).await?;
        assert_eq!((page.status, page.code.as_str()), (502, "ehr-unreachable"));
        assert!(page.text.contains("call the clinic") && !page.text.contains("tell IT"), "{}", page.text);
        assert!(reads(&ground).await? > asked);
        ground.no_faults().await?;
    }
    assert_eq!(pages.len(), 60);
    assert!(pages.iter().all(|page| *page == pages[0]), "altered links can be told from each other");
    assert_eq!(ground.written().await?, before);
    ground.no_leaks().await
}

/// How often the EHR was asked since the switch was set.
async fn reads(ground: &Ground) -> anyhow::Result<u64> {
    let struck = ground.stack.sandbox.get("/faults").await?;
    Ok(struck.pointer("/struck/epic.fhir/status").and_then(Value::as_u64).unwrap_or_default())
}

/// Twenty links with one bit changed each, spread over everything that is encrypted or decrypts it.
fn altered(link: &str) -> anyhow::Result<Vec<String>> {
    let url = Url::parse(link)?;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let with = |name: &str, bytes: &[u8]| {
        let mut url = url.clone();
        let changed = pairs.iter().map(|(key, value)| {
            let value = if key == name { STANDARD.encode(bytes) } else { value.clone() };
            (key.clone(), value)
        });
        url.query_pairs_mut().clear().extend_pairs(changed);
        String::from(url)
    };
    let mut all = Vec::new();
    for (name, value) in pairs.iter().filter(|(name, _)| name != "extDataType") {
        // A `+` that came as a space is one.
        let bytes = STANDARD.decode(value.replace(' ', "+"))?;
        let bits = bytes.len() * 8;
        // Where the IV is a parameter of its own, half of them are its.
        let cases = 20 / (pairs.len() - 1);
        for n in 0..cases {
            let bit = n * (bits - 1) / (cases - 1);
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            all.push(with(name, &changed));
        }
    }
    Ok(all)
}

#[tokio::test]
async fn a_patient_is_refused_in_a_patients_words() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    ways()[0].agreed(&mut ground).await?;
    let cancelled = ground.schedule_unusual(|it| it["status"] = json!("cancelled")).await?;
    let link = Visitor::pressed(&ground, ground.patient(0)?, &cancelled).await?;
    let page = shown(http()?.get(&link).send().await?).await?;
    assert_eq!((page.status, page.code.as_str()), (409, "appointment-cancelled"));
    assert!(page.text.contains("Your visit has been cancelled"), "{}", page.text);
    for word in ["chart", "schedule", "launch"] {
        assert!(!page.text.contains(word), "{word}: {}", page.text);
    }
    // By SMART too: the same door.
    let smart = http()?.get(format!("{}/o/northside/patient?iss=x&launch=y", ground.stack.relay)).send().await?;
    let page = shown(smart).await?;
    assert_eq!((page.status, page.code.as_str()), (403, "unknown-iss"));
    assert!(page.text.contains("The clinic&#39;s EHR analyst can fix this."), "{}", page.text);
    Ok(())
}

#[tokio::test]
async fn config_check_reads_the_secrets_file() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let folder = ground.stack.directory.clone();
    let secret = folder.join("northside.link");
    let mut rules = ways()[0].relay.clone();
    rules["secret_file"] = json!(secret);
    rules.as_object_mut().context("a table")?.remove("secret");
    let check = async || {
        let mut check = Command::new(binary("roomed-relay")?);
        let done = check.args(["config", "check"]).arg(folder.join("relay.toml")).output().await?;
        Ok::<_, anyhow::Error>((done.status.success(), String::from_utf8(done.stderr)?))
    };
    std::fs::write(&secret, "CanarySixteenLet\n")?;
    ground.stack.reconfigure(|it| it["organizations"][0]["ehr"][0]["context_link"] = rules).await?;
    assert!(check().await?.0, "a good file is refused");
    std::fs::write(&secret, "CanaryTooShort\n")?;
    let (good, said) = check().await?;
    assert!(!good && said.contains("organization northside") && said.contains("has not the length"), "{said}");
    assert!(!said.contains("Canary"), "{said}");
    std::fs::remove_file(&secret)?;
    let (good, said) = check().await?;
    assert!(!good && said.contains("secret_file cannot be read"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_link_of_a_group_leads_to_its_visit_by_either_number() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let way = &ways()[5];
    way.agreed(&mut ground).await?;
    let group = ground.schedule_group(&[0, 1]).await?;
    let link = Visitor::pressed(&ground, ground.patient(1)?, &group["appointments"][1]).await?;
    let visitor = Visitor::entered(&ground, &http()?.get(&link).send().await?)?;
    assert_eq!(visitor.view().await?["group"], true);
    // By the number that all of the group share: whose it is, the patient's number tells.
    let mut by_conference = way.relay.clone();
    by_conference["names"] = json!({ "appointment": "ConferenceID" });
    ground.stack.reconfigure(|it| it["organizations"][0]["ehr"][0]["context_link"] = by_conference).await?;
    for n in [0, 1] {
        let link = Visitor::pressed(&ground, ground.patient(n)?, &group["appointments"][n]).await?;
        let visitor = Visitor::entered(&ground, &http()?.get(&link).send().await?)?;
        assert_eq!(visitor.view().await?["group"], true, "{n}");
    }
    assert_eq!(ground.written().await?.rows_of("visit"), 1);
    ground.no_leaks().await
}
