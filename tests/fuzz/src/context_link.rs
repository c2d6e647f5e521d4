//! Epic's encrypted link at the relay. The first byte says how the rest comes in: as what stands in the address (nobody
//! without the secret gets past that, so everything must have the one answer), or as the text under the cipher, which the
//! harness encrypts: what a holder of the secret could write.

use std::sync::LazyLock;

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::config::ContextLink;
use roomed_relay::context_link::{ContextLinks, Facts, Fault, Opener};
use serde_json::{Value, json};

const KEY: &[u8; 16] = b"0123456789abcdef";
const BLOCK: usize = 16;

/// Two o'clock in Chicago, in summer.
const NOW: i64 = 1_597_172_400;

/// Longest wait of a link that is good now: grace, an hour that comes twice, validity.
const LONGEST: SignedDuration = SignedDuration::from_mins(30 + 60 + 120);

/// Rules under which any bytes come as the address has them.
static OUTSIDE: LazyLock<[ContextLinks; 4]> = LazyLock::new(|| {
    [
        links(json!({})),
        links(json!({ "iv": { "rule": "prefix" }, "starts_with": "Link=RoomedVisits&" })),
        links(json!({ "iv": { "rule": "parameter", "name": "iv" }, "starts_with": "Link=RoomedVisits&" })),
        links(json!({ "encoding": "hex", "padding": "pkcs7" })),
    ]
});

/// Rules under which any bytes come as the text.
static INSIDE: LazyLock<ContextLinks> = LazyLock::new(|| links(json!({ "encoding": "hex" })));

static CIPHER: LazyLock<EncryptingKey> = LazyLock::new(|| {
    let key = UnboundCipherKey::new(&AES_128, KEY).and_then(EncryptingKey::cbc);
    key.expect("sixteen bytes are a key of AES-128")
});

fn links(change: Value) -> ContextLinks {
    let mut rules = json!({
        "cipher": "aes-128-cbc", "secret": String::from_utf8_lossy(KEY), "key": { "rule": "raw" },
        "iv": { "rule": "zero" }, "padding": "zero", "encoding": "base64", "time_zone": "America/Chicago",
        "validity_minutes": 120, "names": { "patient": "PatientID" },
        "kinds": { "patient": "2", "proxy": "3", "practitioner": "1" },
    });
    for (key, value) in change.as_object().into_iter().flatten() {
        rules[key] = value.clone();
    }
    let rules: ContextLink = serde_json::from_value(rules).expect("rules as the configuration has them");
    ContextLinks::new(&rules).expect("rules that fit")
}

/// Tries any bytes. Panics when a promise is broken; says what came out, for tests that want to know whether anything does.
pub fn any(bytes: &[u8]) -> Option<Result<Facts, Fault>> {
    let (how, rest) = bytes.split_first()?;
    Some(match how % 8 {
        n @ 0..4 => Err(outside(&OUTSIDE[usize::from(n)], &String::from_utf8_lossy(rest))),
        _ => inside(rest),
    })
}

/// `text` stands in the address; behind a `|` the IV's parameter.
fn outside(links: &ContextLinks, text: &str) -> Fault {
    let (sealed, iv) = text.split_once('|').unwrap_or((text, ""));
    let parameter = |name: &str| match name {
        "extData" => Some(sealed),
        "iv" => Some(iv),
        _ => None,
    };
    let fault = links.open(parameter, now()).expect_err("nobody has the key");
    assert_eq!(fault, Fault::Altered, "what nobody encrypted has one answer");
    fault
}

/// `text` was encrypted by somebody with the key.
fn inside(text: &[u8]) -> Result<Facts, Fault> {
    let found = opened(text, now());
    let Ok(facts) = &found else { return found };
    let text = std::str::from_utf8(text).expect("what is read is text");
    assert!(text.contains('=') && text.len() > BLOCK, "too little for a link");
    let numbers = match &facts.opener {
        Opener::Patient(it) => vec![it.expose()],
        Opener::Proxy { proxy, patient } => vec![proxy.expose(), patient.expose()],
        Opener::Practitioner(it) => vec![it.expose()],
    };
    for number in numbers.into_iter().chain([facts.appointment.expose()]) {
        assert!((1..=64).contains(&number.len()), "a number of a length no EHR has");
        assert!(number.chars().all(|it| it.is_ascii_alphanumeric() || "-._".contains(it)), "no number: {number}");
    }
    let left = facts.expires_at.duration_since(now());
    assert!(left > SignedDuration::ZERO && left <= LONGEST, "good for {left}");
    // The moment it ends, it has ended; before that, the same link says the same.
    assert_eq!(opened(text.as_bytes(), facts.expires_at).err(), Some(Fault::Expired));
    let last = facts.expires_at - SignedDuration::from_nanos(1);
    assert_eq!(opened(text.as_bytes(), last).as_ref(), Ok(facts));
    found
}

fn opened(text: &[u8], now: Timestamp) -> Result<Facts, Fault> {
    let mut bytes = text.to_vec();
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    let iv = EncryptionContext::Iv128(FixedLength::from([0; BLOCK]));
    CIPHER.less_safe_encrypt(&mut bytes, iv).expect("whole blocks");
    let sealed = hex::encode(bytes);
    INSIDE.open(|name| (name == "extData").then_some(sealed.as_str()), now)
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("a moment of 2020")
}
