//! The named switches: how the stand-in hospital behaves where real ones differ. This is the one table; the control page, the
//! list over HTTP (`GET /switches`) and the doors that ask all read it. What disturbs single requests is in `faults.rs`; what
//! a test does once (book a group, expire a subscription) is an act of the control API, not a switch.

use super::lock;
use std::{collections::BTreeMap, sync::Mutex};

/// One switch. Its first value is how the sandbox begins.
#[derive(Debug)]
pub struct Switch {
    /// Its name, for example `proxies`.
    pub name: &'static str,
    /// What it is about, in words.
    pub words: &'static str,
    /// Whether each organization has its own.
    pub per_organization: bool,
    /// Value and what it means.
    pub values: &'static [(&'static str, &'static str)],
}

/// What a portal's launch says of somebody who acts for a patient.
pub const PROXIES: Switch = Switch {
    name: "proxies",
    words: "People who act for a patient in MyChart, and how their launch names them",
    per_organization: true,
    values: &[
        ("related-person", "patient is whom they act for, fhirUser their RelatedPerson"),
        ("other-patient", "patient is whom they act for, fhirUser their own Patient if they have one"),
        ("none", "nobody may act for anybody"),
    ],
};

/// All of them, in the order of the control page.
pub const ALL: [&Switch; 1] = [&PROXIES];

/// Why a switch was not thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotThrown {
    /// No such switch.
    #[error("there is no such switch; GET /switches lists them")]
    Name,
    /// No such value.
    #[error("the switch has no such value; GET /switches lists them")]
    Value,
    /// It is one for the whole hospital, or the organization is unknown.
    #[error("this switch is not one per organization, or there is no such organization")]
    Organization,
}

/// How they stand: only those that were thrown.
#[derive(Default)]
pub struct Switches(Mutex<BTreeMap<(&'static str, String), &'static str>>);

impl Switches {
    /// How a switch stands for an organization; for one of the whole hospital the organization does not matter.
    pub fn of(&self, switch: &Switch, organization: &str) -> &'static str {
        let key = (switch.name, whose(switch, organization));
        lock(&self.0).get(&key).copied().unwrap_or(switch.values[0].0)
    }

    /// Whether a switch stands at `value`.
    pub fn is(&self, switch: &Switch, organization: &str, value: &str) -> bool {
        debug_assert!(switch.values.iter().any(|(it, _)| *it == value), "{} has no {value}", switch.name);
        self.of(switch, organization) == value
    }

    /// Throws a switch, for one of `organizations` or for all.
    pub fn throw(
        &self,
        name: &str,
        value: &str,
        organization: Option<&str>,
        organizations: &[&str],
    ) -> Result<(), NotThrown> {
        let switch = ALL.into_iter().find(|it| it.name == name).ok_or(NotThrown::Name)?;
        let (value, _) = switch.values.iter().find(|(it, _)| *it == value).ok_or(NotThrown::Value)?;
        let fits = organization.is_none_or(|it| switch.per_organization && organizations.contains(&it));
        if !fits {
            return Err(NotThrown::Organization);
        }
        let mut all = lock(&self.0);
        for it in organizations.iter().filter(|it| organization.is_none_or(|wanted| wanted == **it)) {
            all.insert((switch.name, whose(switch, it)), value);
        }
        Ok(())
    }
}

fn whose(switch: &Switch, organization: &str) -> String {
    if switch.per_organization { organization.to_owned() } else { String::new() }
}
