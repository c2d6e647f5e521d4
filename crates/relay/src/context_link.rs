//! Epic's context-aware linking with the encrypted query: what a link that a portal opened says, if it is whole and in time.
//! Pure: the configured rules, the link and now in; facts or one reason out.
//!
//! CBC tells nobody whether a ciphertext is as it was made. Whatever shows that it is not (encoding, length, padding, letters,
//! form) is therefore the one answer [`Fault::Altered`], reached over the same steps, and only a text that is whole in form,
//! to the last letter and longer than one block, can be late or incomplete: a block that somebody changed comes out as noise,
//! which is no such text. The first block alone can be changed at will, where the IV travels along: there it must be the one
//! text the organization says it is. And nothing in a link is believed before the EHR has said that appointment and patient
//! belong together.

mod fault;
mod key;
mod sealed;
#[cfg(test)]
mod tests;
mod text;
mod window;

use std::collections::HashMap;

use anyhow::Context as _;
use aws_lc_rs::cipher::{AES_128, AES_256, DecryptingKey, UnboundCipherKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;

pub use fault::Fault;
pub(crate) use key::fits;

use crate::config::{Cipher, Config, ContextLink};
use text::Fields;
use window::Window;

/// Why the encrypted link of a connection cannot be used at all; for whoever starts the relay.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The file of the secret.
    #[error("context_link.secret_file cannot be read: {0}")]
    File(#[from] std::io::Error),
    /// The secret, the key rule, the IV or the time zone.
    #[error("context_link.{0}")]
    Rule(&'static str),
}

/// A number the EHR knows something by. Nothing of it is shown: it may stand in no log.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// The number.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

number!(
    /// The visit's: Epic's CSN.
    AppointmentNumber
);
number!(
    /// The patient's account at the portal: Epic's WPR id.
    PatientNumber
);
number!(
    /// The account of somebody who acts for the patient.
    ProxyNumber
);
number!(
    /// A user of the EHR.
    PractitionerNumber
);

/// Who opened the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opener {
    /// The patient.
    Patient(PatientNumber),
    /// Somebody for them.
    Proxy {
        /// Who opened it.
        proxy: ProxyNumber,
        /// Whose visit it is.
        patient: PatientNumber,
    },
    /// A clinician.
    Practitioner(PractitionerNumber),
}

/// What a whole link in time says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Which visit.
    pub appointment: AppointmentNumber,
    /// Who opened it, by role.
    pub opener: Opener,
    /// When the link was made, if it says so.
    pub issued_at: Option<Timestamp>,
    /// From then on it is refused.
    pub expires_at: Timestamp,
}

/// The encrypted links of one EHR connection. `Debug` shows no key.
pub struct ContextLinks {
    rules: ContextLink,
    cipher: DecryptingKey,
    /// `None` where it travels with the link.
    iv: Option<[u8; 16]>,
    zone: TimeZone,
}

impl std::fmt::Debug for ContextLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ContextLinks([redacted])")
    }
}

impl ContextLinks {
    /// Those of all connections that have them, by organization and `iss`.
    ///
    /// # Errors
    /// Names the connection, and what of its `context_link` does not fit.
    pub fn of(config: &Config) -> anyhow::Result<HashMap<(String, String), Self>> {
        let mut all = HashMap::new();
        for organization in &config.organizations {
            for ehr in &organization.ehr {
                let Some(rules) = &ehr.context_link else { continue };
                let links = Self::new(rules);
                let links = links.with_context(|| format!("organization {}, EHR {}", organization.key, ehr.iss))?;
                all.insert((organization.key.clone(), ehr.iss.clone()), links);
            }
        }
        Ok(all)
    }

    /// Makes the key. Reads the file of the secret, if that is where it is.
    ///
    /// # Errors
    /// Names the key of the configuration that does not fit.
    pub fn new(rules: &ContextLink) -> Result<Self, SetUpError> {
        let read = rules.secret_file.as_ref().map(std::fs::read_to_string).transpose()?;
        let read = read.map(|text| secrecy::SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()));
        let secret = rules.secret.as_ref().or(read.as_ref()).ok_or(SetUpError::Rule("secret is not set"))?;
        let material = key::derive(rules, secret.expose_secret()).map_err(SetUpError::Rule)?;
        let algorithm = match rules.cipher {
            Cipher::Aes128Cbc => &AES_128,
            Cipher::Aes256Cbc => &AES_256,
        };
        let cipher = UnboundCipherKey::new(algorithm, &material.key).and_then(DecryptingKey::cbc);
        let cipher = cipher.map_err(|_| SetUpError::Rule("cipher does not take this key"))?;
        let zone = TimeZone::get(&rules.time_zone).map_err(|_| SetUpError::Rule("time_zone is not known here"))?;
        let mut rules = rules.clone();
        rules.secret = None;
        Ok(Self { rules, cipher, iv: material.iv, zone })
    }

    /// Opens a link, given its decoded parameters.
    ///
    /// # Errors
    /// One reason; see the head of this file for which of them an altered link can reach.
    pub fn open<'a>(&self, parameter: impl Fn(&str) -> Option<&'a str>, now: Timestamp) -> Result<Facts, Fault> {
        let sealed = parameter(&self.rules.names.query).filter(|it| !it.trim().is_empty()).ok_or(Fault::Altered)?;
        let plain = sealed::open(self, sealed, parameter)?;
        // Both are done whatever the first says, so that neither answer nor time tells which it was.
        let (whole, said) = (plain.whole, self.read(plain.text(), now));
        if bool::from(whole) { said } else { Err(Fault::Altered) }
    }

    fn read(&self, text: &[u8], now: Timestamp) -> Result<Facts, Fault> {
        let names = &self.rules.names;
        let begins = self.rules.starts_with.as_ref().is_none_or(|it| text.starts_with(it.as_bytes()));
        let is_long = text.len() > sealed::BLOCK;
        let fields = Fields::parse(text).filter(|_| begins && is_long).ok_or(Fault::Altered)?;
        if fields.get(&names.appointment).is_none() && fields.get(&names.person).is_none() {
            return Err(Fault::Altered);
        }
        let appointment = AppointmentNumber(fields.number(&names.appointment)?);
        let opener = self.opener(&fields)?;
        let issued_at = match fields.get(&names.issued) {
            Some(issued) => Some(window::issued(issued).ok_or(Fault::Incomplete)?),
            None => None,
        };
        let window = Window::of(&self.rules, &self.zone, &fields, issued_at)?;
        window.holds(now)?;
        Ok(Facts { appointment, opener, issued_at, expires_at: window.until })
    }

    fn opener(&self, fields: &Fields) -> Result<Opener, Fault> {
        let (names, kinds) = (&self.rules.names, &self.rules.kinds);
        let person = fields.number(&names.person)?;
        let kind = fields.get(&names.kind).ok_or(Fault::Incomplete)?;
        let patient = match &names.patient {
            Some(name) if fields.get(name).is_some() => Some(fields.number(name)?),
            _ => None,
        };
        if kinds.practitioner.as_deref() == Some(kind) {
            return Ok(Opener::Practitioner(PractitionerNumber(person)));
        }
        let always_for_another = kinds.proxy.as_deref() == Some(kind);
        if kind != kinds.patient && !always_for_another {
            return Err(Fault::Incomplete);
        }
        match patient {
            Some(patient) if always_for_another || patient != person => {
                Ok(Opener::Proxy { proxy: ProxyNumber(person), patient: PatientNumber(patient) })
            }
            None if always_for_another => Err(Fault::Incomplete),
            _ => Ok(Opener::Patient(PatientNumber(person))),
        }
    }
}
