//! `[organizations.ehr.context_link]`: Epic's older, encrypted launch link for patients, as an EHR analyst types it in. How
//! Epic derives the key, chooses the IV and pads stands on no public page, nor which number means a patient, so these have
//! no default. Names, time format and grace have those of the one vendor who publishes a record
//! (<https://www.vidyo.com/help/VidyoHealth/Automatic-Epic-CAL-link-expiration.htm>).

mod findings;

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// The encrypted link of one EHR connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextLink {
    /// As in the record at the EHR.
    pub cipher: Cipher,
    /// What is shared with the EHR; or `secret_file`.
    pub secret: Option<SecretString>,
    /// A file that holds it, and nothing else but a line's end.
    pub secret_file: Option<PathBuf>,
    /// How it becomes the key.
    pub key: KeyRule,
    /// Where the IV comes from.
    pub iv: IvRule,
    /// How the text was filled up.
    pub padding: Padding,
    /// How the ciphertext is written in the address.
    pub encoding: Encoding,
    /// What the record's text begins with, to the letter. Needed where the IV travels with the link.
    pub starts_with: Option<String>,
    /// The IANA name of the zone that times without one are meant in.
    pub time_zone: String,
    /// How a time is written (strftime). ISO 8601 is understood beside it.
    #[serde(default = "time_format")]
    pub time_format: String,
    /// A link is good for at most so long after its time; what it says itself can only be less.
    pub validity_minutes: u32,
    /// And so long before it.
    #[serde(default = "grace_minutes")]
    pub grace_minutes: u32,
    /// What the parameters are called.
    #[serde(default)]
    pub names: ContextNames,
    /// Who the person is, by the value of `names.kind`.
    pub kinds: ContextKinds,
}

fn time_format() -> String {
    "%m/%d/%Y %I:%M %p".to_owned()
}

fn grace_minutes() -> u32 {
    30
}

/// Both are AES in CBC mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Cipher {
    /// Epic since August 2018.
    #[serde(rename = "aes-128-cbc")]
    Aes128Cbc,
    /// Epic since August 2019.
    #[serde(rename = "aes-256-cbc")]
    Aes256Cbc,
}

impl Cipher {
    /// Bytes of its key.
    pub fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Cbc => 16,
            Self::Aes256Cbc => 32,
        }
    }
}

/// How the secret becomes the key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeyRule {
    /// Its characters are the key.
    Raw {},
    /// It is the key in hexadecimal digits.
    Hex {},
    /// It is the key in base64.
    Base64 {},
    /// The first bytes of its SHA-256.
    Sha256 {},
    /// Microsoft's `CryptDeriveKey` over its SHA-1.
    Sha1CryptDeriveKey {},
    /// PBKDF2 (RFC 8018).
    Pbkdf2 {
        /// Of the HMAC.
        digest: Digest,
        /// Its characters are the salt.
        salt: String,
        /// How often.
        rounds: std::num::NonZeroU32,
    },
}

/// PBKDF2's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Digest {
    /// .NET's `Rfc2898DeriveBytes` by default.
    Sha1,
    /// The usual one today.
    Sha256,
}

/// Where the IV comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum IvRule {
    /// Sixteen zeros.
    Zero {},
    /// Always the same.
    Fixed {
        /// 32 hexadecimal digits.
        hex: String,
    },
    /// The first sixteen bytes of the key.
    Key {},
    /// What PBKDF2 gives after the key.
    Derived {},
    /// The first block of the ciphertext.
    Prefix {},
    /// A parameter of its own, written as the ciphertext is.
    Parameter {
        /// What it is called.
        name: String,
    },
}

/// How the text was filled up to whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// RFC 5652, 6.3.
    Pkcs7,
    /// Zeros, perhaps none.
    Zero,
}

/// How bytes are written in the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Either alphabet, with or without `=`.
    Base64,
    /// Either case.
    Hex,
}

/// What the parameters are called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextNames {
    /// In the address: the ciphertext.
    pub query: String,
    /// The visit's number.
    pub appointment: String,
    /// Who opens the link.
    pub person: String,
    /// What kind of user that is.
    pub kind: String,
    /// Whose visit it is, where that is somebody else. No public page names one.
    pub patient: Option<String>,
    /// When the visit is.
    pub time: String,
    /// For how many minutes after it the link is good.
    pub validity: String,
    /// When the link was made, in seconds since 1970.
    pub issued: String,
}

impl Default for ContextNames {
    fn default() -> Self {
        let name = |name: &str| name.to_owned();
        Self {
            query: name("extData"),
            appointment: name("SessionID"),
            person: name("ExternalID"),
            kind: name("ExternalIDType"),
            patient: None,
            time: name("AppointmentTime"),
            validity: name("LinkValidityPeriod"),
            issued: name("Timestamp"),
        }
    }
}

/// Who the person is, by the value of `names.kind`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextKinds {
    /// Somebody with an account at the patients' portal: the patient, or whoever acts for them.
    pub patient: String,
    /// Somebody who always acts for another.
    pub proxy: Option<String>,
    /// A user of the EHR. They have a door of their own.
    pub practitioner: Option<String>,
}

/// What a parameter may be called, here and in a link.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(|it| it.is_ascii_alphanumeric() || "-_.".contains(it))
}

#[cfg(test)]
mod tests;
