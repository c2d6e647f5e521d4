//! The RSA keys that notifications are sealed for: self-signed certificates, kept sealed outside the database. Rotation
//! overlaps: a subscription keeps the certificate it was made with, so old keys stay readable, at every node.

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::digest;
use aws_lc_rs::rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};
use x509_cert::der::{Decode as _, DecodePem as _, Encode as _};
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::keys::KeyError;

/// A new certificate is made when the newest is this old.
const ROTATE_AFTER: SignedDuration = SignedDuration::from_hours(24 * 180);
/// An old one is forgotten this long after its successor came: watches live three days and are renewed for as long
/// as a visit is open, deliveries are retried for four hours.
const READABLE_FOR: SignedDuration = SignedDuration::from_hours(24 * 60);
const VALID_DAYS: i64 = 730;

/// The certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// They cannot be read or kept.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// What lies there is not a certificate and its RSA key.
    #[error("{0} in the keys directory does not hold a notification certificate and its key")]
    Unreadable(String),
    /// No key can be made.
    #[error("a notification certificate could not be made")]
    Making,
}

/// Where certificates lie with their keys, for all nodes: whatever keeps them seals them. An id is of `0-9a-f`.
pub trait Shelf: Send + Sync {
    /// The ids of all.
    fn ids(&self) -> Result<Vec<String>, KeyError>;

    /// Certificate and key as PEM.
    fn get(&self, id: &str) -> Result<Option<Zeroizing<String>>, KeyError>;

    /// Keeps them.
    fn keep(&self, id: &str, pem: &str) -> Result<(), KeyError>;

    /// Destroys them. Nothing there is no error.
    fn forget(&self, id: &str) -> Result<(), KeyError>;
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
    /// When it ends.
    pub ends: Timestamp,
}

#[derive(Clone)]
struct Held {
    certificate: Arc<Certificate>,
    key: Arc<OaepPrivateDecryptingKey>,
}

/// All readable certificates; new subscriptions get the newest.
pub struct Certificates {
    shelf: Arc<dyn Shelf>,
    clock: Arc<dyn Clock>,
    held: RwLock<HashMap<String, Held>>,
}

impl Certificates {
    /// Reads what is there and makes the first certificate. Blocks: some 100 ms for a key.
    pub fn open(shelf: Arc<dyn Shelf>, clock: Arc<dyn Clock>) -> Result<Self, CertificateError> {
        let it = Self { shelf, clock, held: RwLock::default() };
        it.look()?;
        if it.newest().is_none() {
            it.rotate()?;
        }
        Ok(it)
    }

    /// What new subscriptions get.
    pub fn current(&self) -> Arc<Certificate> {
        self.newest().expect("open() made one, and retiring leaves the newest")
    }

    /// The key of a certificate: also of an old one, and of one that another node has made meanwhile.
    pub(crate) fn key(&self, id: &str) -> Option<Arc<OaepPrivateDecryptingKey>> {
        let known = self.read().get(id).map(|it| Arc::clone(&it.key));
        let found = || match self.find(id) {
            Ok(found) => found.map(|it| it.key),
            Err(error) => {
                tracing::error!(%error, "a notification's key cannot be read");
                None
            }
        };
        known.or_else(found)
    }

    /// Makes a new certificate when the newest is half a year old, and forgets those long replaced. Blocks, as
    /// [`open`](Self::open).
    pub fn tend(&self) -> Result<(), CertificateError> {
        self.look()?;
        let now = self.clock.now();
        if now.duration_since(self.current().made) >= ROTATE_AFTER {
            self.rotate()?;
        }
        let newest = self.current();
        if now.duration_since(newest.made) < READABLE_FOR {
            return Ok(());
        }
        let old: Vec<_> = self.read().keys().filter(|it| **it != newest.id).cloned().collect();
        for id in old {
            self.write().remove(&id);
            self.shelf.forget(&id)?;
        }
        Ok(())
    }

    /// Makes a certificate now; the others stay readable.
    pub fn rotate(&self) -> Result<Arc<Certificate>, CertificateError> {
        let pem = make(self.clock.now()).ok_or(CertificateError::Making)?;
        let made = read(&pem).ok_or(CertificateError::Making)?;
        self.shelf.keep(&made.certificate.id, &pem)?;
        let certificate = Arc::clone(&made.certificate);
        self.write().insert(certificate.id.clone(), made);
        Ok(certificate)
    }

    /// Learns what other nodes have made.
    fn look(&self) -> Result<(), CertificateError> {
        for id in self.shelf.ids()? {
            if !self.read().contains_key(&id) {
                self.find(&id)?;
            }
        }
        Ok(())
    }

