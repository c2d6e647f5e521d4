//! What every EHR's authorization server does (SMART App Launch 2.2), whoever made it: launches, codes and who launched;
//! for Backend Services assertions, scopes, tokens. The token endpoint here is that of the EHRs beside Epic.

pub(crate) mod assertion;
pub(crate) mod authorize;
pub(crate) mod clients;
pub(crate) mod endpoint;
pub(crate) mod grants;
pub(crate) mod launch;
pub(crate) mod redeem;
pub(crate) mod scopes;
mod tokens;

pub(crate) use tokens::Tokens;

/// An OAuth error and, for the journal only, what was wrong.
pub(crate) struct Refused {
    pub(crate) error: &'static str,
    pub(crate) reason: &'static str,
}

impl Refused {
    pub(crate) fn new(error: &'static str, reason: &'static str) -> Self {
        Self { error, reason }
    }
}
