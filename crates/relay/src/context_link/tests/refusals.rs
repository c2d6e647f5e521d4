//! What is refused, with which reason, and that nothing is shown of what was refused.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::super::{ContextLinks, Fault, Opener};
use super::outside::{encrypt, encrypt_bytes};
use super::{TEXT, links, open, open_at, two};

const WHO: &str = "SessionID=1&ExternalID=22";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_link_is_good_from_its_grace_to_its_validity() {
    let links = links(json!({}));
    let appointment = |minutes: &str| format!("{WHO}&ExternalIDType=2&AppointmentTime=08/11/2020+02:00+PM{minutes}");
    let issued = format!("{WHO}&ExternalIDType=2&Timestamp=1597172400");
    for (text, from, until) in [
        (appointment("&LinkValidityPeriod=60"), "18:30:00", "20:00:00"),
        // What it does not say, says as "never" or says for longer is the configured time.
        (appointment(""), "18:30:00", "21:00:00"),
        (appointment("&LinkValidityPeriod="), "18:30:00", "21:00:00"),
        (appointment("&LinkValidityPeriod=0"), "18:30:00", "21:00:00"),
        (appointment("&LinkValidityPeriod=43200"), "18:30:00", "21:00:00"),
        // Made at seven, for nobody's appointment: the EHR's clock may be a little ahead.
        (issued, "18:55:00", "21:00:00"),
    ] {
        let sealed = encrypt(text.as_bytes());
        let open = |time: &str| open_at(&links, &sealed, None, at(&format!("2020-08-11T{time}Z"))).map(drop);
        let seconds = |time: &str, by: i64| {
            let at = at(&format!("2020-08-11T{time}Z")) + jiff::SignedDuration::from_secs(by);
            at.strftime("%H:%M:%S").to_string()
        };
        assert_eq!(open(&seconds(from, -1)), Err(Fault::Early), "{text}");
        assert_eq!((open(from), open(&seconds(until, -1))), (Ok(()), Ok(())), "{text}");
        assert_eq!((open(until), open("23:59:59")), (Err(Fault::Expired), Err(Fault::Expired)), "{text}");
    }

    // How long before is the organization's to say.
    let links = self::links(json!({ "grace_minutes": 5 }));
    let sealed = encrypt(appointment("").as_bytes());
    let open = |time: &str| open_at(&links, &sealed, None, at(&format!("2020-08-11T{time}Z"))).map(drop);
    assert_eq!((open("18:54:59"), open("18:55:00")), (Err(Fault::Early), Ok(())));
}

#[test]
fn who_opened_it_follows_from_their_kind() {
    let links = links(json!({}));
    let opener = |more: &str| {
        let text = format!("{WHO}&AppointmentTime=08/11/2020 02:00 PM&{more}");
        open(&links, &encrypt(text.as_bytes())).map(|it| match it.opener {
            Opener::Patient(patient) => format!("patient {}", patient.expose()),
            Opener::Proxy { proxy, patient } => format!("proxy {} for {}", proxy.expose(), patient.expose()),
            Opener::Practitioner(it) => format!("practitioner {}", it.expose()),
        })
    };
    for (more, wanted) in [
        ("ExternalIDType=2", Ok("patient 22")),
        ("ExternalIDType= 2&PatientID=+22", Ok("patient 22")),
        ("ExternalIDType=2&PatientID=", Ok("patient 22")),
        ("ExternalIDType=2&PatientID=33", Ok("proxy 22 for 33")),
        ("ExternalIDType=3&PatientID=33", Ok("proxy 22 for 33")),
        ("ExternalIDType=3", Err(Fault::Incomplete)),
        ("ExternalIDType=1", Ok("practitioner 22")),
        ("ExternalIDType=4", Err(Fault::Incomplete)),
        ("ExternalIDType=", Err(Fault::Incomplete)),
        ("ExternalIDType=2&PatientID=3,3", Err(Fault::Incomplete)),
    ] {
        assert_eq!(opener(more), wanted.map(str::to_owned), "{more}");
    }
}

#[test]
fn a_whole_link_that_says_too_little_is_incomplete() {
    let links = links(json!({}));
    for text in [
        "ExternalID=22&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM",
        "SessionID=&ExternalID=22&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM",
        "SessionID=1|2&ExternalID=22&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM",
        "SessionID=1&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM",
        "SessionID=1&ExternalID=22&AppointmentTime=08/11/2020 02:00 PM",
        "SessionID=1&ExternalID=22&ExternalIDType=2",
        "SessionID=1&ExternalID=22&ExternalIDType=2&AppointmentTime=",
        "SessionID=1&ExternalID=22&ExternalIDType=2&AppointmentTime=tomorrow",
        "SessionID=1&ExternalID=22&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM&LinkValidityPeriod=43201",
        "SessionID=1&ExternalID=22&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM&LinkValidityPeriod=-1",
        "SessionID=1&ExternalID=22&ExternalIDType=2&AppointmentTime=08/11/2020 02:00 PM&Timestamp=never",
        "SessionID=1&ExternalID=22&ExternalIDType=2&Timestamp=-1",
    ] {
        assert_eq!(open(&links, &encrypt(text.as_bytes())), Err(Fault::Incomplete), "{text}");
    }
}

