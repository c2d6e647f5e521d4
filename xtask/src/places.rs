//! Where things are: the repository, the built binaries, the tools installed for it. Found at run time, so that no path
//! of the machine that built xtask is inside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The folders the commands work in.
pub(crate) struct Places {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Where cargo puts binaries: xtask itself lies there.
    pub(crate) bin: PathBuf,
}

impl Places {
    /// From cargo's environment, or from the current folder upwards.
    pub(crate) fn find() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(folder) => PathBuf::from(folder),
            None => std::env::current_dir().context("the current folder is gone")?,
        };
        let Some(root) = start.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file()) else {
            bail!("run this inside the Roomed repository");
        };
        let me = std::env::current_exe().context("xtask does not know where it lies")?;
        let mut bin = me.parent().context("xtask lies in no folder")?.to_path_buf();
        // the tests of xtask lie one deeper
        if bin.ends_with("deps") {
            bin.pop();
        }
        Ok(Self { root: root.to_path_buf(), bin })
    }

    /// The folder of the pages' Vite project.
    pub(crate) fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// Third-party counterparts from npm.
    pub(crate) fn witness(&self) -> PathBuf {
        self.root.join("tests/witness")
    }

    /// Tools of cargo's that belong to this repository only.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join(".tools")
    }

    /// tauri-driver, the WebDriver server for the real window.
    pub(crate) fn tauri_driver(&self) -> PathBuf {
        self.tools().join("bin/tauri-driver")
    }

    /// A binary of ours, by name.
    pub(crate) fn binary(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Relative to the repository, for people.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
