//! Who plays: a clinician with a companion and a browser, an EHR screen beside it, a patient with a phone, and the
//! witness on the desktop's bus.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde_json::Value;

use crate::browser::{self, Browser, PHONE};
use crate::notifications::Witness;
use crate::stack::{Entry, Organization, Stack};
use crate::window::{Desktop, Window};

/// The screen of a workstation.
pub(super) const DESK: (u32, u32) = (1280, 900);

/// Everybody and everything a visit needs.
pub(super) struct Cast<'a> {
    pub(super) stack: &'a Stack,
    pub(super) desktop: Desktop,
    pub(super) organization: Organization,
    /// The clinician, as the sandbox publishes them.
    pub(super) clinician: Value,
    /// The patient, as the sandbox publishes them.
    pub(super) patient: Value,
    /// The companion's window.
    pub(super) window: Window,
    /// What the desktop's "system browser" shows.
    pub(super) browser: Browser,
    /// Hyperspace, signed in as the clinician.
    pub(super) hyperspace: Browser,
    /// The patient's phone.
    pub(super) phone: Browser,
    /// Who else has a browser, by what they are: `staff`, `interpreter`, ..
    pub(super) others: BTreeMap<&'static str, Browser>,
    /// Secrets that only whoever plays can know: links, by the field they are reported as.
    pub(super) secrets: Vec<(&'static str, String)>,
    /// The desktop's bus.
    pub(super) bus: Witness,
    /// The clinician has said once that they are the same person at Microsoft and in the chart.
    pub(super) linked: bool,
    /// Journal entries up to this one belong to what came before the visit that is played.
    pub(super) before: u64,
}

impl<'a> Cast<'a> {
    /// Opens every window; nobody is signed in anywhere yet.
    pub(super) async fn gather(stack: &'a Stack, desktop: Desktop) -> anyhow::Result<Self> {
        let organization = stack.sandbox.organization("northside").await?;
        let clinician = organization.of_role("practitioner", 0)?.clone();
        let patient = organization.0.pointer("/patients/0").context("there is no patient")?.clone();
        let bus = Witness::start().await?;
        Ok(Self {
            window: desktop.open_window().await?,
            browser: started(stack, "browser", DESK).await?,
            hyperspace: started(stack, "hyperspace", DESK).await?,
            phone: started(stack, "phone", PHONE).await?,
            others: BTreeMap::new(),
            secrets: Vec::new(),
            stack,
            desktop,
            organization,
            clinician,
            patient,
            bus,
            linked: false,
            before: 0,
        })
    }

    /// Waits for a journal entry of the visit that is played.
    pub(super) async fn saw(&self, what: &str, matches: impl Fn(&Entry) -> bool) -> anyhow::Result<Entry> {
        self.stack.sandbox.saw(what, |entry| entry.n > self.before && matches(entry)).await
    }

    /// Somebody else opens a browser.
    pub(super) async fn starts(&mut self, who: &'static str, size: (u32, u32)) -> anyhow::Result<()> {
        let browser = started(self.stack, who, size).await?;
        self.others.insert(who, browser);
        Ok(())
    }

    /// The browser of somebody who has one.
    pub(super) fn of(&self, who: &str) -> anyhow::Result<&Browser> {
        self.others.get(who).with_context(|| format!("the {who} has no browser"))
    }

    /// Everybody's browser, with what it is called in pictures.
    pub(super) fn browsers(&self) -> impl Iterator<Item = (&'static str, &Browser)> {
        let first = [("browser", &self.browser), ("hyperspace", &self.hyperspace), ("phone", &self.phone)];
        first.into_iter().chain(self.others.iter().map(|(who, browser)| (*who, browser)))
    }

    /// Where a picture goes.
    pub(super) fn shot(&self, name: &str) -> PathBuf {
        self.stack.directory.join("shots").join(format!("{name}.png"))
    }

    /// When a visit could not be played to its end, what every screen showed helps to see why.
    pub(super) async fn pictures_of_failure(&self, failed: bool) {
        if !failed {
            return;
        }
        let _ = self.window.picture(&self.shot("failed-companion")).await;
        for (name, browser) in self.browsers() {
            // The reason for the failure is known already; a page that cannot even be pictured adds nothing to it.
            let _ = browser::picture_as_it_is(&browser.page, &self.shot(&format!("failed-{name}"))).await;
        }
    }
}

impl Cast<'_> {
    /// Ends the browsers, so that their histories are on disk before anybody looks through them.
    pub(super) async fn close_browsers(&self) {
        for (_, browser) in self.browsers() {
            // One that has died already has written what it had.
            let _ = browser.page.clone().close().await;
        }
    }
}

async fn started(stack: &Stack, name: &str, size: (u32, u32)) -> anyhow::Result<Browser> {
    let (profile, log) = (stack.directory.join(format!("profiles/{name}")), stack.directory.join("logs/chromium.log"));
    Browser::start(&profile, &log, size).await
}

/// A text of somebody the sandbox publishes.
pub(super) fn text<'a>(of: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    of[key].as_str().with_context(|| format!("the sandbox publishes no {key}"))
}
