//! What is kept in the key store: a key per day, the signing keys and the keys of Graph's notifications, each sealed under the master key with its own name
//! as context, so that no key can stand in for another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::aead::Secret;
use super::{KeyError, KeyStore};
use crate::clock::Random;

const SIGNING: &str = "signing-";
const DAY: &str = "day-";
const CERTIFICATE: &str = "graph-notifications-";
/// A name as context of what is sealed: the ending it has had as a file from the beginning.
const END: &str = ".key";

pub(super) struct Vault {
    store: Box<dyn KeyStore>,
    master: Secret,
    random: Arc<dyn Random>,
    days: Mutex<HashMap<String, Arc<Secret>>>,
}

impl Vault {
    pub(super) fn new(store: Box<dyn KeyStore>, master: Secret, random: Arc<dyn Random>) -> Self {
        Self { store, master, random, days: Mutex::default() }
    }

    /// The key of a day, if it exists (any more).
    pub(super) fn day(&self, day: &str) -> Result<Option<Arc<Secret>>, KeyError> {
        // The name comes out of a database row: it must not lead anywhere else.
        if day.parse::<jiff::civil::Date>().is_err() || day.contains(['/', '\\']) {
            return Err(KeyError::Unopenable);
        }
        if let Some(key) = self.held().get(day) {
            return Ok(Some(Arc::clone(key)));
        }
        let Some(bytes) = self.read(&format!("{DAY}{day}"))? else { return Ok(None) };
        let key = Arc::new(Secret::from_slice(&bytes).ok_or(KeyError::Unopenable)?);
        self.held().insert(day.to_owned(), Arc::clone(&key));
        Ok(Some(key))
    }

    /// The key of a day; made if the day has none yet.
    pub(super) fn day_or_new(&self, day: &str) -> Result<Arc<Secret>, KeyError> {
        if let Some(key) = self.day(day)? {
            return Ok(key);
        }
        self.keep(&format!("{DAY}{day}"), Secret::random(&*self.random).expose())?;
        // Another node may have been faster; what lies there now is the key.
        self.day(day)?.ok_or(KeyError::Destroyed)
    }

    pub(super) fn destroy_day(&self, day: &str) -> Result<(), KeyError> {
        self.held().remove(day);
        Ok(self.store.destroy(&format!("{DAY}{day}"))?)
    }

    /// Days whose keys exist, oldest first. What another node destroyed is forgotten here as well.
    pub(super) fn days(&self) -> Result<Vec<String>, KeyError> {
        let names = self.store.names(DAY)?;
        let days: Vec<String> = names.iter().filter_map(|it| it.strip_prefix(DAY)).map(str::to_owned).collect();
        self.held().retain(|day, _| days.contains(day));
        Ok(days)
    }

    /// The signing keys as PEM, the newest first.
    pub(super) fn signing_keys(&self) -> Result<Vec<SecretString>, KeyError> {
        let mut keys = Vec::new();
        for name in self.store.names(SIGNING)?.into_iter().rev() {
            let bytes = self.read(&name)?.ok_or(KeyError::Unopenable)?;
            let pem = std::str::from_utf8(&bytes).map_err(|_| KeyError::Unopenable)?;
            keys.push(SecretString::from(pem));
        }
        Ok(keys)
    }

    pub(super) fn keep_signing_key(&self, pem: &SecretString, now: Timestamp) -> Result<(), KeyError> {
        self.keep(&format!("{SIGNING}{:012}", now.as_second()), pem.expose_secret().as_bytes())
    }

    /// The ids of the certificates that Graph's notifications are sealed for.
    pub(super) fn certificates(&self) -> Result<Vec<String>, KeyError> {
        let names = self.store.names(CERTIFICATE)?;
        Ok(names.iter().filter_map(|it| it.strip_prefix(CERTIFICATE)).map(str::to_owned).collect())
    }

    pub(super) fn certificate(&self, id: &str) -> Result<Option<Zeroizing<String>>, KeyError> {
        let Some(bytes) = self.read(&format!("{CERTIFICATE}{id}"))? else { return Ok(None) };
        let pem = std::str::from_utf8(&bytes).map_err(|_| KeyError::Unopenable)?;
        Ok(Some(Zeroizing::new(pem.to_owned())))
    }

    pub(super) fn keep_certificate(&self, id: &str, pem: &str) -> Result<(), KeyError> {
        self.keep(&format!("{CERTIFICATE}{id}"), pem.as_bytes())
    }

    pub(super) fn forget_certificate(&self, id: &str) -> Result<(), KeyError> {
        Ok(self.store.destroy(&format!("{CERTIFICATE}{id}"))?)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, Arc<Secret>>> {
        self.days.lock().expect("nothing panics while holding the day keys")
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        let Some(sealed) = self.store.get(name)? else { return Ok(None) };
        let wrong = |_| KeyError::WrongMaster("a file of the keys directory");
        self.master.open(context(name).as_bytes(), &sealed).map(Some).map_err(wrong)
    }

    fn keep(&self, name: &str, plain: &[u8]) -> Result<(), KeyError> {
        Ok(self.store.put_new(name, &self.master.seal(&*self.random, context(name).as_bytes(), plain))?)
    }
}

fn context(name: &str) -> String {
    format!("{name}{END}")
}
