//! Staff and guests: what each does in a browser of their own, and who else saw it. Leaves out the patient and the
//! clinician (`steps.rs`).

use anyhow::Context;
use fantoccini::Locator;
use reqwest::Method;
use serde_json::json;

use super::people::{Cast, DESK, text};
use super::report::Recorder;
use crate::browser::PHONE;
use crate::room::Room;
use crate::stack::staff_role;
use crate::wait;

impl Cast<'_> {
    /// Somebody of the staff opens the staff page by the clinic's own link and signs in to Microsoft.
    pub(super) async fn staff_sign_in(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("staff-sign-in", "sandbox journal");
        let person = self.organization.of_role("staff", 0)?.clone();
        let department = self.organization.0.pointer("/departments/0").context("there is no department")?;
        let roles = json!({ "roles": [staff_role(department)] });
        let oid = text(&person, "oid")?;
        self.stack.sandbox.send(Method::PUT, &format!("/people/{oid}/app-roles"), &roles).await?;
        self.starts("staff", DESK).await?;
        let page = self.of("staff")?;
        page.open(&format!("{}/staff/?o=northside", self.stack.relay)).await?;
        page.click("#sign-in").await?;
        page.click(&format!("button[data-account='{}']", text(&person, "upn")?)).await?;
        let issued = |entry: &crate::stack::Entry| entry.who == "entra" && entry.detail["oid"] == oid;
        self.saw("token.issued", issued).await?;
        page.see("html[data-connection='live'][data-ready='1']").await?;
        page.picture(&self.shot("staff-page-before")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The patient's arrival is on the staff page by itself; staff room them, and the clinician's window says so.
    pub(super) async fn staff_room(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("staff-see-arrival", "Chromium");
        let page = self.of("staff")?;
        wait::until("the staff's list says that camera and microphone work", async || {
            let line = page.page.find(Locator::Css("[data-visit] [data-test]:not([data-test='none'])")).await?;
            let said = line.text().await?;
            // Of a slow line, as a busy machine has it, nothing is asked.
            Ok((!said.contains("Camera") && !said.contains("Microphone")).then_some(()))
        })
        .await?;
        page.see("[data-visit] [data-act='room']").await?;
        page.picture(&self.shot("staff-page-arrived")).await?;
        recorder.confirmed();

        recorder.trying("patient-roomed", "WebDriver");
        page.click("[data-visit] [data-act='room']").await?;
        self.window.click("[data-visit]").await?;
        self.window.see("#roomed").await?;
        self.window.picture(&self.shot("companion-roomed")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The clinician makes a link for a guest; the guest opens it on a phone, tests the devices and is ready.
    pub(super) async fn guest_ready(
        &mut self,
        role: &'static str,
        step: &'static str,
        recorder: &mut Recorder,
    ) -> anyhow::Result<()> {
        recorder.trying(step, "WebDriver");
        self.window.click("#invite").await?;
        self.window.click(&format!("input[name='invite-role'][value='{role}']")).await?;
        self.window.click("#invite-send").await?;
        let link = wait::until("the window shows the link", async || {
            Ok(self.window.page.find(Locator::Id("invite-link")).await?.prop("value").await?)
        })
        .await?;
        self.window.picture(&self.shot(&format!("companion-link-{role}"))).await?;
        self.window.click("#invite-done").await?;
        let token = link.rsplit('/').next().unwrap_or_default().to_owned();
        self.secrets.push(("relay.invitation", token));

        self.starts(role, if role == "colleague" { DESK } else { PHONE }).await?;
        let page = self.of(role)?;
        page.open(&link).await?;
        crate::browser::picture_as_it_is(&page.page, &self.shot(&format!("{role}-link"))).await?;
        page.click("#open-visit").await?;
        self.ready_on(role, page).await?;
        self.window.see(&format!("[data-participant='{role}'][data-presence='waiting']")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// Somebody without an account comes, and is known by their link.
    pub(super) async fn guest_admitted(
        &mut self,
        role: &'static str,
        step: &'static str,
        recorder: &mut Recorder,
    ) -> anyhow::Result<()> {
        recorder.trying(step, "WebDriver");
        let page = self.of(role)?;
        self.comes_as_guest(page).await?;
        self.admits(page).await?;
        self.window.see(&format!("[data-participant='{role}'][data-presence='connected']")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// The colleague comes with the account of their own hospital.
    pub(super) async fn colleague_admitted(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("colleague-connected", "WebDriver");
        let page = self.of("colleague")?;
        let harbor = self.stack.sandbox.organization("harbor").await?;
        let theirs = harbor.of_role("practitioner", 0)?;
        page.click("#join-browser").await?;
        page.click(&format!("button[data-account='{}']", text(theirs, "upn")?)).await?;
        page.see("#lobby").await?;
        self.admits(page).await?;
        let oid = text(theirs, "oid")?.to_owned();
        self.saw("roster", |entry| entry.detail.to_string().contains(&oid)).await?;
        self.window.see("[data-participant='colleague'][data-presence='connected']").await?;
        self.browser.picture(&self.shot("teams-everyone")).await?;
        recorder.confirmed();
        Ok(())
    }

    /// Window and meeting count the same five, and the window takes none of them for a stranger.
    pub(super) async fn five_are_inside(&mut self, recorder: &mut Recorder) -> anyhow::Result<()> {
        recorder.trying("five-inside", "Teams");
        let legs = Room::only(self.stack).await?.legs().await?;
        let inside = legs.iter().filter(|leg| leg["place"] == "in").count();
        let known = self.window.page.find_all(Locator::Css("[data-participant][data-presence='connected']")).await?;
        let mut roles = Vec::new();
        for one in known {
            roles.push(one.attr("data-participant").await?.unwrap_or_default());
        }
        roles.sort_unstable();
        let five = ["colleague", "family", "interpreter", "patient", "practitioner"];
        anyhow::ensure!(inside == five.len() && roles == five, "the meeting counts {inside}, the window {roles:?}");
        self.window.picture(&self.shot("companion-everyone")).await?;
        recorder.confirmed();
        Ok(())
    }
}
