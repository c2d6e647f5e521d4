//! The stand-in hospital as one shared value: clock, journal, faults, randomness, people and each vendor's state.
//! No HTTP here; each listener (`entra`, `epic`, `oracle`, `r4`, `graph`, `teams`, `control`) brings its own routes.

mod asked;
mod canaries;
mod departments;
mod effects;
mod ehr;
mod faults;
mod journal;
mod keys;
mod organizations;
mod people;
mod proxies;
mod random;
mod strike;
pub mod switches;

pub use asked::Asked;
pub use canaries::{Canaries, Canary, CanaryKind};
pub use departments::Department;
pub use effects::{Creates, Effect, Effects, Recorded, Standing, Written};
pub use ehr::Ehr;
pub use faults::{Fault, FaultMode, Faults, Struck};
pub use journal::{Entry, Journal};
pub use keys::{JwtRefused, SigningKey, unverified_claims};
pub use organizations::{IdentifierSystems, Organization};
pub(crate) use people::fhir_id;
pub use people::{Patient, Person, PersonRole};
pub use proxies::{PortalUser, Proxy, RelatedPerson};
pub use random::Random;
pub(crate) use strike::{Aim, Refusal, outage, under};
pub use strike::{Strike, cut};
pub use switches::Switches;

use crate::{Addresses, clock::Clock};
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use url::Url;

/// What every handler of every listener holds.
pub type Shared = Arc<Hospital>;

/// Locks without caring whether an earlier holder was cut off by a fault switch.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The whole stand-in hospital.
pub struct Hospital {
    /// The sandbox's own time.
    pub clock: Clock,
    /// What happened, in order; read over the control API.
    pub journal: Journal,
    /// Addresses and referers, for leak scans.
    pub asked: Asked,
    /// Faults waiting to strike.
    pub faults: Faults,
    /// How the named switches stand.
    pub switches: Switches,
    /// What has taken effect at the EHRs.
    pub effects: Effects,
    /// Seeded randomness: ids, GUIDs, tokens.
    pub random: Random,
    /// Where the listeners are; set once, before the first request.
    pub addresses: OnceLock<Addresses>,
    /// The relay's base address once somebody has registered it.
    pub relay: Mutex<Option<Url>>,
    /// Values that must never turn up where they do not belong.
    pub canaries: Canaries,
    /// The two customers.
    pub organizations: Vec<Organization>,
    /// Microsoft Entra ID.
    pub entra: crate::entra::State,
    /// Epic.
    pub epic: crate::epic::State,
    /// Oracle Health.
    pub oracle: crate::oracle::State,
    /// The generic FHIR R4 server.
    pub r4: crate::r4::State,
    /// The mail relay.
    pub mail: crate::mail::State,
    /// Microsoft Graph.
    pub graph: crate::graph::State,
    /// Teams meetings.
    pub teams: crate::teams::State,
}

impl Hospital {
    /// A hospital with its people, patients and today's schedule. `seed` decides every id and name.
    pub fn new(seed: u64, canaries: bool) -> Self {
        let random = Random::new(seed);
        let clock = Clock::default();
        let canaries = Canaries::new(canaries);
        let organizations = organizations::both(&random, &canaries);
        let epic = crate::epic::State::new(&organizations, &random, &clock, &canaries);
        let oracle = crate::oracle::State::new(&organizations, &random, &canaries);
        let r4 = crate::r4::State::new(&organizations, &random, &clock, &canaries);
        let mail = crate::mail::State::new(&random, &canaries);
        Self {
            clock,
            journal: Journal::default(),
            asked: Asked::default(),
            faults: Faults::new(seed),
            switches: Switches::default(),
            effects: Effects::default(),
            addresses: OnceLock::new(),
            relay: Mutex::new(None),
            organizations,
            entra: crate::entra::State::new(&random, &canaries),
            epic,
            oracle,
            r4,
            mail,
            graph: crate::graph::State::default(),
            teams: crate::teams::State::default(),
            canaries,
            random,
        }
    }

    /// The addresses, without a trailing slash.
    pub fn addresses(&self) -> &Addresses {
        self.addresses.get().expect("set before the listeners accept")
    }

    /// Writes a journal entry stamped with the sandbox's time.
    pub fn log(&self, who: &str, what: &str, detail: Value) {
        self.journal.append(self.clock.now(), who, what, detail);
    }

    /// The relay's base without a trailing slash, if registered.
    pub fn relay_base(&self) -> Option<String> {
        lock(&self.relay).as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned())
    }

    /// The organization with that key (`northside`, `harbor`).
    pub fn organization(&self, key: &str) -> Option<&Organization> {
        self.organizations.iter().find(|it| it.key == key)
    }

    /// The organization with that Entra tenant id.
    pub fn tenant(&self, tid: &str) -> Option<&Organization> {
        self.organizations.iter().find(|it| it.tid == tid)
    }

    /// A person by Entra object id, with the organization they belong to.
    pub fn person(&self, oid: &str) -> Option<(&Organization, &Person)> {
        self.organizations.iter().find_map(|it| it.person(oid).map(|person| (it, person)))
    }
}
