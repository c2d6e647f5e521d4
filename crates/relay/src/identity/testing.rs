//! A tiny Entra for this crate's tests: one RSA key, discovery and key documents over real HTTP, a count of fetches.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use axum::{Json, Router, routing::get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

pub(crate) const TID: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const KID: &str = "key-1";

/// One key for all tests: making RSA keys is slow.
pub(crate) fn signing_key() -> &'static (EncodingKey, Value, Vec<u8>) {
    static KEY: OnceLock<(EncodingKey, Value, Vec<u8>)> = OnceLock::new();
    KEY.get_or_init(|| {
        let params = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let pair = KeyPair::from_pkcs8(params.serialized_der()).unwrap();
        let public = pair.public_key();
        let n = B64.encode(public.modulus().big_endian_without_leading_zero());
        let e = B64.encode(public.exponent().big_endian_without_leading_zero());
        let key = EncodingKey::from_rsa_pem(params.serialize_pem().as_bytes()).unwrap();
        (key, json!({"kty": "RSA", "use": "sig", "kid": KID, "n": n, "e": e}), params.public_key_pem().into_bytes())
    })
}

/// Signs claims with the published key.
pub(crate) fn signed(claims: &Value) -> String {
    signed_as(claims, Some(KID))
}

/// The same under another `kid`.
pub(crate) fn signed_as(claims: &Value, kid: Option<&str>) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(Algorithm::RS256) };
    jsonwebtoken::encode(&header, claims, &signing_key().0).unwrap()
}

/// An unsigned or oddly signed token from parts.
pub(crate) fn raw(header: &Value, claims: &Value, signature: &[u8]) -> String {
    format!("{}.{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()), B64.encode(signature))
}

/// The running stand-in.
pub(crate) struct Entra {
    pub(crate) authority: String,
    pub(crate) keys: url::Url,
    pub(crate) fetches: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Entra {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Entra {
    /// `issuer_claimed` replaces the issuer in the discovery document.
    pub(crate) async fn start(issuer_claimed: Option<&str>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let authority = format!("{base}/{TID}/v2.0");
        let keys = format!("{base}/common/discovery/v2.0/keys");
        let fetches = Arc::new(AtomicUsize::new(0));
        let configuration =
            json!({"issuer": issuer_claimed.unwrap_or(&authority), "jwks_uri": keys, "token_endpoint": base});
        let count = Arc::clone(&fetches);
        let mut key = signing_key().1.clone();
        key["issuer"] = json!(format!("{base}/{{tenantid}}/v2.0"));
        let set = json!({"keys": [{"kty": "EC", "kid": "other"}, key]});
        let router = Router::new()
            .route(&format!("/{TID}/v2.0/.well-known/openid-configuration"), get(|| async move { Json(configuration) }))
            .route(
                "/common/discovery/v2.0/keys",
                get(move || async move {
                    count.fetch_add(1, Ordering::SeqCst);
                    Json(set)
                }),
            );
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { authority, keys: keys.parse().unwrap(), fetches, task }
    }

    pub(crate) fn fetched(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

/// A client as the relay builds it.
pub(crate) fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    // A connection kept alive would outlive the stand-in it belongs to
    builder.pool_max_idle_per_host(0).build().unwrap()
}
