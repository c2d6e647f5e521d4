//! What every EHR's authorization server does for Backend Services (SMART App Launch 2.2), whoever made it: assertions,
//! scopes, tokens, the token endpoint. Epic's interactive launches, codes and scopes of its own are in `epic`.

pub(crate) mod assertion;
pub(crate) mod endpoint;
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
