//! The threat model and its tests: every row names one that is there, or says that there is none.

use super::{File, Findings, Tree};

const MODEL: &str = "docs/threat-model.md";
const NONE: &str = "**no test**";

/// Named and not there, or not named at all.
pub(super) fn untested(tree: &Tree) -> Findings {
    let mut findings = Findings::new();
    for model in tree.iter().filter(|file| file.path == MODEL) {
        for (number, line) in model.text.lines().enumerate() {
            let mut named = 0;
            for (path, name) in line.split('`').skip(1).step_by(2).filter_map(reference) {
                named += 1;
                let wrong = match tree.iter().find(|file| file.path == path) {
                    Some(file) if holds(file, name) => continue,
                    Some(_) => format!("{path} has no test `{name}`"),
                    None => format!("{path} does not exist"),
                };
                findings.push(format!("{MODEL}:{}: {wrong}", number + 1));
            }
            if is_row(line) && named == 0 && !line.contains(NONE) {
                findings.push(format!("{MODEL}:{}: names no test and does not say {NONE}", number + 1));
            }
        }
    }
    findings
}

/// `path::name`, where the path is one of code: `Type::method` is none.
fn reference(word: &str) -> Option<(&str, &str)> {
    word.split_once("::").filter(|(path, _)| [".rs", ".ts", ".mjs"].iter().any(|ending| path.ends_with(ending)))
}

/// A function in Rust, a title in quotes elsewhere.
fn holds(file: &File, name: &str) -> bool {
    file.text.contains(&if file.is(&["rs"]) { format!("fn {name}(") } else { format!("\"{name}\"") })
}

/// `| 1.1 S: ..`, and neither the head of a table nor the line below it.
fn is_row(line: &str) -> bool {
    line.strip_prefix("| ").is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn a_test_that_is_gone_and_a_row_that_names_none_are_found() {
        let bad = tree(&[
            (
                MODEL,
                "| 1.1 S: a | b | `a.rs::gone` |\n| 1.2 S: a | b | `lost.rs::there` |\n| 1.3 S: a | b | `a.mjs::title` |\n\
                 | 1.4 S: a | `a.rs` | |\nSee `a.rs::gone`.",
            ),
            ("a.rs", "fn gone_too() {}\nasync fn not_gone() {}"),
            ("a.mjs", "test(\"another title\", f)"),
        ]);
        assert_eq!(untested(&bad).len(), 5);
    }

    #[test]
    fn what_is_there_and_what_says_that_there_is_none_pass() {
        let good = tree(&[
            (
                MODEL,
                "A test is `file::name`.\n| threat | what stops it | test |\n|---|---|---|\n\
                 | 1.1 S: a | `Type::method` | `a.rs::there`, `a.mjs::a title` |\n| 1.2 S: a | nothing | **no test** |",
            ),
            ("a.rs", "async fn there() {}"),
            ("a.mjs", "test(\"a title\", f)"),
            ("README.md", "| 1 a | b | c |"),
        ]);
        assert_eq!(untested(&good), Findings::new());
    }
}
