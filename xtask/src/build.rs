//! Builds the pages, then every crate with its tests. One cargo command line for all, so that the features of shared
//! dependencies come out the same every time and nothing is compiled twice.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::places::Places;
use crate::run::{cargo, loudly, npm, say};

/// What every cargo command of ours selects. `-p` would pick other features and compile the dependencies again.
pub(crate) const EVERYTHING: [&str; 3] = ["--workspace", "--all-targets", "--locked"];

/// Pages, then crates: the relay and the window carry the pages inside.
pub(crate) fn run(places: &Places) -> Result<()> {
    pages(places)?;
    crates(places)
}

/// `npm run build` where a source is newer than the last build.
pub(crate) fn pages(places: &Places) -> Result<()> {
    let ui = places.ui();
    let stamp = ui.join("node_modules/.built");
    let sources = Sources::of(&ui).context("cannot read the pages' sources")?;
    let built = std::fs::read_to_string(&stamp).unwrap_or_default();
    let fresh = ui.join("dist").is_dir() && built == sources.count.to_string() && sources.older_than(&stamp);
    if fresh {
        say("pages: up to date");
        return Ok(());
    }
    loudly(npm(&["run", "build"], &ui))?;
    std::fs::write(&stamp, sources.count.to_string()).context("cannot write into ui/node_modules")
}

/// Everything cargo knows.
pub(crate) fn crates(places: &Places) -> Result<()> {
    let mut build = cargo(&["build"], &places.root);
    build.args(EVERYTHING);
    loudly(build)
}

/// How many files a folder has and how new the newest is: enough to see a change, an addition and a deletion.
struct Sources {
    count: usize,
    newest: SystemTime,
}

impl Sources {
    fn of(folder: &Path) -> std::io::Result<Self> {
        let mut sources = Self { count: 0, newest: SystemTime::UNIX_EPOCH };
        sources.add(folder)?;
        Ok(sources)
    }

    fn add(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if !["node_modules", "dist", "coverage", "shots"].iter().any(|other| name == *other) {
                    self.add(&entry.path())?;
                }
            } else {
                self.count += 1;
                self.newest = self.newest.max(entry.metadata()?.modified()?);
            }
        }
        Ok(())
    }

    fn older_than(&self, stamp: &Path) -> bool {
        stamp.metadata().and_then(|about| about.modified()).is_ok_and(|built| self.newest <= built)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_change_and_a_deletion_are_seen_and_installed_packages_are_not() {
        let folder = std::env::temp_dir().join(format!("roomed-sources-{}", crate::clock::unique()));
        std::fs::create_dir_all(folder.join("src")).unwrap();
        std::fs::create_dir_all(folder.join("node_modules")).unwrap();
        for file in ["src/a.ts", "b.ts", "node_modules/c.js"] {
            std::fs::write(folder.join(file), "x").unwrap();
        }
        let stamp = folder.join("node_modules/.built");
        std::fs::write(&stamp, "").unwrap();
        let first = Sources::of(&folder).unwrap();
        assert_eq!(first.count, 2);
        assert!(first.older_than(&stamp));

        let file = std::fs::File::options().write(true).open(folder.join("b.ts")).unwrap();
        file.set_modified(stamp.metadata().unwrap().modified().unwrap() + std::time::Duration::from_secs(1)).unwrap();
        assert!(!Sources::of(&folder).unwrap().older_than(&stamp));

        std::fs::remove_file(folder.join("b.ts")).unwrap();
        assert_eq!(Sources::of(&folder).unwrap().count, 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
