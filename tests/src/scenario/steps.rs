//! Single steps of a visit: what a person does, and who else saw it.

use anyhow::Context;
use fantoccini::Locator;
use serde_json::Value;

use super::people::{Cast, text};
use super::report::Recorder;
use crate::browser::Browser;
use crate::wait;

impl Cast<'_> {
    /// The clinician signs in to Microsoft, once.
    pub(super) async fn sign_in(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("sign-in", "sandbox journal");
        self.window.picture(&self.shot("companion-signed-out")).await?;
        let asked = self.desktop.asked();
        self.window.click("#sign-in").await?;
        let address = self.desktop.asked_for("/oauth2/v2.0/authorize", asked).await?;
        self.browser.open(&address).await?;
        self.browser.click(&format!("button[data-account='{}']", text(&self.clinician, "upn")?)).await?;
        let oid = text(&self.clinician, "oid")?.to_owned();
        let issued = |detail: &Value| detail["grant"] == "authorization_code" && detail["oid"] == oid.as_str();
        self.saw("token.issued", |entry| entry.who == "entra" && issued(&entry.detail)).await?;
        self.window.see("#connection[data-state='live']").await?;
        self.window.picture(&self.shot("companion-idle")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// Hyperspace, signed in as the clinician, the day's schedule open.
    pub(super) async fn open_hyperspace(&self) -> anyhow::Result<()> {
        self.hyperspace.open(&format!("{}/hyperspace/", self.stack.sandbox.at("epic"))).await?;
        self.hyperspace.click(&format!("button[data-emp='{}']", text(&self.clinician, "emp_user")?)).await?;
        self.hyperspace.see("#provider").await
    }

    /// A visit of the clinician and the patient, starting now.
    pub(super) async fn schedule(&self) -> anyhow::Result<Value> {
        self.stack.sandbox.schedule(&self.organization, &self.clinician, &self.patient).await
    }

    /// In a tab of its own: the schedule stays open as the witness of the chart, and Chromium's question whether to open
    /// `roomed:` goes away with the tab that caused it.
    async fn link_from_the_chart(&self, appointment: &str) -> anyhow::Result<String> {
        let page = &self.hyperspace.page;
        let (schedule, witness) = (page.current_url().await?, page.window().await?);
        let tab = page.new_window(true).await?;
        page.switch_to_window(tab.handle).await?;
        self.hyperspace.open(schedule.as_str()).await?;
        self.hyperspace.click(&format!("[data-appointment='{appointment}']")).await?;
        self.hyperspace.click("#begin-visit").await?;
        let link = wait::until("the launch page offers Roomed", async || {
            Ok(page.find(Locator::Css("#open-roomed")).await?.attr("href").await?)
        })
        .await?;
        page.close_window().await?;
        page.switch_to_window(witness).await?;
        Ok(link)
    }

    /// *Begin virtual visit* in the chart; the https page hands over to the companion as the desktop does.
    pub(super) async fn begin(&mut self, appointment: &str, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("deep-link", "the desktop's link handler");
        let link = self.link_from_the_chart(appointment).await?;
        anyhow::ensure!(link.starts_with("roomed://launch?"), "the launch page offers another link");
        let asked = self.desktop.asked();
        let mut handler = self.desktop.xdg_open(&link)?;
        let address = self.desktop.asked_for("/oauth2/authorize", asked).await?;
        tokio::spawn(async move { handler.wait().await });
        recorder.confirmed();

        recorder.trying("smart-launch", "sandbox journal");
        self.browser.open(&address).await?;
        let issued = |detail: &Value| detail["grant"] == "authorization_code" && detail["for"] == "clinician";
        self.saw("token.issued", |entry| entry.who == "epic" && issued(&entry.detail)).await?;
        if !std::mem::replace(&mut self.linked, true) {
            self.window.see("#first-link").await?;
            self.window.picture(&self.shot("companion-first-link")).await?;
            self.window.click("#first-link-yes").await?;
        }
        recorder.confirmed();
        Ok(())
    }

    /// The visit with the patient's name, fetched from the EHR with the clinician's own token.
    pub(super) async fn visit_opened(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("visit-opened", "WebDriver");
        let name = text(&self.patient, "name")?;
        wait::until("the companion shows the chart's name of the patient", async || {
            let shown = self.window.page.find(Locator::Id("patient-name")).await?.text().await?;
            let same = name.split([' ', ',']).filter(|part| part.len() > 1).all(|part| shown.contains(part));
            Ok(same.then_some(()))
        })
        .await?;
        recorder.confirmed();
        Ok(())
    }

    /// The meeting exists and its events are watched.
    pub(super) async fn meeting_made(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("meeting-created", "sandbox journal");
        self.saw("meeting.created", |_| true).await?;
        recorder.confirmed();
        recorder.trying("subscription-validated", "sandbox journal");
        self.saw("subscription.validated", |_| true).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The patient comes through MyChart, tests the devices and says *I'm ready*.
    pub(super) async fn patient_ready(&mut self, appointment: &str, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("patient-waiting", "Chromium");
        self.phone.open(&format!("{}/mychart/", self.stack.sandbox.at("epic"))).await?;
        self.phone.click(&format!("button[data-patient='{}']", text(&self.patient, "mychart_user")?)).await?;
        self.phone.see(&format!("[data-appointment='{appointment}']")).await?;
        let wider = "return document.documentElement.scrollWidth - window.innerWidth";
        let wider = self.phone.page.execute(wider, Vec::new()).await?;
        anyhow::ensure!(wider.as_i64().is_some_and(|it| it <= 0), "MyChart is {wider} px wider than the phone");
        self.phone.picture(&self.shot("mychart")).await?;
        self.phone.click(&format!("[data-appointment='{appointment}'] .begin-visit")).await?;
        self.ready_on("visit-page", &self.phone).await?;
        recorder.confirmed();
        Ok(())
    }

    /// From the first screen of a visit page, over the device test, to *I'm ready*.
    pub(super) async fn ready_on(&self, name: &str, page: &Browser) -> anyhow::Result<()> {
        page.click("#start").await?;
        page.click("#allow-devices").await?;
        page.see("#preview").await?;
        page.picture(&self.shot(&format!("{name}-devices"))).await?;
        for button in ["#continue", "#play-sound", "#heard-yes", "#checked", "#ready"] {
            page.click(button).await?;
        }
        page.see("html[data-stage='waiting']").await?;
        page.picture(&self.shot(&format!("{name}-waiting"))).await
    }

    /// A mark on the schedule that the write-back drives.
    pub(super) async fn chart_shows(&self, appointment: &str, whose: &str, words: &str) -> anyhow::Result<()> {
        let mark = format!("[data-appointment='{appointment}'] [data-mark='{whose}']");
        wait::until(&format!("the chart shows the {whose} as {words}"), async || {
            let shown = self.hyperspace.page.find(Locator::Css(&mark)).await?.text().await?;
            Ok(shown.contains(words).then_some(()))
        })
        .await
    }

    /// The notification as the bus saw it, and its twin in the window.
    pub(super) async fn notified(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("notification-shown", "D-Bus listener");
        let seen = self.bus.saw("Patient ready").await?;
        anyhow::ensure!(!seen.actions.is_empty(), "the notification offers no action");
        self.window.see("#alert").await?;
        self.window.picture(&self.shot("companion-patient-waiting")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// *Join* opens the meeting in the desktop's browser, and Teams lets the clinician in.
    pub(super) async fn join(&mut self, recorder: &mut Recorder, pressed: bool) -> anyhow::Result<()> {
        recorder.trying("provider-joined", "sandbox journal");
        if !pressed {
            self.window.click("#join").await?;
        }
        let address = self.desktop.asked_for("/l/meetup-join/", 0).await?;
        self.browser.open(&address).await?;
        self.browser.click("#join-browser").await?;
        self.browser.click("#join-now").await?;
        self.browser.see("#in-call").await?;
        let oid = text(&self.clinician, "oid")?.to_owned();
        self.saw("roster", |entry| entry.detail.to_string().contains(&oid)).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The page calls the patient, opens the meeting, and the clinician admits the guest.
    pub(super) async fn patient_admitted(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("patient-connected", "WebDriver");
        self.comes_as_guest(&self.phone).await?;
        self.phone.picture(&self.shot("teams-lobby")).await?;
        self.admits(&self.phone).await?;
        self.window.see("[data-participant='patient'][data-presence='connected']").await?;
        self.window.picture(&self.shot("companion-in-visit")).await?;
        self.browser.picture(&self.shot("teams-meeting")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// A visit page that is called opens the meeting by itself; in it somebody without an account types a name.
    pub(super) async fn comes_as_guest(&self, page: &Browser) -> anyhow::Result<()> {
        let name = wait::until("the visit page has opened the meeting", async || {
            Ok(Some(page.page.find(Locator::Id("display-name")).await?))
        });
        name.await?.send_keys("Guest").await?;
        page.click("#join-now").await?;
        page.see("#lobby").await
    }

    /// The clinician lets in who waits in the lobby, and it is this one.
    pub(super) async fn admits(&self, page: &Browser) -> anyhow::Result<()> {
        self.browser.click("[data-lobby-guest] button.admit").await?;
        page.see("#in-call").await
    }

    /// The patient leaves, then the clinician ends the meeting; the chart shows both.
    pub(super) async fn everybody_leaves(&mut self, appointment: &str, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("patient-disconnected", "WebDriver");
        self.phone.click("#leave").await?;
        self.window.see("[data-participant='patient'][data-presence='disconnected']").await?;
        recorder.confirmed();

        recorder.trying("provider-disconnected", "sandbox journal");
        self.browser.click("#end-meeting").await?;
        self.saw("roster", |entry| entry.detail.to_string().contains("callEnded")).await?;
        self.window.see("[data-participant='practitioner'][data-presence='disconnected']").await?;
        recorder.confirmed();

        recorder.trying("chart-shows-disconnects", "Chromium");
        self.chart_shows(appointment, "patient", "Disconnected").await?;
        self.chart_shows(appointment, "practitioner", "Disconnected").await?;
        self.hyperspace.picture(&self.shot("hyperspace-disconnected")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The clinician ends the visit; the patient's own page says so.
    pub(super) async fn close_visit(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("visit-closed", "Chromium");
        let before = self.closed_visits().await?;
        self.window.click("#end-visit").await?;
        self.window.click("#confirm-end").await?;
        self.phone.open(&format!("{}/v/", self.stack.relay)).await?;
        self.phone.see("html[data-stage='ended']").await?;
        self.phone.picture(&self.shot("visit-page-ended")).await?;
        anyhow::ensure!(self.closed_visits().await? == before + 1, "the relay does not count this visit as closed");
        recorder.confirmed();
        Ok(())
    }

    /// What a link nobody can use looks like: a picture for people, not a step.
    pub(super) async fn picture_of_an_error(&mut self) -> anyhow::Result<()> {
        let mut handler = self.desktop.xdg_open("roomed://launch?iss=not-an-address")?;
        self.window.see("#problem").await?;
        tokio::spawn(async move { handler.wait().await });
        self.window.picture(&self.shot("companion-error")).await
    }

    /// The relay's own figure.
    pub(super) async fn closed_visits(&self) -> anyhow::Result<u64> {
        let figures = reqwest::get(format!("{}/metrics", self.stack.relay)).await?.text().await?;
        let line = figures.lines().find_map(|it| it.strip_prefix("roomed_visit_effects_total{effect=\"closed\"} "));
        line.map_or(Ok(0), |count| count.trim().parse().context("the relay's figure is no number"))
    }
}

/// What a browser shows, as text: to look for words that must or must not be there.
pub(super) async fn words(browser: &Browser) -> anyhow::Result<String> {
    Ok(browser.page.find(Locator::Css("body")).await?.text().await?)
}
