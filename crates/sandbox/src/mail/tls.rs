//! TLS towards the mail relay: a certificate authority of the hospital's own, which no computer knows by itself, and another
//! that nobody is ever told of. Left out: client certificates, renewal.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Who may be talked to in secret.
pub(super) struct Tls {
    /// With a certificate of the hospital's authority.
    own: TlsAcceptor,
    /// With a stranger's.
    strangers: TlsAcceptor,
    /// The hospital's authority, in PEM.
    pub(super) authority: String,
}

impl Tls {
    /// For `127.0.0.1` and `localhost`. Keys are new in each run: nothing in a test depends on them.
    pub(super) fn new() -> anyhow::Result<Self> {
        let (own, authority) = acceptor("Northside test authority")?;
        let (strangers, _) = acceptor("Nobody knows this authority")?;
        Ok(Self { own, strangers, authority })
    }

    /// Takes a connection whose next byte is TLS.
    pub(super) fn acceptor(&self, is_strangers: bool) -> &TlsAcceptor {
        if is_strangers { &self.strangers } else { &self.own }
    }
}

fn acceptor(name: &str) -> anyhow::Result<(TlsAcceptor, String)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let key = KeyPair::generate()?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names)?.signed_by(&key, &Issuer::new(authority, authority_key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
    Ok((TlsAcceptor::from(Arc::new(config)), authority_certificate.pem()))
}
