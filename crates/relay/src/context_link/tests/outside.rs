//! The `openssl` command: encryption and key derivation by code that is not ours, at the time of the test.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Runs it on `input`.
pub(super) fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the test needs the openssl command (apt-get install openssl)");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "openssl {}: {}", arguments[0], String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// AES-CBC with PKCS #7, or with `-nopad`.
pub(super) fn encrypt_bytes(cipher: &str, key: &[u8], iv: &[u8], plain: &[u8], more: &[&str]) -> Vec<u8> {
    let (cipher, key, iv) = (format!("-{cipher}"), hex::encode(key), hex::encode(iv));
    let arguments = [&["enc", "-e", &cipher, "-K", &key, "-iv", &iv], more].concat();
    openssl(&arguments, plain)
}

/// AES-256 under the secret of these tests and an IV of zeros, in base64.
pub(super) fn encrypt(plain: &[u8]) -> String {
    STANDARD.encode(encrypt_bytes("aes-256-cbc", b"0123456789abcdefghijklmnopqrstuv", &[0; 16], plain, &[]))
}

/// A digest.
pub(super) fn digest(name: &str, bytes: &[u8]) -> Vec<u8> {
    openssl(&["dgst", &format!("-{name}"), "-binary"], bytes)
}

/// PBKDF2.
pub(super) fn pbkdf2(digest: &str, secret: &str, salt: &str, rounds: u32, bytes: usize) -> Vec<u8> {
    let options =
        [format!("digest:{digest}"), format!("pass:{secret}"), format!("salt:{salt}"), format!("iter:{rounds}")];
    let length = bytes.to_string();
    let mut arguments = vec!["kdf", "-keylen", &length, "-binary"];
    options.iter().for_each(|option| arguments.extend(["-kdfopt", option]));
    // Whatever is short by a standard of today is still what somebody may have typed.
    arguments.extend(["-kdfopt", "pkcs5:1", "PBKDF2"]);
    openssl(&arguments, b"")
}
