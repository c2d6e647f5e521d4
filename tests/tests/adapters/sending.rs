//! Links that Roomed sends: by mail and by text message, once, with nothing in them that tells of a patient. What the mail
//! server does to a letter is shown to the clinician, and the address is nowhere once the letter has left.

use e2e::clinician::{Clinician, http};
use e2e::scan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::ground::{Ground, participant, refused, visit_until};
use crate::visitor::Visitor;

const TO: &str = "ines.okonkwo.7731@interpreters.example";

/// Northside with a mail server, and a gateway for text messages.
async fn ground(signed_in: bool) -> anyhow::Result<Ground> {
    ground_over("none", signed_in).await
}

/// The same over TLS: `tls` in the relay's word. The hospital's own authority vouches for the server.
async fn ground_over(tls: &str, signed_in: bool) -> anyhow::Result<Ground> {
    let mut ground = Ground::start().await?;
    let mail = ground.stack.sandbox.get("/mail").await?;
    // As the demo has it.
    let mut sending = e2e::stack::sending(&mail)?;
    sending["tls"] = tls.into();
    if tls != "none" {
        let file = ground.stack.directory.join("authority.pem");
        std::fs::write(&file, mail["authority"].as_str().unwrap_or_default())?;
        sending["ca_file"] = json!(file);
    }
    if signed_in {
        (sending["user"], sending["password"]) = (mail["user"].clone(), mail["password"].clone());
    }
    ground.stack.reconfigure(|it| it["organizations"][0]["sending"] = sending).await?;
    Ok(ground)
}

async fn server(ground: &Ground, switch: &str, value: &str) -> anyhow::Result<()> {
    let path = format!("/switches/{switch}");
    ground.stack.sandbox.send(Method::PUT, &path, &json!({ "value": value })).await.map(drop)
}