    fn find(&self, id: &str) -> Result<Option<Held>, CertificateError> {
        if id.is_empty() || !id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(None);
        }
        let Some(pem) = self.shelf.get(id)? else { return Ok(None) };
        let found = read(&pem).filter(|it| it.certificate.id == id);
        let found = found.ok_or_else(|| CertificateError::Unreadable(id.to_owned()))?;
        self.write().insert(id.to_owned(), found.clone());
        Ok(Some(found))
    }

    fn newest(&self) -> Option<Arc<Certificate>> {
        // The id breaks a tie between two nodes' first certificates, so that all nodes choose alike
        self.read().values().map(|it| &it.certificate).max_by_key(|it| (it.made, it.id.clone())).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Held>> {
        self.held.read().expect("no panic happens under this lock")
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Held>> {
        self.held.write().expect("no panic happens under this lock")
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

fn read(pem: &str) -> Option<Held> {
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
    let made = at(parsed.tbs_certificate().validity().not_before)?;
    let ends = at(parsed.tbs_certificate().validity().not_after)?;
    let id = hex::encode(&digest::digest(&digest::SHA256, &der).as_ref()[..16]);
    Some(Held {
        certificate: Arc::new(Certificate { id, public_base64: STANDARD.encode(&der), made, ends }),
        key: Arc::new(OaepPrivateDecryptingKey::new(private).ok()?),
    })
}

/// When a certificate of whatever kind ends; `der` is one.
pub(crate) fn end_of(der: &[u8]) -> Option<Timestamp> {
    at(x509_cert::Certificate::from_der(der).ok()?.tbs_certificate().validity().not_after)
}

fn at(time: x509_cert::time::Time) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
}

fn key_spki(key: &PrivateDecryptingKey) -> Option<Vec<u8>> {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    let der: PublicKeyX509Der<'_> = key.public_key().as_der().ok()?;
    Some(der.as_ref().to_vec())
}

/// What lies on no disk.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Paper(std::sync::Mutex<std::collections::BTreeMap<String, String>>);

#[cfg(test)]
impl Shelf for Paper {
    fn ids(&self) -> Result<Vec<String>, KeyError> {
        Ok(self.0.lock().expect("a test may panic").keys().cloned().collect())
    }

    fn get(&self, id: &str) -> Result<Option<Zeroizing<String>>, KeyError> {
        Ok(self.0.lock().expect("a test may panic").get(id).cloned().map(Zeroizing::new))
    }

    fn keep(&self, id: &str, pem: &str) -> Result<(), KeyError> {
        self.0.lock().expect("a test may panic").insert(id.to_owned(), pem.to_owned());
        Ok(())
    }

    fn forget(&self, id: &str) -> Result<(), KeyError> {
        self.0.lock().expect("a test may panic").remove(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn certificates_survive_a_restart_and_rotate_with_overlap() {
        let shelf = Arc::new(Paper::default());
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_007).unwrap()));
        let node = || Certificates::open(shelf.clone(), clock.clone()).unwrap();
        let first = node().current();
        assert_eq!(first.made, clock.now());

        let (it, other, late) = (node(), node(), node());
        assert_eq!((it.current(), other.current()), (first.clone(), first.clone()));
        it.tend().unwrap();
        assert_eq!(it.current(), first);

        clock.advance(ROTATE_AFTER);
        it.tend().unwrap();
        let second = it.current();
        assert_ne!(second.id, first.id);
        assert!(it.key(&first.id).is_some(), "old notifications stay readable");
        assert!(node().key(&first.id).is_some());
        assert_eq!(other.current(), first, "it has not looked yet");
        assert!(other.key(&second.id).is_some(), "a notification for a node's new certificate may reach another");
        other.tend().unwrap();
        assert_eq!(other.current(), second);
        late.tend().unwrap();
        assert_eq!(late.current(), second, "all nodes rotate once, also one that has heard nothing of it");

        clock.advance(READABLE_FOR);
        it.tend().unwrap();
        assert!(it.key(&first.id).is_none());
        assert_eq!(node().current(), second);
    }

    #[test]
    fn what_is_no_certificate_stops_the_start_and_no_id_leads_elsewhere() {
        let shelf = Arc::new(Paper::default());
        shelf.keep("ab", "nothing").unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let opened = Certificates::open(shelf.clone(), clock.clone());
        assert!(matches!(opened, Err(CertificateError::Unreadable(_))));
        shelf.forget("ab").unwrap();
        let it = Certificates::open(shelf.clone(), clock).unwrap();
        shelf.keep("../x", &shelf.get(&it.current().id).unwrap().unwrap()).unwrap();
        assert!(it.key("../x").is_none());
    }
}
