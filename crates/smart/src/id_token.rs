//! The EHR's signed statement of who launched: `id_token` with `fhirUser` (OIDC Core 3.1.3.7; SMART App Launch 2.2, 5).
//! Every check has its own reason, for the analyst on the phone; no reason holds a value of the token.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::Error;
use crate::jwks::JwksCache;
use crate::pkce::same;

/// Seconds by which clocks may differ.
pub const LEEWAY: i64 = 120;
const LONGEST: usize = 16 * 1024;

/// What the token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// `issuer` of the smart-configuration: not the FHIR base.
    pub issuer: &'a str,
    /// The client that ran this launch.
    pub client_id: &'a str,
    /// The nonce of this launch.
    pub nonce: &'a str,
    /// The FHIR base, under which an absolute `fhirUser` must be.
    pub fhir_base: &'a str,
    /// Unix seconds.
    pub now: i64,
}

/// Why a token does not hold up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not a JWT, too long, or without a required claim.
    #[error("it is malformed")]
    Malformed,
    /// Not RS256, RS384, ES256 or ES384.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// The EHR publishes no such key.
    #[error("its key is not among the EHR's")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Another issuer.
    #[error("it is of another issuer")]
    Issuer,
    /// For another client.
    #[error("it is for another client")]
    Audience,
    /// Over.
    #[error("it has expired")]
    Expired,
    /// Issued in the future.
    #[error("it is from the future")]
    Future,
    /// Another launch's.
    #[error("its nonce is not this launch's")]
    Nonce,
    /// `fhirUser` missing, unreadable or at another server.
    #[error("its fhirUser is missing or not of this EHR")]
    FhirUser,
    /// The keys could not be had.
    #[error(transparent)]
    Keys(#[from] Error),
}

/// A resource type and id out of `fhirUser`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FhirUser {
    /// `Practitioner`, `PractitionerRole`, `Patient`, `RelatedPerson` or `Person`.
    pub resource_type: String,
    /// FHIR id.
    pub id: String,
}

impl FhirUser {
    /// Parses `Type/id`, or an absolute URL of exactly `fhir_base`.
    pub fn parse(text: &str, fhir_base: &str) -> Option<Self> {
        let relative = if text.contains("://") {
            text.strip_prefix(fhir_base.trim_end_matches('/'))?.strip_prefix('/')?
        } else {
            text
        };
        let (resource_type, id) = relative.split_once('/')?;
        // A versioned reference names the same user.
        let id = id.split_once("/_history/").map_or(id, |(id, _)| id);
        let known = ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person"];
        let well_formed =
            !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        (known.contains(&resource_type) && well_formed)
            .then(|| Self { resource_type: resource_type.to_owned(), id: id.to_owned() })
    }

    /// True for `Practitioner` and `PractitionerRole`.
    pub fn is_practitioner(&self) -> bool {
        matches!(self.resource_type.as_str(), "Practitioner" | "PractitionerRole")
    }
}

/// What a verified token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who, at this issuer.
    pub subject: String,
    /// Which FHIR resource that is.
    pub fhir_user: FhirUser,
    /// Unix seconds.
    pub issued_at: i64,
    /// Unix seconds.
    pub expires_at: i64,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
    #[serde(rename = "fhirUser")]
    fhir_user: Option<String>,
    // SMART 1.0's name for it, which older servers still send.
    profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn is(&self, client_id: &str, azp: Option<&str>) -> bool {
        match self {
            Self::One(aud) => aud == client_id && azp.is_none_or(|azp| azp == client_id),
            Self::Many(all) => {
                all.iter().any(|aud| aud == client_id) && azp.map_or(all.len() == 1, |azp| azp == client_id)
            }
        }
    }
}

