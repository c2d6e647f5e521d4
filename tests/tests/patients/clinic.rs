//! What every test here has: a stack of its own, a line between the browsers and the relay that can be cut, a clinician
//! who is there by plain HTTP, and browsers with a profile each.

use std::path::PathBuf;

use anyhow::Context;
use e2e::browser::{Browser, Devices, PHONE, Person};
use e2e::clinician::Clinician;
use e2e::line::Wire;
use e2e::room::Room;
use e2e::stack::{Options, Organization, Stack, staff_role};
use e2e::wait;
use fantoccini::Locator;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The screen of a workstation.
pub(crate) const DESK: (u32, u32) = (1280, 900);

/// A test's own world.
pub(crate) struct Clinic {
    pub(crate) stack: Stack,
    pub(crate) northside: Organization,
    /// What browsers go through; the clinician asks the relay directly.
    pub(crate) line: Wire,
    /// The relay's address for browsers.
    pub(crate) public: String,
    _folder: TempDir,
}

impl Clinic {
    pub(crate) async fn open() -> anyhow::Result<Self> {
        Self::open_with(|_| {}).await
    }

    /// One that has made other choices.
    pub(crate) async fn open_with(adjust: fn(&mut Value)) -> anyhow::Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        // Tests look again and again.
        let roomy: fn(&mut Value) = |configuration| {
            configuration["limits"] = json!({ "anonymous_per_minute": 100_000, "person_per_minute": 100_000 });
        };
        let folder = tempfile::tempdir()?;
        let options = Options { staff: true, adjust: vec![roomy, adjust], ..Options::default() };
        let stack = Stack::start(folder.path(), &options).await?;
        let line = Wire::to(stack.relay.trim_start_matches("http://").parse()?).await?;
        let public = format!("http://127.0.0.1:{}", line.port);
        let northside = stack.sandbox.organization("northside").await?;
        stack.sandbox.register_relay(&public).await?;
        let mut clinic = Self { stack, northside, line, public, _folder: folder };
        let public = clinic.public.clone();
        clinic.stack.reconfigure(|it| it["public_url"] = json!(public)).await?;
        Ok(clinic)
    }

    /// Northside's first patient.
    pub(crate) fn patient(&self) -> anyhow::Result<&Value> {
        self.patient_of(0)
    }

    /// Northside's n-th patient.
    pub(crate) fn patient_of(&self, n: usize) -> anyhow::Result<&Value> {
        self.northside.0.pointer(&format!("/patients/{n}")).context("there is no such patient")
    }

    /// Northside's first practitioner.
    pub(crate) fn practitioner(&self) -> anyhow::Result<&Value> {
        self.northside.of_role("practitioner", 0)
    }

    /// A visit of both, starting now: the appointment's id.
    pub(crate) async fn schedule(&self) -> anyhow::Result<String> {
        let made = self.stack.sandbox.schedule(&self.northside, self.practitioner()?, self.patient()?).await?;
        Ok(made["appointment_id"].as_str().context("nothing was scheduled")?.to_owned())
    }

    /// A group visit of Northside's first practitioner with these patients, starting now: its `conference_id` and, in the
    /// same order, its `appointments`.
    pub(crate) async fn schedule_group(&self, patients: &[usize]) -> anyhow::Result<Value> {
        let ids = patients.iter().map(|n| Ok(self.patient_of(*n)?["patient_id"].clone()));
        let body = json!({
            "org": "northside", "patient_ids": ids.collect::<anyhow::Result<Vec<_>>>()?,
            "practitioner_id": self.practitioner()?["practitioner_id"], "start": e2e::clock::now().to_string(),
        });
        self.stack.sandbox.send(Method::POST, "/groups", &body).await
    }

    /// The clinician has begun the visit and waits for notices.
    pub(crate) async fn begun(&self, appointment: &str) -> anyhow::Result<Visit> {
        let mut clinician = Clinician::sign_in(&self.stack, &self.northside, self.practitioner()?).await?;
        clinician.app.redirect_uri = format!("{}/oauth/callback", self.public);
        let visit = clinician.enter(&self.stack, appointment).await?;
        let path = format!("/visits/{}", visit["id"].as_str().context("the visit has no id")?);
        Ok(Visit { clinician, path })
    }

    /// A visit that is begun, and its patient's phone: through the portal, devices tested, *I'm ready* not yet pressed.
    pub(crate) async fn on_the_ready_screen(&self) -> anyhow::Result<(Visit, Browser)> {
        let appointment = self.schedule().await?;
        let visit = self.begun(&appointment).await?;
        let phone = self.browser("phone", PHONE).await?;
        phone.open(&self.portal_link(&appointment).await?).await?;
        prepared(&phone).await?;
        Ok((visit, phone))
    }

    /// The link that the portal opens for the patient.
    pub(crate) async fn portal_link(&self, appointment: &str) -> anyhow::Result<String> {
        self.portal_link_of(self.patient()?, appointment).await
    }

    /// The same for somebody else.
    pub(crate) async fn portal_link_of(&self, patient: &Value, appointment: &str) -> anyhow::Result<String> {
        let body = json!({ "mychart_user": patient["mychart_user"], "appointment_id": appointment });
        let begun = self.stack.sandbox.send(Method::POST, "/launch", &body).await?;
        Ok(begun["https_url"].as_str().context("MyChart gave no link")?.to_owned())
    }

    /// The link that the chart opens for the clinician.
    pub(crate) async fn chart_link(&self, appointment: &str) -> anyhow::Result<String> {
        let body = json!({ "emp_user": self.practitioner()?["emp_user"], "appointment_id": appointment });
        let begun = self.stack.sandbox.send(Method::POST, "/launch", &body).await?;
        Ok(begun["https_url"].as_str().context("Hyperspace gave no link")?.to_owned())
    }

    /// A clinician without the companion begins from the chart, goes on in the browser and signs in, as far as the page
    /// after it. In a tab of its own: Chromium's question whether to open `roomed:` goes away with it.
    pub(crate) async fn signed_in_at_the_launch(&self, browser: &Browser, appointment: &str) -> anyhow::Result<()> {
        let page = &browser.page;
        let first = page.window().await?;
        let tab = page.new_window(true).await?;
        page.switch_to_window(tab.handle).await?;
        browser.open(&self.chart_link(appointment).await?).await?;
        let onwards = wait::until("the launch page knows the way without the companion", async || {
            Ok(page.find(Locator::Css("a#in-browser")).await?.prop("href").await?)
        })
        .await?;
        page.close_window().await?;
        page.switch_to_window(first).await?;
        browser.open(&onwards).await?;
        let upn = self.practitioner()?["upn"].as_str().context("nobody has a upn")?;
        browser.click(&format!("button[data-account='{upn}']")).await?;
        browser.see("button#in-browser, button#first-link-yes").await?;
        Ok(())
    }

    /// The same, until the visit can be joined: whose account it is, if that is asked, is theirs.
    pub(crate) async fn in_the_browser(&self, browser: &Browser, appointment: &str) -> anyhow::Result<()> {
        self.signed_in_at_the_launch(browser, appointment).await?;
        let page = &browser.page;
        if page.find(Locator::Css("button#first-link-yes")).await.is_ok() {
            browser.click("button#first-link-yes").await?;
        }
        let there = browser.see("button#in-browser").await;
        let text = page.find(Locator::Css("body")).await?.text().await?;
        there.with_context(|| format!("the page says: {text}"))
    }

    /// Somebody of the staff, signed in, before their list.
    pub(crate) async fn staff(&self) -> anyhow::Result<Browser> {
        let person = self.northside.of_role("staff", 0)?;
        let text = |key: &str| person[key].as_str().with_context(|| format!("nobody has a {key}"));
        let department = self.northside.0.pointer("/departments/0").context("there is no department")?;
        let roles = json!({ "roles": [staff_role(department)] });
        self.stack.sandbox.send(Method::PUT, &format!("/people/{}/app-roles", text("oid")?), &roles).await?;
        let staff = self.browser("staff", DESK).await?;
        staff.open(&format!("{}/staff/?o=northside", self.public)).await?;
        staff.click("#sign-in").await?;
        staff.click(&format!("button[data-account='{}']", text("upn")?)).await?;
        staff.see("[data-visit]").await?;
        Ok(staff)
    }

    /// Somebody's browser.
    pub(crate) async fn browser(&self, name: &str, size: (u32, u32)) -> anyhow::Result<Browser> {
        self.browser_in("en-US,en", name, size).await
    }

    /// The same with other languages.
    pub(crate) async fn browser_in(&self, languages: &str, name: &str, size: (u32, u32)) -> anyhow::Result<Browser> {
        self.browser_of(&Person { languages, ..Person::with_screen(size) }, name).await
    }

    /// A phone with such camera and microphone.
    pub(crate) async fn phone_with(&self, devices: Devices, name: &str) -> anyhow::Result<Browser> {
        self.browser_of(&Person { devices, ..Person::with_screen(PHONE) }, name).await
    }

    async fn browser_of(&self, person: &Person<'_>, name: &str) -> anyhow::Result<Browser> {
        let folder = &self.stack.directory;
        let (profile, log) = (folder.join(format!("profiles/{name}")), folder.join("logs/chromium.log"));
        Browser::start_as(&profile, &log, person).await
    }

    /// Where a picture goes: into `ROOMED_SHOTS` for somebody to look at, else away with everything.
    pub(crate) fn shot(&self, name: &str) -> anyhow::Result<PathBuf> {
        let shots = std::env::var_os("ROOMED_SHOTS").map_or_else(|| self.stack.directory.clone(), PathBuf::from);
        std::fs::create_dir_all(&shots)?;
        Ok(shots.join(format!("{name}.png")))
    }
}

