//! Letters by SMTP, through the organization's own mail server; text messages by its gateway, which takes mail to
//! `<number>@<domain>`. What the server's answers mean for the next attempt is decided here.

use std::io;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::ExposeSecret;
use url::Url;

use super::{Addressee, Letter, Sender, Sent};
use crate::config::{Organization, SendingConfig, SmtpTls};

/// For one command of the dialogue.
const ANSWER: Duration = Duration::from_secs(10);
/// For one attempt as a whole; `post.rs` holds a letter for longer.
const ATTEMPT: Duration = Duration::from_secs(40);

/// A mail server.
pub(super) struct Smtp {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    gateway: Option<String>,
    subject: String,
    text: String,
    /// Whose, for the log.
    organization: String,
}

impl Smtp {
    /// As it is configured.
    pub(super) fn of(config: &SendingConfig, organization: &Organization, public_url: &str) -> anyhow::Result<Self> {
        let tls = || parameters(config);
        let tls = match config.tls {
            SmtpTls::Starttls => Tls::Required(tls()?),
            SmtpTls::Implicit => Tls::Wrapper(tls()?),
            SmtpTls::None => Tls::None,
        };
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(ANSWER));
        if let Some(name) = Url::parse(public_url).ok().as_ref().and_then(Url::domain) {
            server = server.hello_name(ClientId::Domain(name.to_owned()));
        }
        if let Some(user) = &config.user {
            let password = config.password.as_ref().map(|it| it.expose_secret().to_owned()).unwrap_or_default();
            server = server.credentials(Credentials::new(user.clone(), password));
        }
        let filled = |text: &str| text.replace("{organization}", &organization.name);
        Ok(Self {
            server: server.build(),
            from: config.from.parse().context("sending.from is no mail address")?,
            gateway: config.sms_gateway.clone(),
            subject: filled(&config.subject),
            text: filled(&config.text),
            organization: organization.key.clone(),
        })
    }

    fn written(&self, id: &str, letter: &Letter) -> anyhow::Result<Message> {
        let to = match &letter.to {
            Addressee::Email(address) => address.parse::<Address>()?,
            Addressee::Sms(number) => Address::new(number, self.gateway.as_deref().unwrap_or_default())?,
        };
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&self.subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(self.text.replace("{link}", &letter.link))?;
        Ok(message)
    }
}

/// The server has to prove its name, to an authority that this computer trusts or that is configured.
fn parameters(config: &SendingConfig) -> anyhow::Result<TlsParameters> {
    let mut parameters = TlsParameters::builder(config.host.clone());
    if let Some(known) = config.authorities().map_err(|finding| anyhow::anyhow!("sending.{finding}"))? {
        parameters = parameters.add_root_certificate(known);
    }
    parameters.build().context("the mail server's name or sending.ca_file is of no use for TLS")
}

/// Why nobody answered, in words for IT: where the way to the server is at fault and not the letter.
fn unreached(error: &lettre::transport::smtp::Error) -> Option<&'static str> {
    let mut cause = std::error::Error::source(error);
    let mut io = None;
    while let Some(it) = cause {
        io = io.or(it.downcast_ref::<io::Error>().map(io::Error::kind));
        cause = it.source();
    }
    match io {
        // So rustls says that a handshake failed.
        Some(io::ErrorKind::InvalidData) => {
            Some("the mail server does not prove its name: see sending.host, sending.tls and sending.ca_file")
        }
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
            Some("the mail server cannot be reached: see sending.host, sending.port and the firewall")
        }
        _ if error.status().is_none() && error.is_client() => {
            Some("the mail server does not speak as sending.tls and sending.user have it")
        }
        _ => None,
    }
}

#[async_trait]
impl Sender for Smtp {
    fn carries(&self, to: &Addressee) -> bool {
        match to {
            Addressee::Email(_) => true,
            Addressee::Sms(_) => self.gateway.is_some(),
        }
    }

    async fn send(&self, id: &str, letter: &Letter) -> Sent {
        let Ok(message) = self.written(id, letter) else { return Sent::Refused };
        let error = match tokio::time::timeout(ATTEMPT, self.server.send(message)).await {
            Ok(Ok(_)) => return Sent::Taken,
            Ok(Err(error)) => error,
            Err(_) => {
                tracing::warn!(letter = id, "the mail server did not answer in time");
                return Sent::Later;
            }
        };
        let code = error.status().map(u16::from);
        // Servers repeat addresses in their sentences: only the code is told.
        let organization = &self.organization;
        tracing::warn!(organization, letter = id, code, "the mail server did not take a letter");
        if let Some(hint) = unreached(&error) {
            tracing::error!(organization, "{hint}");
        }
        match code {
            // What it thinks of us (530, 534, 535, 538: RFC 4954) says nothing of the letter; IT can put it right.
            Some(530 | 534 | 535 | 538) => {
                let hint = "the mail server refuses the relay's sign-in: see sending.user and sending.password";
                tracing::error!(organization, "{hint}");
                Sent::Later
            }
            _ if error.is_permanent() => Sent::Refused,
            _ => Sent::Later,
        }
    }
}
