//! File sizes: a file is read in one sitting or it is two files.

use super::{File, Findings, Tree};

const LIMIT: usize = 500;
const THINK: usize = 300;

fn counted(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.iter().filter(|file| file.is_code() || (file.is(&["css", "html", "sh", "sql"]) && !file.is_generated()))
}

/// Over the hard limit.
pub(super) fn too_long(tree: &Tree) -> Findings {
    let mut findings: Findings = counted(tree)
        .filter_map(|file| {
            let lines = file.text.lines().count();
            (lines > LIMIT).then(|| format!("{}: {lines} lines, the limit is {LIMIT}", file.path))
        })
        .collect();
    if let Some(file) = tree.iter().find(|file| file.path == "ARCHITECTURE.md" && file.text.lines().count() > 250) {
        findings.push(format!("{}: {} lines, the limit is 250", file.path, file.text.lines().count()));
    }
    findings
}

/// For people: the median, and who is on the way to the limit.
pub(super) fn figures(tree: &Tree) -> Vec<String> {
    let mut sizes: Vec<(usize, &str)> =
        counted(tree).map(|file| (file.text.lines().count(), file.path.as_str())).collect();
    sizes.sort_unstable();
    let Some((median, _)) = sizes.get(sizes.len() / 2) else { return Vec::new() };
    let mut lines = vec![format!(
        "{} files, {} lines, median {median}",
        sizes.len(),
        sizes.iter().map(|(size, _)| size).sum::<usize>()
    )];
    lines.extend(
        sizes.iter().rev().take_while(|(size, _)| *size > THINK).map(|(size, path)| format!("{size} lines: {path}")),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn five_hundred_and_one_is_too_long() {
        let long = "x\n".repeat(501);
        let fits = "x\n".repeat(500);
        let map = "x\n".repeat(251);
        let bad = tree(&[
            ("a.rs", &long),
            ("b.rs", &fits),
            ("c.svelte", &long),
            ("data.json", &long),
            ("ARCHITECTURE.md", &map),
        ]);
        assert_eq!(too_long(&bad).len(), 3);
    }

    #[test]
    fn the_median_is_said() {
        let few = tree(&[("a.rs", "x\n"), ("b.rs", "x\nx\n"), ("c.rs", &"x\n".repeat(301))]);
        assert_eq!(figures(&few), ["3 files, 304 lines, median 2", "301 lines: c.rs"]);
    }
}