/// A visit that its clinician has begun.
async fn begun(ground: &Ground) -> anyhow::Result<(Clinician, Value)> {
    let appointment = ground.schedule(0, 0).await?;
    let clinician = ground.clinician(0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    Ok((clinician, visit))
}

fn path(visit: &Value) -> String {
    format!("/visits/{}/invitations", visit["id"].as_str().unwrap_or_default())
}

fn by_mail() -> Value {
    json!({ "role": "interpreter", "send": { "by": "email", "address": TO } })
}

async fn sends(clinician: &Clinician, visit: &Value, body: &Value) -> anyhow::Result<String> {
    let invited = clinician.ask(Method::POST, &path(visit), Some(body)).await?.accepted()?;
    assert_eq!(invited["link"], Value::Null, "whoever does not pass it on does not see it");
    Ok(invited["participant"].as_str().unwrap_or_default().to_owned())
}

async fn letter_is(clinician: &Clinician, visit: &Value, state: &str) -> anyhow::Result<()> {
    let is = |it: &Value| participant(it, "interpreter")["invitation"]["letter"] == state;
    visit_until(clinician, visit, &format!("the letter is {state}"), is).await.map(drop)
}

async fn letters(ground: &Ground, at_least: usize) -> anyhow::Result<Vec<Value>> {
    e2e::wait::until(&format!("{at_least} letters have come"), async || {
        let mail = ground.stack.sandbox.get("/mail").await?["mail"].as_array().cloned().unwrap_or_default();
        Ok((mail.len() >= at_least).then_some(mail))
    })
    .await
}

/// The link in a letter opens its person's page.
async fn opens(ground: &Ground, letter: &Value) -> anyhow::Result<Visitor> {
    let text = letter["text"].as_str().unwrap_or_default();
    let link = text.split_whitespace().find(|it| it.contains("/i/")).unwrap_or_default();
    let token = link.rsplit('/').next().unwrap_or_default().to_owned();
    let button = http()?.post(format!("{}/i", ground.stack.relay)).header("origin", &ground.stack.relay);
    Visitor::entered(ground, &button.form(&[("token", &token)]).send().await?)
}

#[tokio::test]
async fn a_letter_leaves_once_opens_the_page_and_leaves_no_address_behind() -> anyhow::Result<()> {
    let ground = ground(true).await?;
    server(&ground, "mail_sign_in", "demanded").await?;
    let (clinician, visit) = begun(&ground).await?;
    assert_eq!(clinician.get("/me").await?["sends"], json!(["email", "sms"]));
    sends(&clinician, &visit, &by_mail()).await?;
    letter_is(&clinician, &visit, "sent").await?;
    let all = letters(&ground, 1).await?;
    let letter = &all[0];
    assert_eq!((&letter["to"], &letter["signed_in"]), (&json!([TO]), &json!(true)));
    assert_eq!((&letter["from"], &letter["subject"]), (&json!("visits@northside.example"), &json!("Your video visit")));
    // Of the visit it says whose it is and nothing else: no name, no number, no time of anybody.
    let known = scan::canaries(&ground.stack.sandbox.get("/canaries").await?);
    let raw = letter["raw"].as_str().unwrap_or_default();
    assert_eq!(scan::bytes("the letter", raw.as_bytes(), &known), []);
    assert!(letter["text"].as_str().unwrap_or_default().contains("Northside Health"));

    let visitor = opens(&ground, letter).await?;
    assert_eq!(visitor.view().await?["role"], "interpreter");
    let used = |it: &Value| participant(it, "interpreter")["invitation"]["state"] == "used";
    visit_until(&clinician, &visit, "they came in by it", used).await?;
    assert_eq!(letters(&ground, 1).await?.len(), 1);
    ground.holds_nowhere(&[TO, TO.split('@').next().unwrap_or_default()])?;
    ground.no_leaks().await
}

/// What was said in conversations with the mail server while anybody could listen in, and how many are over.
async fn overheard(ground: &Ground) -> anyhow::Result<(Vec<String>, usize)> {
    let all = ground.stack.sandbox.journal().await?;
    let talks: Vec<_> = all.iter().filter(|it| it.what == "talked").collect();
    let verbs = talks.iter().flat_map(|it| it.detail["overheard"].as_array().cloned().unwrap_or_default());
    Ok((verbs.filter_map(|it| it.as_str().map(str::to_owned)).collect(), talks.len()))
}

#[tokio::test]
async fn over_tls_letter_and_password_go_in_secret() -> anyhow::Result<()> {
    for (tls, clear) in [("starttls", vec!["EHLO", "STARTTLS"]), ("implicit", vec![])] {
        let mut ground = ground_over(tls, true).await?;
        server(&ground, "mail_tls", tls).await?;
        server(&ground, "mail_sign_in", "demanded").await?;
        let (clinician, visit) = begun(&ground).await?;
        sends(&clinician, &visit, &by_mail()).await?;
        letter_is(&clinician, &visit, "sent").await?;
        let all = letters(&ground, 1).await?;
        assert_eq!((&all[0]["to"], &all[0]["signed_in"]), (&json!([TO]), &json!(true)), "{tls}");
        opens(&ground, &all[0]).await?;
        // The relay may keep its line to the server open: it is told when it is over.
        ground.stack.stop_relay().await?;
        ground.stack.sandbox.saw("talked", |_| true).await?;
        let (said, _) = overheard(&ground).await?;
        assert_eq!(said, clear, "{tls}");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_keep_a_secret_or_prove_its_name_is_told_nothing() -> anyhow::Result<()> {
    for (tls, offers, certificate, clear) in [
        // No way to fall back to plain text, whatever the server offers.
        ("starttls", "none", "own", "EHLO"),
        ("starttls", "starttls", "strangers", "STARTTLS"),
        ("implicit", "implicit", "strangers", ""),
    ] {
        let what = format!("{tls} at one that offers {offers}, with {certificate} certificate");
        let ground = ground_over(tls, true).await?;
        server(&ground, "mail_tls", offers).await?;
        server(&ground, "mail_certificate", certificate).await?;
        server(&ground, "mail_sign_in", "demanded").await?;
        let (clinician, visit) = begun(&ground).await?;
        sends(&clinician, &visit, &by_mail()).await?;
        // Tried, and tried again.
        e2e::wait::until(&what, async || Ok((overheard(&ground).await?.1 >= 2).then_some(()))).await?;
        let (said, _) = overheard(&ground).await?;
        assert!(said.iter().all(|it| ["EHLO", "STARTTLS", "QUIT"].contains(&it.as_str())), "{what}: {said:?}");
        assert!(
            clear.is_empty() == said.is_empty() && (clear.is_empty() || said.contains(&clear.to_owned())),
            "{what}: {said:?}"
        );
        assert_eq!(letters(&ground, 0).await?, Vec::<Value>::new(), "{what}");
        letter_is(&clinician, &visit, "sending").await?;
        // IT reads whose fault it is, and which keys to look at.
        let log = std::fs::read_to_string(ground.stack.directory.join("logs/relay.log"))?;
        let fault = if certificate == "own" { "does not speak as sending.tls" } else { "does not prove its name" };
        assert!(log.contains(fault), "{what}: no word of it in the log");
        ground.no_leaks().await?;
    }
    Ok(())
}

#[tokio::test]
async fn where_letters_go_to_the_log_it_says_that_one_would_leave_and_not_where_to() -> anyhow::Result<()> {
    let by_log: fn(&mut Value) = |configuration| {
        configuration["organizations"][0]["sending"] = json!({ "by": "log" });
    };
    let ground = Ground::start_with(by_log).await?;
    let (clinician, visit) = begun(&ground).await?;
    assert_eq!(clinician.get("/me").await?["sends"], json!(["email", "sms"]));
    sends(&clinician, &visit, &by_mail()).await?;
    letter_is(&clinician, &visit, "sent").await?;
    let by_text = json!({ "role": "family", "send": { "by": "sms", "number": "+1 (555) 010-7731" } });
    sends(&clinician, &visit, &by_text).await?;
    let is_sent = |it: &Value| participant(it, "family")["invitation"]["letter"] == "sent";
    visit_until(&clinician, &visit, "the text message counts as sent", is_sent).await?;
    let log = std::fs::read_to_string(ground.stack.directory.join("logs/relay.log"))?;
    assert_eq!(log.matches("a link would leave here; nothing is sent").count(), 2);
    assert!(!log.contains("/i/") && !log.contains("7731"), "neither link nor address");
    assert_eq!(letters(&ground, 0).await?, Vec::<Value>::new());
    ground.holds_nowhere(&[TO, "15550107731", "ines.okonkwo"])?;
    ground.no_leaks().await
}

#[tokio::test]
async fn one_clinician_cannot_mail_the_world() -> anyhow::Result<()> {
    let ground = ground(false).await?;
    let (clinician, visit) = begun(&ground).await?;
    let guest = sends(&clinician, &visit, &by_mail()).await?;
    let again = json!({ "role": "interpreter", "send": { "by": "email", "address": TO }, "participant": guest });
    let mut sent = 1;
    let refusal = loop {
        let answer = clinician.ask(Method::POST, &path(&visit), Some(&again)).await?;
        if answer.status != 200 {
            break answer;
        }
        sent += 1;
        anyhow::ensure!(sent < 200, "nobody stops it");
    };
    refused("too many", &refusal, (429, "too-many-requests", "clinician"));
    assert!(sent >= 40, "{sent} is fewer than a clinic needs");
    let by_hand = json!({ "role": "interpreter", "send": { "by": "hand" }, "participant": guest });
    clinician.ask(Method::POST, &path(&visit), Some(&by_hand)).await?.accepted()?;
    // Another clinician's letters still leave.
    let appointment = ground.schedule(1, 1).await?;
    let other = ground.clinician(1).await?;
    let theirs = other.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    sends(&other, &theirs, &by_mail()).await?;
    letter_is(&other, &theirs, "sent").await
}

#[tokio::test]
async fn a_text_message_goes_to_the_gateway() -> anyhow::Result<()> {
    let ground = ground(false).await?;
    let (clinician, visit) = begun(&ground).await?;
    let by_text = json!({ "role": "interpreter", "send": { "by": "sms", "number": "+1 (555) 010-0199" } });
    sends(&clinician, &visit, &by_text).await?;
    letter_is(&clinician, &visit, "sent").await?;
    let all = letters(&ground, 1).await?;
    assert_eq!(all[0]["to"], json!(["15550100199@sms.example"]));
    opens(&ground, &all[0]).await?;
    for (by, bad) in [("email", "nobody"), ("email", "a@b\r\nBcc: c@d.example"), ("sms", "5550100"), ("sms", "+1x")] {
        let name = if by == "sms" { "number" } else { "address" };
        let body = json!({ "role": "family", "send": { "by": by, name: bad } });
        let answer = clinician.ask(Method::POST, &path(&visit), Some(&body)).await?;
        refused(bad, &answer, (400, "address-refused", "clinician"));
    }
    ground.no_leaks().await
}

#[tokio::test]
async fn what_the_mail_server_refuses_is_said_and_a_link_by_hand_still_works() -> anyhow::Result<()> {
    let ground = ground(false).await?;
    server(&ground, "mail", "refuses-for-ever").await?;
    let (clinician, visit) = begun(&ground).await?;
    let guest = sends(&clinician, &visit, &by_mail()).await?;
    letter_is(&clinician, &visit, "failed").await?;
    let by_hand = json!({ "role": "interpreter", "participant": guest, "send": { "by": "hand" } });
    let given = clinician.ask(Method::POST, &path(&visit), Some(&by_hand)).await?.accepted()?;
    assert_eq!(given["participant"], json!(guest));
    let visitor = opens(&ground, &json!({ "text": given["link"] })).await?;
    assert_eq!(visitor.view().await?["role"], "interpreter");
    assert_eq!(letters(&ground, 0).await?.len(), 0);
    ground.no_leaks().await
}

#[tokio::test]
async fn a_letter_outlives_an_outage_and_a_restart_and_a_link_taken_back_does_not_leave() -> anyhow::Result<()> {
    let mut ground = ground(false).await?;
    server(&ground, "mail", "refuses-for-now").await?;
    let (clinician, visit) = begun(&ground).await?;
    sends(&clinician, &visit, &by_mail()).await?;
    let other = json!({ "role": "family", "send": { "by": "email", "address": "taken.back@example.org" } });
    let taken_back = sends(&clinician, &visit, &other).await?;
    let for_now = |it: &e2e::stack::Entry| it.who == "mail" && it.detail["code"] == 451;
    ground.stack.sandbox.saw("refused", for_now).await?;
    letter_is(&clinician, &visit, "sending").await?;
    clinician.ask(Method::DELETE, &format!("{}/{taken_back}", path(&visit)), None).await?.accepted()?;
    ground.stack.kill_relay().await?;
    server(&ground, "mail", "takes").await?;
    ground.stack.start_relay().await?;
    letter_is(&clinician, &visit, "sent").await?;
    // Another one, later: when it has come, the one that was taken back would have come as well.
    let last = json!({ "role": "colleague", "send": { "by": "email", "address": "last@example.org" } });
    sends(&clinician, &visit, &last).await?;
    let all = letters(&ground, 2).await?;
    let to: Vec<&str> = all.iter().filter_map(|it| it["to"][0].as_str()).collect();
    assert_eq!(to, [TO, "last@example.org"]);
    opens(&ground, &all[0]).await?;
    ground.holds_nowhere(&[TO, "taken.back", "last@example.org"])?;
    ground.no_leaks().await
}

#[tokio::test]
async fn no_letter_leaves_out_of_a_backup() -> anyhow::Result<()> {
    let mut ground = ground(false).await?;
    server(&ground, "mail", "refuses-for-now").await?;
    let (clinician, visit) = begun(&ground).await?;
    let guest = sends(&clinician, &visit, &by_mail()).await?;
    letter_is(&clinician, &visit, "sending").await?;
    ground.stack.kill_relay().await?;
    server(&ground, "mail", "takes").await?;
    // Perhaps it left after the backup was made, perhaps its link was taken back: its clinician is told, and decides.
    ground.stack.start_relay_restored().await?;
    letter_is(&clinician, &visit, "failed").await?;
    let again = json!({ "role": "interpreter", "send": { "by": "email", "address": TO }, "participant": guest });
    sends(&clinician, &visit, &again).await?;
    letter_is(&clinician, &visit, "sent").await?;
    let all = letters(&ground, 1).await?;
    assert_eq!(all.len(), 1, "the old one stays where it is");
    opens(&ground, &all[0]).await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn a_line_that_is_cut_makes_two_letters_at_most_and_both_are_one() -> anyhow::Result<()> {
    let ground = ground(false).await?;
    server(&ground, "mail", "cuts-after").await?;
    let (clinician, visit) = begun(&ground).await?;
    sends(&clinician, &visit, &by_mail()).await?;
    letters(&ground, 1).await?;
    server(&ground, "mail", "takes").await?;
    letter_is(&clinician, &visit, "sent").await?;
    let all = letters(&ground, 2).await?;
    let ids: Vec<Option<&str>> = all.iter().map(|it| message_id(it)).collect();
    assert_eq!(ids, [ids[0], ids[0]]);
    assert!(ids[0].is_some_and(|it| it.ends_with("@northside.example>")), "{ids:?}");
    // Whichever they open, it is the one link, and it is good once.
    opens(&ground, &all[1]).await?;
    assert!(opens(&ground, &all[0]).await.is_err());
    ground.no_leaks().await
}

fn message_id(letter: &Value) -> Option<&str> {
    let raw = letter["raw"].as_str()?;
    raw.lines().find_map(|line| line.strip_prefix("Message-ID: "))
}
