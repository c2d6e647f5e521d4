//! What comes after DATA: lines up to the lone dot, unstuffed (RFC 5321 4.5.2); why a letter is not acceptable.
//! It is read to its end in any case, so that the answer stands where the client looks for it.

use super::{LARGEST, letter};
use std::io;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// RFC 5321 4.5.3.1.6, with CRLF.
const LONGEST_LINE: usize = 1000;
/// Nobody who means well sends more after having been told the limit.
const GIVE_UP: usize = 16 * LARGEST;

/// The letter, or the refusal to send: code and text.
pub(super) type Outcome = Result<String, (u16, &'static str)>;

/// Reads a letter; `None` when the client has gone or will not end.
pub(super) async fn read<R: AsyncBufRead + Unpin>(from: &mut R, eight_bit: bool) -> io::Result<Option<Outcome>> {
    let (mut letter, mut wrong, mut seen) = (Vec::new(), None, 0);
    loop {
        let mut line = Vec::new();
        let read = (&mut *from).take(GIVE_UP as u64).read_until(b'\n', &mut line).await?;
        seen += read;
        if !line.ends_with(b"\n") || seen > GIVE_UP {
            return Ok(None);
        }
        if line == b".\r\n" {
            break;
        }
        let text = line.strip_prefix(b".").unwrap_or(&line);
        if !line.ends_with(b"\r\n") || line[..line.len() - 2].contains(&b'\r') {
            wrong.get_or_insert((550, "5.6.11 lines end with CR LF"));
        } else if line.len() > LONGEST_LINE {
            wrong.get_or_insert((554, "5.6.0 a line is longer than 998"));
        } else if !eight_bit && !line.is_ascii() {
            wrong.get_or_insert((554, "5.6.1 eight-bit text was not announced"));
        }
        if letter.len() + text.len() > LARGEST {
            wrong = Some((552, "5.3.4 the letter is too large"));
        } else {
            letter.extend_from_slice(text);
        }
    }
    if let Some(wrong) = wrong {
        return Ok(Some(Err(wrong)));
    }
    let Ok(letter) = String::from_utf8(letter) else { return Ok(Some(Err((554, "5.6.1 the text is not UTF-8")))) };
    // RFC 5322 3.6: these two are obligatory, once.
    if ["From", "Date"].iter().any(|it| letter::count(&letter, it) != 1) {
        return Ok(Some(Err((554, "5.6.0 a letter has one From and one Date"))));
    }
    Ok(Some(Ok(letter)))
}
