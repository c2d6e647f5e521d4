//! The relay's keys. One master key wraps a data key per organization (in the database) and everything in the key store
//! (outside it; a directory): a key per day, the signing keys of Backend Services, the keys of Graph's notifications. A
//! visit's own key is wrapped under its organization's key and its day's key together, so destroying a day's key forgets
//! that day's visits for good, whatever backups of the database remain. Which certificate is used when is
//! `meeting/graph/certificate.rs`.

mod aead;
mod directory;
mod look;
pub mod one_time;
mod vault;
mod visit_key;

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use roomed_smart::keys::SigningKey;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::meeting::graph::Shelf;
use crate::store::{LookupKey, Store, StoreError, WrappedKey};

use aead::Secret;
use directory::Directory;
pub use look::Look;
use vault::Vault;
pub use visit_key::VisitKey;

/// Why something cannot be sealed or opened. Holds no key and no plaintext.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// `keys.master_key` or its file is not 64 hexadecimal digits.
    #[error("the master key must be 64 hexadecimal digits (openssl rand -hex 32)")]
    MasterKey,
    /// The master key does not open what it sealed: it was exchanged, or the data is another relay's.
    #[error("the master key does not open {0}; it is not the one this relay was set up with")]
    WrongMaster(&'static str),
    /// The organization is not configured.
    #[error("there is no key for this organization")]
    UnknownOrganization,
    /// The day's key has been destroyed: what it protected is gone, as intended.
    #[error("payload destroyed: the key of its day no longer exists")]
    Destroyed,
    /// Ciphertext and key do not belong together.
    #[error("sealed data does not open with its key")]
    Unopenable,
    /// The keys directory cannot be used.
    #[error("the keys directory cannot be used: {0}")]
    Directory(#[from] std::io::Error),
    /// The signing key is unusable.
    #[error(transparent)]
    Signing(#[from] roomed_smart::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where keys lie outside the database and its backups: a directory here; whatever several nodes share can stand behind
/// it. It is given sealed bytes only. A name is of `a-z0-9-`.
pub trait KeyStore: Send + Sync {
    /// What lies under a name.
    fn get(&self, name: &str) -> std::io::Result<Option<Vec<u8>>>;

    /// Keeps `sealed` under a name, durably, unless something lies there already.
    fn put_new(&self, name: &str, sealed: &[u8]) -> std::io::Result<()>;

    /// Destroys what lies under a name, as well as the medium can. Nothing there is no error.
    fn destroy(&self, name: &str) -> std::io::Result<()>;

    /// The names that begin so, in order.
    fn names(&self, prefix: &str) -> std::io::Result<Vec<String>>;
}

/// Every key the relay holds. `Debug` shows none.
pub struct Keys {
    organizations: HashMap<String, OrganizationKey>,
    vault: Vault,
    signing: Vec<Arc<SigningKey>>,
    random: Arc<dyn Random>,
}

struct OrganizationKey {
    data: Secret,
    lookup: hmac::Key,
    ledger: hmac::Key,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

impl Keys {
    /// Opens the keys of every configured organization and the keys directory; makes what is not there yet.
    ///
    /// # Errors
    /// [`KeyError::WrongMaster`] above all: going on with another master key would lose what the first one sealed.
    pub async fn open(
        config: &Config,
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        random: &Arc<dyn Random>,
    ) -> Result<Self, KeyError> {
        let master = master_key(config)?;
        let mut organizations = HashMap::new();
        for organization in &config.organizations {
            let key = organization_key(&master, store, random, &organization.key).await?;
            organizations.insert(organization.key.clone(), key);
        }
        let directory = Directory::open(config.keys.directory.clone(), Arc::clone(random))?;
        let vault = Vault::new(Box::new(directory), master, Arc::clone(random));
        let mut signing = Vec::new();
        for pem in vault.signing_keys()? {
            signing.push(Arc::new(SigningKey::from_pem(pem.expose_secret())?));
        }
        if signing.is_empty() {
            let pem = SigningKey::generate_pem()?;
            vault.keep_signing_key(&pem, clock.now())?;
            signing.push(Arc::new(SigningKey::from_pem(pem.expose_secret())?));
        }
        Ok(Self { organizations, vault, signing, random: Arc::clone(random) })
    }

    /// An HMAC of `parts` under the organization's look-up key. Parts cannot run into each other.
    pub fn lookup(&self, organization: &str, parts: &[&str]) -> Result<LookupKey, KeyError> {
        let key = self.organizations.get(organization).ok_or(KeyError::UnknownOrganization)?;
        Ok(LookupKey(keyed(&key.lookup, parts.iter().map(|it| it.as_bytes()))))
    }

    /// An HMAC of `parts` under the organization's ledger key: what the ledger has in place of identifiers and payloads.
    pub fn ledger(&self, organization: &str, parts: &[&[u8]]) -> Result<Vec<u8>, KeyError> {
        let key = self.organizations.get(organization).ok_or(KeyError::UnknownOrganization)?;
        Ok(keyed(&key.ledger, parts.iter().copied()))
    }

    /// A fresh key for a visit that begins to exist at `now`, and its wrapped form for the visit's row.
    pub fn new_visit_key(
        &self,
        organization: &str,
        visit: &str,
        now: Timestamp,
    ) -> Result<(VisitKey, WrappedKey), KeyError> {
        let day = now.to_zoned(TimeZone::UTC).date().to_string();
        let day_key = self.vault.day_or_new(&day)?;
        let wrapping = self.wrapping_key(organization, &day_key)?;
        let key = Secret::random(&*self.random);
        let bytes = wrapping.seal(&*self.random, wrap_context(visit, &day).as_bytes(), key.expose());
        Ok((VisitKey::new(key, Arc::clone(&self.random)), WrappedKey { day, bytes }))
    }

    /// The key of a stored visit.
    ///
    /// # Errors
    /// [`KeyError::Destroyed`] once its day's key is gone.
    pub fn open_visit_key(&self, organization: &str, visit: &str, wrapped: &WrappedKey) -> Result<VisitKey, KeyError> {
        let day = self.vault.day(&wrapped.day)?.ok_or(KeyError::Destroyed)?;
        let wrapping = self.wrapping_key(organization, &day)?;
        let key = wrapping.open(wrap_context(visit, &wrapped.day).as_bytes(), &wrapped.bytes)?;
        Ok(VisitKey::new(Secret::from_slice(&key).ok_or(KeyError::Unopenable)?, Arc::clone(&self.random)))
    }

    /// Destroys the key of a day (`YYYY-MM-DD`): every visit whose key it wrapped is unreadable from now on, in the
    /// database, its WAL and its backups. The caller has made sure that none of them is needed any more.
    pub fn destroy_day(&self, day: &str) -> Result<(), KeyError> {
        self.vault.destroy_day(day)
    }

    /// Days whose keys exist, oldest first.
    pub fn days(&self) -> Result<Vec<String>, KeyError> {
        self.vault.days()
    }

    /// The key Backend Services assertions are signed with.
    pub fn signing_key(&self) -> &Arc<SigningKey> {
        self.signing.first().expect("opening makes one where there is none")
    }

    /// The signing keys to publish, the current one first; the others are on their way out.
    pub fn signing_keys(&self) -> &[Arc<SigningKey>] {
        &self.signing
    }

    fn wrapping_key(&self, organization: &str, day: &Secret) -> Result<Secret, KeyError> {
        let organization = self.organizations.get(organization).ok_or(KeyError::UnknownOrganization)?;
        Ok(day.derive(organization.data.expose(), b"roomed visit key"))
    }
}

impl Shelf for Keys {
    fn ids(&self) -> Result<Vec<String>, KeyError> {
        self.vault.certificates()
    }

    fn get(&self, id: &str) -> Result<Option<Zeroizing<String>>, KeyError> {
        self.vault.certificate(id)
    }

    fn keep(&self, id: &str, pem: &str) -> Result<(), KeyError> {
        self.vault.keep_certificate(id, pem)
    }

    fn forget(&self, id: &str) -> Result<(), KeyError> {
        self.vault.forget_certificate(id)
    }
}

fn keyed<'a>(key: &hmac::Key, parts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&u64::try_from(part.len()).expect("a length fits 64 bits").to_be_bytes());
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

/// Binds a wrapped key to its visit and day: moved to another row it opens nothing.
fn wrap_context(visit: &str, day: &str) -> String {
    format!("visit-key/{day}/{visit}")
}

fn master_key(config: &Config) -> Result<Secret, KeyError> {
    let text: SecretString = match (&config.keys.master_key, &config.keys.master_key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(file)) => std::fs::read_to_string(file)?.into(),
        (None, None) => return Err(KeyError::MasterKey),
    };
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.expose_secret().trim(), &mut *bytes).map_err(|_| KeyError::MasterKey)?;
    Secret::from_slice(&*bytes).ok_or(KeyError::MasterKey)
}

async fn organization_key(
    master: &Secret,
    store: &Arc<dyn Store>,
    random: &Arc<dyn Random>,
    organization: &str,
) -> Result<OrganizationKey, KeyError> {
    let context = organization_context(organization);
    let wrapped = match store.organization_key(organization).await? {
        Some(wrapped) => wrapped,
        None => {
            let fresh = master.seal(&**random, context.as_bytes(), Secret::random(&**random).expose());
            store.keep_organization_key(organization, fresh).await?
        }
    };
    let data = organization_data(master, organization, &wrapped)?;
    let lookup = data.derive(b"", b"roomed lookup");
    let ledger = data.derive(b"", b"roomed ledger");
    Ok(OrganizationKey {
        lookup: hmac::Key::new(hmac::HMAC_SHA256, lookup.expose()),
        ledger: hmac::Key::new(hmac::HMAC_SHA256, ledger.expose()),
        data,
    })
}

fn organization_context(organization: &str) -> String {
    format!("organization-key/{organization}")
}

fn organization_data(master: &Secret, organization: &str, wrapped: &[u8]) -> Result<Secret, KeyError> {
    let wrong = |_| KeyError::WrongMaster("an organization's key");
    let data = master.open(organization_context(organization).as_bytes(), wrapped).map_err(wrong)?;
    Secret::from_slice(&data).ok_or(KeyError::Unopenable)
}

#[cfg(test)]
mod tests;
