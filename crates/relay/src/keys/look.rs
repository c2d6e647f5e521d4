//! The keys as the doctor sees them, beside a relay that runs: read, and nothing made, kept or destroyed.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use roomed_smart::keys::SigningKey;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::aead::Secret;
use super::directory::Directory;
use super::vault::Vault;
use super::{KeyError, master_key, organization_data};
use crate::clock::Random;
use crate::config::Config;
use crate::meeting::graph::Shelf;

/// What lies there. `Debug` shows none of it.
pub struct Look {
    master: Secret,
    vault: Vault,
    signing: Vec<Arc<SigningKey>>,
}

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Look([redacted])")
    }
}

impl Look {
    /// Opens what is there.
    ///
    /// # Errors
    /// As [`Keys::open`](super::Keys::open). A directory that is not there yet is none: it is empty.
    pub fn open(config: &Config, random: &Arc<dyn Random>) -> Result<Self, KeyError> {
        // A file that is not there is as bad as one that holds no key.
        let read = || master_key(config).map_err(|_| KeyError::MasterKey);
        let (master, same) = (read()?, read()?);
        let directory = Directory::there(config.keys.directory.clone(), Arc::clone(random));
        let vault = Vault::new(Box::new(directory), same, Arc::clone(random));
        let mut signing = Vec::new();
        for pem in none_there(vault.signing_keys())? {
            signing.push(Arc::new(SigningKey::from_pem(pem.expose_secret())?));
        }
        Ok(Self { master, vault, signing })
    }

    /// The signing keys, the current one first. None before the relay's first start.
    pub fn signing_keys(&self) -> &[Arc<SigningKey>] {
        &self.signing
    }

    /// Whether the master key opens an organization's key as the database has it.
    pub fn opens(&self, organization: &str, wrapped: &[u8]) -> bool {
        organization_data(&self.master, organization, wrapped).is_ok()
    }
}

impl Shelf for Look {
    fn ids(&self) -> Result<Vec<String>, KeyError> {
        none_there(self.vault.certificates())
    }

    fn get(&self, id: &str) -> Result<Option<Zeroizing<String>>, KeyError> {
        self.vault.certificate(id)
    }

    fn keep(&self, _id: &str, _pem: &str) -> Result<(), KeyError> {
        Err(Error::from(ErrorKind::ReadOnlyFilesystem).into())
    }

    fn forget(&self, _id: &str) -> Result<(), KeyError> {
        Err(Error::from(ErrorKind::ReadOnlyFilesystem).into())
    }
}

fn none_there<T>(found: Result<Vec<T>, KeyError>) -> Result<Vec<T>, KeyError> {
    match found {
        Err(KeyError::Directory(error)) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}
