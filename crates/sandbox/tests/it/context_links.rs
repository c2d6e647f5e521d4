//! Encrypted links as MyChart makes them: OpenSSL opens each, whatever the switch says. None of the sandbox's own code is on
//! this side.

use crate::desk::{Desk, patient, query, text};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

const LONG: &str = "a secret of whatever length";

/// Runs the command; `None`: it refuses.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the test needs the openssl command (apt-get install openssl)");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    done.status.success().then_some(done.stdout)
}

fn digest(name: &str, bytes: &[u8]) -> Vec<u8> {
    openssl(&["dgst", name, "-binary"], bytes).unwrap()
}

/// 48 bytes or less that the derivation makes of a secret.
fn material(how: &str, secret: &str, rounds: u64) -> Vec<u8> {
    let pbkdf2 = |name: &str| {
        let (digest, pass, rounds) = (format!("digest:{name}"), format!("pass:{secret}"), format!("iter:{rounds}"));
        let options = ["-kdfopt", &digest, "-kdfopt", &pass, "-kdfopt", "salt:salt", "-kdfopt", &rounds];
        let more = ["-kdfopt", "pkcs5:1", "PBKDF2"];
        openssl(&[&["kdf", "-keylen", "48", "-binary"], &options[..], &more[..]].concat(), b"").unwrap()
    };
    match how {
        "text" => secret.into(),
        "hex" => hex::decode(secret).unwrap(),
        "base64" => BASE64_STANDARD.decode(secret).unwrap(),
        "sha256" => digest("-sha256", secret.as_bytes()),
        "crypt-derive-key" => {
            let hash = digest("-sha1", secret.as_bytes());
            let half = |fill: u8| {
                let laid: Vec<u8> = (0..64).map(|n| hash.get(n).copied().unwrap_or_default() ^ fill).collect();
                digest("-sha1", &laid)
            };
            [half(0x36), half(0x5c)].concat()
        }
        "pbkdf2-sha1" => pbkdf2("SHA1"),
        "pbkdf2-sha256" => pbkdf2("SHA256"),
        other => panic!("{other}?"),
    }
}

/// A secret that fits the derivation, and what it makes of it.
fn derived(how: &str, bits: usize) -> (String, Vec<u8>) {
    let plain: String = ('A'..).take(bits / 8).collect();
    let secret = match how {
        "text" => plain,
        "hex" => hex::encode(&plain),
        "base64" => BASE64_STANDARD.encode(&plain),
        _ => LONG.into(),
    };
    let material = material(how, &secret, 3);
    (secret, material)
}

/// Opens a link by its profile.
fn opened(link: &str, profile: &Value, material: &[u8]) -> Option<String> {
    let query = query(link);
    let read = |text: &str| match profile["writing"].as_str().unwrap() {
        "hex" => hex::decode(text).unwrap(),
        _ => BASE64_STANDARD.decode(text).unwrap(),
    };
    let size = usize::try_from(profile["key_bits"].as_u64().unwrap()).unwrap() / 8;
    let mut data = read(&query["extData"]);
    let iv = match profile["iv"].as_str().unwrap() {
        "fixed" => hex::decode(text(profile, "/fixed_iv")).unwrap(),
        "of-key" => material[..16].to_vec(),
        "after-key" => material[size..size + 16].to_vec(),
        "in-front" => data.drain(..16).collect(),
        "beside" => read(&query["extIV"]),
        _ => vec![0; 16],
    };
    let (cipher, key, iv) = (format!("-aes-{}-cbc", size * 8), hex::encode(&material[..size]), hex::encode(iv));
    let mut arguments = vec!["enc", "-d", &cipher, "-K", &key, "-iv", &iv];
    if profile["padding"] == "zeros" {
        arguments.push("-nopad");
    }
    let plain = String::from_utf8(openssl(&arguments, &data)?).ok()?;
    Some(plain.trim_end_matches('\0').to_owned())
}

