//! Checks of the room on the disks of the database and of the keys.

use std::path::Path;

use secrecy::ExposeSecret;

use super::code::FindingCode as C;
use super::finding::Measured;
use super::scene::Scene;
use crate::store::look::file_of;

const MIB: u64 = 1024 * 1024;
const LOW: u64 = 1024 * MIB;
const FULL: u64 = 64 * MIB;
/// Of a hundred.
const LOW_SHARE: u64 = 5;

/// `disk.database`
pub(super) async fn database(scene: &Scene) -> Measured {
    let Some(file) = file_of(scene.config.database.url.expose_secret()) else {
        return Measured::new(C::DiskElsewhere, "a database server");
    };
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    measured(folder.unwrap_or(Path::new(".")))
}

/// `disk.keys`
pub(super) async fn keys(scene: &Scene) -> Measured {
    measured(&scene.config.keys.directory)
}

fn measured(folder: &Path) -> Measured {
    match room(folder) {
        Some((free, all)) => {
            let share = free.saturating_mul(100).checked_div(all).unwrap_or(0);
            Measured::new(judge(free, all), format!("{} MiB free, {share} %", free / MIB))
        }
        None => Measured::new(C::DiskUnknown, "the directory cannot be looked at"),
    }
}

fn judge(free: u64, all: u64) -> C {
    if free < FULL {
        C::DiskFull
    } else if free < LOW || free.saturating_mul(100) < all.saturating_mul(LOW_SHARE) {
        C::DiskLow
    } else {
        C::DiskFine
    }
}

/// Bytes this user may still write, and all there are.
#[cfg(unix)]
fn room(folder: &Path) -> Option<(u64, u64)> {
    let it = rustix::fs::statvfs(folder).ok()?;
    Some((it.f_bavail.saturating_mul(it.f_frsize), it.f_blocks.saturating_mul(it.f_frsize)))
}

#[cfg(not(unix))]
fn room(_folder: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_said_before_there_is_none() {
        const GIB: u64 = 1024 * MIB;
        assert_eq!(judge(100 * GIB, 200 * GIB), C::DiskFine);
        assert_eq!(judge(GIB, 10 * GIB), C::DiskFine);
        assert_eq!(judge(GIB - 1, 10 * GIB), C::DiskLow, "under 1 GiB");
        assert_eq!(judge(4 * GIB, 100 * GIB), C::DiskLow, "under 5 %");
        assert_eq!(judge(5 * GIB, 100 * GIB), C::DiskFine);
        assert_eq!(judge(FULL - 1, 100 * GIB), C::DiskFull);
    }

    #[test]
    fn a_folder_is_measured_and_one_that_is_not_there_cannot_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let (free, all) = room(folder.path()).expect("a file system");
        assert!(0 < all && free <= all);
        assert_eq!(measured(&folder.path().join("nowhere")).code, C::DiskUnknown);
    }
}
