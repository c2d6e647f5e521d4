//! Access tokens of Backend Services: opaque, of one site, for five minutes.

use crate::core::{Ehr, Hospital, lock};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Mutex};

/// How long a token lives, in seconds.
pub(crate) const ACCESS_SECONDS: i64 = 300;
/// So many at once that those which have expired are swept out.
const SWEEP: usize = 4096;

struct Access {
    organization: &'static str,
    scopes: Vec<String>,
    expires: Timestamp,
}

/// The living tokens of one EHR.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Access>>);

impl Tokens {
    /// Mints a token.
    pub(crate) fn mint(
        &self,
        hospital: &Hospital,
        ehr: Ehr,
        organization: &'static str,
        scopes: Vec<String>,
    ) -> String {
        let token = hospital.random.token(120);
        hospital.canaries.secret(&format!("{}.access_token", ehr.word()), &token);
        let now = hospital.clock.now();
        let mut all = lock(&self.0);
        if all.len() >= SWEEP {
            all.retain(|_, it| now < it.expires);
        }
        let expires = hospital.clock.in_seconds(ACCESS_SECONDS);
        all.insert(token.clone(), Access { organization, scopes, expires });
        token
    }

    /// The scopes of a living token of this organization's site.
    pub(crate) fn opens(&self, token: &str, organization: &str, now: Timestamp) -> Option<Vec<String>> {
        let all = lock(&self.0);
        all.get(token).filter(|it| now < it.expires && it.organization == organization).map(|it| it.scopes.clone())
    }

    /// Takes a token back.
    pub(crate) fn revoke(&self, token: &str) {
        lock(&self.0).remove(token);
    }
}