#[tokio::test]
async fn every_way_to_make_a_link_is_one_that_openssl_opens() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let who = patient(&desk.northside, &appointment["patient_id"]).clone();
    let press = json!({ "mychart_user": who["mychart_user"], "appointment_id": appointment["appointment_id"] });
    let mut tried = 0;
    for bits in [128, 256] {
        for how in ["text", "hex", "base64", "sha256", "crypt-derive-key", "pbkdf2-sha1", "pbkdf2-sha256"] {
            let (secret, material) = derived(how, bits);
            for iv in ["zero", "fixed", "of-key", "after-key", "in-front", "beside"] {
                if iv == "after-key" && !how.starts_with("pbkdf2") {
                    continue;
                }
                for (padding, writing) in [("pkcs7", "base64"), ("zeros", "hex"), ("pkcs7", "hex"), ("zeros", "base64")]
                {
                    let profile = json!({
                        "key_bits": bits, "secret": secret, "derivation": how, "salt": "salt", "rounds": 3, "iv": iv,
                        "fixed_iv": "000102030405060708090a0b0c0d0e0f", "padding": padding, "writing": writing,
                        "zone": "America/Chicago", "validity_minutes": 60,
                    });
                    desk.tell(Method::PUT, "/context-links/northside", &profile).await;
                    let begun = desk.tell(Method::POST, "/launch", &press).await;
                    let found = opened(text(&begun, "/https_url"), &profile, &material);
                    let found = found.unwrap_or_else(|| panic!("openssl does not open {profile}"));
                    assert!(found.starts_with("SessionID="), "{profile}: {found}");
                    assert!(found.ends_with("&LinkValidityPeriod=60"), "{profile}: {found}");
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 2 * (7 * 5 + 2) * 4);
}

#[tokio::test]
async fn the_text_is_the_records_and_mychart_itself_leads_there() {
    let desk = Desk::open().await;
    let appointment = desk.appointment("MOKAFOR").await;
    let who = patient(&desk.northside, &appointment["patient_id"]).clone();
    let (secret, material) = derived("text", 128);
    let profile = json!({
        "key_bits": 128, "secret": secret, "derivation": "text", "iv": "zero", "padding": "pkcs7", "writing": "base64",
        "zone": "America/Chicago", "time": "%Y-%m-%dT%H:%M", "validity_minutes": 15, "begins_with": "Link=RoomedVisits&",
        "leading_spaces": true, "plus_for_space": true,
    });
    desk.tell(Method::PUT, "/context-links/northside", &profile).await;

    let signed_in = desk.form(&desk.epic("/mychart/sign-in"), &[("mychart_user", text(&who, "/mychart_user"))]).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let begin = desk.epic(&format!("/mychart/appointments/{}/begin", text(&appointment, "/appointment_id")));
    let begun = desk.http.post(&begin).header("cookie", &cookie).send().await.unwrap();
    let link = crate::desk::location(&begun).to_owned();
    assert!(link.starts_with("http://127.0.0.1:8400/o/northside/patient?extDataType=1&extData="), "{link}");

    let start: jiff::Timestamp = text(&appointment, "/start").parse().unwrap();
    let start = start.in_tz("America/Chicago").unwrap().strftime("%Y-%m-%dT%H:%M").to_string();
    let (csn, wpr) = (text(&appointment, "/csn"), text(&who, "/wpr"));
    let (given, family) = (text(&who, "/given"), text(&who, "/family"));
    let wanted = format!(
        "Link=RoomedVisits&SessionID={csn}&ConferenceID={csn}&ExternalID=+{wpr}&ExternalIDType=2&FirstName={given}\
         &LastName={family}&AppointmentTime=+{start}&LinkValidityPeriod=15"
    );
    assert_eq!(opened(&link, &profile, &material).as_deref(), Some(wanted.as_str()));

    // Switched off, the portal launches by SMART again; a profile that cannot be is refused.
    desk.tell(Method::DELETE, "/context-links/northside", &Value::Null).await;
    let begun = desk.http.post(&begin).header("cookie", &cookie).send().await.unwrap();
    assert!(crate::desk::sent_to(&begun).contains_key("launch"));
    for (key, value) in [("key_bits", json!(256)), ("zone", json!("Chicago")), ("iv", json!("after-key"))] {
        let mut bad = profile.clone();
        bad[key] = value;
        let answer = desk.http.put(desk.control("/context-links/northside")).json(&bad).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    let nowhere = desk.http.put(desk.control("/context-links/westside")).json(&profile).send().await.unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ready_made_links_are_a_named_switch_and_a_group_names_its_conference() {
    let desk = Desk::open().await;
    let ids = [0, 1].map(|at: usize| &desk.northside["patients"][at]["patient_id"]);
    let group = json!({
        "org": "northside", "practitioner_id": crate::desk::person(&desk.northside, "MOKAFOR")["practitioner_id"],
        "patient_ids": ids, "start": "2030-05-04T10:30:00Z",
    });
    let made = desk.tell(Method::POST, "/groups", &group).await;
    let appointment = &made["appointments"][0];
    let who = patient(&desk.northside, &appointment["patient_id"]);
    let press = json!({ "mychart_user": who["mychart_user"], "appointment_id": appointment["appointment_id"] });
    let profiles = desk.northside["context_links"].as_object().unwrap();
    assert_eq!(profiles.len(), 9);
    for (value, profile) in profiles {
        desk.throw("context_links", value).await;
        let begun = desk.tell(Method::POST, "/launch", &press).await;
        let rounds = profile["rounds"].as_u64().unwrap_or(1);
        let material = material(text(profile, "/derivation"), text(profile, "/secret"), rounds);
        let found = opened(text(&begun, "/https_url"), profile, &material).expect("openssl opens it");
        let found = found.strip_prefix(profile["begins_with"].as_str().unwrap_or_default()).unwrap();
        let conference = format!("&ConferenceID={}&", text(&made, "/conference_id"));
        assert!(found.starts_with(&format!("SessionID={}&", text(appointment, "/csn"))) && found.contains(&conference));
    }
    desk.throw("context_links", "smart").await;
    let begun = desk.tell(Method::POST, "/launch", &press).await;
    assert!(text(&begun, "/https_url").contains("launch="));
}
