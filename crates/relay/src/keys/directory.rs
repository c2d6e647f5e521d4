//! The key store in a directory: one file per key, readable by the relay's user only. A file is either whole or not there:
//! it is written beside its place, flushed, and linked into it; so several nodes may share one directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::KeyStore;
use crate::clock::Random;

const END: &str = ".key";

pub(super) struct Directory {
    path: PathBuf,
    random: Arc<dyn Random>,
}

impl Directory {
    pub(super) fn open(path: PathBuf, random: Arc<dyn Random>) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(Self { path, random })
    }

    /// What is there, as it is: makes nothing.
    pub(super) fn there(path: PathBuf, random: Arc<dyn Random>) -> Self {
        Self { path, random }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}{END}"))
    }

    /// Makes a change of the directory itself durable.
    fn flush(&self) -> io::Result<()> {
        #[cfg(unix)]
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

impl KeyStore for Directory {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.file(name)) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put_new(&self, name: &str, sealed: &[u8]) -> io::Result<()> {
        let beside = self.path.join(format!(".{name}.{}", self.random.id()));
        let mut file = new_file(&beside)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        // A link does not replace what is there, as a rename would.
        let linked = fs::hard_link(&beside, self.file(name));
        fs::remove_file(&beside)?;
        match linked {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => self.flush(),
        }
    }

    fn destroy(&self, name: &str) -> io::Result<()> {
        // Overwriting first costs nothing, and helps on disks that write in place.
        let overwritten = OpenOptions::new().write(true).open(self.file(name)).and_then(|mut file| {
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
            file.write_all(&vec![0; length])?;
            file.sync_all()
        });
        match overwritten.and_then(|()| fs::remove_file(self.file(name))) {
            // Another node was faster.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.flush(),
        }
    }

    fn names(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            names.extend(name.strip_suffix(END).filter(|it| it.starts_with(prefix)).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }
}

fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