/// Verifies signature and claims.
///
/// # Errors
/// The first check that fails; [`IdTokenError::Keys`] if the EHR's keys cannot be had, which is nobody's forgery.
pub async fn verify(
    client: &reqwest::Client,
    keys: &JwksCache,
    token: &str,
    expected: &Expected<'_>,
) -> Result<Identity, IdTokenError> {
    if token.len() > LONGEST {
        return Err(IdTokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| IdTokenError::Malformed)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::RS384 | Algorithm::ES256 | Algorithm::ES384) {
        return Err(IdTokenError::Algorithm);
    }
    if header.crit.is_some() {
        return Err(IdTokenError::Malformed);
    }
    let key = keys.key(client, header.kid.as_deref(), header.alg, expected.now).await?;
    let key = DecodingKey::from_jwk(&key.ok_or(IdTokenError::UnknownKey)?).map_err(|_| IdTokenError::UnknownKey)?;
    // Only the signature is left to the library: it would read the clock itself, and says less about what failed.
    let mut only_signature = Validation::new(header.alg);
    only_signature.validate_exp = false;
    only_signature.validate_aud = false;
    only_signature.set_required_spec_claims::<&str>(&[]);
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &only_signature).map_err(|e| match e.kind() {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => IdTokenError::Signature,
        _ => IdTokenError::Malformed,
    })?;
    check(claims.claims, expected)
}

fn check(claims: Claims, expected: &Expected<'_>) -> Result<Identity, IdTokenError> {
    if claims.iss != expected.issuer {
        return Err(IdTokenError::Issuer);
    }
    if !claims.aud.is(expected.client_id, claims.azp.as_deref()) {
        return Err(IdTokenError::Audience);
    }
    if claims.exp.saturating_add(LEEWAY) <= expected.now {
        return Err(IdTokenError::Expired);
    }
    if claims.iat > expected.now.saturating_add(LEEWAY) {
        return Err(IdTokenError::Future);
    }
    if !claims.nonce.is_some_and(|nonce| same(&nonce, expected.nonce)) {
        return Err(IdTokenError::Nonce);
    }
    let fhir_user = claims.fhir_user.or(claims.profile).ok_or(IdTokenError::FhirUser)?;
    let fhir_user = FhirUser::parse(&fhir_user, expected.fhir_base).ok_or(IdTokenError::FhirUser)?;
    Ok(Identity { subject: claims.sub, fhir_user, issued_at: claims.iat, expires_at: claims.exp })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fhir_user_absolute_or_relative() {
        let base = "https://ehr.example/api/FHIR/R4";
        let user = |t: &str| FhirUser::parse(t, base);
        let wanted = Some(FhirUser { resource_type: "Practitioner".into(), id: "e3.A-1".into() });
        assert_eq!(user("Practitioner/e3.A-1"), wanted);
        assert_eq!(user("https://ehr.example/api/FHIR/R4/Practitioner/e3.A-1"), wanted);
        assert_eq!(user("https://ehr.example/api/FHIR/R4/Practitioner/e3.A-1/_history/2"), wanted);
        assert_eq!(FhirUser::parse("https://ehr.example/api/FHIR/R4/Practitioner/e3.A-1", &format!("{base}/")), wanted);
        assert!(!FhirUser::parse("Patient/1", base).expect("a user").is_practitioner());
        for bad in [
            "https://evil.example/api/FHIR/R4/Practitioner/1",
            "https://ehr.example/api/FHIR/R4evil/Practitioner/1",
            "Practitioner/",
            "Practitioner",
            "/Practitioner/1",
            "Device/1",
            "Practitioner/1/2",
            "Practitioner/a b",
            "",
        ] {
            assert_eq!(user(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn fhir_user_never_panics_and_stays_within_the_base(text in ".{0,200}") {
            if let Some(user) = FhirUser::parse(&text, "https://ehr.example/R4") {
                prop_assert!(!text.contains("://") || text.starts_with("https://ehr.example/R4/"));
                prop_assert!(!user.id.contains('/'));
            }
        }
    }
}
