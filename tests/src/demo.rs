//! The demo a person clicks through: stand-in hospital, relay and companion, on their own desktop. What it registers
//! there (the `roomed:` handler, a kept sign-in) is taken away again at the end.

use std::path::{Path, PathBuf};

use anyhow::Context;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::stack::{Options, Process, Stack, binary, staff_role};

/// Starts everything, says what to click, and waits for Ctrl-C.
pub async fn guide(directory: &Path) -> anyhow::Result<()> {
    let stack =
        Stack::start(directory, &Options { canaries: false, staff: true, sends: true, ..Options::default() }).await?;
    let northside = stack.sandbox.organization("northside").await?;
    let clinician = northside.of_role("practitioner", 0)?.clone();
    let patient = northside.0.pointer("/patients/0").context("there is no patient")?.clone();
    stack.sandbox.schedule(&northside, &clinician, &patient).await?;
    let staff = northside.of_role("staff", 0)?.clone();
    let departments = northside.0["departments"].as_array().cloned().unwrap_or_default();
    let roles: Vec<String> = departments.iter().map(staff_role).collect();
    let path = format!("/people/{}/app-roles", staff["oid"].as_str().unwrap_or_default());
    stack.sandbox.send(Method::PUT, &path, &json!({ "roles": roles })).await?;

    let config = directory.join("companion.toml");
    std::fs::write(&config, format!("relay = \"{}\"\norganization = \"northside\"\n", stack.relay))?;
    let handler = Handler::register(&config).await?;
    let shown = show(&stack, &config, [&clinician, &patient, &staff]).await;
    // Whatever happened: nothing of the demo stays on this desktop.
    println!("\nRemoving the link handler and the kept sign-in ...");
    let sign_out = Command::new(binary("roomed")?).arg("--sign-out").env("ROOMED_CONFIG", &config).status().await;
    handler.remove().await?;
    sign_out.context("the kept sign-in could not be removed; run `roomed --sign-out`")?;
    shown
}

/// Starts the companion, says what to click, and waits for Ctrl-C.
async fn show(stack: &Stack, config: &Path, people: [&Value; 3]) -> anyhow::Result<()> {
    let environment = [("ROOMED_CONFIG".into(), config.as_os_str().to_owned())];
    let companion = Process::start("roomed", [], environment, &stack.directory.join("logs/companion.log"))?;
    let epic = stack.sandbox.at("epic");
    let name = |of: &Value| of["name"].as_str().unwrap_or("the first one").to_owned();
    println!("A whole stand-in hospital is running. No real patients, nothing leaves this computer.\n");
    let [clinician, patient, staff] = people.map(name);
    println!("1. In the Roomed window press \"Sign in\" and choose {clinician}.");
    println!(
        "2. Clinician's chart:   {epic}/hyperspace/   choose the same person, the visit, then \"Begin virtual visit\"."
    );
    println!("                        Roomed asks once whether both are you: press \"Yes, this is me\".");
    println!(
        "3. Patient's phone:     {epic}/mychart/      in a private window: choose {patient}, then \"Begin virtual visit\"."
    );
    println!("4. Back in Roomed: the patient is ready. Press \"Join\", and admit the guest.\n");
    println!("Staff room patients:    {}/staff/?o=northside   in another private window: choose {staff}.", stack.relay);
    println!(
        "An interpreter, family, a colleague: open the visit in Roomed, \"Invite a guest\", and open the link elsewhere."
    );
    println!("Or send the link: every letter that \"leaves\" lies in {}/mail.", stack.sandbox.at("control"));
    println!(
        "What the hospital does: {}/   its switches (refusals, outages, lobbies) and its journal.\n",
        stack.sandbox.at("control")
    );
    println!("Press Ctrl-C to end it and to remove what it registered.");
    open(&format!("{epic}/hyperspace/")).await;
    crate::wait::for_ctrl_c().await?;
    // It keeps to the tray when its window is closed, so it is ended rather than asked.
    companion.kill().await
}

async fn open(address: &str) {
    // Without a browser to open, the printed address is enough.
    let _ = Command::new("xdg-open").arg(address).status().await;
}

const SCHEME: &str = "x-scheme-handler/roomed";

/// The `roomed:` handler of this account, for as long as the demo lasts.
struct Handler {
    entry: PathBuf,
    /// Who had the scheme before, if anybody.
    before: String,
}

impl Handler {
    async fn register(config: &Path) -> anyhow::Result<Self> {
        let data = match (std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME")) {
            (Some(data), _) if !data.is_empty() => PathBuf::from(data),
            (_, Some(home)) => PathBuf::from(home).join(".local/share"),
            _ => anyhow::bail!("there is no home folder to register the roomed: link handler in"),
        };
        let folder = data.join("applications");
        std::fs::create_dir_all(&folder)?;
        let entry = folder.join("roomed-demo.desktop");
        let command = format!("env ROOMED_CONFIG={} {} %u", config.display(), binary("roomed")?.display());
        let text = format!(
            "[Desktop Entry]\nType=Application\nName=Roomed (demo)\nExec={command}\nMimeType=x-scheme-handler/roomed;\nNoDisplay=true\n"
        );
        std::fs::write(&entry, text)?;
        Command::new("update-desktop-database").arg(&folder).status().await?;
        let before = Command::new("xdg-mime").args(["query", "default", SCHEME]).output().await?;
        let before = String::from_utf8_lossy(&before.stdout).trim().to_owned();
        Command::new("xdg-mime").args(["default", "roomed-demo.desktop", SCHEME]).status().await?;
        Ok(Self { entry, before })
    }

    async fn remove(self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.entry)?;
        if !self.before.is_empty() && self.before != "roomed-demo.desktop" {
            Command::new("xdg-mime").args(["default", &self.before, SCHEME]).status().await?;
        }
        if let Some(folder) = self.entry.parent() {
            Command::new("update-desktop-database").arg(folder).status().await?;
        }
        Ok(())
    }
}
