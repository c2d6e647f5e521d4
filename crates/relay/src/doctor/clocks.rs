//! Whether this machine's clock and a server's agree: tokens are good for minutes, and what is signed in the other's future is
//! refused.

use jiff::SignedDuration;

use super::ask::{Answer, Silence};
use super::code::FindingCode as C;
use super::finding::Measured;

/// More than what one request takes and clocks usually differ by.
const MOST: SignedDuration = SignedDuration::from_secs(60);

/// Compares by an answer's `Date`.
pub(super) fn measured(asked: Option<&Result<Answer, Silence>>) -> Measured {
    match asked {
        Some(Ok(Answer { ahead: Some(ahead), .. })) => judge(*ahead),
        Some(Ok(_)) => Measured::new(C::ClockUnknown, "no Date in the answer"),
        Some(Err(_)) | None => Measured::new(C::NotAsked, "there was no answer"),
    }
}

fn judge(ahead: SignedDuration) -> Measured {
    let seconds = ahead.as_secs();
    let text = match seconds {
        0 => "no difference".to_owned(),
        1.. => format!("the server is {seconds} s ahead"),
        _ => format!("the server is {} s behind", seconds.unsigned_abs()),
    };
    Measured::new(if ahead.abs() > MOST { C::ClockOff } else { C::ClockFine }, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_a_minute_apart_is_wrong_both_ways() {
        let judge = |seconds| judge(SignedDuration::from_secs(seconds));
        assert_eq!(judge(60).code, C::ClockFine);
        assert_eq!(judge(-60).code, C::ClockFine);
        assert_eq!(judge(61), Measured::new(C::ClockOff, "the server is 61 s ahead"));
        assert_eq!(judge(-61), Measured::new(C::ClockOff, "the server is 61 s behind"));
        assert_eq!(measured(None).code, C::NotAsked);
    }
}
