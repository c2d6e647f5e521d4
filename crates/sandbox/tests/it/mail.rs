//! The mail relay as a submitting client meets it, line by line; and what `GET /mail` tells of it.

use crate::desk::{Desk, text};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const PATIENCE: Duration = Duration::from_secs(10);
const LETTER: &str = "From: Roomed <a@b.example>\r\nDate: Mon, 4 May 2026 10:30:00 +0000\r\nSubject: Your visit\r\n\r\n\
                      Your link: http://127.0.0.1/i/abc\r\n..two dots\r\n";

/// A conversation.
struct Client(BufReader<TcpStream>);

impl Client {
    async fn connect(desk: &Desk) -> Self {
        let at = desk.running.addresses.mail.strip_prefix("smtp://").unwrap();
        let mut client = Self(BufReader::new(TcpStream::connect(at).await.unwrap()));
        assert!(client.hear().await.unwrap().starts_with("220 "));
        client
    }

    async fn greeted(desk: &Desk) -> Self {
        let mut client = Self::connect(desk).await;
        client.say("EHLO relay.example").await;
        client
    }

    /// The whole answer, or nothing when the line was cut.
    async fn hear(&mut self) -> Option<String> {
        let mut answer = String::new();
        let heard = async {
            loop {
                let from = answer.len();
                if self.0.read_line(&mut answer).await.unwrap_or(0) == 0 {
                    return None;
                }
                if answer.as_bytes()[from..].get(3) == Some(&b' ') {
                    return Some(());
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("an answer or an end in time").map(|()| answer)
    }

    async fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    async fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n")).await;
        self.hear().await.unwrap_or_default()
    }

    async fn addressed(desk: &Desk) -> Self {
        let mut client = Self::greeted(desk).await;
        client.say("MAIL FROM:<a@b.example>").await;
        assert!(client.say("RCPT TO:<guest@c.example>").await.starts_with("250 "));
        assert!(client.say("DATA").await.starts_with("354 "));
        client
    }
}

async fn kept(desk: &Desk) -> Vec<Value> {
    desk.ask("/mail").await["mail"].as_array().unwrap().clone()
}

#[tokio::test]
async fn letters_are_kept_in_order_as_they_were_meant() {
    let desk = Desk::open().await;
    let (_, waited) = tokio::join!(
        async {
            let mut client = Client::addressed(&desk).await;
            client.send(LETTER).await;
            assert_eq!(client.say(".").await, "250 2.0.0 kept as 1\r\n");
            client.say("MAIL FROM:<> BODY=8BITMIME SIZE=200").await;
            client.say("RCPT TO:<one@c.example>").await;
            client.say("RCPT TO:<two@c.example>").await;
            client.say("DATA").await;
            client.send("from: x\r\nDATE: y\r\nContent-Transfer-Encoding: base64\r\n\r\nwqFob2xhIQ==\r\n").await;
            assert!(client.say(".").await.starts_with("250 "));
            assert!(client.say("QUIT").await.starts_with("221 "));
            assert_eq!(client.hear().await, None);
        },
        desk.ask("/mail?after=1&wait_ms=20000"),
    );
    let all = kept(&desk).await;
    assert_eq!(json!(all[1..]), waited["mail"]);
    assert_eq!((&all[0]["from"], &all[0]["to"]), (&json!("a@b.example"), &json!(["guest@c.example"])));
    assert_eq!((text(&all[0], "/subject"), &all[0]["signed_in"]), ("Your visit", &json!(false)));
    assert_eq!(text(&all[0], "/text"), "Your link: http://127.0.0.1/i/abc\r\n.two dots\r\n");
    assert_eq!((text(&all[1], "/from"), text(&all[1], "/text")), ("", "¡hola!"));
    assert_eq!(all[1]["to"], json!(["one@c.example", "two@c.example"]));
    let told = desk.journal_says("received").await;
    assert!(!told.to_string().contains("example"), "no address in the journal: {told}");
}

#[tokio::test]
async fn what_the_standard_forbids_is_refused_and_kept_nowhere() {
    let desk = Desk::open().await;
    let mut client = Client::connect(&desk).await;
    for (line, code) in [
        ("MAIL FROM:<a@b.example>", "503"),
        ("EHLO", "501"),
        ("STARTTLS", "502"),
        ("EHLO relay.example", "250"),
        ("RCPT TO:<a@b.example>", "503"),
        ("DATA", "503"),
        ("AUTH PLAIN AGEAYg==", "502"),
        ("MAIL FROM: <a@b.example>", "501"),
        ("MAIL FROM:<a@b.example> SMTPUTF8", "501"),
        ("MAIL FROM:<a@b.example> SIZE=99999999", "552"),
        ("MAIL FROM:<a@b.example>", "250"),
        ("MAIL FROM:<a@b.example>", "503"),
        ("DATA", "503"),
        ("RCPT TO:<>", "501"),
        ("RSET", "250"),
        ("RCPT TO:<a@b.example>", "503"),
        ("NOOP", "250"),
    ] {
        assert!(client.say(line).await.starts_with(code), "{line}");
    }
    let refused = desk.journal_says("refused").await;
    assert_eq!(refused["code"], 503);
    client.send("NOOP\n").await;
    assert!(client.hear().await.unwrap().starts_with("500 "));
    assert_eq!(client.hear().await, None, "whoever ends lines with LF alone is not talked to");

    let long = format!("{LETTER}{}\r\n", "x".repeat(999));
    let large = format!("{LETTER}{}", format!("{}\r\n", "x".repeat(900)).repeat(300));
    let bare = LETTER.replace("visit\r\n", "visit\n");
    let twice = format!("From: b@c.example\r\n{LETTER}");
    for (letter, code) in [
        (long.as_str(), "554 5.6.0"),
        (large.as_str(), "552 5.3.4"),
        (bare.as_str(), "550 5.6.11"),
        (twice.as_str(), "554 5.6.0"),
        ("From: a\r\n\r\nno date\r\n", "554 5.6.0"),
        ("From: a\r\nDate: b\r\n\r\ncaf\u{e9}\r\n", "554 5.6.1"),
    ] {
        let mut client = Client::addressed(&desk).await;
        client.send(letter).await;
        let answer = client.say(".").await;
        assert!(answer.starts_with(code), "{answer}");
        // It goes on as if nothing had been said.
        assert!(client.say("MAIL FROM:<a@b.example>").await.starts_with("250 "));
    }
    assert_eq!(kept(&desk).await, [] as [Value; 0]);
}

#[tokio::test]
async fn the_mail_switch_decides_what_becomes_of_a_letter() {
    let desk = Desk::open().await;
    for (value, code) in [("refuses-for-now", "451 "), ("refuses-for-ever", "550 ")] {
        desk.throw("mail", value).await;
        let mut client = Client::greeted(&desk).await;
        client.say("MAIL FROM:<a@b.example>").await;
        assert!(client.say("RCPT TO:<guest@c.example>").await.starts_with(code), "{value}");
        assert!(client.say("DATA").await.starts_with("503 "), "{value}");
    }
    for (value, so_many) in [("cuts-before", 0), ("cuts-after", 1)] {
        desk.throw("mail", value).await;
        let mut client = Client::addressed(&desk).await;
        client.send(&format!("{LETTER}.\r\n")).await;
        assert_eq!(client.hear().await, None, "{value}");
        assert_eq!(kept(&desk).await.len(), so_many, "{value}");
    }
    desk.throw("mail", "hangs").await;
    let mut client = Client::addressed(&desk).await;
    client.send(&format!("{LETTER}.\r\n")).await;
    desk.journal_says("hung").await;
    let unanswered = client.0.get_ref().try_read(&mut [0]).unwrap_err();
    assert_eq!(unanswered.kind(), std::io::ErrorKind::WouldBlock);
    // It is the client who loses patience.
    client.0.get_mut().shutdown().await.unwrap();
    assert_eq!(client.hear().await, None);
    assert_eq!(kept(&desk).await.len(), 1);
    desk.throw("mail", "takes").await;
    let mut client = Client::addressed(&desk).await;
    client.send(LETTER).await;
    assert!(client.say(".").await.starts_with("250 "));
}

#[tokio::test]
async fn a_fault_strikes_one_letter_to_one_address() {
    let desk = Desk::open().await;
    for (fault, code) in [
        (json!({ "mode": "status", "status": 452 }), "452 "),
        (json!({ "mode": "refuse" }), "550 "),
        (json!({ "mode": "delay", "delay_ms": 1 }), "250 "),
    ] {
        let mut fault = fault;
        (fault["target"], fault["matching"]) = (json!("mail"), json!("guest@"));
        desk.fault(fault).await;
        let mut client = Client::greeted(&desk).await;
        client.say("MAIL FROM:<a@b.example>").await;
        assert!(client.say("RCPT TO:<other@c.example>").await.starts_with("250 "));
        assert!(client.say("RCPT TO:<guest@c.example>").await.starts_with(code), "{code}");
        assert!(client.say("RCPT TO:<guest@c.example>").await.starts_with("250 "), "once only");
    }
}

#[tokio::test]
async fn where_signing_in_is_demanded_nothing_goes_without() {
    let desk = Desk::open().await;
    desk.throw("mail_sign_in", "demanded").await;
    let account = desk.ask("/mail").await;
    let secret = |password: &str| BASE64_STANDARD.encode(format!("\0{}\0{password}", text(&account, "/user")));
    let mut client = Client::connect(&desk).await;
    assert!(client.say("EHLO relay.example").await.contains("250-AUTH PLAIN\r\n"));
    assert!(client.say("MAIL FROM:<a@b.example>").await.starts_with("530 "));
    assert!(client.say(&format!("AUTH PLAIN {}", secret("wrong"))).await.starts_with("535 "));
    assert!(client.say("AUTH LOGIN").await.starts_with("501 "));
    assert!(client.say("AUTH PLAIN").await.starts_with("334 "));
    assert!(client.say(&secret(text(&account, "/password"))).await.starts_with("235 "));
    client.say("MAIL FROM:<a@b.example>").await;
    client.say("RCPT TO:<guest@c.example>").await;
    client.say("DATA").await;
    client.send(LETTER).await;
    assert!(client.say(".").await.starts_with("250 "));
    assert_eq!(kept(&desk).await[0]["signed_in"], true);
    let canaries = desk.ask("/canaries").await;
    let known = |it: &Value| it["field"] == "mail.password" && it["value"] == account["password"];
    assert!(canaries["canaries"].as_array().unwrap().iter().any(known));
    let _ = desk.tell(Method::PUT, "/switches/mail_sign_in", &json!({ "value": "open" })).await;
    assert!(!Client::connect(&desk).await.say("EHLO relay.example").await.contains("AUTH"));
}

#[tokio::test]
async fn where_tls_is_demanded_nothing_is_taken_before_it() {
    let desk = Desk::open().await;
    let mut client = Client::greeted(&desk).await;
    assert!(client.say("STARTTLS").await.starts_with("502 "), "it was not offered");
    desk.throw("mail_tls", "starttls").await;
    let mut client = Client::connect(&desk).await;
    assert!(client.say("STARTTLS").await.starts_with("503 "), "EHLO first");
    assert!(client.say("EHLO relay.example").await.contains("250-STARTTLS\r\n"));
    for line in ["MAIL FROM:<a@b.example>", "AUTH PLAIN AGEAYg=="] {
        assert!(client.say(line).await.starts_with("530 "), "{line}");
    }
    // From here on the client has to speak TLS: what it says along with the request, or in the clear after it, is nobody's word.
    client.send("STARTTLS\r\nMAIL FROM:<a@b.example>\r\n").await;
    assert!(client.hear().await.unwrap().starts_with("220 "));
    client.send("NOOP\r\n").await;
    assert_eq!(client.hear().await, None, "and is not answered");
}
