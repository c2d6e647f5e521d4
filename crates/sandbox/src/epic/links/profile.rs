//! How one hospital's links are made: what the switch takes, and what of it cannot be.

use super::cipher::{self, BLOCK};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

/// The switch's body, without the hospital.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    /// 128 or 256.
    key_bits: usize,
    secret: String,
    derivation: Derivation,
    #[serde(default)]
    salt: String,
    #[serde(default = "one")]
    rounds: u32,
    iv: Iv,
    #[serde(default)]
    fixed_iv: String,
    padding: Padding,
    writing: Writing,
    zone: String,
    /// strftime.
    #[serde(default = "usual_time")]
    time: String,
    pub(super) validity_minutes: u32,
    /// What the record's text begins with.
    #[serde(default)]
    pub(super) begins_with: String,
    #[serde(default)]
    pub(super) leading_spaces: bool,
    #[serde(default)]
    pub(super) plus_for_space: bool,
    #[serde(default)]
    pub(super) bare_plus: bool,
}

fn one() -> u32 {
    1
}

fn usual_time() -> String {
    "%m/%d/%Y %I:%M %p".to_owned()
}

/// How the secret becomes the key.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Derivation {
    Text,
    Hex,
    Base64,
    Sha256,
    CryptDeriveKey,
    Pbkdf2Sha1,
    Pbkdf2Sha256,
}

/// Where the IV comes from, and whether it travels.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Iv {
    Zero,
    Fixed,
    OfKey,
    AfterKey,
    InFront,
    Beside,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Padding {
    Pkcs7,
    Zeros,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Writing {
    Base64,
    Hex,
}

/// An encrypted text as it stands in the address.
pub(super) struct Sealed {
    pub(super) data: String,
    /// A parameter of its own.
    pub(super) iv: Option<String>,
}

impl Profile {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        TimeZone::get(&self.zone).map_err(|_| "no such time zone")?;
        self.seal(b"SessionID=1", [0; BLOCK]).map(drop)
    }

    /// A moment as the hospital's clocks show it.
    pub(super) fn local(&self, at: Timestamp) -> String {
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        at.to_zoned(zone).strftime(&self.time).to_string()
    }

    pub(super) fn seal(&self, text: &[u8], fresh: [u8; BLOCK]) -> Result<Sealed, &'static str> {
        let (key, after) = self.key()?;
        let iv = match self.iv {
            Iv::Zero => [0; BLOCK],
            Iv::Fixed => block(&hex::decode(&self.fixed_iv).map_err(|_| "fixed_iv is not hexadecimal")?)?,
            Iv::OfKey => block(&key[..BLOCK])?,
            Iv::AfterKey => block(&after)?,
            Iv::InFront | Iv::Beside => fresh,
        };
        let mut bytes = text.to_vec();
        match self.padding {
            Padding::Pkcs7 => {
                let more = BLOCK - bytes.len() % BLOCK;
                bytes.resize(bytes.len() + more, u8::try_from(more).unwrap_or_default());
            }
            Padding::Zeros => bytes.resize(bytes.len().next_multiple_of(BLOCK), 0),
        }
        cipher::encrypt(&key, iv, &mut bytes)?;
        if self.iv == Iv::InFront {
            bytes.splice(..0, iv);
        }
        Ok(Sealed { data: self.write(&bytes), iv: (self.iv == Iv::Beside).then(|| self.write(&iv)) })
    }

    fn write(&self, bytes: &[u8]) -> String {
        match self.writing {
            Writing::Base64 => BASE64_STANDARD.encode(bytes),
            Writing::Hex => hex::encode_upper(bytes),
        }
    }

    /// The key, and what the derivation gives after it.
    fn key(&self) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
        let size = self.key_bits / 8;
        let secret = self.secret.as_bytes();
        let mut key = match self.derivation {
            Derivation::Text => secret.to_vec(),
            Derivation::Hex => hex::decode(secret).map_err(|_| "the secret is not hexadecimal")?,
            Derivation::Base64 => BASE64_STANDARD.decode(secret).map_err(|_| "the secret is not base64")?,
            Derivation::Sha256 => cipher::sha256(secret),
            Derivation::CryptDeriveKey => cipher::crypt_derive_key(secret),
            Derivation::Pbkdf2Sha1 => cipher::pbkdf2_sha1(secret, self.salt.as_bytes(), self.rounds),
            Derivation::Pbkdf2Sha256 => cipher::pbkdf2_sha256(secret, self.salt.as_bytes(), self.rounds),
        };
        if matches!(self.derivation, Derivation::Text | Derivation::Hex | Derivation::Base64) && key.len() != size {
            return Err("the secret has not the length of the key");
        }
        if key.len() < size {
            return Err("the derivation gives too little for this key");
        }
        let after = key.split_off(size);
        Ok((key, after.get(..BLOCK).map(<[u8]>::to_vec).unwrap_or_default()))
    }
}

fn block(bytes: &[u8]) -> Result<[u8; BLOCK], &'static str> {
    bytes.try_into().map_err(|_| "there is no IV of 16 bytes")
}
