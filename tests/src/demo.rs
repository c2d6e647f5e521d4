//! The demo a person clicks through: stand-in hospital, relay and companion, on their own desktop. What it registers
//! there (the `roomed:` handler, a kept sign-in) is taken away again at the end.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::process::Command;

use crate::stack::{Options, Process, Stack, binary};

/// Starts everything, says what to click, and waits for Ctrl-C.
pub async fn guide(directory: &Path) -> anyhow::Result<()> {
    let stack = Stack::start(directory, &Options::default()).await?;
    let northside = stack.sandbox.organization("northside").await?;
    let clinician = northside.of_role("practitioner", 0)?.clone();
    let patient = northside.0.pointer("/patients/0").context("there is no patient")?.clone();
    stack.sandbox.schedule(&northside, &clinician, &patient).await?;

    let config = directory.join("companion.toml");
    std::fs::write(&config, format!("relay = \"{}\"\norganization = \"northside\"\n", stack.relay))?;
    let handler = Handler::register(&config).await?;
    let environment = [("ROOMED_CONFIG".into(), config.clone().into_os_string())];
    let companion = Process::start("roomed", [], environment, &directory.join("logs/companion.log"))?;

    let epic = stack.sandbox.at("epic");
    println!("A whole stand-in hospital is running. No real patients, nothing leaves this computer.\n");
    println!(
        "1. In the Roomed window press \"Sign in\" and choose {}.",
        clinician["name"].as_str().unwrap_or("a clinician")
    );
    println!(
        "2. Clinician's chart:   {epic}/hyperspace/   choose the same person, the visit, then \"Begin virtual visit\"."
    );
    println!(
        "3. Patient's phone:     {epic}/mychart/      in a private window: choose {}, then \"Begin virtual visit\".",
        patient["name"].as_str().unwrap_or("the patient")
    );
    println!("4. Back in Roomed: the patient is ready. Press \"Join\", and admit the guest.\n");
    println!("Press Ctrl-C to end it and to remove what it registered.");
    open(&format!("{epic}/hyperspace/")).await;

    crate::wait::for_ctrl_c().await?;
    println!("\nRemoving the link handler and the kept sign-in ...");
    companion.stop().await.ok();
    let sign_out = Command::new(binary("roomed")?).arg("--sign-out").env("ROOMED_CONFIG", &config).status().await;
    sign_out.context("the kept sign-in could not be removed; run `roomed --sign-out`")?;
    handler.remove().await
}

async fn open(address: &str) {
    // Without a browser to open, the printed address is enough.
    let _ = Command::new("xdg-open").arg(address).status().await;
}

/// The `roomed:` handler of this account, for as long as the demo lasts.
struct Handler {
    entry: PathBuf,
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
        let default = ["default", "roomed-demo.desktop", "x-scheme-handler/roomed"];
        Command::new("xdg-mime").args(default).status().await?;
        Ok(Self { entry })
    }

    async fn remove(self) -> anyhow::Result<()> {
        std::fs::remove_file(&self.entry)?;
        if let Some(folder) = self.entry.parent() {
            Command::new("update-desktop-database").arg(folder).status().await?;
        }
        Ok(())
    }
}
