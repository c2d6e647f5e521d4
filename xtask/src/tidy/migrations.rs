//! Steps of the databases' schemas: numbered without gaps, and taking nothing away from a relay of the version before, which
//! still runs while the new one starts. What nobody reads any more goes in a later step, and that step says so.

use std::collections::BTreeMap;

use super::{File, Findings, Tree};

/// Until then the schema was made anew, when no two nodes could share a database yet.
const FOUNDED: u32 = 4;

/// How a step that takes something away begins: what for, and since which step nothing needs it.
const CONTRACT: &str = "-- contract: nothing has read ";
const SINCE: &str = " since ";

/// After `DROP`, within `ALTER TABLE`: what is no column.
const NO_COLUMN: &[&str] = &["CONSTRAINT", "DEFAULT", "NOT", "IDENTITY", "EXPRESSION", "TABLE"];

fn steps(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.iter().filter(|file| file.path.starts_with("crates/relay/migrations/") && file.is(&["sql"]))
}

/// `NNNN_name.sql`, from 0001, each number once, the same in every dialect that has got so far.
pub(super) fn misnumbered(tree: &Tree) -> Findings {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in steps(tree) {
        if let Some((folder, name)) = file.path.rsplit_once('/') {
            folders.entry(folder).or_default().push(name);
        }
    }
    let mut findings = Findings::new();
    for (folder, mut names) in folders {
        names.sort_unstable();
        for (at, name) in names.iter().enumerate() {
            let number = format!("{:04}_", at + 1);
            if !name.starts_with(&number) {
                findings.push(format!("{folder}/{name}: the next number is {number}"));
                break;
            }
        }
    }
    findings
}

/// Takes away what a relay of the version before may read or write.
pub(super) fn contracting(tree: &Tree) -> Findings {
    let mut findings = Findings::new();
    for file in steps(tree) {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let number = name.split('_').next().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX);
        if number <= FOUNDED || is_contract(&file.text, number) {
            continue;
        }
        let code: String = file.text.lines().map(|line| format!("{}\n", before(line, "--"))).collect();
        if let Some(what) = code.split(';').find_map(taken_away) {
            findings.push(format!(
                "{}: `{what}` takes away what a running relay of the version before may need: only add, and let a later \
                 step take it away, whose first line is `{CONTRACT}..{SINCE}NNNN`",
                file.path
            ));
        }
    }
    findings
}

fn before<'a>(line: &'a str, mark: &str) -> &'a str {
    line.split(mark).next().unwrap_or_default()
}

/// Says so in its first line, and names an earlier step.
fn is_contract(text: &str, number: u32) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let since = first.strip_prefix(CONTRACT).and_then(|rest| rest.rsplit_once(SINCE));
    let step = since.map(|(_, step)| step.trim_end_matches('.')).filter(|step| step.len() == 4);
    step.and_then(|step| step.parse::<u32>().ok()).is_some_and(|step| (1..number).contains(&step))
}

/// What a statement takes away, if anything.
fn taken_away(statement: &str) -> Option<&'static str> {
    let statement = statement.to_uppercase();
    let words: Vec<&str> = statement
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let alters = words.starts_with(&["ALTER", "TABLE"]);
    let follows = |what: &dyn Fn(&str) -> bool| words.windows(2).any(|pair| pair[0] == "DROP" && what(pair[1]));
    if follows(&|word| word == "TABLE") {
        Some("DROP TABLE")
    } else if follows(&|word| word == "COLUMN" || (alters && !NO_COLUMN.contains(&word))) {
        Some("DROP COLUMN")
    } else if alters && words.contains(&"RENAME") {
        Some("RENAME")
    } else {
        // `ALTER [COLUMN] a [SET DATA] TYPE`, and not a column of that name.
        let of_column = |at: usize| words[at - 1] == "DATA" || matches!(words[at - 2], "ALTER" | "COLUMN");
        let mut types = (3..words.len()).filter(|at| words[*at] == "TYPE");
        (alters && types.any(of_column)).then_some("ALTER .. TYPE")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    fn step(name: &str) -> String {
        format!("crates/relay/migrations/sqlite/{name}.sql")
    }

    #[test]
    fn a_gap_and_a_double_number_are_found() {
        for names in [["0001_a", "0003_b"], ["0001_a", "0001_b"], ["1_a", "0002_b"]] {
            let paths = names.map(step);
            let bad = tree(&[(&paths[0], ""), (&paths[1], "")]);
            assert_eq!(misnumbered(&bad).len(), 1, "{names:?}");
        }
        let paths = ["0001_a", "0002_b"].map(step);
        assert!(misnumbered(&tree(&[(&paths[0], ""), (&paths[1], "")])).is_empty());
    }

    #[test]
    fn what_takes_something_away_is_found() {
        for (statement, what) in [
            ("DROP TABLE IF EXISTS visit;", "DROP TABLE"),
            ("CREATE TABLE a (b TEXT);\ndrop table visit;", "DROP TABLE"),
            ("ALTER TABLE visit\n    DROP COLUMN stage;", "DROP COLUMN"),
            ("ALTER TABLE visit DROP stage;", "DROP COLUMN"),
            ("ALTER TABLE visit RENAME COLUMN stage TO step;", "RENAME"),
            ("ALTER TABLE visit RENAME TO visits", "RENAME"),
            ("ALTER TABLE visit ALTER COLUMN version TYPE TEXT;", "ALTER .. TYPE"),
            ("ALTER TABLE visit ALTER version SET DATA TYPE TEXT;", "ALTER .. TYPE"),
            ("-- Not a contract: it only says so.\nDROP TABLE visit;", "DROP TABLE"),
            ("-- contract: nothing has read it since 0005\nDROP TABLE visit;", "DROP TABLE"),
            ("-- contract: nothing has read it since long\nDROP TABLE visit;", "DROP TABLE"),
        ] {
            let found = contracting(&tree(&[(&step("0005_new"), statement)]));
            assert!(found.len() == 1 && found[0].contains(&format!("`{what}`")), "{statement}: {found:?}");
        }
    }

    #[test]
    fn what_adds_and_what_says_that_nobody_needs_it_passes() {
        for (name, text) in [
            ("0005_new", "-- Never DROP TABLE here.\nCREATE TABLE a (renamed TEXT, type TEXT);"),
            ("0005_new", "ALTER TABLE visit ADD COLUMN type TEXT; DROP INDEX visit_open; DROP TRIGGER t ON visit;"),
            ("0005_new", "ALTER TABLE visit ALTER stage DROP NOT NULL; ALTER TABLE visit DROP CONSTRAINT c;"),
            ("0006_old", "-- contract: nothing has read visit.stage since 0005.\nALTER TABLE visit DROP COLUMN stage;"),
            ("0004_delivery", "DROP TABLE outbox;"),
        ] {
            assert_eq!(contracting(&tree(&[(&step(name), text)])), Findings::new(), "{name}: {text}");
        }
    }
}
