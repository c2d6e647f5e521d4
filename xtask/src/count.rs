//! How many tests passed and failed, read from what the runners print: libtest, vitest, node:test, Playwright and our own
//! `N passed, M failed`. Knows nothing of how they are started.

/// Sums of one or more runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
}

impl Counts {
    /// Adds another run.
    pub(crate) fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Reads one line of output.
    pub(crate) fn read(&mut self, line: &str) {
        let plain = without_colours(line);
        if let Some((passed, failed)) = summary(plain.trim()) {
            self.passed += passed;
            self.failed += failed;
        }
    }
}

/// What a summary line says; nothing for any other line.
fn summary(line: &str) -> Option<(u64, u64)> {
    // libtest: "test result: ok. 3 passed; 0 failed; 0 ignored; .."
    if let Some(rest) = line.strip_prefix("test result:") {
        return Some((before(rest, "passed").unwrap_or(0), before(rest, "failed").unwrap_or(0)));
    }
    // vitest: "Tests  1 failed | 2 passed (3)"
    if let Some(rest) = line.strip_prefix("Tests  ") {
        return Some((before(rest, "passed").unwrap_or(0), before(rest, "failed").unwrap_or(0)));
    }
    // node:test: "# pass 3" and "# fail 0", with another first sign in its other reporter
    if let Some(rest) = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ ")) {
        if let Some(number) = rest.strip_prefix("pass ") {
            return Some((number.trim().parse().ok()?, 0));
        }
        if let Some(number) = rest.strip_prefix("fail ") {
            return Some((0, number.trim().parse().ok()?));
        }
        return None;
    }
    // ours: "12 passed, 0 failed"; Playwright: "12 passed (3.4s)" and "1 failed", each on a line
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [passed, "passed,", failed, "failed"] => Some((passed.parse().ok()?, failed.parse().ok()?)),
        [passed, "passed"] => Some((passed.parse().ok()?, 0)),
        [passed, "passed", took] if took.starts_with('(') => Some((passed.parse().ok()?, 0)),
        [failed, "failed"] => Some((0, failed.parse().ok()?)),
        _ => None,
    }
}

/// The number before a word: 3 for "ok. 3 passed;" and "passed".
fn before(text: &str, word: &str) -> Option<u64> {
    let words: Vec<&str> = text.split([' ', ';', '|', '(', ')']).filter(|part| !part.is_empty()).collect();
    words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok())
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // a colour is ESC [ .. up to a letter
            letters.by_ref().skip(1).find(char::is_ascii_alphabetic);
        } else {
            plain.push(letter);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &[&str]) -> (u64, u64) {
        let mut counts = Counts::default();
        lines.iter().for_each(|line| counts.read(line));
        (counts.passed, counts.failed)
    }

    #[test]
    fn every_runner_is_understood() {
        assert_eq!(
            counted(&["test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0s"]),
            (3, 0)
        );
        assert_eq!(counted(&["test result: FAILED. 3 passed; 2 failed; 0 ignored"]), (3, 2));
        assert_eq!(
            counted(&[
                "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[32m41 passed\u{1b}[39m\u{1b}[22m\u{1b}[90m (41)\u{1b}[39m"
            ]),
            (41, 0)
        );
        assert_eq!(counted(&[" Test Files  1 failed | 4 passed (5)", "      Tests  1 failed | 2 passed (3)"]), (2, 1));
        assert_eq!(counted(&["# tests 9", "# pass 8", "# fail 1"]), (8, 1));
        assert_eq!(counted(&["ℹ pass 8", "ℹ fail 0"]), (8, 0));
        assert_eq!(counted(&["  1 failed", "  12 passed (3.4s)"]), (12, 1));
        assert_eq!(counted(&["12 passed, 3 failed"]), (12, 3));
    }

    #[test]
    fn ordinary_lines_count_nothing() {
        assert_eq!(
            counted(&["test a::b ... ok", "the visit passed", "all 3 passed the door and left", "4 failed attempts"]),
            (0, 0)
        );
    }
}
