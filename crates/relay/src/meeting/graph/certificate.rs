//! The RSA keys that notifications are sealed for: self-signed certificates in the keys directory, one file each.
//! Rotation overlaps: a subscription keeps the certificate it was made with, so old keys stay readable.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};
use x509_cert::der::{Decode as _, DecodePem as _, Encode as _};
use zeroize::Zeroizing;

use crate::clock::Clock;

const PREFIX: &str = "graph-notifications-";
/// A new certificate is made when the newest is this old.
const ROTATE_AFTER: SignedDuration = SignedDuration::from_hours(24 * 180);
/// An old one is forgotten this long after its successor came: watches live three days and are renewed for as long
/// as a visit is open, deliveries are retried for four hours.
const READABLE_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);
const VALID_DAYS: i64 = 730;

/// The certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The directory or a file in it cannot be read or written.
    #[error("the keys directory cannot be used: {0}")]
    Io(#[from] io::Error),
    /// A file does not hold a certificate and its RSA key.
    #[error("{0} in the keys directory does not hold a notification certificate and its key")]
    Unreadable(String),
    /// No key can be made.
    #[error("a notification certificate could not be made")]
    Making,
}

/// One certificate, without its key.
#[derive(Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `encryptionCertificateId`: the head of the certificate's SHA-256, in hex.
    pub id: String,
    /// Base64 DER, public part only.
    pub public_base64: String,
    /// When it was made.
    pub made: Timestamp,
}

struct Held {
    certificate: Arc<Certificate>,
    key: Arc<OaepPrivateDecryptingKey>,
    file: PathBuf,
}

/// All readable certificates; new subscriptions get the newest.
pub struct Certificates {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    held: RwLock<HashMap<String, Held>>,
}

impl Certificates {
    /// Reads the directory (made if missing) and makes the first certificate. Blocks: some 100 ms for a key.
    pub fn open(directory: &Path, clock: Arc<dyn Clock>) -> Result<Self, CertificateError> {
        std::fs::create_dir_all(directory)?;
        let mut held = HashMap::new();
        for entry in std::fs::read_dir(directory)? {
            let file = entry?.path();
            let name = file.file_name().and_then(|it| it.to_str()).unwrap_or_default().to_owned();
            if name.starts_with(PREFIX) && name.ends_with(".pem") {
                let pem = Zeroizing::new(std::fs::read_to_string(&file)?);
                let it = read(&pem, file).ok_or(CertificateError::Unreadable(name))?;
                held.insert(it.certificate.id.clone(), it);
            }
        }
        let it = Self { directory: directory.to_owned(), clock, held: RwLock::new(held) };
        if it.newest().is_none() {
            it.rotate()?;
        }
        Ok(it)
    }

    /// What new subscriptions get.
    pub fn current(&self) -> Arc<Certificate> {
        self.newest().expect("open() made one, and retiring leaves the newest")
    }

    /// The key of a certificate, also of an old one.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<OaepPrivateDecryptingKey>> {
        self.held.read().expect("no panic happens under this lock").get(id).map(|it| Arc::clone(&it.key))
    }

    /// Makes a new certificate when the newest is half a year old, and forgets those long replaced. Call it daily.
    pub fn tend(&self) -> Result<(), CertificateError> {
        let now = self.clock.now();
        if now.duration_since(self.current().made) >= ROTATE_AFTER {
            self.rotate()?;
        }
        let newest = self.current();
        if now.duration_since(newest.made) < READABLE_FOR {
            return Ok(());
        }
        let mut held = self.held.write().expect("no panic happens under this lock");
        let old: Vec<_> = held.keys().filter(|it| **it != newest.id).cloned().collect();
        for id in old {
            if let Some(it) = held.remove(&id) {
                std::fs::remove_file(it.file)?;
            }
        }
        Ok(())
    }

    /// Makes a certificate now; the others stay readable.
    pub fn rotate(&self) -> Result<Arc<Certificate>, CertificateError> {
        let pem = make(self.clock.now()).ok_or(CertificateError::Making)?;
        let mut it = read(&pem, PathBuf::new()).ok_or(CertificateError::Making)?;
        it.file = self.directory.join(format!("{PREFIX}{}.pem", it.certificate.id));
        keep(&it.file, &pem)?;
        let certificate = Arc::clone(&it.certificate);
        self.held.write().expect("no panic happens under this lock").insert(certificate.id.clone(), it);
        Ok(certificate)
    }

    fn newest(&self) -> Option<Arc<Certificate>> {
        let held = self.held.read().expect("no panic happens under this lock");
        // The id breaks a tie between two nodes' first certificates, so that all nodes choose alike
        held.values().map(|it| &it.certificate).max_by_key(|it| (it.made, it.id.clone())).cloned()
    }
}

