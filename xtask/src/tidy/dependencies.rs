//! Who may depend on whom: the diagram of ARCHITECTURE.md as a table. Reads Cargo.toml files; what a crate then does with a
//! dependency is the compiler's business.

use super::{Findings, Tree};

/// Folder, and which of our crates it may use.
const DIAGRAM: &[(&str, &[&str])] = &[
    ("crates/protocol", &[]),
    ("crates/visit", &[]),
    ("crates/smart", &[]),
    ("crates/relay", &["roomed-visit", "roomed-protocol", "roomed-smart"]),
    ("crates/companion", &["roomed-protocol", "roomed-smart"]),
    ("crates/sandbox", &[]),
    ("src-tauri", &["roomed-companion"]),
    // the only place that knows all
    (
        "tests",
        &[
            "roomed-relay",
            "roomed-companion",
            "roomed-sandbox",
            "roomed-protocol",
            "roomed-smart",
            "roomed-visit",
            "roomed",
        ],
    ),
    // outside the workspace: a nightly compiler's
    ("tests/fuzz", &["roomed-relay", "roomed-companion"]),
    ("xtask", &[]),
];

/// What a crate may use from outside, where that is the point of the crate.
const OUTSIDE: &[(&str, &[&str])] = &[("crates/visit", &["serde", "thiserror"]), ("xtask", &["anyhow"])];

/// Dependencies the diagram does not have, and crates it does not know.
pub(super) fn forbidden(tree: &Tree) -> Findings {
    let mut findings = Findings::new();
    for file in tree {
        let Some(folder) = file.path.strip_suffix("/Cargo.toml") else { continue };
        let Some((_, allowed)) = DIAGRAM.iter().find(|(known, _)| *known == folder) else {
            findings.push(format!(
                "{}: a crate the diagram does not know (ARCHITECTURE.md, xtask/src/tidy/dependencies.rs)",
                file.path
            ));
            continue;
        };
        let outside = OUTSIDE.iter().find(|(known, _)| *known == folder).map(|(_, list)| *list);
        for (table, name) in dependencies(&file.text) {
            let ours = name == "roomed" || name.starts_with("roomed-");
            let wrong = if ours {
                !allowed.contains(&name) || (table == "dev-dependencies" && folder != "tests")
            } else {
                table == "dependencies" && outside.is_some_and(|list| !list.contains(&name))
            };
            if wrong {
                findings.push(format!("{}: may not have `{name}` in [{table}]", file.path));
            }
        }
    }
    findings
}

/// (table, name) of every dependency, also of those for one system only.
fn dependencies(manifest: &str) -> Vec<(&'static str, &str)> {
    let mut found = Vec::new();
    let mut table = None;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            table = None;
            for kind in ["dev-dependencies", "build-dependencies", "dependencies"] {
                if header == kind || header.ends_with(&format!(".{kind}")) {
                    table = Some(kind);
                    break;
                }
                // [dependencies.name]
                if let Some(name) = header.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')) {
                    found.push((kind, name));
                    break;
                }
            }
        } else if let (Some(kind), Some((key, _))) = (table, line.split_once('=')) {
            let name = key.trim().split('.').next().unwrap_or_default().trim_matches('"');
            if !name.is_empty() && !name.starts_with('#') {
                found.push((kind, name));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn every_way_round_the_diagram_is_found() {
        for (path, manifest) in [
            ("crates/visit/Cargo.toml", "[dependencies]\nroomed-protocol.workspace = true"),
            ("crates/visit/Cargo.toml", "[dependencies]\ntokio = { version = \"1\" }"),
            ("crates/sandbox/Cargo.toml", "[dependencies.roomed-relay]\npath = \"../relay\""),
            ("crates/relay/Cargo.toml", "[dev-dependencies]\nroomed-sandbox.workspace = true"),
            ("crates/relay/Cargo.toml", "[dev-dependencies]\nroomed-visit.workspace = true"),
            ("src-tauri/Cargo.toml", "[target.'cfg(unix)'.dependencies]\nroomed-relay.workspace = true"),
            ("xtask/Cargo.toml", "[dependencies]\nserde = \"1\""),
            ("crates/new/Cargo.toml", "[package]"),
        ] {
            assert_eq!(forbidden(&tree(&[(path, manifest)])).len(), 1, "{path}: {manifest}");
        }
    }

    #[test]
    fn the_diagram_itself_passes() {
        let good = tree(&[
            (
                "crates/relay/Cargo.toml",
                "[package]\nname = \"roomed-relay\"\n[dependencies]\nroomed-visit.workspace = true\n# a note = x\ntokio.workspace = true",
            ),
            (
                "crates/visit/Cargo.toml",
                "[dependencies]\nserde.workspace = true\n[dev-dependencies]\nproptest.workspace = true",
            ),
            ("tests/Cargo.toml", "[dev-dependencies]\nroomed-relay.workspace = true"),
            ("Cargo.toml", "[workspace.dependencies]\nroomed-relay = { path = \"crates/relay\" }"),
        ]);
        assert_eq!(forbidden(&good), Findings::new());
    }
}
