//! TypeScript of the wire types and of what the window is shown, into `ui/shared/protocol/`. The types are named in
//! `tests/src/bin/codegen.rs`, which knows the crates; here the result is put in place, or compared (`--check`).

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::clock;
use crate::places::Places;
use crate::run::{cargo, command, loudly, say};

/// Writes, or with `check` only compares.
pub(crate) fn run(places: &Places, check: bool) -> Result<()> {
    let mut build = cargo(&["build", "--workspace", "--locked", "--quiet", "--bin", "codegen"], &places.root);
    build.env("CARGO_TERM_COLOR", "never");
    loudly(build)?;
    let target = places.ui().join("shared/protocol");
    let fresh = std::env::temp_dir().join(format!("roomed-codegen-{}", clock::unique()));
    let result = generate(places, &fresh).and_then(|()| {
        let (new, old) = (read(&fresh)?, read(&target)?);
        if new.is_empty() {
            bail!("nothing was generated");
        }
        let differs = differences(&old, &new);
        if differs.is_empty() {
            say(format!("{} files, all fresh", new.len()));
        } else if check {
            bail!("run `cargo xtask codegen`: {} differ: {}", places.shown(&target), differs.join(", "));
        } else {
            write(&target, &old, &new)?;
            say(format!("{} files, changed: {}", new.len(), differs.join(", ")));
        }
        Ok(())
    });
    // in the temporary folder, so what is left there does no harm
    let _ = std::fs::remove_dir_all(&fresh);
    result
}

fn generate(places: &Places, folder: &Path) -> Result<()> {
    let mut codegen = command(places.binary("codegen"), &[], &places.root);
    codegen.arg(folder);
    loudly(codegen)
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).with_context(|| format!("cannot read {name}"))?;
        files.insert(name, text);
    }
    Ok(files)
}

fn differences(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| old.get(*name) != new.get(*name)).cloned().collect()
}

fn write(target: &Path, old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Result<()> {
    std::fs::create_dir_all(target)?;
    for stale in old.keys().filter(|name| !new.contains_key(*name)) {
        std::fs::remove_file(target.join(stale))?;
    }
    // unchanged files keep their time, so that the pages are not built again for nothing
    for (name, text) in new.iter().filter(|(name, text)| old.get(*name) != Some(*text)) {
        std::fs::write(target.join(name), text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_missing_and_changed_files_are_all_named() {
        let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let old = of(&[("A.ts", "1"), ("Stale.ts", "1"), ("Same.ts", "1")]);
        let new = of(&[("A.ts", "2"), ("New.ts", "1"), ("Same.ts", "1")]);
        assert_eq!(differences(&old, &new), ["A.ts", "New.ts", "Stale.ts"]);
    }
}
