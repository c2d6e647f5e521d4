//! The Hyperspace and MyChart pages as a browser without scripts meets them, and the live marks.

use crate::desk::{Desk, RELAY, location, patient, person, query, text};
use reqwest::{Response, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn cookie(answer: &Response) -> String {
    answer.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

pub(crate) async fn sign_in(desk: &Desk, emp_user: &str) -> String {
    let answer = desk.form(&desk.epic("/hyperspace/sign-in"), &[("emp_user", emp_user)]).await;
    assert_eq!(location(&answer), "/hyperspace/");
    cookie(&answer)
}

pub(crate) async fn events(desk: &Desk, cookie: &str) -> Response {
    let answer = desk.http.get(desk.epic("/hyperspace/events")).header(header::COOKIE, cookie).send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    answer
}

pub(crate) async fn page(desk: &Desk, path: &str, cookie: &str) -> String {
    let answer = desk.http.get(desk.epic(path)).header(header::COOKIE, cookie).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'"));
    answer.text().await.unwrap()
}

pub(crate) async fn press(desk: &Desk, path: &str, cookie: &str, form: &[(&str, &str)]) -> Response {
    desk.http.post(desk.epic(path)).header(header::COOKIE, cookie).form(form).send().await.unwrap()
}

#[tokio::test]
async fn hyperspace_shows_the_day_and_begins_visits() {
    let desk = Desk::open().await;
    assert!(page(&desk, "/hyperspace/", "").await.contains("data-emp=\"MOKAFOR\""));
    let cookie = sign_in(&desk, "MOKAFOR").await;
    let made = desk.appointment("MOKAFOR").await;
    let id = text(&made, "/appointment_id");
    let schedule = page(&desk, "/hyperspace/", &cookie).await;
    assert!(schedule.contains(&format!("data-appointment=\"{id}\"")) && schedule.contains("id=\"schedule-visit\""));
    assert!(schedule.contains("no real patients"));
    let opened = page(&desk, &format!("/hyperspace/?appointment={id}"), &cookie).await;
    assert!(opened.contains("id=\"begin-visit\"") && opened.contains("id=\"begin-visit-native\""));

    let https = press(&desk, &format!("/hyperspace/appointments/{id}/begin"), &cookie, &[]).await;
    assert!(location(&https).starts_with(&format!("{RELAY}/o/northside/launch?")));
    assert_eq!(query(location(&https))["sessionId"], text(&made, "/csn"));
    let native = press(&desk, &format!("/hyperspace/appointments/{id}/begin-native"), &cookie, &[]).await;
    assert!(location(&native).starts_with("roomed://launch?iss="));

    // Not without signing in, and not at the other hospital.
    let stranger = press(&desk, &format!("/hyperspace/appointments/{id}/begin"), "", &[]).await;
    assert_eq!(location(&stranger), "/hyperspace/");
    let harbor = sign_in(&desk, "DCHO").await;
    let other = press(&desk, &format!("/hyperspace/appointments/{id}/begin"), &harbor, &[]).await;
    assert_eq!(other.status(), StatusCode::BAD_REQUEST);

    let canceled =
        press(&desk, &format!("/hyperspace/appointments/{id}/status"), &cookie, &[("status", "cancelled")]).await;
    assert!(canceled.status().is_redirection());
    assert!(!page(&desk, &format!("/hyperspace/?appointment={id}"), &cookie).await.contains("begin-visit"));
}

#[tokio::test]
async fn hyperspace_schedules_what_mychart_then_shows() {
    let desk = Desk::open().await;
    let cookie = sign_in(&desk, "SWHITFIELD").await;
    let practitioner = text(person(&desk.northside, "EPETROVA"), "/practitioner_id");
    let whom = &desk.northside["patients"][3];
    let form = [
        ("patient", text(whom, "/patient_id")),
        ("practitioner", practitioner),
        ("type", "VV-TEAMS"),
        ("start", "2030-05-04T10:30"),
        ("offset", "-120"),
        ("minutes", "25"),
    ];
    let made = press(&desk, "/hyperspace/appointments", &cookie, &form).await;
    let id = query(&format!("http://x{}", location(&made)))["appointment"].clone();
    let all = desk.ask("/appointments").await;
    let made = all["appointments"].as_array().unwrap().iter().find(|it| it["appointment_id"] == id.as_str()).unwrap();
    assert_eq!((text(made, "/start"), text(made, "/status")), ("2030-05-04T08:30:00Z", "booked"));

    let patient_cookie = self::cookie(
        &desk.form(&desk.epic("/mychart/sign-in"), &[("mychart_user", text(whom, "/mychart_user"))]).await,
    );
    let cards = page(&desk, "/mychart/", &patient_cookie).await;
    assert!(cards.contains(&format!("data-appointment=\"{id}\"")) && cards.contains("class=\"begin-visit"));
    for (name, value) in [("patient", "made-up"), ("type", "SURPRISE"), ("start", "soon"), ("minutes", "1")] {
        let wrong: Vec<_> = form.iter().map(|it| if it.0 == name { (name, value) } else { *it }).collect();
        let answer = press(&desk, "/hyperspace/appointments", &cookie, &wrong).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
    }
}

#[tokio::test]
async fn mychart_schedules_and_begins_a_microsoft_virtual_visit() {
    let desk = Desk::open().await;
    assert!(page(&desk, "/mychart/", "").await.contains("data-patient=\"camila.lopez\""));
    let signed_in = desk.form(&desk.epic("/mychart/sign-in"), &[("mychart_user", "camila.lopez")]).await;
    let cookie = cookie(&signed_in);
    let home = page(&desk, "/mychart/", &cookie).await;
    assert!(home.contains("id=\"schedule-video\"") && home.contains("Microsoft virtual visit"));
    assert!(home.contains("<body class=\"any\">"));
    desk.throw("mychart", "phone").await;
    assert!(page(&desk, "/mychart/", &cookie).await.contains("<body class=\"phone\">"));
    let practitioner = text(person(&desk.northside, "MOKAFOR"), "/practitioner_id");
    let form = [("practitioner", practitioner), ("start", "2030-05-04T10:30"), ("offset", "0")];
    let made = press(&desk, "/mychart/appointments", &cookie, &form).await;
    let id = location(&made).trim_start_matches("/mychart/#visit-").to_owned();
    let begun = press(&desk, &format!("/mychart/appointments/{id}/begin"), &cookie, &[]).await;
    assert!(location(&begun).starts_with(&format!("{RELAY}/o/northside/patient?iss=")));
    assert!(query(location(&begun)).contains_key("sessionId"));

    let theirs = desk.appointment("JLINDQVIST").await;
    assert_ne!(text(patient(&desk.northside, &theirs["patient_id"]), "/mychart_user"), "camila.lopez");
    let other =
        press(&desk, &format!("/mychart/appointments/{}/begin", text(&theirs, "/appointment_id")), &cookie, &[]).await;
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_schedule_follows_the_chart_live() {
    let desk = Desk::open().await;
    let cookie = sign_in(&desk, "MOKAFOR").await;
    let made = desk.appointment("MOKAFOR").await;
    let mut live = Live::of(&desk, &cookie).await;
    let id = text(&made, "/appointment_id");
    live.shows(id, |row| row["status"] == "booked").await;
    let change = desk.control(&format!("/appointments/{}", text(&made, "/appointment_id")));
    let body = json!({ "status": "checked-in" });
    let changed = desk.http.patch(change).json(&body).send().await.unwrap();
    assert_eq!(changed.json::<Value>().await.unwrap()["status"], "checked-in");
    live.shows(id, |row| row["status"] == "checked-in").await;
}

/// An open schedule.
pub(crate) struct Live {
    events: Response,
    seen: String,
}

impl Live {
    pub(crate) async fn of(desk: &Desk, cookie: &str) -> Self {
        Self { events: events(desk, cookie).await, seen: String::new() }
    }

    /// Waits until the row of this appointment is as wanted.
    pub(crate) async fn shows(&mut self, id: &str, wanted: impl Fn(&Value) -> bool) {
        let told = async {
            while !row(&self.seen, id).is_some_and(|it| wanted(&it)) {
                self.seen.push_str(&String::from_utf8_lossy(&self.events.chunk().await.unwrap().unwrap()));
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("the page is told");
    }
}

/// A row of the newest complete event.
fn row(stream: &str, id: &str) -> Option<Value> {
    let (complete, _) = stream.rsplit_once("\n\n")?;
    let data = complete.rsplit("data: ").next()?;
    let rows: Value = serde_json::from_str(data).ok()?;
    rows.as_array()?.iter().find(|it| it["id"] == id).cloned()
}
