//! From the parameter to the text: decoding, IV, AES-CBC, padding. A length that no honest link has is refused before
//! anything is decrypted, since everybody can see it; what only the key shows is carried along instead of answered.

use aws_lc_rs::cipher::DecryptionContext;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess};
use zeroize::Zeroizing;

use super::{ContextLinks, Fault};
use crate::config::{Encoding, IvRule, Padding};

/// AES's.
pub(super) const BLOCK: usize = 16;

/// Longer than any record.
const LONGEST: usize = 4 * 1024;

/// Portals leave `=` out or write it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A decrypted link, perhaps noise.
pub(super) struct Plain {
    bytes: Zeroizing<Vec<u8>>,
    length: usize,
    /// Whether it was padded as it should be.
    pub(super) whole: Choice,
}

impl Plain {
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

pub(super) fn open<'a>(
    links: &ContextLinks,
    sealed: &str,
    parameter: impl Fn(&str) -> Option<&'a str>,
) -> Result<Plain, Fault> {
    let rules = &links.rules;
    let mut bytes = Zeroizing::new(decode(rules.encoding, sealed).ok_or(Fault::Altered)?);
    let iv = match (&links.iv, &rules.iv) {
        (Some(iv), _) => *iv,
        (None, IvRule::Parameter { name }) => {
            let given = parameter(name).and_then(|it| decode(rules.encoding, it));
            given.and_then(|it| it.try_into().ok()).ok_or(Fault::Altered)?
        }
        (None, _) if bytes.len() > BLOCK => {
            let iv: Vec<u8> = bytes.drain(..BLOCK).collect();
            iv.try_into().map_err(|_| Fault::Altered)?
        }
        (None, _) => return Err(Fault::Altered),
    };
    let context = DecryptionContext::Iv128(FixedLength::from(iv));
    links.cipher.decrypt(&mut bytes, context).map_err(|_| Fault::Altered)?;
    let (length, whole) = match rules.padding {
        Padding::Pkcs7 => pkcs7(&bytes),
        Padding::Zero => (bytes.iter().rposition(|it| *it != 0).map_or(0, |at| at + 1), Choice::from(1)),
    };
    Ok(Plain { bytes, length, whole })
}

/// Whole blocks, however they are written.
fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    if text.len() > 2 * LONGEST {
        return None;
    }
    let blocks = |bytes: &Vec<u8>| !bytes.is_empty() && bytes.len().is_multiple_of(BLOCK) && bytes.len() <= LONGEST;
    match encoding {
        Encoding::Hex => hex::decode(text.trim()).ok().filter(blocks),
        Encoding::Base64 => {
            // A `+` has become a space on its way, as in any form; or the space is one, before or behind.
            let standard = |text: &str| text.replace([' ', '-'], "+").replace('_', "/");
            let either = [standard(text), standard(text.trim())];
            either.iter().find_map(|it| LENIENT.decode(it).ok().filter(blocks))
        }
    }
}

/// The length without padding, and whether there was any: in the same steps whatever the bytes are.
fn pkcs7(bytes: &[u8]) -> (usize, Choice) {
    let last = bytes[bytes.len() - 1];
    let mut whole = last.ct_gt(&0) & last.ct_lt(&17);
    for (n, byte) in (0_u8..16).zip(bytes.iter().rev()) {
        let is_text = !n.ct_lt(&last);
        whole &= is_text | byte.ct_eq(&last);
    }
    let padding = u8::conditional_select(&0, &last, whole);
    (bytes.len() - usize::from(padding), whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_padding_comes_off() {
        let block = |tail: &[u8]| [&b"aaaaaaaaaaaaaaaa"[..16 - tail.len()], tail].concat();
        for (tail, wanted) in [
            (&[1_u8][..], Some(15)),
            (&[3, 3, 3], Some(13)),
            (&[16; 16], Some(0)),
            (&[2], None),
            (&[1, 3, 3], None),
            (&[0], None),
            (&[17; 16], None),
            (&[255], None),
            (b"a", None),
        ] {
            let (length, whole) = pkcs7(&block(tail));
            assert_eq!(bool::from(whole).then_some(length), wanted, "{tail:?}");
            assert!(bool::from(whole) || length == 16, "{tail:?}");
        }
    }

    #[test]
    fn a_link_may_be_written_as_forms_write_it() {
        let wanted = Some([0xfb_u8, 0xff, 0xfe, 0xff].repeat(4));
        let standard = "+//+//v//v/7//7/+//+/w==";
        for text in [
            standard.to_owned(),
            standard.trim_end_matches('=').to_owned(),
            standard.replace('+', " "),
            standard.replace('+', "-").replace('/', "_"),
            format!(" {standard}"),
            format!("  {standard} "),
        ] {
            assert_eq!(decode(Encoding::Base64, &text), wanted, "{text:?}");
        }
        let hex = "fbfffeff".repeat(4);
        for text in [hex.clone(), hex.to_uppercase(), format!(" {hex}")] {
            assert_eq!(decode(Encoding::Hex, &text), wanted, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_whole_block_or_too_long_is_not_decrypted() {
        for bad in ["%", "a", "YQ==", "+//+//v//v/7//7/+//+/w==+//+", &"A".repeat(10_000)] {
            assert_eq!(decode(Encoding::Base64, bad), None, "{bad:.20}");
        }
        for bad in ["00".repeat(15), "0".repeat(31), "0x".to_owned() + &"0".repeat(30), "0".repeat(2 * LONGEST + 32)] {
            assert_eq!(decode(Encoding::Hex, &bad), None, "{bad:.20}");
        }
    }
}
