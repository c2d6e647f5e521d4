//! A disk that goes bad on command: `fsync.c`, compiled when it is needed and laid over the node's calls with LD_PRELOAD;
//! and a small file system in memory that is really full.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::process::Command;

use super::door::Conditions;

const SOURCE: &str = include_str!("fsync.c");
/// Enough for the database of an episode, and filled within a moment.
const SIZE: &str = "size=64m";

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disk {
    /// Nothing.
    Well,
    /// fsync answers EIO.
    SyncFails,
    /// Writes answer ENOSPC.
    Full,
    /// Writes answer EROFS.
    ReadOnly,
    /// fsync takes 700 ms.
    Slow,
}

impl Disk {
    fn letter(self) -> &'static str {
        match self {
            Self::Well => "w",
            Self::SyncFails => "f",
            Self::Full => "n",
            Self::ReadOnly => "r",
            Self::Slow => "s",
        }
    }
}

/// The shim, and its switch.
pub(super) struct Shim {
    library: PathBuf,
    switch: PathBuf,
    folder: PathBuf,
}

impl Shim {
    /// Compiles it. `folder` is where the database lies.
    pub(super) async fn make(directory: &Path, folder: &Path) -> anyhow::Result<Self> {
        let (source, library) = (directory.join("fsync.c"), directory.join("fsync.so"));
        std::fs::write(&source, SOURCE)?;
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ldl")
            .output()
            .await
            .context("there is no C compiler: run `cargo xtask setup`")?;
        let said = String::from_utf8_lossy(&compiled.stderr);
        anyhow::ensure!(compiled.status.success(), "the shim does not compile: {said}");
        let it = Self { library, switch: directory.join("disk"), folder: folder.canonicalize()? };
        it.is(Disk::Well)?;
        Ok(it)
    }

    /// From now on, for every node that was started with it.
    pub(super) fn is(&self, disk: Disk) -> anyhow::Result<()> {
        use std::os::unix::fs::FileExt;

        // Written in place: nodes look at this very file.
        let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&self.switch)?;
        Ok(file.write_all_at(disk.letter().as_bytes(), 0)?)
    }

    /// What a node has to be started with.
    pub(super) fn conditions(&self) -> Conditions {
        let pair = |name: &str, value: &Path| (OsString::from(name), value.as_os_str().to_owned());
        Conditions {
            environment: vec![
                pair("LD_PRELOAD", &self.library),
                pair("CHAOS_DISK_SWITCH", &self.switch),
                pair("CHAOS_DISK_FOLDER", &self.folder),
            ],
        }
    }
}

/// A file system in memory of its own. Dropping it unmounts it.
pub(super) struct Small {
    folder: PathBuf,
}

impl Small {
    /// Mounts one. That takes root, and a proof that skipped it in silence would be none.
    pub(super) async fn mount(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder).output().await?;
        let said = String::from_utf8_lossy(&mounted.stderr);
        anyhow::ensure!(mounted.status.success(), "a small file system cannot be mounted (it takes root): {said}");
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes until there is no room left.
    pub(super) fn fill(&self) -> anyhow::Result<()> {
        use std::io::Write;

        let mut filler = std::fs::File::create(self.folder.join("filler"))?;
        for size in [1024 * 1024, 4096] {
            let part = vec![0_u8; size];
            while filler.write_all(&part).is_ok() {}
        }
        Ok(())
    }

    /// Makes room again.
    pub(super) fn empty(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.folder.join("filler"))?)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a node that has not been buried yet may still hold a file.
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
