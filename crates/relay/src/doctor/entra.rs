//! Checks of an organization's Entra tenant: what it says of itself, its clock, and whether it lets the relay's application in.

use url::Url;

use super::ask::{Answer, Silence, get};
use super::clocks;
use super::code::FindingCode as C;
use super::finding::Measured;
use super::scene::Tenant;
use crate::meeting::graph::token::{NoToken, ask};
use crate::meeting::teams;

const UNKNOWN_TENANT: u32 = 90_002;

/// `entra.configuration`
pub(super) async fn configuration(it: &Tenant<'_>) -> Measured {
    let authority = &it.organization.entra.authority;
    let said = match Url::parse(&format!("{authority}/.well-known/openid-configuration")) {
        Ok(url) => get(&it.scene.http, url, "application/json", &*it.scene.clock).await,
        Err(_) => Err(Silence::NoConnection),
    };
    let measured = match &said {
        Ok(answer) => described(answer, authority),
        Err(silence) => Measured::new(C::EntraUnreachable, silence.words()),
    };
    it.described.set(said).ok();
    measured
}

fn described(answer: &Answer, authority: &str) -> Measured {
    let said = answer.json().unwrap_or_default();
    let status = format!("HTTP {}", answer.status);
    match said["issuer"].as_str() {
        Some(issuer) if answer.is_ok() && issuer == authority => {
            Measured::new(C::EntraFine, "the issuer is as configured")
        }
        Some(_) if answer.is_ok() => Measured::new(C::EntraIssuerOther, "the issuer is another one"),
        _ if said["error_codes"][0] == UNKNOWN_TENANT => Measured::new(C::EntraTenantUnknown, status),
        _ => Measured::new(C::EntraUnreadable, status),
    }
}

/// `entra.clock`
pub(super) async fn clock(it: &Tenant<'_>) -> Measured {
    clocks::measured(it.described.get())
}

/// `entra.secret`
pub(super) async fn secret(it: &Tenant<'_>) -> Measured {
    let Ok(base) = &it.base else { return Measured::new(C::NotAsked, "graph.base is no address") };
    match ask(&it.scene.http, &teams::credentials(it.organization, base), super::ask::PATIENCE).await {
        Ok(_) => {
            it.let_in.set(()).ok();
            Measured::new(C::TokenFine, "a token was given, and not kept")
        }
        Err(NoToken::Denied { aadsts: Some(number), .. }) => Measured::new(refused(number), format!("AADSTS{number}")),
        Err(NoToken::Denied { status, aadsts: None }) => Measured::new(C::TokenRefused, format!("HTTP {status}")),
        Err(NoToken::Answer { status }) => Measured::new(C::TokenRefused, format!("HTTP {status}, not a token")),
        Err(NoToken::Busy { wait }) => {
            let asked = wait.map(|it| format!("asked to wait {} s", it.as_secs()));
            Measured::new(C::GraphUnreachable, asked.unwrap_or_else(|| "no answer of use".into()))
        }
    }
}

/// Entra's number (Microsoft Entra authentication and authorization error codes).
fn refused(aadsts: u32) -> C {
    match aadsts {
        7_000_222 => C::SecretExpired,
        7_000_215 => C::SecretWrong,
        700_016 => C::AppUnknown,
        UNKNOWN_TENANT => C::TenantUnknown,
        _ => C::TokenRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_an_admin_can_act_on_has_a_code_of_its_own() {
        let numbers = [7_000_222, 7_000_215, 700_016, 90_002, 50_034];
        let codes = [C::SecretExpired, C::SecretWrong, C::AppUnknown, C::TenantUnknown, C::TokenRefused];
        assert_eq!(numbers.map(refused), codes);
    }
}
