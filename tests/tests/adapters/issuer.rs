//! An authority whose key the test holds: it says what it likes, and signs it well. For claims that the stand-ins, being
//! honest, never make. Publishes just what an Entra tenant and an EHR must publish about their keys.

use std::sync::Arc;

use roomed_sandbox::core::SigningKey;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The authority, publishing for as long as it is held.
pub(crate) struct Issuer {
    /// Its origin.
    pub(crate) base: String,
    key: SigningKey,
    serving: JoinHandle<()>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Issuer {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let key = SigningKey::generate("authority-1".to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let published = Arc::new((base.clone(), json!({ "keys": [key.jwk()] })));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let published = Arc::clone(&published);
                tokio::spawn(async move { answer(stream, &published.0, &published.1).await });
            }
        });
        Ok(Self { base, key, serving })
    }

    /// As the authority of a tenant.
    pub(crate) fn authority(&self, tid: &str) -> String {
        format!("{}/{tid}/v2.0", self.base)
    }

    /// As the FHIR base of an EHR.
    pub(crate) fn fhir(&self) -> String {
        format!("{}/fhir", self.base)
    }

    /// As the issuer of that EHR's statements.
    pub(crate) fn ehr(&self) -> String {
        format!("{}/oauth2", self.base)
    }

    /// Signs whatever it is.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.key.sign(claims)
    }
}

/// The claims with some of them changed; null takes one out.
pub(crate) fn but(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().into_iter().flatten() {
        claims[name] = value.clone();
    }
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|_, value| !value.is_null());
    }
    claims
}

async fn answer(stream: TcpStream, base: &str, keys: &Value) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let body = match path.split_once("/.well-known/") {
        Some((authority, "openid-configuration")) => {
            json!({ "issuer": format!("{base}{authority}"), "jwks_uri": format!("{base}/keys") })
        }
        Some(("/fhir", "smart-configuration")) => json!({
            "issuer": format!("{base}/oauth2"), "jwks_uri": format!("{base}/keys"),
            "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
            "capabilities": ["launch-ehr", "client-public"], "code_challenge_methods_supported": ["S256"],
        }),
        _ => keys.clone(),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await
}
