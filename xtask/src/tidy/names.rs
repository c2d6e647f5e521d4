//! Names that say nothing: a file or type so named has no one reason to exist.

use super::{Findings, Tree};

const EMPTY: &[&str] = &["manager", "service", "helper", "util", "utility", "processor"];

/// SMART's own word (hl7.org/fhir/smart-app-launch, Backend Services) is kept as it is.
const SMARTS_OWN: &[&str] = &["backend", "service"];

const KEYWORDS: &[&str] = &["struct", "enum", "trait", "type", "class", "interface", "union", "mod"];

/// Files, folders and types.
pub(super) fn forbidden(tree: &Tree) -> Findings {
    let mut findings = Findings::new();
    for file in tree.iter().filter(|file| file.is_code() || file.is(&["css", "html", "sh", "sql"])) {
        if let Some(word) = empty_word(&file.path) {
            findings.push(format!("{}: `{word}` in the path says nothing", file.path));
        }
        if !file.is_code() {
            continue;
        }
        for (number, line) in file.text.lines().enumerate() {
            if let Some((name, word)) = declared(line).find_map(|name| Some((name, empty_word(name)?))) {
                findings.push(format!("{}:{}: `{word}` in `{name}` says nothing", file.path, number + 1));
            }
        }
    }
    findings
}

/// The names a line of code declares.
fn declared(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    let words: Vec<&str> =
        code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty()).collect();
    let names: Vec<&str> = words.windows(2).filter(|pair| KEYWORDS.contains(&pair[0])).map(|pair| pair[1]).collect();
    names.into_iter()
}

fn empty_word(name: &str) -> Option<String> {
    let words = words(name);
    words.iter().enumerate().find_map(|(at, word)| {
        let smarts_own = at > 0 && words[at - 1] == SMARTS_OWN[0] && word == SMARTS_OWN[1];
        (EMPTY.contains(&word.as_str()) && !smarts_own).then(|| word.clone())
    })
}

/// `VisitHelpers` and `visit_helpers.rs` are visit, helper (, rs).
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in name.chars() {
        if !letter.is_alphanumeric() || letter.is_uppercase() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    for word in &mut words {
        if let Some(one) = word.strip_suffix("ies") {
            *word = format!("{one}y");
        } else if let Some(one) = word.strip_suffix('s') {
            *word = one.to_owned();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn empty_names_are_found_in_files_folders_and_types() {
        let bad = tree(&[
            ("crates/relay/src/utils.rs", "//! x"),
            ("ui/helpers/time.ts", "// x"),
            ("a.rs", "//! x\npub(crate) struct VisitManager;"),
            ("b.ts", "// x\nexport interface TokenProcessor {}"),
            ("c.rs", "//! x\nmod visit_service;"),
        ]);
        assert_eq!(forbidden(&bad).len(), 5);
    }

    #[test]
    fn the_standards_words_and_uses_of_others_types_pass() {
        let good = tree(&[
            ("crates/smart/src/backend_services.rs", "//! x\nstruct BackendServices;"),
            (
                "a.rs",
                "//! x\nuse tower::Service;\nimpl Service for Route {}\n// a type of service\nlet manager = tauri::Manager::x;",
            ),
        ]);
        assert_eq!(forbidden(&good), Findings::new());
    }
}
