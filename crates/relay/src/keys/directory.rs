//! The keys directory: one file per key, each sealed under the master key and readable by the relay's user only.
//! A file is either whole or not there: it is written beside its place, flushed, and linked into it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::KeyError;
use super::aead::Secret;
use crate::clock::Random;

const SIGNING: &str = "signing-";
const DAY: &str = "day-";
const END: &str = ".key";

pub(super) struct Directory {
    path: PathBuf,
    master: Secret,
    random: Arc<dyn Random>,
    days: Mutex<HashMap<String, Arc<Secret>>>,
}

impl Directory {
    pub(super) fn open(path: PathBuf, master: Secret, random: Arc<dyn Random>) -> Result<Self, KeyError> {
        fs::create_dir_all(&path)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(Self { path, master, random, days: Mutex::default() })
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
        let Some(bytes) = self.read(&format!("{DAY}{day}{END}"))? else { return Ok(None) };
        let key = Arc::new(Secret::from_slice(&bytes).ok_or(KeyError::Unopenable)?);
        self.held().insert(day.to_owned(), Arc::clone(&key));
        Ok(Some(key))
    }

    /// The key of a day; made if the day has none yet.
    pub(super) fn day_or_new(&self, day: &str) -> Result<Arc<Secret>, KeyError> {
        if let Some(key) = self.day(day)? {
            return Ok(key);
        }
        self.write(&format!("{DAY}{day}{END}"), Secret::random(&*self.random).expose())?;
        // Another process may have been faster; what lies there now is the key.
        self.day(day)?.ok_or(KeyError::Destroyed)
    }

    pub(super) fn destroy_day(&self, day: &str) -> Result<(), KeyError> {
        self.held().remove(day);
        let path = self.path.join(format!("{DAY}{day}{END}"));
        // Overwriting first costs nothing, and helps on disks that write in place.
        match OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => {
                let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
                file.write_all(&vec![0; length])?;
                file.sync_all()?;
                fs::remove_file(&path)?;
                self.flush()
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Days whose keys exist, oldest first.
    pub(super) fn days(&self) -> Result<Vec<String>, KeyError> {
        self.names(DAY)
    }

    /// The signing keys as PEM, the newest first.
    pub(super) fn signing_keys(&self) -> Result<Vec<SecretString>, KeyError> {
        let mut keys = Vec::new();
        for name in self.names(SIGNING)?.into_iter().rev() {
            let bytes = self.read(&format!("{SIGNING}{name}{END}"))?.ok_or(KeyError::Unopenable)?;
            let pem = std::str::from_utf8(&bytes).map_err(|_| KeyError::Unopenable)?;
            keys.push(SecretString::from(pem));
        }
        Ok(keys)
    }

    pub(super) fn keep_signing_key(&self, pem: &SecretString, now: Timestamp) -> Result<(), KeyError> {
        let name = format!("{SIGNING}{:012}{END}", now.as_second());
        self.write(&name, pem.expose_secret().as_bytes())
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Secret>>> {
        self.days.lock().expect("nothing panics while holding the day keys")
    }

    /// What stands between `prefix` and the ending, in order.
    fn names(&self, prefix: &str) -> Result<Vec<String>, KeyError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_prefix(prefix).and_then(|it| it.strip_suffix(END)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
        let sealed = match fs::read(self.path.join(name)) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let wrong = |_| KeyError::WrongMaster("a file of the keys directory");
        self.master.open(name.as_bytes(), &sealed).map(Some).map_err(wrong)
    }

    fn write(&self, name: &str, plain: &[u8]) -> Result<(), KeyError> {
        let sealed = self.master.seal(&*self.random, name.as_bytes(), plain);
        let beside = self.path.join(format!(".{name}.{}", self.random.id()));
        let mut file = new_file(&beside)?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        // A link does not replace what is there, as a rename would.
        let linked = fs::hard_link(&beside, self.path.join(name));
        fs::remove_file(&beside)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
            _ => self.flush(),
        }
    }

    /// Makes a change of the directory itself durable.
    fn flush(&self) -> Result<(), KeyError> {
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

fn new_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
