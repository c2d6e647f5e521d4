//! What is wrong with an organization's `context_link`, in words for whoever typed it. Never says the secret.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;

use super::{ContextLink, ContextNames, IvRule, KeyRule, is_name};

/// What a holder of the link can change unseen where the IV travels with it: AES's block.
const FIRST_BLOCK: usize = 16;

/// The longest validity a public page knows: 30 days.
const LONGEST_MINUTES: u32 = 43_200;

impl ContextLink {
    /// What is wrong with it, in words that follow its place in the configuration.
    pub(in crate::config) fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.secret.is_some() == self.secret_file.is_some() {
            found.push(": set exactly one of secret and secret_file, to what the EHR's record has".to_owned());
        }
        if let Some(secret) = &self.secret
            && let Err(problem) = crate::context_link::fits(self, secret.expose_secret())
        {
            found.push(format!(".{problem}"));
        }
        if self.iv == (IvRule::Derived {}) && !matches!(self.key, KeyRule::Pbkdf2 { .. }) {
            found.push(".iv: \"derived\" goes with key = { rule = \"pbkdf2\" } only".to_owned());
        }
        if let IvRule::Fixed { hex } = &self.iv
            && hex::decode(hex).map(|it| it.len()) != Ok(16)
        {
            found.push(".iv.hex must be 32 hexadecimal digits".to_owned());
        }
        found.extend(self.starts_with_finding().map(str::to_owned));
        if TimeZone::get(&self.time_zone).is_err() {
            found.push(".time_zone is no IANA zone this machine knows, e.g. \"America/Chicago\"".to_owned());
        }
        let sample = date(2020, 8, 21).at(14, 5, 0, 0);
        let written = jiff::fmt::strtime::format(&self.time_format, sample);
        if written.ok().and_then(|text| DateTime::strptime(&self.time_format, text).ok()) != Some(sample) {
            found.push(".time_format must say year, month, day, hour and minute, as strftime does".to_owned());
        }
        if !(1..=LONGEST_MINUTES).contains(&self.validity_minutes) {
            found.push(format!(".validity_minutes must be 1 to {LONGEST_MINUTES}"));
        }
        if self.grace_minutes > LONGEST_MINUTES {
            found.push(format!(".grace_minutes must be 0 to {LONGEST_MINUTES}"));
        }
        found.extend(self.names.findings());
        let kinds = [Some(&self.kinds.patient), self.kinds.proxy.as_ref(), self.kinds.practitioner.as_ref()];
        let kinds: Vec<&String> = kinds.into_iter().flatten().collect();
        if kinds.iter().any(|it| it.trim() != it.as_str() || it.is_empty()) || doubled(&kinds) {
            found.push(".kinds must be different from each other, and not empty".to_owned());
        }
        if self.kinds.proxy.is_some() && self.names.patient.is_none() {
            found.push(".names.patient is needed for kinds.proxy: it says whose visit it is".to_owned());
        }
        if let IvRule::Parameter { name } = &self.iv
            && (!is_name(name) || *name == self.names.query)
        {
            found.push(".iv.name must be a parameter's name, and not that of names.query".to_owned());
        }
        found
    }

    /// Whoever holds a link can change its first block at will through an IV that travels along, so that block must be known.
    fn starts_with_finding(&self) -> Option<&'static str> {
        let travels = matches!(self.iv, IvRule::Prefix {} | IvRule::Parameter { .. });
        match self.starts_with.as_deref() {
            None if travels => Some(
                ".starts_with is needed with this iv: begin the record's text at the EHR with 16 letters or more that are \
                 the same in every link, e.g. \"Link=RoomedVisits&\", and put them here",
            ),
            Some(text) if travels && text.len() < FIRST_BLOCK => {
                Some(".starts_with must be of 16 letters or more with this iv")
            }
            Some(text) if text.is_empty() || !text.chars().all(|it| it.is_ascii_graphic()) => {
                Some(".starts_with must be of letters, digits and signs, without a space")
            }
            _ => None,
        }
    }
}

impl ContextNames {
    fn findings(&self) -> Option<String> {
        let inside = [&self.appointment, &self.person, &self.kind, &self.time, &self.validity, &self.issued];
        let inside: Vec<&String> = inside.into_iter().chain(&self.patient).collect();
        let plain = inside.iter().chain([&&self.query]).all(|name| is_name(name));
        // These tell the other launch.
        let taken = ["iss", "launch", "sessionId"].contains(&self.query.as_str());
        let wrong = !plain || doubled(&inside) || taken;
        wrong.then(|| ".names must be of A-Z, a-z, 0-9, -, _ and . only, and different from each other".to_owned())
    }
}

fn doubled(names: &[&String]) -> bool {
    (0..names.len()).any(|n| names[..n].contains(&names[n]))
}
