//! A group in one meeting, each patient with a phone of their own: what their pages advise and tell, who can be told apart
//! though all show the same name there, and whose chart says so. By HTTP the same is in `adapters/group.rs` and
//! `adapters/group_chart.rs`.

use std::collections::BTreeMap;

use e2e::browser::{Browser, PHONE};
use e2e::scan::{self, Canary};
use e2e::wait;
use fantoccini::Locator;
use serde_json::{Value, json};

use crate::clinic::{Clinic, Visit, count, knocks, prepared, ready};

const PATIENTS: [usize; 3] = [0, 1, 2];

/// Only the meeting tells who is there, and nobody is waited for at its door for long.
fn in_the_meeting(configuration: &mut Value) {
    configuration["visit"]["connected_at"] = json!("admitted");
    configuration["visit"]["door_seconds"] = json!(3);
}

/// Everything of the patients but this one, as the EHR has it, and everybody's id at the relay.
fn of_others(clinic: &Clinic, appointments: &[Value], visit: &Value, me: usize) -> Vec<Canary> {
    let mut all = Vec::new();
    let own = [("patient", clinic.patient_of(PATIENTS[me]).unwrap()), ("appointment", &appointments[me])];
    for (n, patient) in PATIENTS.iter().enumerate().filter(|(n, _)| *n != me) {
        let theirs = [clinic.patient_of(*patient).unwrap(), &appointments[n]];
        for ((kind, own), theirs) in own.iter().zip(theirs) {
            let fields = theirs.as_object().unwrap().iter().filter(|(name, value)| own[name.as_str()] != **value);
            let texts = fields.filter_map(|(name, value)| Some((name, value.as_str().filter(|it| it.len() > 5)?)));
            all.extend(texts.map(|(name, value)| Canary::new(&format!("{kind}.{name}"), value)));
        }
    }
    let people = visit["participants"].as_array().unwrap();
    all.extend(people.iter().map(|it| Canary::new("participant", it["id"].as_str().unwrap())));
    assert!(all.len() > 10 && people.len() > 3, "too little to look for");
    all
}

/// What a phone has been sent since the last look (requests, headers, what came over sockets), what stands on it, and what
/// it is told when it asks.
async fn learnt(phone: &Browser) -> Vec<u8> {
    let mut all = serde_json::to_vec(&phone.seen_by_devtools().await.unwrap()).unwrap();
    all.extend(phone.page.source().await.unwrap().into_bytes());
    let ask = "const done = arguments[0]; const all = ['visit', 'visits', 'participants'].map((it) => \
               fetch('/v/api/' + it).then((answer) => answer.text())); \
               Promise.all(all).then((texts) => done([document.title, ...texts].join(' ')))";
    let told = phone.page.execute_async(ask, Vec::new()).await.unwrap();
    all.extend(told.as_str().unwrap().bytes());
    all
}

/// On every page from now on, for so long the countdown into the meeting waits: what the page says can be read.
async fn looks_elsewhere(phone: &Browser) {
    let away = "Object.defineProperty(Document.prototype, 'hidden', { configurable: true, get: () => true })";
    phone.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": away })).await.unwrap();
}

/// The clinician calls; what the page advises about the name is read before it opens the meeting.
async fn called(phone: &Browser) -> Vec<u8> {
    phone.see("html[data-screen='called']").await.unwrap();
    let advice = phone.text("#name-advice").await.unwrap();
    assert!(advice.contains("Other patients are in this visit") && advice.contains("“Guest”"), "{advice}");
    let learnt = learnt(phone).await;
    phone.click("#open-meeting").await.unwrap();
    phone.see("#display-name").await.unwrap();
    learnt
}

/// Every status that the chart was told, in order, by the person's external id.
async fn written(clinic: &Clinic) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for it in clinic.stack.sandbox.write_backs().await.unwrap() {
        let told = all.entry(it["external_id"].as_str().unwrap().to_owned()).or_default();
        // The newest may be said again.
        if told.last() != Some(&it["connection_status"]) {
            told.push(it["connection_status"].clone());
        }
    }
    all
}

async fn written_becomes(clinic: &Clinic, who: &[&str], statuses: &[Value]) {
    let expected = who.iter().map(|it| ((*it).to_owned(), statuses.to_vec())).collect::<BTreeMap<_, _>>();
    let mut last = BTreeMap::new();
    let done = wait::until("exactly these lines are written", async || {
        last = written(clinic).await;
        Ok((last == expected).then_some(()))
    });
    if done.await.is_err() {
        assert_eq!(last, expected);
    }
}

/// The staff's list says so of the visit; nobody's name is on it.
async fn staff_read(staff: &Browser, words: &str, nobody: &[Canary]) {
    wait::until(&format!("the staff's list says {words}"), async || {
        let said = staff.page.find(Locator::Css("[data-visit] .how")).await?.text().await?;
        Ok((said == words).then_some(()))
    })
    .await
    .unwrap();
    let shown = staff.page.source().await.unwrap();
    assert_eq!(scan::bytes("the staff's list", shown.as_bytes(), nobody), []);
}

