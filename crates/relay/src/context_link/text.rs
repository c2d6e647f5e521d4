//! The decrypted text, `Name=value&Name=value`: whole in form or refused. A parameter nobody reads must be well-formed too:
//! otherwise noise could hide in it, and the answer would tell what is noise and what is not.

use zeroize::Zeroizing;

use super::Fault;
use crate::config::is_name;

/// More than any record has.
const MOST: usize = 64;

/// The longest number an EHR gives.
const LONGEST_NUMBER: usize = 64;

/// Parameters, trimmed.
pub(super) struct Fields(Vec<(String, Zeroizing<String>)>);

impl Fields {
    /// `None`: no such text was ever made by an EHR.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim();
        if text.chars().any(refused) {
            return None;
        }
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for pair in text.trim_matches('&').split('&') {
            let (name, value) = pair.split_once('=')?;
            let name = decoded(name);
            let value = Zeroizing::new(decoded(value));
            let is_new = !fields.iter().any(|(known, _)| *known == name);
            if !is_name(&name) || value.chars().any(refused) || !is_new || fields.len() == MOST {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    /// A parameter that says something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A number of the EHR's, which must be there.
    pub(super) fn number(&self, name: &str) -> Result<String, Fault> {
        let plain = |it: char| it.is_ascii_alphanumeric() || "-._".contains(it);
        let usable = |it: &&str| it.len() <= LONGEST_NUMBER && it.chars().all(plain);
        self.get(name).filter(usable).map(str::to_owned).ok_or(Fault::Incomplete)
    }
}

/// Control characters, and what stands for bytes that are no letter.
fn refused(it: char) -> bool {
    it.is_control() || it == char::REPLACEMENT_CHARACTER
}

/// As in a form: `+` and percent.
fn decoded(text: &str) -> String {
    // An `&` or `=` of its own is percent-encoded, so this is one pair without a value.
    let mut pairs = url::form_urlencoded::parse(text.as_bytes());
    match (text.contains('='), pairs.next()) {
        (false, Some((name, _))) => name.trim().to_owned(),
        (false, None) => String::new(),
        // Made by `split_once`: only a value can have one, and it stands for itself.
        (true, _) => decoded(&text.replace('=', "%3D")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, name: &str) -> Option<String> {
        Fields::parse(text.as_bytes()).and_then(|it| it.get(name).map(str::to_owned))
    }

    #[test]
    fn spaces_pluses_and_percents_are_no_part_of_a_value() {
        for (text, wanted) in [
            ("A= 165790&B=1", Some("165790")),
            ("A=+165790", Some("165790")),
            (" A=%20165790%20 ", Some("165790")),
            ("&A=165790&", Some("165790")),
            ("+A = 165790", Some("165790")),
            ("B=x&A=08/11/2020+02:00+PM", Some("08/11/2020 02:00 PM")),
            ("A=José", Some("José")),
            ("A=Jos%C3%A9", Some("José")),
            ("A=a=b", Some("a=b")),
            ("A=", None),
            ("A=++", None),
            ("a=1", None),
        ] {
            assert_eq!(get(text, "A").as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_text_is_whole_or_refused() {
        let many = (0..65).map(|n| format!("a{n}=1")).collect::<Vec<_>>().join("&");
        for bad in
            ["", "A", "A=1&&B=2", "A=1&B", "A=1&A=2", "A=1&+A=2", "=1", "A B=1", "A=%00", "A=\u{1}", "A=%FF", &many]
        {
            assert!(Fields::parse(bad.as_bytes()).is_none(), "{bad:.20}");
        }
        assert!(Fields::parse(b"A=\xff").is_none());
    }

    #[test]
    fn a_number_is_plain() {
        let number = |text: &str| Fields::parse(text.as_bytes()).and_then(|it| it.number("A").ok());
        assert_eq!(number("A= Z-1._2").as_deref(), Some("Z-1._2"));
        for bad in ["A=1,2", "A=1|2", "A=1 2", "A=", "B=1", "A=ä", &format!("A={}", "1".repeat(65))] {
            assert_eq!(number(bad), None, "{bad:.20}");
        }
    }
}
