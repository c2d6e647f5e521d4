//! A letter as it arrived: envelope, headers and what a person would read of it.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::Serialize;

/// One that was taken in.
#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    /// 1, 2, 3, ... without gaps, in order of arrival.
    pub n: u64,
    /// Sandbox time.
    pub at: Timestamp,
    /// Sender of the envelope; empty for the null sender.
    pub from: String,
    /// Recipients of the envelope.
    pub to: Vec<String>,
    /// Whether the sender had signed in.
    pub signed_in: bool,
    /// `Subject` as it stands there.
    pub subject: String,
    /// The body of a letter of one part, decoded; of others the body as it stands there.
    pub text: String,
    /// The whole letter, without dot stuffing.
    pub raw: String,
}

/// One that is to be kept.
pub(super) struct New {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) signed_in: bool,
    pub(super) raw: String,
}

impl New {
    pub(super) fn numbered(self, n: u64, at: Timestamp) -> Letter {
        let Self { from, to, signed_in, raw } = self;
        let subject = header(&raw, "Subject").unwrap_or_default();
        Letter { n, at, from, to, signed_in, subject, text: text(&raw), raw }
    }
}

/// How often a header stands in a letter.
pub(super) fn count(raw: &str, name: &str) -> usize {
    headers(raw).filter(|line| named(line, name).is_some()).count()
}

fn headers(raw: &str) -> impl Iterator<Item = &str> {
    raw.split("\r\n").take_while(|line| !line.is_empty())
}

fn named<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (field, value) = line.split_once(':')?;
    field.eq_ignore_ascii_case(name).then(|| value.trim())
}

/// A header's value with its folded lines put together.
fn header(raw: &str, name: &str) -> Option<String> {
    let mut lines = headers(raw).skip_while(|line| named(line, name).is_none());
    let mut value = named(lines.next()?, name)?.to_owned();
    for more in lines.take_while(|line| line.starts_with([' ', '\t'])) {
        value.push(' ');
        value.push_str(more.trim());
    }
    Some(value)
}

fn text(raw: &str) -> String {
    let body = raw.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    let encoding = header(raw, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
    let decoded = match encoding.as_str() {
        "base64" => {
            let packed: String = body.split_ascii_whitespace().collect();
            BASE64_STANDARD.decode(packed).ok().and_then(|it| String::from_utf8(it).ok())
        }
        "quoted-printable" => String::from_utf8(quoted_printable(body)).ok(),
        _ => None,
    };
    decoded.unwrap_or_else(|| body.to_owned())
}

/// RFC 2045 6.7.
fn quoted_printable(body: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'=', [b'\r', b'\n', more @ ..]) => rest = more,
            (b'=', [high, low, more @ ..]) => {
                let digits = [*high, *low];
                let byte = std::str::from_utf8(&digits).ok().and_then(|it| u8::from_str_radix(it, 16).ok());
                bytes.push(byte.unwrap_or(b'='));
                if byte.is_some() {
                    rest = more;
                }
            }
            (other, _) => bytes.push(*other),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_read_as_a_person_reads_it() {
        let folded = "From: a\r\nSubject: Your\r\n visit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
        let raw = format!("{folded}caf=C3=A9 http://x/i/a=\r\nbc=3Dd\r\n");
        assert_eq!(text(&raw), "café http://x/i/abc=d\r\n");
        assert_eq!(header(&raw, "subject").as_deref(), Some("Your visit"));
        assert_eq!((count(&raw, "from"), count(&raw, "date")), (1, 0));
        assert_eq!(text("Content-Transfer-Encoding: base64\r\n\r\nwqFob2xh\r\nIQ==\r\n"), "¡hola!");
        assert_eq!(text("Subject: x\r\n\r\nplain = plain\r\n"), "plain = plain\r\n");
    }
}
