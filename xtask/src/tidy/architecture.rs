//! The map and the territory: every path that ARCHITECTURE.md, README.md and the threat model name exists.

use std::collections::BTreeSet;

use super::{Findings, Tree};

const MAPS: &[&str] = &["ARCHITECTURE.md", "README.md", "docs/threat-model.md"];

/// What makes a word in backticks a file, beside a `/` after a folder we have.
const ENDINGS: &[&str] =
    &[".rs", ".md", ".toml", ".ts", ".svelte", ".sql", ".html", ".sh", ".css", ".mjs", ".png", ".svg"];

/// Named and not there.
pub(super) fn lost_paths(tree: &Tree) -> Findings {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for file in tree {
        let mut path = file.path.as_str();
        known.insert(path);
        while let Some((folder, _)) = path.rsplit_once('/') {
            known.insert(folder);
            path = folder;
        }
    }
    // what is made by building is named in .gitignore instead
    let ignored = tree.iter().find(|file| file.path == ".gitignore").map(|file| file.text.as_str()).unwrap_or_default();
    let made: BTreeSet<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();

    let mut findings = Findings::new();
    for map in tree.iter().filter(|file| MAPS.contains(&file.path.as_str())) {
        for (number, line) in map.text.lines().enumerate() {
            for word in line.split('`').skip(1).step_by(2).flat_map(alternatives) {
                let path = word.trim_end_matches('/');
                let top = path.split('/').next().unwrap_or_default();
                let folder_like = word.contains('/') && (known.contains(top) || made.contains(top));
                let file_like = ENDINGS.iter().any(|ending| path.ends_with(ending));
                let plain = path.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
                if path.is_empty() || path.starts_with('/') || !plain || !(folder_like || file_like) {
                    continue;
                }
                let exists = known.contains(path)
                    || made.iter().any(|made| path == *made || path.starts_with(&format!("{made}/")))
                    // `outbox/worker.rs` stands for the one file that ends so
                    || known.iter().any(|there| there.ends_with(&format!("/{path}")));
                if !exists {
                    findings.push(format!("{}:{}: `{path}` does not exist", map.path, number + 1));
                }
            }
        }
    }
    findings
}

/// `migrations/{sqlite,postgres}/` is two paths.
fn alternatives(word: &str) -> Vec<String> {
    match word.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (inside, after))) if inside.contains(',') => {
            inside.split(',').map(|one| format!("{before}{}{after}", one.trim())).collect()
        }
        _ => vec![word.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn a_path_that_is_gone_is_found() {
        let bad = tree(&[
            (
                "ARCHITECTURE.md",
                "The hinge is `crates/relay/src/gone.rs`, see `crates/{relay,lost}/` and `nowhere.rs`.",
            ),
            ("crates/relay/src/arrivals.rs", ""),
        ]);
        assert_eq!(lost_paths(&bad).len(), 3);
    }

    #[test]
    fn urls_media_types_and_built_files_are_no_paths_of_ours() {
        let good = tree(&[
            (
                "ARCHITECTURE.md",
                "`arrivals.rs`, `src/arrivals.rs`, `crates/relay/`, `GET /o/{org}/launch`, `/v/`, `application/json`, `ui/dist/`, `crates/*`, `cargo xtask demo`",
            ),
            ("crates/relay/src/arrivals.rs", ""),
            ("ui/index.html", ""),
            (".gitignore", "/target\n/ui/dist\n"),
        ]);
        assert_eq!(lost_paths(&good), Findings::new());
    }
}
