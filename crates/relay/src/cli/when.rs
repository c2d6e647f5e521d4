//! A time on the command line: exact, a day, or so long ago.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use roomed_relay::clock::{Clock, SystemClock};

/// Reads `2027-01-15T12:00:00Z`, `2027-01-15` (its beginning, UTC) or `90m`, `36h` (ago).
pub(super) fn read(text: &str) -> Result<Timestamp, String> {
    at(text, SystemClock.now())
}

fn at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<Date>()
        && let Ok(begins) = day.to_zoned(TimeZone::UTC)
    {
        return Ok(begins.timestamp());
    }
    let ago = text.parse::<SignedDuration>().ok().and_then(|ago| now.checked_sub(ago.abs()).ok());
    ago.ok_or_else(|| "write 2027-01-15T12:00:00Z, 2027-01-15 (from midnight, UTC), or 90m or 36h (ago)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_a_day_or_so_long_ago() {
        let now: Timestamp = "2027-01-15T12:00:00Z".parse().expect("a time");
        let read = |text| at(text, now).map(|it| it.to_string());
        assert_eq!(read("2027-01-14T08:30:00+01:00").as_deref(), Ok("2027-01-14T07:30:00Z"));
        assert_eq!(read("2027-01-14").as_deref(), Ok("2027-01-14T00:00:00Z"));
        assert_eq!(read("90m").as_deref(), Ok("2027-01-15T10:30:00Z"));
        assert_eq!(read("36h").as_deref(), Ok("2027-01-14T00:00:00Z"));
        assert!(read("yesterday").is_err());
    }
}
