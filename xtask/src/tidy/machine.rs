//! Traces of the machine something was written on: absolute paths, hosts of registries in lock files. They break the build
//! elsewhere, or tell what is nobody's business.

use super::{Findings, Tree};

/// In two halves, so that this file may hold the list.
const PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Paths in any text, sources in lock files.
pub(super) fn traces(tree: &Tree) -> Findings {
    let mut findings = Findings::new();
    for file in tree {
        for (number, line) in file.text.lines().enumerate() {
            let at = || format!("{}:{}", file.path, number + 1);
            if let Some(path) = PATHS.iter().find(|path| begins_a_path(line, path)) {
                findings.push(format!("{}: `{path}` is a path of one machine", at()));
            }
            if file.path.ends_with("package-lock.json") && line.contains("\"resolved\": \"http") {
                findings.push(format!("{}: names a registry: set omit-lockfile-registry-resolved in .npmrc", at()));
            }
            if file.path == "Cargo.lock" && line.starts_with("source = ") && line != format!("source = \"{CRATES_IO}\"")
            {
                findings.push(format!("{}: not from crates.io", at()));
            }
            if file.path.ends_with(".npmrc") && line.contains("registry=") {
                findings.push(format!("{}: names a registry", at()));
            }
        }
    }
    findings
}

/// `/x/` at the beginning of a path, not within one (`http://host/x/`, `a/x/b`).
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        line[..at].chars().next_back().is_none_or(|before| before.is_whitespace() || "\"'`=(:,<>[".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn paths_and_registries_are_found() {
        let path = concat!("see `/wo", "rk/x`\nHOME=/ro", "ot/.cargo");
        let bad = tree(&[
            ("README.md", path),
            ("ui/package-lock.json", "      \"resolved\": \"https://registry.example/a.tgz\","),
            ("Cargo.lock", "source = \"registry+https://mirror.example/index\""),
            (".npmrc", "registry=https://registry.example"),
        ]);
        assert_eq!(traces(&bad).len(), 5);
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let good = tree(&[
            ("a.rs", concat!("\"http://127.0.0.1/a/wo", "rk/x\" net/wo", "rk/")),
            ("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\""),
        ]);
        assert_eq!(traces(&good), Findings::new());
    }
}