/// Certificate and PKCS#8 key as PEM. Graph asks for RSA of 2048 bits or more and checks neither issuer nor end.
fn make(now: Timestamp) -> Option<Zeroizing<String>> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).ok()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Roomed notification encryption");
    let at = |second: i64| {
        let date = Timestamp::from_second(second).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
        let midnight = date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs());
        let rest = second.rem_euclid(86_400).unsigned_abs();
        Some(midnight + std::time::Duration::from_secs(rest))
    };
    params.not_before = at(now.as_second())?;
    params.not_after = at(now.as_second() + VALID_DAYS * 86_400)?;
    let certificate = params.self_signed(&key).ok()?;
    let key = Zeroizing::new(key.serialize_pem());
    Some(Zeroizing::new(format!("{}{}", certificate.pem(), *key)))
}

fn read(pem: &str, file: PathBuf) -> Option<Held> {
    let split = pem.find("-----BEGIN PRIVATE KEY-----")?;
    let parsed = x509_cert::Certificate::from_pem(&pem[..split]).ok()?;
    let der = parsed.to_der().ok()?;
    let key = KeyPair::from_pem(&pem[split..]).ok()?;
    let private = PrivateDecryptingKey::from_pkcs8(key.serialized_der()).ok()?;
    // A key that is not the certificate's would fail at the first notification, in silence
    let spki = parsed.tbs_certificate().subject_public_key_info().to_der().ok()?;
    if x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(&key_spki(&private)?).ok()?.to_der().ok()? != spki {
        return None;
    }
    let made = parsed.tbs_certificate().validity().not_before.to_unix_duration().as_secs();
    let id = hex::encode(&digest::digest(&digest::SHA256, &der).as_ref()[..16]);
    let made = Timestamp::from_second(i64::try_from(made).ok()?).ok()?;
    Some(Held {
        certificate: Arc::new(Certificate { id, public_base64: STANDARD.encode(&der), made }),
        key: Arc::new(OaepPrivateDecryptingKey::new(private).ok()?),
        file,
    })
}

fn key_spki(key: &PrivateDecryptingKey) -> Option<Vec<u8>> {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().ok()?;
    Some(der.as_ref().to_vec())
}

/// Whole or not at all, readable by the relay alone.
fn keep(file: &Path, pem: &str) -> io::Result<()> {
    let partial = file.with_extension("partial");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&partial)?;
    out.write_all(pem.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(&partial, file)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn certificates_survive_a_restart_and_rotate_with_overlap() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_007).unwrap()));
        let first = Certificates::open(directory.path(), clock.clone()).unwrap().current();
        assert_eq!(first.made, clock.now());

        let it = Certificates::open(directory.path(), clock.clone()).unwrap();
        assert_eq!(it.current(), first);
        it.tend().unwrap();
        assert_eq!(it.current(), first);

        clock.advance(ROTATE_AFTER);
        it.tend().unwrap();
        let second = it.current();
        assert_ne!(second.id, first.id);
        assert!(it.key(&first.id).is_some(), "old notifications stay readable");
        assert!(Certificates::open(directory.path(), clock.clone()).unwrap().key(&first.id).is_some());

        clock.advance(READABLE_FOR);
        it.tend().unwrap();
        assert!(it.key(&first.id).is_none());
        assert_eq!(Certificates::open(directory.path(), clock).unwrap().current(), second);
    }

    #[test]
    fn a_damaged_file_stops_the_start() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(format!("{PREFIX}x.pem")), "nothing").unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        assert!(matches!(Certificates::open(directory.path(), clock), Err(CertificateError::Unreadable(_))));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        Certificates::open(directory.path(), clock).unwrap();
        let file = std::fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
