//! What an https server tells by its certificate: one that is good, one that has ended, one nobody vouches for. On loopback.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;
use crate::clock::ManualClock;

/// Answers one request, by a certificate that ends in this year; says where, and who vouches for it.
fn server(until: i32) -> (Url, reqwest::Certificate) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let (key, authority_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
    of_authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = of_authority.self_signed(&authority_key).unwrap();
    let mut of_server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (of_server.not_before, of_server.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
    let certificate = of_server.signed_by(&key, &Issuer::new(of_authority, authority_key)).unwrap();
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(vec![certificate.der().clone()], private).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut connection = rustls::ServerConnection::new(config).unwrap();
        let mut tls = rustls::Stream::new(&mut connection, &mut socket);
        let mut request = [0; 1024];
        if tls.read(&mut request).is_ok_and(|read| read > 0) {
            let date = "date: Sun, 22 Nov 2026 12:00:07 GMT";
            let answer = format!("HTTP/1.1 200 OK\r\n{date}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            tls.write_all(answer.as_bytes()).unwrap();
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
    });
    (Url::parse(&url).unwrap(), reqwest::Certificate::from_der(authority.der()).unwrap())
}

async fn asked(until: i32, trusted: bool) -> Result<Answer, Silence> {
    let (url, authority) = server(until);
    let builder = reqwest::Client::builder().no_proxy().tls_backend_rustls().tls_info(true);
    let builder = if trusted { builder.tls_certs_only([authority]) } else { builder };
    let clock = ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap());
    get(&builder.build().unwrap(), url, "*/*", &clock).await
}

#[tokio::test]
async fn a_certificate_tells_when_it_ends_and_why_it_is_not_believed() {
    let good = asked(2090, true).await.unwrap();
    assert_eq!(good.ends, Some("2090-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!((good.status, good.text(), good.ahead), (200, &b"ok"[..], Some(SignedDuration::from_secs(7))));
    assert_eq!(asked(2021, true).await.unwrap_err(), Silence::Expired);
    assert_eq!(asked(2090, false).await.unwrap_err(), Silence::Untrusted);
}

#[test]
fn a_servers_date_is_compared_with_ours() {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let ahead = |date: &str| ahead(date, now).map(|it| it.as_secs());
    assert_eq!(ahead("Sun, 22 Nov 2026 12:10:00 GMT"), Some(600));
    assert_eq!(ahead("Sun, 22 Nov 2026 11:58:00 GMT"), Some(-120));
    assert_eq!(ahead("noon"), None);
}
