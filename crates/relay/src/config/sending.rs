//! `[organizations.sending]`: how Roomed sends one-time links, and what the message says. Absent: clinicians pass links on
//! themselves.

use lettre::transport::smtp::client::Certificate;
use secrecy::SecretString;
use serde::Deserialize;

/// Who carries letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// The organization's mail server.
    Smtp,
    /// Nobody: a line in the log instead. With `dev.loopback_http` only.
    Log,
}

/// How the way to the mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// RFC 3207, and nothing is said before it.
    #[default]
    Starttls,
    /// From the first byte (RFC 8314).
    Implicit,
    /// Not at all: on loopback only.
    None,
}

/// How links are sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendingConfig {
    /// Who carries them.
    pub by: Carrier,
    /// The mail server.
    #[serde(default)]
    pub host: String,
    /// Its port.
    #[serde(default = "submission")]
    pub port: u16,
    /// How the way there is encrypted.
    #[serde(default)]
    pub tls: SmtpTls,
    /// Certificates in PEM beside those this computer trusts, where the mail server's was signed by an authority of the
    /// organization's own.
    #[serde(default)]
    pub ca_file: Option<std::path::PathBuf>,
    /// Who signs in there; nobody where it is missing.
    #[serde(default)]
    pub user: Option<String>,
    /// Their password.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Whom letters come from: `Name <address>`.
    #[serde(default)]
    pub from: String,
    /// The domain whose addresses are telephone numbers; without it there are no text messages.
    #[serde(default)]
    pub sms_gateway: Option<String>,
    /// The subject; `{organization}` stands for its name.
    #[serde(default = "subject")]
    pub subject: String,
    /// The text; `{link}` stands for the link.
    #[serde(default = "text")]
    pub text: String,
}

fn submission() -> u16 {
    587
}

fn subject() -> String {
    "Your video visit".to_owned()
}

fn text() -> String {
    "You are invited to a video visit with {organization}.\n\n{link}\n\nThe link is for you alone and works once: \
     open it on the phone or computer that you will use. If you expect no visit, ignore this message.\n"
        .to_owned()
}

impl SendingConfig {
    /// The protocol's words for the ways a link can take, beside by hand.
    pub fn ways(&self) -> impl Iterator<Item = &'static str> {
        let sms = self.by == Carrier::Log || self.sms_gateway.is_some();
        ["email"].into_iter().chain(sms.then_some("sms"))
    }

    /// The certificates of `ca_file`, or what is wrong with the file. A file without any would be taken for one that holds
    /// the authority, and every letter would fail.
    pub(crate) fn authorities(&self) -> Result<Option<Certificate>, String> {
        let Some(file) = &self.ca_file else { return Ok(None) };
        let at = file.display();
        let pem = std::fs::read(file).map_err(|error| format!("ca_file {at} cannot be read: {error}"))?;
        let is_any = String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----");
        let known = Certificate::from_pem(&pem).ok().filter(|_| is_any);
        known.map(Some).ok_or_else(|| format!("ca_file {at} holds no certificate in PEM"))
    }

    /// What is wrong with it, each naming its key and what to write instead.
    pub(super) fn findings(&self, dev: bool) -> Vec<String> {
        let mut found = Vec::new();
        if !self.text.contains("{link}") {
            found.push("text must hold {link}, which stands for the link".to_owned());
        }
        if self.by == Carrier::Log {
            if !dev {
                found.push("by = \"log\" sends nothing; it is for dev.loopback_http only".to_owned());
            }
            return found;
        }
        if self.host.is_empty() {
            found.push("host is missing: the name of the mail server".to_owned());
        }
        let loopback = matches!(self.host.as_str(), "127.0.0.1" | "::1" | "localhost");
        if self.tls == SmtpTls::None && !loopback {
            found.push("tls = \"none\" is for loopback only: use \"starttls\" or \"implicit\"".to_owned());
        }
        if self.tls == SmtpTls::None && self.ca_file.is_some() {
            found.push("ca_file is of no use with tls = \"none\"".to_owned());
        }
        found.extend(self.authorities().err());
        if self.from.parse::<lettre::message::Mailbox>().is_err() {
            found.push("from must be a mail address, such as Northside <visits@northside.example>".to_owned());
        }
        if self.user.is_some() != self.password.is_some() {
            found.push("user and password belong together".to_owned());
        }
        if self.sms_gateway.as_ref().is_some_and(|it| lettre::Address::new("1", it).is_err()) {
            found.push("sms_gateway must be a domain, such as sms.example.org".to_owned());
        }
        found
    }
}