/// A visit as its clinician knows it.
pub(crate) struct Visit {
    pub(crate) clinician: Clinician,
    pub(crate) path: String,
}

impl Visit {
    /// Waits until the patient is there in this way: `waiting`, `disconnected`, ..
    pub(crate) async fn patient_is(&self, presence: &str) -> anyhow::Result<()> {
        wait::until(&format!("the clinician sees the patient as {presence}"), async || {
            Ok((self.presence().await? == presence).then_some(()))
        })
        .await
    }

    /// How the clinician sees the patient now.
    pub(crate) async fn presence(&self) -> anyhow::Result<String> {
        let visit = self.clinician.get(&self.path).await?;
        let all = visit["participants"].as_array().context("nobody is in the visit")?;
        let patient = all.iter().find(|it| it["role"] == "patient").context("there is no patient")?;
        Ok(patient["presence"].as_str().unwrap_or_default().to_owned())
    }

    /// How often the clinician was told that the patient is ready; that a companion repeats itself is not counted.
    pub(crate) async fn alerts(&self) -> anyhow::Result<usize> {
        Ok(self.clinician.get("/notices").await?.to_string().matches("\"patient-ready\"").count())
    }

    /// Waits until the clinician is told.
    pub(crate) async fn alerted(&self) -> anyhow::Result<()> {
        wait::until("the clinician is alerted", async || Ok((self.alerts().await? > 0).then_some(()))).await
    }

