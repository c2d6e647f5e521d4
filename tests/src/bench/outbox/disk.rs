//! The disk that makes a commit durable, by itself: what forcing 4 KiB to it costs, where a log is overwritten in place as
//! both databases do with theirs. A disk that forces nothing would make every figure here mean nothing.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::super::report::median;
use crate::clock::Stopwatch;

const PAGE: [u8; 4096] = [b'd'; 4096];
const PAGES: u64 = 256;
const FORCED: u64 = 64;

/// A file on the disk.
pub(super) struct Disk {
    folder: PathBuf,
    /// Of the file system.
    kind: String,
    file: File,
}

impl Disk {
    /// The disk on which `folder` lies. Refuses one that is memory, if the figures are `meant`.
    pub(super) fn of(folder: PathBuf, meant: bool) -> anyhow::Result<Self> {
        let kind = kind(&folder)?;
        let memory = ["tmpfs", "ramfs", "devtmpfs"].contains(&kind.as_str());
        ensure!(
            !(meant && memory),
            "{} lies in memory ({kind}), where a commit costs nothing: build, and set TMPDIR, on a disk",
            folder.display()
        );
        let path = folder.join("forced");
        let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        for page in 0..PAGES {
            file.write_all_at(&PAGE, page * PAGE.len() as u64)?;
        }
        file.sync_all()?;
        Ok(Self { folder, kind, file })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// The median in microseconds.
    pub(super) fn forced_us(&self) -> anyhow::Result<f64> {
        let mut took = Vec::new();
        for page in 0..FORCED {
            let began = Stopwatch::start();
            self.file.write_all_at(&PAGE, page * PAGE.len() as u64)?;
            // fdatasync
            self.file.sync_data()?;
            took.push(began.elapsed().as_secs_f64() * 1e6);
        }
        median(&took).context("nothing was measured")
    }
}

/// The kind of the file system on which `folder` lies.
fn kind(folder: &Path) -> anyhow::Result<String> {
    let folder = folder.canonicalize().with_context(|| format!("{} is not there", folder.display()))?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").context("no mountinfo; is this Linux?")?;
    kind_in(&mounts, &folder).context("the folder lies on no file system")
}

/// Of the deepest mount point above it; of two at the same place the later one hides the other.
fn kind_in(mounts: &str, folder: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (before, after) = line.split_once(" - ")?;
        // A blank in a path is written as \040.
        let point = PathBuf::from(before.split(' ').nth(4)?.replace("\\040", " "));
        Some((point, after.split(' ').next()?.to_owned()))
    };
    let above = mounts.lines().filter_map(mount).filter(|(point, _)| folder.starts_with(point));
    above.max_by_key(|(point, _)| point.components().count()).map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_point_says_what_kind_it_is() {
        let mounts = "1 0 8:1 / / rw,relatime - ext4 /dev/a rw\n\
                      2 1 0:2 / /tmp rw - tmpfs tmpfs rw\n\
                      3 2 0:3 / /tmp/with\\040blank rw shared:1 - xfs /dev/b rw\n\
                      4 1 0:4 / /tmp rw - btrfs /dev/c rw";
        for (folder, kind) in [("/home/x", "ext4"), ("/tmpx", "ext4"), ("/tmp/y", "btrfs"), ("/tmp/with blank", "xfs")]
        {
            assert_eq!(kind_in(mounts, Path::new(folder)).as_deref(), Some(kind), "{folder}");
        }
    }
}