#[test]
fn whatever_is_not_whole_has_one_answer() {
    let links = links(json!({}));
    let (cipher, secret) = ("aes-256-cbc", b"0123456789abcdefghijklmnopqrstuv");
    let good = STANDARD.decode(encrypt(TEXT.as_bytes())).unwrap();
    let mut bad: Vec<(String, Vec<u8>)> = vec![
        ("nothing".into(), Vec::new()),
        ("half a block".into(), good[..good.len() - 8].to_vec()),
        ("without its last block".into(), good[..good.len() - 16].to_vec()),
        ("without its first block".into(), good[16..].to_vec()),
        ("one block more".into(), [good.clone(), vec![7; 16]].concat()),
        ("twice".into(), [good.clone(), good.clone()].concat()),
        ("too long".into(), vec![0; 4112]),
        ("another secret".into(), encrypt_bytes(cipher, &[b'x'; 32], &[0; 16], TEXT.as_bytes(), &[])),
        ("the other cipher".into(), encrypt_bytes("aes-128-cbc", &secret[..16], &[0; 16], TEXT.as_bytes(), &[])),
    ];
    // Every bit of the ciphertext: what its change does to the text is noise in one block and one bit in the next.
    for bit in 0..good.len() * 8 {
        let mut changed = good.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        bad.push((format!("bit {bit}"), changed));
    }
    // Every padding that is none, on a text that is otherwise whole.
    for last in (0..=255_u8).filter(|it| *it != 1) {
        let block = [&[b'a'; 15][..], &[last]].concat();
        let text = [b"SessionID=1&b=aa".as_slice(), &block].concat();
        bad.push((format!("padding {last}"), encrypt_bytes(cipher, secret, &[0; 16], &text, &["-nopad"])));
    }
    for (what, bytes) in bad {
        assert_eq!(open(&links, &STANDARD.encode(bytes)), Err(Fault::Altered), "{what}");
    }
    for text in [
        "",
        "a",
        "SessionID=1",
        "SessionID=1&SessionID=2&ExternalID=3",
        "SessionID=1&x\u{1}=2&aaaaaaaa=1",
        "other=1&another=2&third=3",
    ] {
        assert_eq!(open(&links, &encrypt(text.as_bytes())), Err(Fault::Altered), "{text}");
    }
    assert_eq!(links.open(|_| None, two()), Err(Fault::Altered), "no such parameter");
}

/// Where the IV travels with the link, changing it changes the first block and makes no noise anywhere.
#[test]
fn where_the_iv_travels_the_first_block_is_known_beforehand() {
    let secret = b"0123456789abcdefghijklmnopqrstuv";
    let text = format!("Link=RoomedVisits&{TEXT}");
    let iv: Vec<u8> = (100..116).collect();
    let sealed = encrypt_bytes("aes-256-cbc", secret, &iv, text.as_bytes(), &[]);
    let rules = |starts_with| {
        let iv = json!({ "rule": "parameter", "name": "iv" });
        links(json!({ "iv": iv, "starts_with": starts_with }))
    };
    let (known, unknown) = (rules(json!("Link=RoomedVisits&")), rules(json!(null)));
    let open = |links: &ContextLinks, iv: &[u8]| {
        open_at(links, &STANDARD.encode(&sealed), Some(&STANDARD.encode(iv)), two()).map(drop)
    };
    assert_eq!((open(&known, &iv), open(&unknown, &iv)), (Ok(()), Ok(())));
    let mut slipped_through = 0;
    for bit in 0..128 {
        let mut changed = iv.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&known, &changed), Err(Fault::Altered), "bit {bit}");
        slipped_through += usize::from(open(&unknown, &changed).is_ok());
    }
    assert!(slipped_through > 10, "without a known beginning this would show nothing: {slipped_through}");
}

#[test]
fn nothing_of_a_link_is_in_its_debug() {
    let links = links(json!({}));
    let text =
        "SessionID=CANARY1&ExternalID=CANARY2&PatientID=CANARY3&ExternalIDType=3&AppointmentTime=08/11/2020 02:00 PM";
    let facts = open(&links, &encrypt(text.as_bytes())).unwrap();
    let shown = format!("{facts:?} {links:?} {:?}", links.rules);
    assert!(!shown.contains("CANARY") && !shown.contains("0123456789abcdef"), "{shown}");
    for fault in [Fault::NotConfigured, Fault::Altered, Fault::Incomplete, Fault::Early, Fault::Expired] {
        assert!(fault.status() >= 400 && fault.code().starts_with("context-link-"), "{fault}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600), iv in proptest::collection::vec(any::<u8>(), 0..40)) {
        for (rule, padding) in [("zero", "pkcs7"), ("prefix", "zero"), ("prefix", "pkcs7"), ("parameter", "zero")] {
            let mut iv_rule = json!({ "rule": rule });
            if rule == "parameter" {
                iv_rule["name"] = "iv".into();
            }
            let links = links(json!({ "iv": iv_rule, "padding": padding }));
            let (sealed, iv) = (STANDARD.encode(&bytes), STANDARD.encode(&iv));
            prop_assert_eq!(open_at(&links, &sealed, Some(&iv), two()), Err(Fault::Altered));
        }
    }

    #[test]
    fn any_parameter_is_refused(sealed in "\\PC*") {
        prop_assert_eq!(open(&links(json!({})), &sealed), Err(Fault::Altered));
    }

    /// What an EHR with our secret could say by mistake: an answer, and never a panic.
    #[test]
    fn any_text_is_read_or_refused(text in "(SessionID|ExternalID|ExternalIDType|AppointmentTime|LinkValidityPeriod|Timestamp|x)=\\PC{0,20}(&(SessionID|ExternalID|ExternalIDType|AppointmentTime|LinkValidityPeriod|Timestamp|PatientID)=([0-9 +:/-]{0,24}|\\PC{0,8})){0,7}") {
        let _ = links(json!({})).read(text.as_bytes(), two());
    }

    #[test]
    fn any_bytes_in_the_text_are_read_or_refused(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let read = links(json!({})).read(&text, two());
        prop_assert!(read.is_err());
    }
}
