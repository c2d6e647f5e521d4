//! `companion.toml`: which relay and which organization. Everything else the relay says (see ARCHITECTURE.md).

use std::path::PathBuf;
use std::time::Duration;

use roomed_protocol::{Problem, ProblemCode};
use roomed_smart::{UrlPolicy, http::is_loopback};
use serde::Deserialize;
use url::Url;

use crate::problems::problem;
use crate::view::AppState;

/// Where the refresh token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeepSignIn {
    /// In the operating system's keychain: signed in once per workstation account.
    #[default]
    Keychain,
    /// In memory: for shared workstations, where the keychain is not the clinician's. There the sign-in also ends when
    /// another EHR user begins a visit.
    Memory,
}

/// Host of the redirect of the Microsoft sign-in. Entra matches the host but not the port (`microsoft.md` 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum RedirectHost {
    /// What Entra's "Mobile and desktop" platform takes.
    #[default]
    #[serde(rename = "localhost")]
    Localhost,
    /// What RFC 8252 (7.3) prefers, for other providers.
    #[serde(rename = "127.0.0.1")]
    Loopback,
}

impl RedirectHost {
    /// As it stands in the redirect URI.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Localhost => "localhost",
            Self::Loopback => "127.0.0.1",
        }
    }
}

/// Where nobody says how long a computer was not touched, whoever works in the chart would be signed out in the midst of it.
const NOT_IDLE_HERE: &str = "sign_out_after_idle_minutes: on this operating system Roomed cannot see whether anybody is \
     here. Leave it out, and run `roomed --sign-out` when the screen locks";

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Base URL of the relay.
    pub relay: Url,
    /// The organization's key at that relay.
    pub organization: String,
    /// Where the refresh token is kept.
    #[serde(default)]
    pub keep_sign_in: KeepSignIn,
    /// Signs out after so many minutes, 1 to 480, in which nobody touched the workstation and the clinician was in no visit.
    /// Missing: never. For shared workstations.
    #[serde(default)]
    pub sign_out_after_idle_minutes: Option<u16>,
    /// Host of the sign-in's redirect.
    #[serde(default)]
    pub redirect_host: RedirectHost,
}

/// Why there is no usable configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No home folder to look in.
    #[error("there is no configuration folder for this account")]
    NoFolder,
    /// The file cannot be read.
    #[error("companion.toml is missing or cannot be read")]
    Missing,
    /// The file is not what it should be. Holds the line's complaint, never a value beyond the relay's address.
    #[error("companion.toml is not valid: {0}")]
    Invalid(String),
}

impl ConfigError {
    /// What the window is to show then.
    pub fn state(&self) -> AppState {
        AppState { problem: Some(self.problem()), ..AppState::default() }
    }

    fn problem(&self) -> Problem {
        let detail = "Roomed is not set up on this computer. IT has to write companion.toml with the relay's address \
                      and the organization's key.";
        problem(ProblemCode::Internal, "Not set up", detail)
    }
}

impl Config {
    /// `ROOMED_CONFIG`, else the account's configuration folder.
    ///
    /// # Errors
    /// [`ConfigError::NoFolder`] without a home.
    pub fn path() -> Result<PathBuf, ConfigError> {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        if let Some(path) = set("ROOMED_CONFIG") {
            return Ok(path);
        }
        let folder = if cfg!(windows) {
            set("APPDATA")
        } else if cfg!(target_os = "macos") {
            set("HOME").map(|home| home.join("Library/Application Support"))
        } else {
            set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")))
        };
        Ok(folder.ok_or(ConfigError::NoFolder)?.join("roomed").join("companion.toml"))
    }

    /// Reads and checks the file.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load() -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(Self::path()?).map_err(|_| ConfigError::Missing)?;
        Self::parse(&text)
    }

    /// Checks the file's text.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|e| ConfigError::Invalid(e.message().to_owned()))?;
        config.policy().check(&config.relay).map_err(|e| ConfigError::Invalid(format!("relay: {e}")))?;
        if config.relay.query().is_some() {
            return Err(ConfigError::Invalid("relay: it carries a query".into()));
        }
        check_idle(config.sign_out_after_idle_minutes, crate::idle::OS_SAYS)?;
        let key = &config.organization;
        if key.is_empty() || key.len() > 64 || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return Err(ConfigError::Invalid("organization: letters, digits, '-', '_' and '.' only".into()));
        }
        Ok(config)
    }

    /// True on a workstation that several people use.
    pub fn is_shared(&self) -> bool {
        self.keep_sign_in == KeepSignIn::Memory
    }

    /// After how long without anybody the sign-in ends.
    pub fn idle_limit(&self) -> Option<Duration> {
        self.sign_out_after_idle_minutes.map(|minutes| Duration::from_secs(u64::from(minutes) * 60))
    }

    /// Plain `http` is for loopback only, and only when the relay itself is there: a development set-up as a whole.
    pub fn policy(&self) -> UrlPolicy {
        if self.relay.scheme() == "http" && is_loopback(&self.relay) {
            UrlPolicy::AllowLoopbackHttp
        } else {
            UrlPolicy::HttpsOnly
        }
    }
}

fn check_idle(minutes: Option<u16>, os_says: bool) -> Result<(), ConfigError> {
    match minutes {
        Some(minutes) if !(1..=480).contains(&minutes) => {
            Err(ConfigError::Invalid("sign_out_after_idle_minutes: 1 to 480".into()))
        }
        Some(_) if !os_says => Err(ConfigError::Invalid(NOT_IDLE_HERE.into())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn two_lines_are_enough_and_nothing_unknown_is_taken() {
        let config = Config::parse("relay = \"https://relay.example\"\norganization = \"northside\"").unwrap();
        assert_eq!(config.policy(), UrlPolicy::HttpsOnly);
        assert_eq!(config.keep_sign_in, KeepSignIn::Keychain);
        assert_eq!(config.redirect_host.as_str(), "localhost");
        let dev = "relay = \"http://127.0.0.1:8400\"\norganization = \"n\"\nkeep_sign_in = \"memory\"\nredirect_host = \"127.0.0.1\"";
        assert_eq!(Config::parse(dev).unwrap().policy(), UrlPolicy::AllowLoopbackHttp);
        for bad in [
            "",
            "relay = \"https://relay.example\"",
            "relay = \"http://relay.example\"\norganization = \"n\"",
            "relay = \"https://u:p@relay.example\"\norganization = \"n\"",
            "relay = \"https://relay.example?x\"\norganization = \"n\"",
            "relay = \"https://relay.example\"\norganization = \"../x\"",
            "relay = \"https://relay.example\"\norganization = \"n\"\nextra = 1",
            "relay = \"https://relay.example\"\norganization = \"n\"\nsign_out_after_idle_minutes = 0",
        ] {
            assert!(matches!(Config::parse(bad), Err(ConfigError::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn where_nobody_can_say_who_is_there_nobody_is_signed_out_for_being_away() {
        assert_eq!(check_idle(None, false), Ok(()));
        assert_eq!(check_idle(Some(15), true), Ok(()));
        let refused = check_idle(Some(15), false).unwrap_err().to_string();
        assert!(refused.contains("roomed --sign-out"), "{refused}");
    }
}
