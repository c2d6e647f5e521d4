//! Notifications spoilt on purpose, to see that a receiver answers 202, drops and counts them (microsoft.md 4.3, 4.4).
//! Each name here is both a fault target `graph.notify.<name>` and a `mode` of `POST /_sandbox/forge`.

use serde_json::json;

use super::envelope::Spoiled;
use super::notice::Spoil;
use crate::core::{Hospital, SigningKey};
use crate::entra::tokens::{NOTIFICATION_APP_ID, sign_validation_token, sign_validation_token_as};

/// What is wrong with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// `clientState` is another one.
    ClientState,
    /// `dataSignature` does not verify.
    Signature,
    /// `encryptionCertificateId` is unknown.
    Certificate,
    /// The validation token is signed by a stranger under a published `kid`.
    ForgedToken,
    /// The validation token's `appid` is another application's.
    TokenSender,
    /// The validation token's `aud` is another application.
    TokenAudience,
    /// The validation token's `iss` is another tenant.
    TokenTenant,
    /// The validation token's lifetime is over.
    TokenExpired,
    /// There are no validation tokens at all.
    TokenMissing,
}

/// Every spoil by its name.
pub(crate) const ALL: [(&str, Wrong); 9] = [
    ("wrong_client_state", Wrong::ClientState),
    ("bad_signature", Wrong::Signature),
    ("unknown_certificate", Wrong::Certificate),
    ("forged_token", Wrong::ForgedToken),
    ("token_wrong_appid", Wrong::TokenSender),
    ("token_wrong_audience", Wrong::TokenAudience),
    ("token_wrong_tenant", Wrong::TokenTenant),
    ("token_expired", Wrong::TokenExpired),
    ("token_missing", Wrong::TokenMissing),
];

/// The spoil of this name.
pub(crate) fn named(name: &str) -> Option<Wrong> {
    ALL.iter().find(|(it, _)| *it == name).map(|(_, wrong)| *wrong)
}

/// Takes one strike of a `graph.notify.<name>` switch, if one is set.
pub(crate) fn taken(hospital: &Hospital) -> Option<Wrong> {
    ALL.iter()
        .find(|(name, _)| hospital.faults.take(&format!("graph.notify.{name}")).is_some())
        .map(|(_, wrong)| *wrong)
}

/// What of the item itself is spoilt.
pub(crate) fn of_item(wrong: Option<Wrong>) -> Spoil {
    Spoil {
        content: Spoiled {
            signature: wrong == Some(Wrong::Signature),
            certificate_id: wrong == Some(Wrong::Certificate),
        },
        client_state: wrong == Some(Wrong::ClientState),
    }
}

/// `validationTokens` of one delivery to `app_id` about tenant `tid`.
pub(crate) fn tokens(hospital: &Hospital, tid: &str, app_id: &str, wrong: Option<Wrong>) -> Vec<String> {
    let claims = |from: i64, to: i64| {
        let now = hospital.clock.unix();
        json!({
            "aud": app_id, "iss": format!("https://sts.windows.net/{tid}/"), "iat": now + from, "nbf": now + from,
            "exp": now + to, "appid": NOTIFICATION_APP_ID, "appidacr": "2", "tid": tid, "ver": "1.0",
            "sub": hospital.random.guid(), "uti": hospital.random.token(22),
        })
    };
    match wrong {
        Some(Wrong::TokenMissing) => Vec::new(),
        Some(Wrong::TokenSender) => vec![sign_validation_token_as(hospital, tid, app_id, &hospital.random.guid())],
        Some(Wrong::TokenAudience) => vec![sign_validation_token(hospital, tid, &hospital.random.guid())],
        Some(Wrong::TokenTenant) => vec![sign_validation_token(hospital, &hospital.random.guid(), app_id)],
        Some(Wrong::TokenExpired) => vec![hospital.entra.key.sign(&claims(-7200, -3600))],
        Some(Wrong::ForgedToken) => {
            let stranger = &hospital.graph.stranger;
            vec![stranger.get_or_init(|| SigningKey::generate(hospital.entra.key.kid.clone())).sign(&claims(-5, 3600))]
        }
        _ => vec![sign_validation_token(hospital, tid, app_id)],
    }
}