async fn in_the_visit(visit: &Visit, known: usize, strangers: usize) {
    let right =
        |it: &Value| count(it, "patient", "connected") == known && count(it, "unattributed", "connected") == strangers;
    let what = format!("{known} patients and {strangers} others are in the meeting");
    visit.becomes(&what, right).await.unwrap();
}

#[tokio::test]
async fn three_phones_of_a_group_learn_nothing_of_each_other_and_who_cannot_be_told_apart_is_in_no_chart() {
    let clinic = Clinic::open_with(in_the_meeting).await.unwrap();
    let made = clinic.schedule_group(&PATIENTS).await.unwrap();
    let appointments = made["appointments"].as_array().unwrap();
    let id = |n: usize| appointments[n]["appointment_id"].as_str().unwrap();
    let visit = clinic.begun(id(1)).await.unwrap();
    let staff = clinic.staff().await.unwrap();
    let (mut phones, mut heard) = (Vec::new(), vec![Vec::new(); 3]);
    for (n, patient) in PATIENTS.into_iter().enumerate() {
        let phone = clinic.browser(&format!("phone-{n}"), PHONE).await.unwrap();
        looks_elsewhere(&phone).await;
        let link = clinic.portal_link_of(clinic.patient_of(patient).unwrap(), id(n)).await.unwrap();
        phone.open(&link).await.unwrap();
        prepared(&phone).await.unwrap();
        ready(&phone).await.unwrap();
        phones.push(phone);
    }
    let seen = visit.becomes("all three wait", |it| count(it, "patient", "waiting") == 3).await.unwrap();
    let names: Vec<_> = (0..3).flat_map(|me| of_others(&clinic, appointments, &seen, me)).collect();
    let names: Vec<_> = names.into_iter().filter(|it| it.field.starts_with("patient.")).collect();
    staff_read(&staff, "3 ready", &names).await;
    staff.picture(&clinic.shot("group-staff").unwrap()).await.unwrap();
    for (phone, heard) in phones.iter().zip(&mut heard) {
        heard.extend(learnt(phone).await);
    }

    // Whoever is let go first is in there alone when they knock: known, whatever name they type.
    let (room, _own) = visit.met(&clinic).await.unwrap();
    heard[0].extend(called(&phones[0]).await);
    knocks(&phones[0], "Guest").await.unwrap();
    room.admit().await.unwrap();
    phones[0].see("#in-call:not([hidden])").await.unwrap();
    in_the_visit(&visit, 1, 0).await;
    let connected = clinic.northside.0["ehr"]["connection_status"]["connected"].clone();
    let gone = clinic.northside.0["ehr"]["connection_status"]["disconnected"].clone();
    let external_id = |of: &Value, key: &str| of[key].as_str().unwrap().to_owned();
    let first = external_id(clinic.patient_of(PATIENTS[0]).unwrap(), "wpr");
    let provider = external_id(clinic.practitioner().unwrap(), "emp");
    let in_the_chart = [first.as_str(), provider.as_str()];
    written_becomes(&clinic, &in_the_chart, std::slice::from_ref(&connected)).await;

    // The next one takes too long at the meeting's door, so the last is let go too; then both knock, as the same "Guest".
    for n in [1, 2] {
        heard[n].extend(called(&phones[n]).await);
    }
    phones[2].picture(&clinic.shot("group-door").unwrap()).await.unwrap();
    for phone in &phones[1..] {
        knocks(phone, "Guest").await.unwrap();
    }
    for phone in &phones[1..] {
        room.admit().await.unwrap();
        phone.see("#in-call:not([hidden])").await.unwrap();
    }
    in_the_visit(&visit, 1, 2).await;
    staff_read(&staff, "In visit", &names).await;

    // Each looks at their own page once more. Who is not known to be inside is still called.
    for ((phone, heard), screen) in phones.iter().zip(&mut heard).zip(["in-meeting", "called", "called"]) {
        let tab = phone.page.new_window(true).await.unwrap();
        phone.page.switch_to_window(tab.handle).await.unwrap();
        looks_elsewhere(phone).await;
        phone.open(&format!("{}/v/", clinic.public)).await.unwrap();
        phone.see(&format!("html[data-screen='{screen}']")).await.unwrap();
        heard.extend(learnt(phone).await);
    }
    for (me, heard) in heard.iter().enumerate() {
        let others = of_others(&clinic, appointments, &seen, me);
        assert_eq!(scan::bytes("what one phone was told", heard, &others), [], "patient {me}");
        // The scan does find what is there.
        let organization = clinic.northside.0["name"].as_str().unwrap();
        assert!(!scan::bytes("the same", heard, &[Canary::new("organization", organization)]).is_empty());
    }
    room.ends().await.unwrap();
    written_becomes(&clinic, &in_the_chart, &[connected, gone]).await;
    for phone in phones {
        phone.close().await.unwrap();
    }
    staff.close().await.unwrap();
}