    /// The visit as the clinician sees it, once it is so.
    pub(crate) async fn becomes(&self, what: &str, so: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        wait::until(&format!("the clinician sees that {what}"), async || {
            let visit = self.clinician.get(&self.path).await?;
            Ok(so(&visit).then_some(visit))
        })
        .await
    }

    /// Something that the clinician does: `join`, `end`, `undo`.
    pub(crate) async fn does(&self, what: &str) -> anyhow::Result<Value> {
        self.clinician.ask(Method::POST, &format!("{}/{what}", self.path), None).await?.accepted()
    }

    /// *Join*, by the clinician.
    pub(crate) async fn join(&self) -> anyhow::Result<()> {
        self.does("join").await.map(drop)
    }

    /// *Join*, and the clinician is in the meeting: it and their leg.
    pub(crate) async fn met(&self, clinic: &Clinic) -> anyhow::Result<(Room, String)> {
        let room = Room::of(&clinic.stack, &self.does("join").await?).await?;
        let own = room.comes(&self.clinician.oid).await?;
        self.becomes("they are inside", |visit| count(visit, "practitioner", "connected") == 1).await?;
        Ok((room, own))
    }
}

/// How many people of this role the clinician sees in this way.
pub(crate) fn count(visit: &Value, role: &str, presence: &str) -> usize {
    let all = visit["participants"].as_array().into_iter().flatten();
    all.filter(|it| it["role"] == role && it["presence"] == presence).count()
}

/// In the meeting page that the visit page has opened: types a name and asks to be let in.
pub(crate) async fn knocks(page: &Browser, name: &str) -> anyhow::Result<()> {
    page.see("#display-name").await?;
    wait::until("the name is typed", async || {
        page.page.find(Locator::Id("display-name")).await?.send_keys(name).await?;
        Ok(Some(()))
    })
    .await?;
    page.click("#join-now").await?;
    page.see("#lobby:not([hidden])").await
}

/// From the first screen to *I'm ready*, which is not pressed; the devices have been tested elsewhere.
pub(crate) async fn prepared(page: &Browser) -> anyhow::Result<()> {
    for button in ["#start", "#skip-devices", "#skip-sound", "#checked"] {
        page.click(button).await?;
    }
    page.see("#ready").await
}

/// *I'm ready*, and the waiting room.
pub(crate) async fn ready(page: &Browser) -> anyhow::Result<()> {
    page.click("#ready").await?;
    page.see("html[data-stage='waiting']").await
}

/// What a patient does whose press came to nothing: presses again, until they are in the waiting room.
pub(crate) async fn pressed_until_waiting(page: &Browser) -> anyhow::Result<()> {
    wait::until("the patient is in the waiting room", async || {
        if !page.page.find_all(Locator::Css("html[data-stage='waiting']")).await?.is_empty() {
            return Ok(Some(()));
        }
        if let Some(button) = page.page.find_all(Locator::Css("#ready:not([aria-disabled='true'])")).await?.first() {
            button.click().await?;
        }
        Ok(None)
    })
    .await
}
