//! What a judgement came to: how much was wrong, how often it was looked for, and the first findings in words.

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Accepted and not standing, though it was never shown.
    pub(super) lost: u64,
    /// Created more than once under one business key.
    pub(super) doubled: u64,
    /// Shown, and then overtaken by something older.
    pub(super) reordered: u64,
    /// Took effect and was never asked for.
    pub(super) invented: u64,
    /// A state said again that stood already.
    pub(super) reasserted: u64,
    /// Creates that wait for an operator because they may have been applied.
    pub(super) possible_double: u64,
    /// Rows that wait for an operator for another reason.
    pub(super) parked: u64,
    /// Rows that were still to be sent when everything should long have been quiet.
    pub(super) stuck: u64,
    /// Effects looked at.
    pub(super) effects: u64,
    /// From accepted until it stood for good, in milliseconds, of every accepted state.
    pub(super) stale_ms: Vec<i64>,
    /// How often each kind of wrong was looked for.
    pub(super) judged: Judged,
    /// The first findings, in words without identifiers.
    pub(super) findings: Vec<String>,
}

/// How often each kind of wrong could have been found. Zero wrongs are worth no more than that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// What was to stand in the end: newest accepted states, and things accepted that are made once.
    pub(super) lost: u64,
    /// Business keys under which something was made.
    pub(super) doubled: u64,
    /// Newest accepted states, and things made, each in its stream.
    pub(super) reordered: u64,
    /// Effects.
    pub(super) invented: u64,
}

impl Judged {
    /// By the words of the report.
    pub(super) fn by_wrong(self) -> [(&'static str, u64); 4] {
        [("lost", self.lost), ("doubled", self.doubled), ("reordered", self.reordered), ("invented", self.invented)]
    }

    fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.invented += other.invented;
    }
}

impl Verdict {
    /// Nothing lost, doubled, reordered or invented, and nothing that never ends: what is still open was not judged.
    pub(super) fn is_clean(&self) -> bool {
        self.lost + self.doubled + self.reordered + self.invented + self.stuck == 0
    }

    /// Adds another episode's.
    pub(super) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.reordered += other.reordered;
        self.invented += other.invented;
        self.reasserted += other.reasserted;
        self.possible_double += other.possible_double;
        self.parked += other.parked;
        self.stuck += other.stuck;
        self.effects += other.effects;
        self.stale_ms.extend(other.stale_ms);
        self.judged.add(other.judged);
        self.findings.extend(other.findings);
    }

    /// So many rows did not end.
    pub(super) fn did_not_end(&mut self, open: u64) {
        self.stuck += open;
        if open > 0 {
            self.find(format!("stuck: {open} rows were not settled in time"));
        }
    }

    /// Notes a finding.
    pub(super) fn find(&mut self, words: String) {
        if self.findings.len() < 20 {
            self.findings.push(words);
        }
    }
}
