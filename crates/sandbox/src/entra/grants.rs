//! What Entra has promised: codes (ten minutes, once) and refresh tokens (ninety days, replaced but not revoked on use).

use super::apps::App;
use crate::core::{Hospital, lock};
use jiff::Timestamp;
use std::{collections::HashMap, sync::Mutex};

/// What a code stands for.
#[derive(Clone, Debug)]
pub(crate) struct CodeGrant {
    pub(crate) app: App,
    pub(crate) oid: String,
    pub(crate) tid: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) expires: Timestamp,
}

/// What a refresh token stands for.
#[derive(Clone, Debug)]
pub(crate) struct RefreshGrant {
    pub(crate) app: App,
    pub(crate) oid: String,
    pub(crate) tid: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires: Timestamp,
    pub(crate) revoked: bool,
}

/// All promises.
#[derive(Default)]
pub(crate) struct Grants {
    codes: Mutex<HashMap<String, (CodeGrant, bool)>>,
    refresh: Mutex<HashMap<String, RefreshGrant>>,
}

impl Grants {
    /// Mints a code.
    pub(crate) fn issue_code(&self, hospital: &Hospital, grant: CodeGrant) -> String {
        let code = format!("1.{}", hospital.random.token(600));
        hospital.canaries.secret("entra.code", &code);
        lock(&self.codes).insert(code.clone(), (grant, false));
        code
    }

    /// The grant behind a code and whether the code had been taken before; from now on it is.
    pub(crate) fn take_code(&self, code: &str) -> Option<(CodeGrant, bool)> {
        let mut codes = lock(&self.codes);
        let (grant, used) = codes.get_mut(code)?;
        let before = std::mem::replace(used, true);
        Some((grant.clone(), before))
    }

    /// Mints a refresh token. Real ones are well over a kilobyte, which small keychains notice.
    pub(crate) fn issue_refresh(&self, hospital: &Hospital, grant: RefreshGrant) -> String {
        let token = format!("1.{}", hospital.random.token(1500));
        hospital.canaries.secret("entra.refresh_token", &token);
        lock(&self.refresh).insert(token.clone(), grant);
        token
    }

    /// The grant behind a refresh token, revoked or not.
    pub(crate) fn refresh(&self, token: &str) -> Option<RefreshGrant> {
        lock(&self.refresh).get(token).cloned()
    }

    /// Revokes every refresh token of an account, as `revokeSignInSessions` does; says how many.
    pub(crate) fn revoke(&self, oid: &str) -> usize {
        let mut all = lock(&self.refresh);
        let of_account = all.values_mut().filter(|it| it.oid == oid && !it.revoked);
        of_account.map(|it| it.revoked = true).count()
    }
}
