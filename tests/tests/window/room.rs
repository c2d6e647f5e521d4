//! What every test here has: the desktop to itself, a stack of its own, and a person with a mouse but without a browser:
//! what the desktop's browser is asked for is followed by plain HTTP.

use std::path::{Path, PathBuf};

use anyhow::Context;
use e2e::clinician::Clinician;
use e2e::notifications::Witness;
use e2e::scan;
use e2e::stack::{Options, Organization, Stack, binary};
use e2e::wait;
use e2e::window::{Desktop, Window, end_companions};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::{Mutex, MutexGuard};
use url::Url;

/// The session has one screen and one bus.
static DESKTOP: Mutex<()> = Mutex::const_new(());

/// A test's own world.
pub(crate) struct Room {
    pub(crate) stack: Stack,
    pub(crate) desktop: Desktop,
    pub(crate) northside: Organization,
    pub(crate) bus: Witness,
    http: reqwest::Client,
    _folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Room {
    /// Takes the desktop, as it is after a fresh log-in: no companion, no handlers, no kept sign-in.
    pub(crate) async fn new() -> anyhow::Result<Self> {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> anyhow::Result<Self> {
        let alone = DESKTOP.lock().await;
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let missing = "there is no desktop session: run this inside `cargo xtask session -- ..`";
        let session = PathBuf::from(std::env::var_os("ROOMED_SESSION_DIR").context(missing)?);
        end_companions().await?;
        // Every test has a relay of its own, and so an entry of its own.
        let clear = ["clear", "service", "org.roomed.companion"];
        Command::new("secret-tool").args(clear).status().await.context("secret-tool is not installed")?;
        for left in [".config/roomed", ".config/mimeapps.list", ".local/share/applications"] {
            let left = session.join("home").join(left);
            if left.is_dir() {
                std::fs::remove_dir_all(left)?;
            } else if left.exists() {
                std::fs::remove_file(left)?;
            }
        }
        Command::new("dunstctl").arg("close-all").status().await.context("dunst is not installed")?;
        let folder = tempfile::tempdir()?;
        let stack = Stack::start(folder.path(), &options).await?;
        let desktop = Desktop::prepare(folder.path(), &stack.relay, "northside").await?;
        let northside = stack.sandbox.organization("northside").await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let bus = Witness::start().await?;
        Ok(Self { stack, desktop, northside, bus, http, _folder: folder, _alone: alone })
    }

    /// Northside's first practitioner: the companion's owner in these tests.
    pub(crate) fn me(&self) -> anyhow::Result<&Value> {
        self.northside.of_role("practitioner", 0)
    }

    /// Northside's n-th patient.
    pub(crate) fn patient(&self, n: usize) -> anyhow::Result<&Value> {
        self.northside.0.pointer(&format!("/patients/{n}")).context("there is no such patient")
    }

    /// Opens the window and signs in.
    pub(crate) async fn signed_in(&self) -> anyhow::Result<Window> {
        let window = self.desktop.open_window().await?;
        self.sign_in(&window).await?;
        Ok(window)
    }

    /// Presses *Sign in with Microsoft* and signs in in the browser.
    pub(crate) async fn sign_in(&self, window: &Window) -> anyhow::Result<()> {
        self.sign_in_as(window, self.me()?).await
    }

    /// The same as another clinician.
    pub(crate) async fn sign_in_as(&self, window: &Window, person: &Value) -> anyhow::Result<()> {
        let asked = self.desktop.asked();
        window.click("#sign-in").await?;
        self.pick_account(person, asked).await?;
        window.see("#connection[data-state='live']").await
    }

    /// Signs in at Microsoft, in the tab that the browser was asked for after the first `asked`; answers with its address.
    pub(crate) async fn pick_account(&self, person: &Value, asked: usize) -> anyhow::Result<Url> {
        let address = Url::parse(&self.desktop.asked_for("/oauth2/v2.0/authorize", asked).await?)?;
        let tenant = address.path_segments().and_then(|mut it| it.next()).context("no tenant in the address")?;
        let picker = format!("{}/{tenant}/pick", self.stack.sandbox.at("entra"));
        let account = person["upn"].as_str().context("nobody has a upn")?;
        let form = [("request", address.query().unwrap_or_default()), ("account", account)];
        self.http.post(picker).form(&form).send().await?.error_for_status()?;
        Ok(address)
    }

    /// The companion's owner, asked at the relay directly.
    pub(crate) async fn eyes(&self) -> anyhow::Result<Clinician> {
        Clinician::sign_in(&self.stack, &self.northside, self.me()?).await
    }

    /// A visit of the n-th practitioner with a patient, beginning some minutes from now.
    pub(crate) async fn schedule(&self, with: usize, patient: usize, minutes: i64) -> anyhow::Result<Appointment> {
        let start = e2e::clock::now() + SignedDuration::from_mins(minutes);
        let body = json!({
            "org": "northside",
            "patient_id": self.patient(patient)?["patient_id"],
            "practitioner_id": self.northside.of_role("practitioner", with)?["practitioner_id"],
            "type": self.northside.text("/ehr/virtual_visit_types/0/code")?,
            "start": start.to_string(),
            "minutes": 30,
            "status": "booked",
        });
        Ok(Appointment::of(&self.stack.sandbox.send(Method::POST, "/appointments", &body).await?))
    }

    /// *Begin virtual visit* in the chart: the link that the relay's page offers.
    pub(crate) async fn begin(&self, appointment: &Appointment) -> anyhow::Result<String> {
        self.begin_as(self.me()?, appointment).await
    }

    /// The address that the chart opens for it.
    pub(crate) async fn launch_page(&self, person: &Value, appointment: &Appointment) -> anyhow::Result<String> {
        let body = json!({ "emp_user": person["emp_user"], "appointment_id": appointment.id });
        let begun = self.stack.sandbox.send(Method::POST, "/launch", &body).await?;
        Ok(begun["https_url"].as_str().context("Hyperspace gave no link")?.to_owned())
    }

    /// The same pressed by another clinician.
    pub(crate) async fn begin_as(&self, person: &Value, appointment: &Appointment) -> anyhow::Result<String> {
        let page = self.http.get(self.launch_page(person, appointment).await?).send().await?;
        let page = page.error_for_status()?.text().await?;
        let (_, rest) = page.split_once("id=\"open-roomed\"").context("the page does not offer Roomed")?;
        let link = rest.split("href=\"").nth(1).and_then(|it| it.split('"').next()).context("the page has no link")?;
        Ok(link.replace("&amp;", "&"))
    }

    /// Hands a link to the desktop, and goes where the companion then sends the browser.
    pub(crate) async fn launch(&self, link: &str) -> anyhow::Result<()> {
        let asked = self.desktop.asked();
        self.open(link)?;
        let address = self.desktop.asked_for("/oauth2/authorize", asked).await?;
        self.follow(&address).await
    }

    /// The first launch of a clinician asks whether they are the one who is signed in: they are.
    pub(crate) async fn first_launch(&self, window: &Window, link: &str) -> anyhow::Result<()> {
        self.launch(link).await?;
        window.click("#first-link-yes").await
    }

    /// An earlier launch has linked the companion's owner, on some other day.
    pub(crate) async fn linked(&self) -> anyhow::Result<()> {
        let earlier = self.schedule(0, 5, -20).await?;
        self.eyes().await?.enter(&self.stack, &earlier.id).await?;
        Ok(())
    }

    /// Hands an address to the desktop. Nobody waits: a companion that is started by it stays in the foreground.
    pub(crate) fn open(&self, link: &str) -> anyhow::Result<()> {
        let mut opened = self.desktop.xdg_open(link)?;
        tokio::spawn(async move { opened.wait().await });
        Ok(())
    }

    /// Opens an address in the browser, through every redirect.
    pub(crate) async fn follow(&self, address: &str) -> anyhow::Result<()> {
        self.http.get(address).send().await?.error_for_status()?;
        Ok(())
    }

    /// Signs in, begins an appointment from the chart and waits until its panel is open.
    pub(crate) async fn in_visit(&self, minutes: i64) -> anyhow::Result<(Window, Appointment)> {
        let window = self.signed_in().await?;
        let appointment = self.schedule(0, 0, minutes).await?;
        self.first_launch(&window, &self.begin(&appointment).await?).await?;
        window.see("#patient-name").await?;
        Ok((window, appointment))
    }

    /// How often the desktop was shown an alert for this start.
    pub(crate) fn alerts(&self, appointment: &Appointment) -> usize {
        let shown = self.bus.seen();
        shown.iter().filter(|it| it.summary == "Patient ready" && it.body == appointment.local_start()).count()
    }

    /// Waits until the desktop was shown that many alerts for this start.
    pub(crate) async fn alerted(&self, appointment: &Appointment, times: usize) -> anyhow::Result<()> {
        let what = format!("the desktop shows the alert {times} times");
        wait::until(&what, async || Ok((self.alerts(appointment) >= times).then_some(()))).await
    }

    /// `roomed --sign-out`.
    pub(crate) async fn sign_out_by_command(&self) -> anyhow::Result<()> {
        let done = Command::new(binary("roomed")?).arg("--sign-out").output().await?;
        anyhow::ensure!(done.status.success(), "roomed --sign-out: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }

    /// Where a picture goes: into `ROOMED_SHOTS` for somebody to look at, else away with everything.
    pub(crate) fn shot(&self, name: &str) -> anyhow::Result<PathBuf> {
        let shots = std::env::var_os("ROOMED_SHOTS").map_or_else(|| self.stack.directory.clone(), PathBuf::from);
        std::fs::create_dir_all(&shots)?;
        Ok(shots.join(format!("{name}.png")))
    }

    /// Takes a picture of the window.
    pub(crate) async fn picture(&self, window: &Window, name: &str) -> anyhow::Result<()> {
        window.picture(&self.shot(name)?).await
    }

    /// Files below the person's home that hold a refresh token in any form.
    pub(crate) async fn refresh_tokens_in_files(&self) -> anyhow::Result<Vec<scan::Leak>> {
        let published = self.stack.sandbox.get("/canaries").await?;
        let mut tokens = scan::canaries(&published);
        tokens.retain(|it| it.field.ends_with("refresh_token"));
        anyhow::ensure!(!tokens.is_empty(), "no refresh token has been issued");
        Self::in_home(&tokens)
    }

    /// Files below the person's home that hold one of these in any form.
    pub(crate) fn in_home(values: &[scan::Canary]) -> anyhow::Result<Vec<scan::Leak>> {
        let home = PathBuf::from(std::env::var_os("HOME").context("no home")?);
        Ok(files(&home)?.iter().flat_map(|file| scan::file(file, values)).collect())
    }
}

impl Drop for Room {
    /// What helps to see why a test failed is printed before the folder goes.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for log in ["companion.log", "relay.log", "sandbox.log"] {
            let text = std::fs::read_to_string(self.stack.directory.join("logs").join(log)).unwrap_or_default();
            eprintln!("--- {log}\n{text}");
        }
        eprintln!("--- the browser was asked for {} addresses", self.desktop.asked());
    }
}

/// A scheduled visit.
pub(crate) struct Appointment {
    pub(crate) id: String,
    start: Timestamp,
}

impl Appointment {
    /// What the sandbox has scheduled.
    pub(crate) fn of(made: &Value) -> Self {
        let text = |name: &str| made[name].as_str().unwrap_or_default();
        Self { id: text("appointment_id").to_owned(), start: text("start").parse().unwrap_or_default() }
    }

    /// As the alert says it.
    pub(crate) fn local_start(&self) -> String {
        self.start.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M").to_string()
    }
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            all.extend(files(&entry.path())?);
        } else if kind.is_file() {
            all.push(entry.path());
        }
    }
    Ok(all)
}
