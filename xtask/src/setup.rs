//! Installs what is missing and says so: system packages (apt), npm packages, tauri-driver (cargo). Skips what is there.
//! Fetches from no other place, and leaves systems without apt to their owner.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::places::Places;
use crate::run::{answer, cargo, command, loudly, npm, say};

/// Debian's names; `a|b` where Ubuntu's differs. What for: building the window, a desktop to test it in, the counterparts.
const PACKAGES: &str = "\
    libwebkit2gtk-4.1-dev libgtk-3-dev libayatana-appindicator3-dev librsvg2-dev libxdo-dev libssl-dev libdbus-1-dev \
    libsecret-1-dev pkg-config build-essential cmake \
    xvfb xauth x11-apps x11-utils xdotool openbox dunst libnotify-bin dbus dbus-x11 dbus-bin|dbus gnome-keyring \
    libsecret-tools xdg-utils desktop-file-utils shared-mime-info webkit2gtk-driver imagemagick at-spi2-core trayer \
    fonts-dejavu-core procps \
    chromium|chromium-browser chromium-driver|chromium-chromedriver postgresql python3-venv openssl";

const TAURI_DRIVER: &str = "2.1.0";

/// Whether we may call sudo without asking.
pub(crate) struct Consent(bool);

impl From<&[String]> for Consent {
    fn from(args: &[String]) -> Self {
        Self(args.iter().any(|arg| arg == "--yes") || std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1"))
    }
}

/// All of it, in the order in which the one needs the other.
pub(crate) fn run(places: &Places, consent: &Consent) -> Result<()> {
    system_packages(places, consent)?;
    npm_packages(places, &places.ui())?;
    npm_packages(places, &places.witness())?;
    tauri_driver(places)
}

fn system_packages(places: &Places, consent: &Consent) -> Result<()> {
    let wanted: Vec<&str> = PACKAGES.split_whitespace().collect();
    let Ok(installed) = answer(command("dpkg-query", &["-W", "-f=${Package} ${db:Status-Status}\n"], &places.root))
    else {
        say(format!("this is no Debian or Ubuntu: make sure that you have the like of {}", wanted.join(" ")));
        return Ok(());
    };
    let missing = missing(&wanted, &installed);
    if missing.is_empty() {
        say("system packages: all there");
        return Ok(());
    }
    say(format!("system packages missing: {}", missing.join(" ")));
    let root = answer(command("id", &["-u"], &places.root))?.trim() == "0";
    if !root {
        ask(consent, &missing)?;
    }
    loudly(as_root(root, &["apt-get", "update", "-q"], &places.root))?;
    let names = offered(places, &missing)?;
    let mut install = vec!["apt-get", "install", "-y", "-q", "--no-install-recommends"];
    install.extend(names.iter().map(String::as_str));
    loudly(as_root(root, &install, &places.root))
}

/// The wanted packages none of whose names is installed.
fn missing<'a>(wanted: &[&'a str], installed: &str) -> Vec<&'a str> {
    let there: std::collections::HashSet<&str> =
        installed.lines().filter_map(|line| line.strip_suffix(" installed")).collect();
    wanted.iter().copied().filter(|package| !package.split('|').any(|name| there.contains(name))).collect()
}

/// The first name of each package that this system's package lists know.
fn offered(places: &Places, missing: &[&str]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for package in missing {
        let known = package.split('|').find(|name| {
            answer(command("apt-cache", &["policy", name], &places.root))
                .is_ok_and(|policy| policy.contains("Candidate:") && !policy.contains("Candidate: (none)"))
        });
        match known {
            Some(name) => names.push(name.to_owned()),
            None => bail!(
                "no package {} here; `apt-get update` went well, so this release needs another name for it",
                package.replace('|', " or ")
            ),
        }
    }
    Ok(names)
}

fn ask(consent: &Consent, missing: &[&str]) -> Result<()> {
    if consent.0 {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("not root and nobody to ask: run `cargo xtask setup --yes`, or install yourself: {}", missing.join(" "));
    }
    eprint!("xtask: install them with sudo apt-get? [y/N] ");
    std::io::stderr().flush()?;
    let mut said = String::new();
    std::io::stdin().read_line(&mut said)?;
    if !matches!(said.trim(), "y" | "Y" | "yes") {
        bail!("nothing was installed");
    }
    Ok(())
}

fn as_root(root: bool, words: &[&str], folder: &Path) -> Command {
    let mut all = if root { vec![] } else { vec!["sudo"] };
    // sudo drops our environment, so the setting travels as a word
    all.extend(["env", "DEBIAN_FRONTEND=noninteractive"]);
    all.extend(words);
    command(all[0], &all[1..], folder)
}

/// `npm ci` where the lock file is not the one that was installed last.
fn npm_packages(places: &Places, folder: &Path) -> Result<()> {
    let shown = places.shown(folder);
    if !folder.join("package.json").is_file() {
        bail!("{shown}/package.json is missing");
    }
    let lock =
        std::fs::read(folder.join("package-lock.json")).with_context(|| format!("{shown} has no package-lock.json"))?;
    let stamp = folder.join("node_modules/.installed-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        say(format!("npm packages of {shown}: all there"));
        return Ok(());
    }
    if answer(command("npm", &["--version"], folder)).is_err() {
        bail!("npm is missing: install Node.js 20 or later");
    }
    loudly(npm(&["ci", "--no-fund", "--no-audit"], folder))?;
    std::fs::write(&stamp, &lock).with_context(|| format!("cannot write into {shown}/node_modules"))
}

fn tauri_driver(places: &Places) -> Result<()> {
    let record = std::fs::read_to_string(places.tools().join(".crates.toml")).unwrap_or_default();
    if record.contains(&format!("tauri-driver {TAURI_DRIVER} ")) && places.tauri_driver().is_file() {
        say("tauri-driver: there");
        return Ok(());
    }
    let mut install =
        cargo(&["install", "tauri-driver", "--version", TAURI_DRIVER, "--locked", "--root"], &places.root);
    install.arg(places.tools());
    // a target folder of its own: the workspace's profile and features are no business of a tool
    install.env("CARGO_TARGET_DIR", places.root.join("target/tools"));
    loudly(install)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_under_either_name_is_not_missing() {
        let installed = "xvfb installed\nchromium-browser installed\ndunst config-files\n";
        assert_eq!(missing(&["xvfb", "chromium|chromium-browser", "dunst", "trayer"], installed), ["dunst", "trayer"]);
    }

    #[test]
    fn consent_is_given_by_flag() {
        assert!(Consent::from(["--yes".to_owned()].as_slice()).0);
    }
}
