//! Every way a link may be made: by OpenSSL, opened by us.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::{Fault, Opener};
use super::outside::{digest, encrypt, encrypt_bytes, pbkdf2};
use super::{TEXT, links, open, open_at, rules};

const SECRET: &str = "a secret of whatever length";

/// What the documentation of `CryptDeriveKey` says, on OpenSSL's SHA-1.
fn crypt_derive_key(secret: &str) -> Vec<u8> {
    let hash = digest("sha1", secret.as_bytes());
    let half = |fill: u8| {
        let block: Vec<u8> = (0..64).map(|n| hash.get(n).map_or(fill, |it| it ^ fill)).collect();
        digest("sha1", &block)
    };
    [half(0x36), half(0x5c)].concat()
}

fn is_the_link(found: &Result<super::Facts, Fault>) -> bool {
    let Ok(facts) = found else { return false };
    let Opener::Patient(patient) = &facts.opener else { return false };
    facts.appointment.expose() == "10007057852"
        && patient.expose() == "165790"
        && facts.issued_at.is_none()
        && facts.expires_at.to_string() == "2020-08-11T20:00:00Z"
}

#[test]
fn every_way_to_make_the_key_is_as_openssl_makes_it() {
    let (sixteen, long) = ("0123456789abcdef", "0123456789abcdefghijklmnopqrstuv");
    let crypt = crypt_derive_key(SECRET);
    let sha256 = digest("sha256", SECRET.as_bytes());
    let derived = |name: &str| json!({ "rule": "pbkdf2", "digest": name, "salt": "salt", "rounds": 1000 });
    let cases: Vec<(&str, &str, Value, Vec<u8>)> = vec![
        ("aes-128-cbc", sixteen, json!({ "rule": "raw" }), sixteen.into()),
        ("aes-256-cbc", long, json!({ "rule": "raw" }), long.into()),
        ("aes-128-cbc", "000102030405060708090A0B0C0D0E0F", json!({ "rule": "hex" }), (0..16).collect()),
        ("aes-256-cbc", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", json!({ "rule": "base64" }), (0..32).collect()),
        ("aes-128-cbc", SECRET, json!({ "rule": "sha256" }), sha256[..16].to_vec()),
        ("aes-256-cbc", SECRET, json!({ "rule": "sha256" }), sha256),
        ("aes-128-cbc", SECRET, json!({ "rule": "sha1-crypt-derive-key" }), crypt[..16].to_vec()),
        ("aes-256-cbc", SECRET, json!({ "rule": "sha1-crypt-derive-key" }), crypt[..32].to_vec()),
        ("aes-128-cbc", SECRET, derived("sha1"), pbkdf2("SHA1", SECRET, "salt", 1000, 16)),
        ("aes-256-cbc", SECRET, derived("sha256"), pbkdf2("SHA256", SECRET, "salt", 1000, 32)),
    ];
    for (cipher, secret, rule, key) in cases {
        let what = format!("{cipher} {rule}");
        let links = links(json!({ "cipher": cipher, "secret": secret, "key": rule }));
        let sealed = STANDARD.encode(encrypt_bytes(cipher, &key, &[0; 16], TEXT.as_bytes(), &[]));
        assert!(is_the_link(&open(&links, &sealed)), "{what}");
    }
}

#[test]
fn every_rule_of_the_iv_is_understood() {
    let secret = "0123456789abcdefghijklmnopqrstuv";
    let iv: Vec<u8> = (100..116).collect();
    let made = |iv: &[u8]| encrypt_bytes("aes-256-cbc", secret.as_bytes(), iv, TEXT.as_bytes(), &[]);
    let at = |rule: Value, bytes: &[u8], parameter: Option<&str>| {
        open_at(&links(json!({ "iv": rule })), &STANDARD.encode(bytes), parameter, super::two())
    };
    assert!(is_the_link(&at(json!({ "rule": "fixed", "hex": hex::encode(&iv) }), &made(&iv), None)));
    assert!(is_the_link(&at(json!({ "rule": "key" }), &made(&secret.as_bytes()[..16]), None)));
    assert!(is_the_link(&at(json!({ "rule": "prefix" }), &[iv.clone(), made(&iv)].concat(), None)));
    let own = json!({ "rule": "parameter", "name": "iv" });
    assert!(is_the_link(&at(own.clone(), &made(&iv), Some(&STANDARD.encode(&iv)))));
    for bad in
        [None, Some(""), Some("AAAA"), Some(STANDARD.encode([0; 32]).as_str()), Some(STANDARD.encode([0; 16]).as_str())]
    {
        assert_eq!(at(own.clone(), &made(&iv), bad), Err(Fault::Altered), "{bad:?}");
    }

    let both = pbkdf2("SHA1", SECRET, "salt", 1000, 48);
    let key = json!({ "rule": "pbkdf2", "digest": "sha1", "salt": "salt", "rounds": 1000 });
    let derived = links(json!({ "secret": SECRET, "key": key, "iv": { "rule": "derived" } }));
    let sealed = encrypt_bytes("aes-256-cbc", &both[..32], &both[32..], TEXT.as_bytes(), &[]);
    assert!(is_the_link(&open(&derived, &STANDARD.encode(sealed))));
}

#[test]
fn padding_and_writing_are_as_configured() {
    let secret = "0123456789abcdefghijklmnopqrstuv".as_bytes();
    let mut zeros = TEXT.as_bytes().to_vec();
    zeros.resize(zeros.len().next_multiple_of(16), 0);
    let sealed = encrypt_bytes("aes-256-cbc", secret, &[0; 16], &zeros, &["-nopad"]);
    let (zero, pkcs7) = (links(json!({ "padding": "zero" })), links(json!({})));
    assert!(is_the_link(&open(&zero, &STANDARD.encode(&sealed))));
    assert_eq!(open(&pkcs7, &STANDARD.encode(&sealed)), Err(Fault::Altered), "zeros are no PKCS #7");

    let bytes = STANDARD.decode(encrypt(TEXT.as_bytes())).unwrap();
    let standard = STANDARD.encode(&bytes);
    for text in [&standard, &standard.replace('+', " "), &format!(" {standard}"), &URL_SAFE_NO_PAD.encode(&bytes)] {
        assert!(is_the_link(&open(&pkcs7, text)), "{text}");
    }
    let hex = links(json!({ "encoding": "hex" }));
    assert!(is_the_link(&open(&hex, &hex::encode_upper(&bytes))));
    assert_eq!(open(&hex, &standard), Err(Fault::Altered));
}

#[test]
fn names_and_times_are_the_organizations() {
    let names = json!({ "appointment": "csn", "person": "who", "kind": "type", "time": "at", "validity": "for", "issued": "made" });
    let other = links(json!({ "names": names, "time_format": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin" }));
    let facts = open(&other, &encrypt(b"csn=1&who=2&type=2&at=11.08.2020 21:00&for=15&made=1597171200")).unwrap();
    assert_eq!(facts.expires_at.to_string(), "2020-08-11T19:15:00Z");
    assert_eq!(facts.issued_at.unwrap().as_second(), 1_597_171_200);
    assert_eq!(open(&other, &encrypt(TEXT.as_bytes())), Err(Fault::Altered), "none of its names is known");
}

#[test]
fn the_secret_may_be_in_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789abcdefghijklmnopqrstuv\n").unwrap();
    let mut rules = rules(json!({}));
    (rules.secret, rules.secret_file) = (None, Some(file.path().to_owned()));
    let links = super::ContextLinks::new(&rules).unwrap();
    assert!(is_the_link(&open(&links, &encrypt(TEXT.as_bytes()))));
    rules.secret_file = Some("/nowhere/at.all".into());
    assert!(super::ContextLinks::new(&rules).unwrap_err().to_string().contains("secret_file cannot be read"));
}
