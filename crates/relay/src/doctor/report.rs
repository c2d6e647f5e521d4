//! The report: for machines one JSON object, for people a page of text. Both have the findings in one order: areas in which
//! something is wrong first, and in each the worst first.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::code::FindingCode;
use super::finding::{Area, Finding, State, called};

/// Everything that was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The form of this object. What is added to it changes nothing about it.
    pub format: u32,
    /// When.
    pub at: Timestamp,
    /// By which version.
    pub version: &'static str,
    /// Of which relay.
    pub public_url: String,
    /// How many findings there are of each state.
    pub counts: BTreeMap<State, usize>,
    /// All of them.
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(at: Timestamp, public_url: &str, mut findings: Vec<Finding>) -> Self {
        let mut worst: BTreeMap<Area, State> = BTreeMap::new();
        for it in &findings {
            let known = worst.entry(it.area).or_insert(it.state);
            *known = (*known).min(it.state);
        }
        let is_wrong = |area: &Area| worst.get(area) == Some(&State::Wrong);
        // Stable: what is alike stays in the order of the list.
        findings.sort_by_key(|it| (!is_wrong(&it.area), it.area, it.state));
        let count = |state: State| (state, findings.iter().filter(|it| it.state == state).count());
        let counts = State::ALL.into_iter().map(count).collect();
        Self { format: 1, at, version: env!("CARGO_PKG_VERSION"), public_url: public_url.to_owned(), counts, findings }
    }

    /// Whether anything is wrong.
    pub fn is_bad(&self) -> bool {
        self.count(State::Wrong) > 0
    }

    fn count(&self, state: State) -> usize {
        self.counts.get(&state).copied().unwrap_or_default()
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("Roomed's doctor on {} at {} (version {})\n", self.public_url, self.at, self.version);
        let mut area = None;
        for it in &self.findings {
            if area != Some(it.area) {
                area = Some(it.area);
                text += "\n";
                text += it.area.heading();
                text += "\n";
            }
            lines(&mut text, it);
        }
        let counts: Vec<String> = State::ALL.iter().map(|it| format!("{} {}", self.count(*it), it.word())).collect();
        text += "\n";
        text += &counts.join(", ");
        text
    }
}

fn lines(text: &mut String, it: &Finding) {
    let whose = match (&it.organization, &it.ehr) {
        (Some(organization), Some(ehr)) => format!(" [{organization}, {ehr}]"),
        (Some(organization), None) => format!(" [{organization}]"),
        _ => String::new(),
    };
    let mut line = |indent: &str, words: &str| writeln!(text, "{indent}{words}").unwrap_or_default();
    let word = it.state.word();
    line("  ", &format!("{word:<12}{}{whose}: {}", it.check, it.measured));
    // What was not asked has its reason beside it already, and elsewhere what to do.
    if matches!(it.state, State::Fine | State::NotUsed) || it.code == FindingCode::NotAsked {
        return;
    }
    let indent = "              ";
    line(indent, &format!("Why: {}", it.cause));
    line(indent, &format!("Who: {}", called(it.owner)));
    line(indent, &format!("Fix: {}", it.fix));
    for (n, copied) in it.copy.iter().flat_map(|it| it.lines()).enumerate() {
        line(indent, &format!("{} {copied}", if n == 0 { "Copy:" } else { "     " }));
    }
}

#[cfg(test)]
mod tests;
